"""The alias `live`: published on a change, called by everything, gone when not needed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from composing import HANDLER, Directory
from deploying import artifact, create, delete, failures, packages, plan, settled, work
from fake_aws import FakeAws

from tc.deploy.pipeline import carry_out, prepare
from tc.events import silent

LIVE = "arn:aws:lambda:eu-west-1:111122223333:function:etl_one_bob:live"
EVERYTHING: dict[str, Any] = {
    "routes": {"/a": {"function": "one"}},
    "events": {"E": {"function": "one"}},
    "flow": {
        "StartAt": "s",
        "States": {
            "s": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "{{namespace}}_one_{{sandbox}}"},
                "Next": "t",
            },
            "t": {
                "Type": "Task",
                "Resource": "arn:aws:lambda:eu-west-1:111122223333:function:etl_one_bob",
                "Next": "u",
            },
            "u": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "{{namespace}}_two_{{sandbox}}"},
                "End": True,
            },
        },
    },
}


def write(directory: Directory, runtime: dict[str, Any], **more: Any) -> Directory:
    topology = {"name": "etl", "functions": {"one": {"runtime": runtime}}, **more}
    return directory.write(json.dumps(topology), "one two")


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def alias(aws: FakeAws) -> dict[str, Any]:
    found: dict[str, Any] = aws.functions["etl_one_bob"]["aliases"]["live"]
    return found


PROVISIONED = {"provisioned_concurrency": 2}
KINDS = [PROVISIONED, {"snapstart": True}]


@pytest.mark.parametrize("runtime", KINDS)
def test_everything_calls_the_alias(
    directory: Directory, aws: FakeAws, runtime: dict[str, Any]
) -> None:
    topology = write(directory, runtime, **EVERYTHING).topology()
    assert failures(create(aws, topology)) == []
    assert alias(aws)["FunctionVersion"] == "1"
    function = aws.functions["etl_one_bob"]
    assert function["policy"] == {}
    assert len(alias(aws)["policy"]) == 2
    assert all(sid.endswith("-live") for sid in alias(aws)["policy"])
    told = repr([aws.rules, aws.http_apis, aws.machines])
    assert told.count("etl_one_bob:live") >= 4
    assert re.findall(r"etl_one_bob[\\\"'/]", told) == []
    assert "etl_two_bob:live" not in told
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_the_role_of_a_flow_may_call_the_alias(directory: Directory) -> None:
    topology = write(directory, PROVISIONED, **EVERYTHING).topology()
    (role,) = [role for role in topology.roles if role.entity[0] == "flow"]
    granted = [resource for statement in role.statements for resource in statement.resources]
    assert LIVE in granted or LIVE.replace(":live", ":*") in granted


def test_a_version_is_published_when_something_changed_and_two_are_kept(
    directory: Directory, aws: FakeAws
) -> None:
    create(aws, write(directory, PROVISIONED).topology())
    for memory in (256, 512, 1024):
        topology = write(directory, {**PROVISIONED, "memory": memory}).topology()
        assert work(plan(aws, topology)) == [
            "+ version etl_one_bob",
            "~ alias etl_one_bob:live: version",
            "~ function etl_one_bob: memory_mb",
        ]
        aws.forget()
        assert create(aws, topology, "functions/vars").ok
        assert aws.writes()[:3] == [
            "lambda.update_function_configuration",
            "lambda.publish_version",
            "lambda.update_alias",
        ]
        settled(aws, topology)
    assert alias(aws)["FunctionVersion"] == "4"
    assert sorted(aws.functions["etl_one_bob"]["versions"]) == ["3", "4"]
    directory.write(
        (directory.root / "topology.yml").read_text(), files={"one/handler.py": f"{HANDLER}\n"}
    )
    aws.forget()
    assert create(aws, directory.topology(), "one").ok
    assert aws.writes() == [
        "lambda.update_function_code",
        "lambda.publish_version",
        "lambda.update_alias",
        "lambda.delete_function",
    ]
    settled(aws, directory.topology())


def test_a_version_is_published_when_the_change_is_in_force_and_called_when_it_is_ready(
    directory: Directory, aws: FakeAws
) -> None:
    create(aws, write(directory, {"snapstart": True}).topology())
    aws.forget()
    assert create(aws, write(directory, {"snapstart": True, "memory": 256}).topology()).ok
    done = [(name, given.get("FunctionName")) for name, given in aws.calls]
    changed = done.index(("lambda.update_function_configuration", "etl_one_bob"))
    assert done[changed + 1 : changed + 5] == [
        ("lambda.get_function", "etl_one_bob"),
        ("lambda.publish_version", "etl_one_bob"),
        ("lambda.get_function", "etl_one_bob:2"),
        ("lambda.update_alias", "etl_one_bob"),
    ]


def test_tags_and_concurrency_publish_nothing(directory: Directory, aws: FakeAws) -> None:
    create(aws, write(directory, PROVISIONED).topology())
    more = {"provisioned_concurrency": 3, "reserved_concurrency": 9}
    topology = write(directory, more).topology()
    aws.forget()
    assert create(aws, topology, "concurrency").ok
    assert aws.writes() == [
        "lambda.put_function_concurrency",
        "lambda.put_provisioned_concurrency_config",
    ]
    assert alias(aws)["provisioned"] == 3
    settled(aws, topology)


@pytest.mark.parametrize("provisioned", [0, 1])
def test_both_concurrencies_come_down_together(
    directory: Directory, aws: FakeAws, provisioned: int
) -> None:
    create(
        aws,
        write(directory, {"provisioned_concurrency": 5, "reserved_concurrency": 9}).topology(),
    )
    less = {"provisioned_concurrency": provisioned, "reserved_concurrency": 2}
    topology = write(directory, less).topology()
    assert failures(create(aws, topology)) == []
    assert aws.functions["etl_one_bob"]["reserved"] == 2
    settled(aws, topology)


def test_an_interrupted_publication_is_made_up_for(directory: Directory, aws: FakeAws) -> None:
    create(aws, write(directory, PROVISIONED).topology())
    topology = write(directory, {**PROVISIONED, "memory": 256}).topology()
    aws.hook = lambda name, _: KeyError("gone") if name == "lambda.publish_version" else None
    with pytest.raises(KeyError):
        create(aws, topology)
    aws.hook = lambda name, _: None
    assert work(plan(aws, topology)) == [
        "+ version etl_one_bob",
        "~ alias etl_one_bob:live: version",
    ]
    assert create(aws, topology).ok
    settled(aws, topology)


def test_somebody_moved_the_alias(directory: Directory, aws: FakeAws) -> None:
    create(aws, write(directory, PROVISIONED).topology())
    topology = write(directory, {**PROVISIONED, "memory": 256}).topology()
    create(aws, topology)
    alias(aws)["FunctionVersion"] = "1"
    assert work(plan(aws, topology)) == ["~ alias etl_one_bob:live: version"]
    create(aws, topology)
    assert alias(aws)["FunctionVersion"] == "2"
    alias(aws)["provisioned"] = 7
    assert work(plan(aws, topology)) == ["~ alias etl_one_bob:live: provisioned_concurrency"]


def test_it_goes_with_what_it_was_for(directory: Directory, aws: FakeAws) -> None:
    create(aws, write(directory, PROVISIONED, **EVERYTHING).topology())
    topology = write(directory, {}, **EVERYTHING).topology()
    assert failures(create(aws, topology)) == []
    function = aws.functions["etl_one_bob"]
    assert function["aliases"] == {}
    assert function["versions"] == {}
    assert len(function["policy"]) == 2
    assert "tc:alias" not in function["tags"]
    settled(aws, topology)
    again = write(directory, {"snapstart": True}, **EVERYTHING).topology()
    assert failures(create(aws, again)) == []
    assert function["policy"] == {}
    settled(aws, again)


def test_it_stays_while_what_calls_it_is_not_selected(directory: Directory, aws: FakeAws) -> None:
    create(aws, write(directory, PROVISIONED, **EVERYTHING).topology())
    topology = write(directory, {}, **EVERYTHING).topology()
    assert create(aws, topology, "functions").ok
    assert alias(aws)["FunctionVersion"] == "1"
    assert create(aws, topology).ok
    assert aws.functions["etl_one_bob"]["aliases"] == {}
    settled(aws, topology)


def test_it_is_found_alone_and_without_its_tag(directory: Directory, aws: FakeAws) -> None:
    topology = write(directory, PROVISIONED).topology()
    create(aws, topology)
    del aws.functions["etl_one_bob"]["tags"]["tc:alias"]
    settled(aws, topology)
    alias(aws)["provisioned"] = 7
    aws.forget()
    assert create(aws, topology, "aliases").ok
    assert aws.writes() == ["lambda.put_provisioned_concurrency_config"]


def test_deleted_alone_the_function_takes_it_along(directory: Directory, aws: FakeAws) -> None:
    topology = write(directory, PROVISIONED).topology()
    create(aws, topology)
    assert delete(aws, topology, "functions/one").ok
    assert list(aws.functions) == ["etl_two_bob"]
    assert failures(create(aws, topology)) == []
    settled(aws, topology)


def test_a_route_that_goes_takes_its_permission_from_the_alias(
    directory: Directory, aws: FakeAws
) -> None:
    create(aws, write(directory, PROVISIONED, **EVERYTHING).topology())
    less = {key: value for key, value in EVERYTHING.items() if key == "flow"}
    topology = write(directory, PROVISIONED, **less).topology()
    assert "- permission etl_one_bob:live for event E" in work(plan(aws, topology))
    assert failures(create(aws, topology)) == []
    assert alias(aws)["policy"] == {}
    settled(aws, topology)


def test_a_large_package_s_version_is_known_by_the_function_s_tag(
    directory: Directory, aws: FakeAws
) -> None:
    topology = write(directory, PROVISIONED).topology()

    def large(functions: Any) -> Any:
        return {name: artifact(name, stored=False) for name in packages(functions)}

    assert carry_out(prepare(topology, aws, large, silent), aws, silent).ok
    left = prepare(topology, aws, large, silent)
    assert work(left) == []


def test_the_reads_of_a_no_op_stay_few(directory: Directory, aws: FakeAws) -> None:
    topology = write(directory, PROVISIONED, **EVERYTHING).topology()
    create(aws, topology)
    settled(aws, topology)
    names = aws.names()
    assert names["lambda.get_function"] == 2
    assert names["lambda.get_alias"] == 1
    assert names["lambda.list_versions_by_function"] == 1
    assert names["lambda.get_provisioned_concurrency_config"] == 1
    assert names["lambda.get_policy"] == 3
