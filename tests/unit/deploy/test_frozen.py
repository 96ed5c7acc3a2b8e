# ruff: noqa: N803  the parameters are named as AWS names them
"""What `tc freeze` writes, and who is told what of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from fake_aws import FakeAws
from fake_services import refuse

from tc.deploy.frozen import Freeze, freeze, frozen, owner_of_arn, unfreeze
from tc.errors import AwsError, TcError
from tc.spec.scope import Scope

SCOPE = Scope("etl", "stable", account="111122223333", region="eu-west-1", updated_by="ana")
NOW = datetime(2026, 11, 21, 21, 50, tzinfo=UTC)
NAME = "/tc/etl/stable/frozen"


class Parameters(FakeAws):
    """An account with parameters: name -> value and tags."""

    def __init__(self) -> None:
        super().__init__()
        self.parameters: dict[str, tuple[str, dict[str, str]]] = {}

    def ssm_get_parameters(self, Names: list[str]) -> Any:
        assert 0 < len(Names) <= 10
        found = [n for n in Names if n in self.parameters]
        values = [{"Name": n, "Value": self.parameters[n][0]} for n in found]
        return {"Parameters": values, "InvalidParameters": [n for n in Names if n not in found]}

    def ssm_put_parameter(
        self, Name: str, Value: str, Type: str, Description: str, Tags: list[dict[str, str]]
    ) -> Any:
        assert Type == "String"
        assert len(Description) <= 1024
        if Name in self.parameters:
            raise refuse("ParameterAlreadyExists", Name)
        self.parameters[Name] = (Value, {tag["Key"]: tag["Value"] for tag in Tags})
        return {"Version": 1}

    def ssm_list_tags_for_resource(self, ResourceType: str, ResourceId: str) -> Any:
        assert ResourceType == "Parameter"
        tags = self.parameters[ResourceId][1]
        return {"TagList": [{"Key": k, "Value": v} for k, v in tags.items()]}

    def ssm_delete_parameter(self, Name: str) -> Any:
        del self.parameters[Name]
        return {}


def test_who_froze_it_when_and_why_is_told() -> None:
    aws = Parameters()

    made = freeze(aws, [SCOPE], "quarter end", NOW)

    assert made == frozen(aws, [SCOPE])
    assert made[0].text == "etl@stable is frozen by ana since 2026-11-21 21:50 UTC: quarter end"
    value, tags = aws.parameters[NAME]
    assert json.loads(value) == {"by": "ana", "at": "2026-11-21T21:50:00Z", "reason": "quarter end"}
    assert tags["tc:functor"] == "etl@stable"


def test_a_second_freeze_leaves_the_first_as_it_is() -> None:
    aws = Parameters()
    first = freeze(aws, [SCOPE], "quarter end", NOW)

    assert freeze(aws, [SCOPE], "mine", NOW) == first


def test_a_lost_answer_is_no_dead_end() -> None:
    aws = Parameters()
    lost = iter([refuse("ParameterAlreadyExists", NAME)])
    aws.after = lambda operation, given: (
        next(lost, None) if operation == "ssm.put_parameter" else None
    )

    assert freeze(aws, [SCOPE], "", NOW)[0].by == "ana"


def test_what_is_unfrozen_leaves_nothing() -> None:
    aws = Parameters()
    freeze(aws, [SCOPE], "", NOW)

    assert [one.owner for one in unfreeze(aws, [SCOPE])] == ["etl@stable"]
    assert aws.parameters == {}
    assert unfreeze(aws, [SCOPE]) == []


def test_a_foreign_parameter_freezes_too_and_is_left_alone() -> None:
    aws = Parameters()
    aws.parameters[NAME] = ("true", {"tc:functor": "etl@bob"})

    found = frozen(aws, [SCOPE])[0]
    assert found == Freeze("etl@stable", NAME)
    assert found.text == f"etl@stable is frozen by the parameter {NAME}, which isn't tc's"
    with pytest.raises(TcError) as refused:
        unfreeze(aws, [SCOPE])
    assert refused.value.code == "not-owned"
    assert NAME in aws.parameters


@pytest.mark.parametrize("value", ["", "[1]", "null", '{"by": 7}', "{"])
def test_whatever_stands_there_is_read(value: str) -> None:
    aws = Parameters()
    aws.parameters[NAME] = (value, {})

    assert "etl@stable is frozen by" in frozen(aws, [SCOPE])[0].text


def test_many_topologies_are_asked_for_ten_at_once() -> None:
    aws = Parameters()
    scopes = [Scope(f"n{number}", "stable") for number in range(11)]

    assert frozen(aws, scopes) == []
    assert aws.names() == {"ssm.get_parameters": 2}


def test_what_aws_refuses_is_told() -> None:
    aws = Parameters()
    aws.hook = lambda operation, given: refuse("AccessDeniedException", "no")

    with pytest.raises(AwsError):
        frozen(aws, [SCOPE])


def test_the_arn_of_a_freeze_tells_whose_it_is() -> None:
    arn = f"arn:aws:ssm:eu-west-1:111122223333:parameter{NAME}"

    assert owner_of_arn(arn) == "etl@stable"
    assert owner_of_arn(arn.replace("/frozen", "/frozen/more")) == ""
    assert owner_of_arn("arn:aws:lambda:eu-west-1:1:function:frozen") == ""
