"""What Lambda would refuse of a function's settings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from composing import Directory

ACCESS_POINT = (
    "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0"
)
FILES = (
    "arn:aws:s3files:eu-west-1:111122223333:file-system/fs-0123456789abcdef0"
    "/access-point/fsap-0123456789abcdef0"
)
NETWORK = {"network": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}}
MOUNT = {"filesystem": {"arn": ACCESS_POINT}}


def codes(
    directory: Directory,
    runtime: dict[str, Any],
    variables: dict[str, Any] | None = None,
    **scope: Any,
) -> list[str]:
    topology = {"name": "etl", "functions": {"one": {"runtime": runtime}}}
    files = {"infrastructure/tc/etl/vars/one.json": json.dumps({"dev": variables or {}})}
    directory.write(json.dumps(topology), "one", files)
    return [finding.code for finding in directory.findings(**scope)]


WRONG: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"provisioned_concurrency": 3, "reserved_concurrency": 2}, {}, ["concurrency"]),
    ({"provisioned_concurrency": 1}, {"reserved_concurrency": 0}, ["concurrency"]),
    ({"layers": list("abc"), "extensions": list("def")}, {}, ["too-many-layers"]),
    ({"network": True}, {}, ["no-network", "no-network"]),
    ({}, {"network": {"subnets": ["subnet-1"]}}, ["no-network"]),
    ({}, {"network": {**NETWORK["network"], "subnets": ["sub-1"]}}, ["invalid-value"]),
    ({}, {"network": {**NETWORK["network"], "subnets": [f"subnet-{n}" for n in range(17)]}},
     ["no-network"]),
    ({}, {"network": {**NETWORK["network"], "security_groups": [f"sg-{n}" for n in range(6)]}},
     ["no-network"]),
    ({}, MOUNT, ["no-network"]),
    ({"mount_fs": True}, NETWORK, ["no-file-system"]),
    ({"fs": {"access_point": "fs-1"}}, NETWORK, ["invalid-value"]),
    ({"fs": {"kind": "efs", "access_point": FILES}}, NETWORK, ["invalid-value"]),
    ({"fs": {"kind": "s3", "access_point": ACCESS_POINT}}, NETWORK, ["invalid-value"]),
    ({"fs": {"mount_point": "/data"}}, {**NETWORK, **MOUNT}, ["bad-path"]),
    ({"fs": {"mount_point": "/mnt/a/b"}}, {**NETWORK, **MOUNT}, ["bad-path"]),
    ({"snapstart": True, "lang": "python3.11"}, {}, ["no-snapstart"]),
    ({"snapstart": True, "provisioned_concurrency": 1}, {}, ["no-snapstart"]),
    ({"snapstart": True, "ephemeral_storage": 513}, {}, ["no-snapstart"]),
    ({"snapstart": True}, {**NETWORK, **MOUNT}, ["no-snapstart"]),
    ({"kms_key": "alias/mine"}, {}, ["invalid-value"]),
    ({"kms_key": "arn:aws:kms:eu-west-1:111122223333:alias/mine"}, {}, ["invalid-value"]),
    ({"role": "a b"}, {}, ["invalid-value"]),
    ({}, {"image_uri": "x/y:1"}, ["both"]),
]  # fmt: skip


@pytest.mark.parametrize(("runtime", "variables", "expected"), WRONG)
def test_what_lambda_would_refuse(
    directory: Directory, runtime: dict[str, Any], variables: dict[str, Any], expected: list[str]
) -> None:
    assert codes(directory, runtime, variables) == expected


RIGHT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"provisioned_concurrency": 2, "reserved_concurrency": 2}, {}),
    ({"network": False}, NETWORK),
    ({"network": True}, NETWORK),
    ({"mount_fs": False}, MOUNT),
    ({}, {**NETWORK, **MOUNT}),
    ({"fs": {"access_point": "fsap-0123456789abcdef0"}}, NETWORK),
    ({"fs": {"kind": "s3", "access_point": FILES}}, NETWORK),
    ({"snapstart": True, "lang": "python3.12"}, {}),
    ({"kms_key": "arn:aws:kms:{{region}}:{{account}}:key/k1"}, {}),
    ({"role": "{{namespace}}-role"}, {}),
    ({"role": "arn:aws:iam::{{account}}:role/team/mine"}, {}),
    ({"package_type": "image"}, {"image_uri": "x/y:1"}),
    # made of the handler that is there
    ({"package_type": "image"}, {}),
]


@pytest.mark.parametrize(("runtime", "variables"), RIGHT)
def test_what_lambda_takes(
    directory: Directory, runtime: dict[str, Any], variables: dict[str, Any]
) -> None:
    assert codes(directory, runtime, variables) == []


def test_an_image_that_can_t_be_made_of_anything(directory: Directory) -> None:
    topology = {"name": "etl", "functions": {"one": {"runtime": {"package_type": "image"}}}}
    directory.write(json.dumps(topology), "", {"one/function.json": "{}"})
    assert [finding.code for finding in directory.findings()] == ["no-image"]
    directory.write(json.dumps(topology), "", {"one/Dockerfile": "FROM scratch"})
    assert [finding.code for finding in directory.findings()] == []


def test_a_role_that_exists_can_t_get_a_document(directory: Directory) -> None:
    document = {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}
    directory.write("", "", {"infrastructure/tc/etl/roles/one.json": json.dumps(document)})
    assert codes(directory, {"role": "mine"}) == ["both"]


def test_the_local_engine_says_what_it_can_t(directory: Directory) -> None:
    local = {"local": True}
    assert codes(directory, {"package_type": "image"}, {"image_uri": "x/y:1"}, **local) == [
        "local-image"
    ]
    assert codes(directory, {}, MOUNT, **local) == []
    assert codes(directory, {"provisioned_concurrency": 1}, NETWORK, **local) == []
    found = [f for f in directory.said(**local) if f.code == "local-no-effect"]
    assert [f.message for f in found] == [
        "`network`, `provisioned_concurrency` of `one` changes nothing on the local engine"
    ]


def test_overlays_win_in_their_order(directory: Directory) -> None:
    variables = {
        "default": {
            "memory_size": 200,
            "timeout": 5,
            "reserved_concurrency": 4,
            "provisioned_concurrency": 2,
            "network": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
            "tags": {"a": "1", "b": "1"},
        },
        "dev": {
            "memory_size": 300,
            "reserved_concurrency": 3,
            "network": {"subnets": ["subnet-2"]},
        },
        "bob": {"memory_size": 400, "provisioned_concurrency": 0, "tags": {"b": "2"}},
        "other": {"memory_size": 999},
    }
    files = {"infrastructure/tc/etl/vars/one.json": json.dumps(variables)}
    (function,) = directory.write("name: etl\n", "one", files).topology().functions.values()
    assert (function.memory, function.timeout) == (400, 5)
    assert (function.reserved_concurrency, function.provisioned_concurrency) == (3, 0)
    assert function.network is not None
    assert function.network.subnets == ("subnet-2",)
    assert function.network.security_groups == ("sg-1",)
    assert function.tags == {"a": "1", "b": "2"}


LOAD = [
    ({"package_type": "image", "layers": ["a"]}, "both"),
    ({"package_type": "image", "code": "x"}, "both"),
    ({"vars_file": "nothing.json"}, "missing-file"),
    ({"role_file": "../../outside.json"}, "outside-project"),
    ({"fs": {"kind": "nfs"}}, "invalid-value"),
    ({"reserved_concurrency": -1}, "invalid-value"),
    ({"network": "yes"}, "wrong-type"),
]


@pytest.mark.parametrize(("runtime", "code"), LOAD)
def test_what_no_function_can_say(directory: Directory, runtime: dict[str, Any], code: str) -> None:
    from tc.components import sections
    from tc.load.load import load

    topology = {"name": "etl", "functions": {"one": {"runtime": runtime}}}
    directory.write(json.dumps(topology), "one")
    found = [finding.code for finding in load(directory.root, sections()).findings]
    assert found == [code]


def test_a_problem_is_where_the_setting_was_written(directory: Directory) -> None:
    vars_file = "infrastructure/tc/etl/vars/one.json"
    settings = {
        "default": {"environment": {"AWS_REGION": "x"}, "network": {"subnets": ["sub-1"]}},
        "bob": {"provisioned_concurrency": 2, "environment": {"X": "y"}},
    }
    text = """
name: etl
functions:
  one:
    runtime: { reserved_concurrency: 1, environment: { Y: z } }
"""
    files = {vars_file: json.dumps(settings, indent=1)}
    directory.write(text, "one", files)
    found = {
        (finding.code, finding.address.file.name, *finding.address.path)
        for finding in directory.findings()
    }
    assert found == {
        ("bad-variable", "one.json", "default", "environment", "AWS_REGION"),
        ("bad-variable", "one.json", "bob", "environment", "X"),
        ("bad-variable", "topology.yml", "functions", "one", "runtime", "environment", "Y"),
        ("invalid-value", "one.json", "default", "network", "subnets"),
        ("no-network", "one.json", "default", "network"),
        ("concurrency", "one.json", "bob", "provisioned_concurrency"),
    }
