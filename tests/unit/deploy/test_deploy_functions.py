"""Every setting of a function: made, found the same, changed alone, seen when it drifts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from composing import Directory
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws, role_policy

ACCESS_POINT = (
    "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0"
)
KEY = "arn:aws:kms:eu-west-1:111122223333:key/k1"
OTHER_KEY = "arn:aws:kms:eu-west-1:111122223333:key/k2"
LAYER = "arn:aws:lambda:eu-west-1:111122223333:layer:{}:1"
RUNTIME: dict[str, Any] = {
    "memory": 256,
    "timeout": 20,
    "environment": {"STAGE": "x"},
    "layers": [LAYER.format("deps")],
    "extensions": [LAYER.format("agent")],
    "ephemeral_storage": 1024,
    "tracing": True,
    "network": True,
    "fs": {"kind": "efs", "access_point": ACCESS_POINT},
    "kms_key": KEY,
    "reserved_concurrency": 5,
}
NETWORK = {"subnets": ["subnet-b", "subnet-a"], "security_groups": ["sg-1"]}
VARS: dict[str, Any] = {"default": {"network": NETWORK}}


def write(
    directory: Directory,
    runtime: dict[str, Any],
    variables: dict[str, Any] | None = None,
    **more: Any,
) -> Directory:
    topology = {"name": "etl", "functions": {"one": {"runtime": runtime}}, **more}
    files = {"infrastructure/tc/etl/vars/one.json": json.dumps(variables or {})}
    return directory.write(json.dumps(topology), "one two", files)


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def configuration(aws: FakeAws, name: str = "etl_one_bob") -> dict[str, Any]:
    found: dict[str, Any] = aws.functions[name]["configuration"]
    return found


def test_every_setting_reaches_lambda_and_is_found_the_same(
    directory: Directory, aws: FakeAws
) -> None:
    topology = write(directory, RUNTIME, VARS).topology()
    outcome = create(aws, topology)
    assert failures(outcome) == []
    live = configuration(aws)
    assert live["MemorySize"] == 256
    assert live["Timeout"] == 20
    assert live["Environment"]["Variables"]["STAGE"] == "x"
    assert live["Layers"] == [{"Arn": LAYER.format(name)} for name in ("deps", "agent")]
    assert live["EphemeralStorage"] == {"Size": 1024}
    assert live["TracingConfig"] == {"Mode": "Active"}
    assert live["VpcConfig"] == {
        "SubnetIds": ["subnet-a", "subnet-b"],
        "SecurityGroupIds": ["sg-1"],
    }
    assert live["FileSystemConfigs"] == [{"Arn": ACCESS_POINT, "LocalMountPath": "/mnt/assets"}]
    assert live["KMSKeyArn"] == KEY
    assert aws.functions["etl_one_bob"]["reserved"] == 5
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


CONFIGURE = ["lambda.update_function_configuration"]
EDITS: list[tuple[dict[str, Any], dict[str, Any], str, str, list[str]]] = [
    # keys of runtime, keys of vars, the plan's field, what -c means it, the calls
    ({"memory": 512}, {}, "memory_mb", "vars", CONFIGURE),
    ({"timeout": 21}, {}, "timeout_s", "functions/vars", CONFIGURE),
    ({"environment": {"STAGE": "y"}}, {}, "environment.STAGE", "vars", CONFIGURE),
    ({"layers": []}, {}, "layers", "layers", CONFIGURE),
    ({"extensions": []}, {}, "layers", "functions/layers", CONFIGURE),
    ({"ephemeral_storage": 2048}, {}, "storage_mb", "vars", CONFIGURE),
    ({"tracing": False}, {}, "tracing", "vars", CONFIGURE),
    ({}, {"network": {"subnets": ["subnet-a", "subnet-c"]}}, "vpc.subnets.1", "vars", CONFIGURE),
    ({}, {"network": {"security_groups": ["sg-2"]}}, "vpc.security_groups.0", "vars", CONFIGURE),
    ({"fs": {"access_point": ACCESS_POINT, "mount_point": "/mnt/x"}}, {},
     "file_systems.0.path", "vars", CONFIGURE),
    ({"mount_fs": False}, {}, "file_systems", "vars", CONFIGURE),
    ({"kms_key": OTHER_KEY}, {}, "kms_key", "vars", CONFIGURE),
    ({"kms_key": None}, {}, "kms_key", "vars", CONFIGURE),
    ({}, {"memory_size": 300}, "memory_mb", "vars", CONFIGURE),
    ({}, {"timeout": 30}, "timeout_s", "vars", CONFIGURE),
    ({}, {"reserved_concurrency": 0}, "reserved_concurrency", "concurrency",
     ["lambda.put_function_concurrency"]),
    ({"reserved_concurrency": None}, {}, "reserved_concurrency", "functions/concurrency",
     ["lambda.delete_function_concurrency"]),
    ({}, {"tags": {"team": "data"}}, "tags.team", "functions/tags", ["lambda.tag_resource"]),
    ({"arch": "arm64"}, {}, "arch", "one", ["lambda.update_function_code"]),
    ({"lang": "python3.12"}, {}, "runtime", "one", CONFIGURE),
]  # fmt: skip


@pytest.mark.parametrize(("runtime", "variables", "field", "component", "calls"), EDITS)
def test_one_edit_is_one_call(
    directory: Directory,
    aws: FakeAws,
    runtime: dict[str, Any],
    variables: dict[str, Any],
    field: str,
    component: str,
    calls: list[str],
) -> None:
    create(aws, write(directory, RUNTIME, VARS).topology())
    edited = write(directory, {**RUNTIME, **runtime}, {**VARS, "bob": variables}).topology()
    found = [line for line in work(plan(aws, edited)) if line.startswith("~ function ")]
    assert [line.partition(": ")[2].split(", ")[0] for line in found] == [field]
    aws.forget()
    assert create(aws, edited, component).ok
    assert aws.writes() == calls
    create(aws, edited)
    settled(aws, edited)


DRIFTS: list[tuple[Callable[[dict[str, Any]], object], str, str]] = [
    (lambda live: live.update(MemorySize=1), "memory_mb", "configuration"),
    (lambda live: live.update(Timeout=1), "timeout_s", "configuration"),
    (lambda live: live.update(Handler="x.y"), "handler", "configuration"),
    (lambda live: live.update(Description="mine"), "description", "configuration"),
    (lambda live: live["Environment"]["Variables"].update(X="1"), "environment.X", "configuration"),
    (lambda live: live.update(Layers=[]), "layers, layers", "configuration"),
    (lambda live: live.update(EphemeralStorage={"Size": 600}), "storage_mb", "configuration"),
    (lambda live: live.update(TracingConfig={"Mode": "PassThrough"}), "tracing", "configuration"),
    (lambda live: live.update(KMSKeyArn=OTHER_KEY), "kms_key", "configuration"),
    (lambda live: live.update(FileSystemConfigs=[]), "file_systems", "configuration"),
    (lambda live: live.update(VpcConfig={"SubnetIds": [], "SecurityGroupIds": []}),
     "vpc.subnets, vpc.subnets, vpc.security_groups", "configuration"),
    (lambda live: live.update(SnapStart={"ApplyOn": "PublishedVersions"}),
     "snapstart", "configuration"),
    (lambda live: live.update(CodeSha256="x"), "code", "code"),
    (lambda live: live.update(Architectures=["arm64"]), "arch", "code"),
]  # fmt: skip


@pytest.mark.parametrize(("drift", "fields", "call"), DRIFTS)
def test_what_somebody_changed_is_seen_and_mended_by_one_call(
    directory: Directory, aws: FakeAws, drift: Callable[[Any], object], fields: str, call: str
) -> None:
    topology = write(directory, RUNTIME, VARS).topology()
    create(aws, topology)
    drift(configuration(aws))
    assert {line.partition(": ")[2] for line in work(plan(aws, topology))} == {fields}
    aws.forget()
    assert create(aws, topology).ok
    assert aws.writes() == [f"lambda.update_function_{call}"]
    settled(aws, topology)


def test_settings_that_are_taken_out_go(directory: Directory, aws: FakeAws) -> None:
    create(aws, write(directory, RUNTIME, VARS).topology())
    bare = write(directory, {}).topology()
    assert create(aws, bare).ok
    live = configuration(aws)
    assert live["VpcConfig"] == {"SubnetIds": [], "SecurityGroupIds": []}
    assert live["FileSystemConfigs"] == []
    assert live["KMSKeyArn"] == ""
    assert aws.functions["etl_one_bob"]["reserved"] is None
    settled(aws, bare)


def test_an_aspect_changes_nothing_else(directory: Directory, aws: FakeAws) -> None:
    create(aws, write(directory, {"memory": 128}).topology())
    every = {"default": {"tags": {"team": "data"}, "reserved_concurrency": 3}}
    edited = write(directory, {"memory": 256, "layers": [LAYER.format("deps")]}, every)
    edited.write((directory.root / "topology.yml").read_text(), files={
        "one/handler.py": "def handler(e, c):\n    return 2\n",
        "infrastructure/tc/etl/roles/one.json": json.dumps({"Statement": {
            "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"}}),
    })  # fmt: skip
    topology = edited.topology()
    for component, calls in (
        ("functions/tags", ["lambda.tag_resource"]),
        ("functions/concurrency", ["lambda.put_function_concurrency"]),
        ("functions/layers", CONFIGURE),
        ("functions/code", ["lambda.update_function_code"]),
        ("functions/roles", ["iam.put_role_policy"]),
        ("vars", CONFIGURE),
    ):
        aws.forget()
        assert create(aws, topology, component).ok
        assert aws.writes() == calls, component
    settled(aws, topology)


# images


def test_an_image_needs_no_handler_and_changes_with_its_uri(
    directory: Directory, aws: FakeAws
) -> None:
    uri = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/img:{}"

    def image(tag: str, **runtime: Any) -> Any:
        topology = {"name": "etl", "functions": {
            "img": {"runtime": {"package_type": "image", **runtime}}}}  # fmt: skip
        files = {
            "infrastructure/tc/etl/vars/img.json": json.dumps(
                {"dev": {"image_uri": uri.format(tag)}}
            )
        }
        return directory.write(json.dumps(topology), "", files).topology()

    first = image("1")
    assert failures(create(aws, first)) == []
    assert configuration(aws, "etl_img_bob")["image"] == uri.format("1")
    settled(aws, first)
    second = image("2")
    assert work(plan(aws, second)) == ["~ function etl_img_bob: code"]
    aws.forget()
    create(aws, second)
    assert aws.writes() == ["lambda.update_function_code"]
    settled(aws, second)
    third = image("2", handler="app.main")
    create(aws, third)
    assert configuration(aws, "etl_img_bob")["ImageConfigResponse"] == {
        "ImageConfig": {"Command": ["app.main"]}
    }
    settled(aws, third)
    delete(aws, third)
    assert aws.is_empty()


def test_a_function_that_becomes_an_image_is_made_anew_with_its_permissions(
    directory: Directory, aws: FakeAws
) -> None:
    routes = {"/a": {"function": "one"}}
    create(aws, write(directory, {}, routes=routes).topology())
    turned = write(
        directory, {"package_type": "image"}, {"default": {"image_uri": "x/y:1"}}, routes=routes
    ).topology()
    steps = work(plan(aws, turned))
    assert any(line.startswith("± function etl_one_bob") for line in steps)
    assert failures(create(aws, turned)) == []
    assert len(aws.functions["etl_one_bob"]["policy"]) == 1
    settled(aws, turned)


# roles


def test_an_existing_role_is_used_and_left_alone(directory: Directory, aws: FakeAws) -> None:
    aws.iam_create_role("mine", "/", [], Description="", AssumeRolePolicyDocument="{}")
    topology = write(directory, {"role": "mine"}).topology()
    assert failures(create(aws, topology)) == []
    assert configuration(aws)["Role"] == "arn:aws:iam::111122223333:role/mine"
    assert sorted(aws.roles) == ["mine", "tc_etl_two_bob_eu-west-1"]
    settled(aws, topology)
    own = write(directory, {}).topology()
    create(aws, own)
    assert configuration(aws)["Role"].endswith("/tc_etl_one_bob_eu-west-1")
    create(aws, topology)
    settled(aws, topology)
    delete(aws, topology)
    assert list(aws.roles) == ["mine"]
    del aws.roles["mine"]
    assert aws.is_empty()


def test_files_elsewhere_are_its_vars_and_its_role(directory: Directory, aws: FakeAws) -> None:
    files = {
        "shared/vars.json": json.dumps({"default": {"memory_size": 384}}),
        "shared/role.json": json.dumps(
            {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}
        ),
        "one/function.json": json.dumps(
            {"runtime": {"vars_file": "../shared/vars.json", "role_file": "../shared/role.json"}}
        ),
    }
    topology = directory.write("name: etl\n", "one", files).topology()
    create(aws, topology)
    assert configuration(aws)["MemorySize"] == 384
    document = role_policy(aws, "tc_etl_one_bob_eu-west-1")
    assert document["Statement"][-1] == {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}


def test_every_role_has_the_boundary_and_the_prefix(directory: Directory, aws: FakeAws) -> None:
    where = {"role_prefix": "/team", "role_boundary": "arn:aws:iam::{{account}}:policy/edge"}
    written = write(directory, {}, flow={"StartAt": "s", "States": {"s": {"Type": "Succeed"}}})
    topology = written.topology(**where)
    assert failures(create(aws, topology)) == []
    edge = {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/edge"}
    assert {role["role"]["Path"] for role in aws.roles.values()} == {"/team/tc/eu-west-1/etl/bob/"}
    assert [role["role"]["PermissionsBoundary"] for role in aws.roles.values()] == [edge] * 3
    settled(aws, topology)
    unbound = written.topology(role_prefix="/team")
    assert "~ role tc_etl_one_bob_eu-west-1: boundary" in work(plan(aws, unbound))
    aws.forget()
    create(aws, unbound, "roles")
    assert aws.writes() == ["iam.delete_role_permissions_boundary"] * 3
    aws.forget()
    create(aws, topology, "roles/one")
    assert aws.writes() == ["iam.put_role_permissions_boundary"]
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_another_prefix_makes_the_roles_anew(directory: Directory, aws: FakeAws) -> None:
    written = write(directory, {})
    create(aws, written.topology())
    moved = written.topology(role_prefix="/team")
    assert failures(create(aws, moved)) == []
    assert ":role/team/tc/" in configuration(aws)["Role"]
    settled(aws, moved)
