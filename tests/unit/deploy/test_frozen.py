# ruff: noqa: N803  the parameters are named as AWS names them
"""What `tc freeze` writes, and who is told what of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from composing import Directory
from deploying import create, delete, plan, settled
from fake_aws import FakeAws
from fake_services import refuse

from tc.compose.compose import compose
from tc.deploy.frozen import (
    Freeze,
    freeze,
    frozen,
    owner_of_arn,
    tag_functions,
    tells,
    unfreeze,
)
from tc.errors import AwsError, TcError
from tc.spec.finding import Address
from tc.spec.scope import FROZEN_TAG, Scope
from tc.spec.spec import Spec

SCOPE = Scope("etl", "stable", account="111122223333", region="eu-west-1", updated_by="ana")
ALONE = [compose(Spec("etl", Path(), Address(Path("topology.yml"))), SCOPE).topology]
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

    assert [one.owner for one in unfreeze(aws, ALONE)] == ["etl@stable"]
    assert aws.parameters == {}
    assert unfreeze(aws, ALONE) == []


def test_a_foreign_parameter_freezes_too_and_is_left_alone() -> None:
    aws = Parameters()
    aws.parameters[NAME] = ("true", {"tc:functor": "etl@bob"})

    found = frozen(aws, [SCOPE])[0]
    assert found == Freeze("etl@stable", NAME)
    assert found.text == f"etl@stable is frozen by the parameter {NAME}, which isn't tc's"
    with pytest.raises(TcError) as refused:
        unfreeze(aws, ALONE)
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


@pytest.fixture
def two(directory: Directory) -> Directory:
    return directory.write("name: etl\nqueues: { jobs: {} }\n", "one two")


def says(aws: FakeAws) -> dict[str, bool]:
    return {name: FROZEN_TAG in one["tags"] for name, one in aws.functions.items()}


def test_every_function_says_that_it_is_frozen(two: Directory) -> None:
    aws, topology = Parameters(), two.topology(sandbox="stable")
    create(aws, topology)
    (two.root / "one" / "handler.py").rename(two.root / "handler")
    less = two.topology(sandbox="stable")
    (two.root / "handler").rename(two.root / "one" / "handler.py")

    for _ in range(2):
        tag_functions(aws, [less], on=True)
        assert says(aws) == {"etl_one_stable": True, "etl_two_stable": True}
    assert aws.names()["lambda.tag_resource"] == 2
    settled(aws, topology)
    assert unfreeze(aws, [less]) == []
    assert says(aws) == {"etl_one_stable": False, "etl_two_stable": False}
    settled(aws, topology)


def test_the_tags_go_before_the_parameter(two: Directory) -> None:
    aws, topology = Parameters(), two.topology(sandbox="stable")
    create(aws, topology)
    freeze(aws, [topology.scope], "", NOW)
    tag_functions(aws, [topology], on=True)
    aws.hook = lambda name, _: refuse("Denied", "no") if name == "lambda.untag_resource" else None

    with pytest.raises(AwsError):
        unfreeze(aws, [topology])
    assert NAME in aws.parameters
    aws.hook = lambda name, _: None
    assert len(unfreeze(aws, [topology])) == 1
    assert aws.parameters == {}
    assert not any(says(aws).values())


def test_a_function_of_somebody_else_is_left_alone(two: Directory) -> None:
    aws, topology = Parameters(), two.topology(sandbox="stable")
    create(aws, topology)
    aws.functions["etl_one_stable"]["tags"]["tc:functor"] = "other@stable"

    tag_functions(aws, [topology], on=True)
    assert says(aws) == {"etl_one_stable": False, "etl_two_stable": True}


def test_new_code_alone_is_told_of_by_the_tags(two: Directory) -> None:
    aws, topology = Parameters(), two.topology(sandbox="bob")
    create(aws, topology)
    (two.root / "one" / "handler.py").write_text("new = True")
    topology = two.topology(sandbox="bob")
    assert tells(plan(aws, topology).plan)
    tag_functions(aws, [topology], on=True)
    assert not tells(plan(aws, topology).plan)
    assert create(aws, topology).ok
    assert says(aws)["etl_one_bob"]


@pytest.mark.parametrize(
    "text",
    ["queues: { jobs: { visibility: 99 } }", "functions: { one: { runtime: { memory: 512 } } }"],
)
def test_what_else_changes_is_told_of_by_the_parameter(two: Directory, text: str) -> None:
    aws = Parameters()
    create(aws, two.topology(sandbox="bob"))
    two.write(f"name: etl\n{text}\n", files={"one/handler.py": "new = True"})
    assert not tells(plan(aws, two.topology(sandbox="bob")).plan)


def test_what_is_made_or_goes_is_told_of_by_the_parameter(two: Directory) -> None:
    aws, topology = Parameters(), two.topology(sandbox="bob")
    assert not tells(plan(aws, topology, "one").plan)
    create(aws, topology)
    (two.root / "one" / "handler.py").unlink()
    assert not tells(plan(aws, two.topology(sandbox="bob"), "functions").plan)
    assert delete(aws, topology).ok
