"""The publisher of an access point: made once, right, and no wider than it must be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_files import FakeFiles
from fake_store import refuse

from tc.config import Roles
from tc.errors import AwsError, TcError
from tc.publish import publisher_function
from tc.publish.publisher_function import Place, ensure_publisher, invoked

POINT = "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0"
NAME = "tc-publisher-fsap-0123456789abcdef0"
PLACE = Place(POINT, "/mnt/assets", ("subnet-2", "subnet-1"), ("sg-1",))


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeFiles:
    return FakeFiles(tmp_path, monkeypatch)


def test_it_is_made_once_and_then_only_read(aws: FakeFiles) -> None:
    assert ensure_publisher(aws, PLACE, "bucket", Roles()) == NAME
    live = aws.live[NAME]
    assert live["VpcConfig"] == {
        "SubnetIds": ["subnet-1", "subnet-2"],
        "SecurityGroupIds": ["sg-1"],
    }
    assert live["FileSystemConfigs"] == [{"Arn": POINT, "LocalMountPath": "/mnt/assets"}]
    assert live["Tags"] == {"deployer": "tc", "tc:publisher": "fsap-0123456789abcdef0"}
    assert aws.groups == {f"/aws/lambda/{NAME}": 14}
    # AWS tells them in an order of its own
    live["VpcConfig"]["SubnetIds"].reverse()
    aws.calls.clear()
    ensure_publisher(aws, PLACE, "bucket", Roles())
    assert aws.calls == ["lambda.get_function"]


def test_one_that_another_run_is_making_is_waited_for(aws: FakeFiles) -> None:
    ensure_publisher(aws, PLACE, "bucket", Roles())
    aws.live[NAME]["State"] = "Pending"
    waited: list[str] = []

    def wait(what: str, probe: Callable[[], str], /, **_: Any) -> None:
        waited.append(probe())
        aws.live[NAME]["State"] = "Active"

    aws.wait = wait  # type: ignore[method-assign]
    ensure_publisher(aws, PLACE, "bucket", Roles())
    assert waited == ["Pending"]


def test_its_role_reads_its_own_prefix_and_mounts_through_its_own_access_point(
    aws: FakeFiles,
) -> None:
    roles = Roles(boundary="arn:aws:iam::{{account}}:policy/limit", path_prefix="/team")
    ensure_publisher(aws, PLACE, "bucket", roles)
    ((name, role),) = aws.roles.items()
    assert role["Path"] == "/team/tc-publisher/"
    assert role["PermissionsBoundary"] == "arn:aws:iam::111122223333:policy/limit"
    assert aws.live[NAME]["Role"] == f"arn:aws:iam::111122223333:role{role['Path']}{name}"
    granted = {
        action: (one["Resource"], one.get("Condition"))
        for one in aws.policies[name]["Statement"]
        for action in one["Action"]
    }
    assert granted["s3:GetObject"] == (
        [
            "arn:aws:s3:::bucket/assets/fsap-0123456789abcdef0/*",
            "arn:aws:s3:::bucket/transit/fsap-0123456789abcdef0/*",
        ],
        None,
    )
    condition = {"StringEquals": {"elasticfilesystem:AccessPointArn": POINT}}
    assert granted["elasticfilesystem:ClientWrite"][1] == condition
    assert {action.partition(":")[0] for action in granted} == {
        "logs",
        "s3",
        "elasticfilesystem",
        "ec2",
    }
    everything = [action for action, (resource, _) in granted.items() if resource == "*"]
    assert all(action.startswith("ec2:Describe") for action in everything)


def test_it_is_brought_up_to_date(aws: FakeFiles) -> None:
    ensure_publisher(aws, PLACE, "bucket", Roles())
    good = aws.live[NAME]["CodeSha256"]
    aws.live[NAME]["CodeSha256"] = "of an older tc"
    aws.calls.clear()
    ensure_publisher(aws, PLACE, "bucket", Roles())
    assert aws.live[NAME]["CodeSha256"] == good
    assert "lambda.update_function_configuration" not in aws.calls
    # it isn't called before the new code is in force
    assert aws.calls[-2:] == ["lambda.update_function_code", "lambda.get_function"]

    ensure_publisher(aws, PLACE, "another-bucket", Roles())
    (policy,) = aws.policies.values()
    assert "another-bucket" in str(policy)
    assert " another-bucket " in aws.live[NAME]["Description"]


def test_one_that_could_not_be_connected_is_tried_again(aws: FakeFiles) -> None:
    ensure_publisher(aws, PLACE, "bucket", Roles())
    reason = "there is no mount target in eu-west-1a"
    aws.live[NAME] |= {"State": "Failed", "StateReason": reason}
    with pytest.raises(TcError, match=reason):
        ensure_publisher(aws, PLACE, "bucket", Roles())

    def mended(name: str, given: dict[str, object]) -> None:
        if name == "lambda.update_function_configuration":
            aws.live[NAME]["State"] = "Active"

    aws.after = mended  # type: ignore[assignment]
    aws.live[NAME]["CodeSha256"] = "of an older tc"
    ensure_publisher(aws, PLACE, "bucket", Roles())
    assert aws.live[NAME]["CodeSha256"] != "of an older tc"


def test_one_that_another_run_makes_at_the_same_time_is_taken(aws: FakeFiles) -> None:
    ensure_publisher(aws, PLACE, "bucket", Roles())
    live, seen = dict(aws.live), []

    def late(name: str, given: dict[str, object]) -> None:
        if name == "lambda.get_function" and not seen:
            seen.append(aws.live.clear())
        if name == "lambda.create_function":
            aws.live.update(live)

    aws.hook = late  # type: ignore[assignment]
    assert ensure_publisher(aws, PLACE, "bucket", Roles()) == NAME


def test_somebody_else_s_function_or_role_of_that_name_is_left_alone(aws: FakeFiles) -> None:
    aws.live[NAME] = {"Tags": {}, "CodeSha256": "theirs"}
    with pytest.raises(TcError, match="isn't tc's") as raised:
        ensure_publisher(aws, PLACE, "bucket", Roles())
    assert raised.value.code == "not-owned"
    assert aws.writes() == []

    aws.live.clear()
    aws.roles[f"{NAME}-eu-west-1"] = {"Path": "/", "Tags": []}
    with pytest.raises(TcError, match="isn't tc's"):
        ensure_publisher(aws, PLACE, "bucket", Roles())
    assert aws.policies == {}


def answering(aws: FakeFiles, *errors: str) -> None:
    """Lambda gives these errors first, then an answer; every wait looks again at once."""
    left = list(errors)

    def invoke(region: str, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803
        if left:
            raise refuse(left.pop(0), "Lambda's own words")
        return {"Payload": b"{}"}

    def wait(what: str, probe: Callable[[], str], /, **_: Any) -> None:
        while probe():
            pass

    aws.lambda_invoke = invoke  # type: ignore[method-assign]
    aws.wait = wait  # type: ignore[method-assign]


def test_one_that_was_idle_for_weeks_is_waited_for(aws: FakeFiles) -> None:
    ensure_publisher(aws, PLACE, "bucket", Roles())
    aws.live[NAME]["State"] = "Pending"
    answering(aws, "ResourceNotReadyException", "ENINotReadyException")
    assert invoked(aws, NAME, {}) == {"Payload": b"{}"}

    reason = "The subnets have no free addresses"
    aws.live[NAME] |= {"State": "Failed", "StateReason": reason}
    answering(aws, "ResourceNotReadyException")
    with pytest.raises(TcError, match=reason) as raised:
        invoked(aws, NAME, {})
    assert raised.value.code == "function-failed"


def test_a_call_whose_answer_was_lost_is_repeated(aws: FakeFiles) -> None:
    answering(aws, "ConnectionClosedError", "ConnectionClosedError")
    assert invoked(aws, NAME, {}) == {"Payload": b"{}"}
    answering(aws, "ENILimitReachedException")
    with pytest.raises(AwsError, match="own words"):
        invoked(aws, NAME, {})


def test_a_file_system_that_can_t_be_mounted_is_told_with_what_to_look_at(
    aws: FakeFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(aws, "EFSMountTimeoutException")
    with pytest.raises(TcError, match="own words") as raised:
        invoked(aws, NAME, {})
    assert raised.value.code == "file-system"
    assert "2049" in raised.value.hint
    # a role that was just made isn't known everywhere
    answering(aws, "EFSMountFailureException")
    assert invoked(aws, NAME, {}) == {"Payload": b"{}"}
    monkeypatch.setattr(publisher_function, "_SOON", 0.0)
    answering(aws, "EFSMountFailureException")
    with pytest.raises(TcError, match="own words") as raised:
        invoked(aws, NAME, {})
    assert raised.value.code == "file-system"
