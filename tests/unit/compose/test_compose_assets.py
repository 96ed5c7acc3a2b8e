"""What functions with assets get by themselves, and what can't be right about assets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from composing import Directory

from tc.spec.function import Function
from tc.spec.scope import Store

MODEL = "/mnt/assets/etl/one/1.0/model"
DEPS = "/mnt/assets/etl/one/deps"
POINT = "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0"
STORE = Store("fsap-0123456789abcdef0", "/mnt/assets", ("subnet-2", "subnet-1"), ("sg-1",))


def write(directory: Directory, *functions: dict[str, Any], **variables: Any) -> None:
    names = ("one", "two", "three")[: len(functions)]
    topology = {"name": "etl", "functions": dict(zip(names, functions, strict=True))}
    files = {"infrastructure/tc/etl/vars/one.json": json.dumps({"dev": variables})}
    directory.write(json.dumps(topology), " ".join(names), files)


def one(directory: Directory, function: dict[str, Any], **scope: Any) -> Function:
    write(directory, function, **scope.pop("variables", {}))
    return directory.composed(**scope).topology.functions["one"]


def said(directory: Directory, *functions: dict[str, Any], **scope: Any) -> list[str]:
    write(directory, *functions)
    return [f"{f.severity} {f.code}: {f.message}" for f in directory.said(**scope)]


@pytest.mark.parametrize(
    ("lang", "variable", "value"),
    [
        ("python3.12", "PYTHONPATH",
         f"/opt/python/lib/python3.12/site-packages:/opt/python:{DEPS}"),
        ("node22", "NODE_PATH",
         ("/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:"
         f"{DEPS}/node_modules")),
        ("ruby3.3", "GEM_PATH",
         ("/var/task/vendor/bundle/ruby/3.3.0:/opt/ruby/gems/3.3.0:" f"{DEPS}/gems/3.3.0")),
    ],
)  # fmt: skip
def test_the_language_looks_where_dependencies_are(
    directory: Directory, lang: str, variable: str, value: str
) -> None:
    file = {"python": "handler.py", "node": "handler.js", "ruby": "handler.rb"}
    name = next(name for start, name in file.items() if lang.startswith(start))
    function = {"runtime": {"lang": lang}, "assets": {"DEPS_PATH": f"{DEPS}/"}}
    directory.write("name: etl\n", "", {f"one/{name}": "x = 1\n"})
    (directory.root / "one/function.json").write_text(json.dumps(function))
    found = directory.composed(store=STORE).topology.functions["one"]
    assert found.environment[variable] == value
    assert found.environment["DEPS_PATH"] == DEPS


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("mine", f"mine:{DEPS}"),
        (f"{DEPS}:/var/task/lib", f"{DEPS}:/var/task/lib"),
        ("ssm:/where/it/is", "ssm:/where/it/is"),
    ],
)
def test_variables_of_the_user_s_own_win(directory: Directory, written: str, found: str) -> None:
    runtime = {"environment": {"PYTHONPATH": written}}
    function = {"runtime": runtime, "assets": {"MODEL_PATH": MODEL, "DEPS_PATH": DEPS}}
    variables = {"environment": {"MODEL_PATH": "/elsewhere"}}
    assert one(directory, function, variables=variables, store=STORE).environment == {
        "PYTHONPATH": found,
        "MODEL_PATH": "/elsewhere",
        "DEPS_PATH": DEPS,
    }


def test_the_file_system_of_the_env_is_mounted(directory: Directory) -> None:
    function = one(directory, {"assets": {"MODEL_PATH": MODEL}}, store=STORE)
    assert function.mount
    assert function.network
    assert (function.mount.access_point, function.mount.path) == (POINT, "/mnt/assets")
    assert function.network.subnets == ("subnet-1", "subnet-2")
    assert function.network.security_groups == ("sg-1",)


def test_what_its_vars_name_is_mounted_instead(directory: Directory) -> None:
    other = POINT.replace("fsap-0", "fsap-1")
    network = {"subnets": ["subnet-9"], "security_groups": ["sg-9"]}
    variables = {"filesystem": {"arn": other}, "network": network}
    function = one(directory, {"assets": {"MODEL_PATH": MODEL}}, variables=variables, store=STORE)
    assert function.mount
    assert function.network
    assert function.mount.access_point == other
    assert function.network.subnets == ("subnet-9",)


def test_on_local_nothing_has_to_be_said(directory: Directory) -> None:
    function = one(directory, {"assets": {"MODEL_PATH": MODEL}}, local=True)
    assert function.mount
    assert function.network is None
    assert function.mount.access_point.endswith(":access-point/fsap-00000000000000000")
    assert said(directory, {"assets": {"MODEL_PATH": MODEL}}, local=True) == []


def test_on_local_nothing_is_in_a_vpc(directory: Directory) -> None:
    function = one(directory, {"assets": {"MODEL_PATH": MODEL}}, local=True, store=STORE)
    assert function.mount
    assert function.mount.access_point == POINT
    assert function.network is None


def test_nothing_is_mounted_where_it_is_not_wanted(directory: Directory) -> None:
    function = {"runtime": {"mount_fs": False}, "assets": {"MODEL_PATH": MODEL}}
    assert one(directory, function, store=STORE).mount is None
    assert one(directory, {}, store=STORE).mount is None


def test_artifacts_are_not_in_the_package(directory: Directory) -> None:
    directory.write("name: etl\n", "", {"one/artifacts/model.bin": "m"})
    assert one(directory, {"assets": {"MODEL_PATH": MODEL}}).ignore == ("/artifacts/",)
    assert one(directory, {}).ignore == ()
    assets = {"MODEL_PATH": MODEL, "ARTIFACTS_SOURCE": "data/out"}
    assert one(directory, {"assets": assets}).ignore == ("/data/out/",)


def test_an_env_without_a_file_system_is_said_once(directory: Directory) -> None:
    function = {"assets": {"MODEL_PATH": MODEL}}
    other = {"assets": {"DEPS_PATH": DEPS}}
    (warning,) = said(directory, function, other)
    assert warning == (
        "warning no-file-system: the assets of `one`, `two` are on no file system in env "
        "`dev`: nothing is mounted"
    )
    (warning,) = said(directory, function, store=STORE)
    assert warning.startswith(
        "warning vpc: what runs in the VPC of its assets reaches no internet without NAT: `one`"
    )


WRONG = [
    ({"MODEL_PATH": "/opt/model"}, "`/opt/model` isn't below `/mnt/assets`"),
    ({"MODEL_PATH": "/mnt/other/model"}, "`/mnt/other/model` isn't below `/mnt/assets`"),
    ({"MODEL_PATH": "/mnt/assets"}, "`/mnt/assets` isn't below"),
    ({"MODEL_PATH": "/mnt/assets/../etc"}, "is no path that assets can be published at"),
    ({"MODEL_PATH": "/mnt/assets/.tc/x"}, "is no path that assets can be published at"),
    ({"MODEL_PATH": "/mnt/assets/a:b"}, "is no path that assets can be published at"),
    ({"MODEL_PATH": MODEL, "DEPS_PATH": f"{MODEL}/deps"}, "(DEPS_PATH of `one`) is in"),
    ({"MODEL_PATH": MODEL, "DEPS_PATH": MODEL}, "is in"),
    ({"ARTIFACTS_SOURCE": "out"}, "nothing says where they go"),
    ({"MODEL_PATHS": MODEL}, "`MODEL_PATHS` is not a key of `assets`"),
]


@pytest.mark.parametrize(("assets", "message"), WRONG)
def test_what_can_t_be_right(directory: Directory, assets: dict[str, str], message: str) -> None:
    found = said(directory, {"assets": assets}, store=STORE)
    errors = [one for one in found if one.startswith("error")]
    assert len(errors) == 1
    assert message in errors[0]


def test_functions_may_share_a_path_and_not_put_one_into_another(directory: Directory) -> None:
    shared = {"assets": {"MODEL_PATH": MODEL}}
    assert not any(one.startswith("error") for one in said(directory, shared, shared, store=STORE))
    inner = {"assets": {"MODEL_PATH": f"{MODEL}/more"}}
    found = said(directory, shared, {"assets": {"MODEL_PATH": f"{MODEL}-2"}}, inner, store=STORE)
    assert [one for one in found if one.startswith("error")] == [
        (
            f"error asset-path: `{MODEL}/more` (MODEL_PATH of `three`) is in `{MODEL}` "
            "(MODEL_PATH of `one`)"
        )
    ]
