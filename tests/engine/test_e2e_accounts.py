"""Credentials that end, and accounts that aren't the right ones, as a user meets them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from e2e_proxy import Call, Refusal
from e2e_support import Lab, Project

pytestmark = pytest.mark.engine

TOPOLOGY = """\
name: small
functions: { a: { uri: ./a }, b: { uri: ./b } }
events: { C: { producer: x, function: a } }
"""
HANDLER = "def handler(event, context):\n    return event\n"
LAYERED = json.dumps({"name": "a", "runtime": {"lang": "python3.11", "layers": ["base"]}})
CONFIG = """\
envs:
  aws: { account: "000000000000", region: us-east-1, endpoint_url: "%s" }
  cicd: { account: "333333333333", region: us-east-1, endpoint_url: "%s" }
layers: { env: cicd }
"""
#: an empty archive
ZIP = b"PK\5\6" + bytes(18)
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "t"}
EXPIRED = (403, "ExpiredTokenException", "The security token included in the request is expired")


def project(lab: Lab, directory: Path) -> Project:
    url = lab.proxy.url
    files = {
        ".git/HEAD": "",
        "topology.yml": TOPOLOGY,
        "a/handler.py": HANDLER,
        "b/handler.py": HANDLER,
        "infrastructure/tc/config.yml": CONFIG % (url, url),
    }
    return Project(lab, directory, env="aws").write(files)


def ending(minutes: float) -> dict[str, str]:
    """Keys of a CI job that end in so many minutes."""
    end = datetime.now(UTC) + timedelta(minutes=minutes)
    return {**KEYS, "AWS_CREDENTIAL_EXPIRATION": end.isoformat()}


def test_credentials_that_end_soon_are_said_before_the_first_write(
    lab: Lab, tmp_path: Path
) -> None:
    small = project(lab, tmp_path)
    said = small.tc("create", env=ending(8))
    assert said.err.count("warning: the credentials of this machine end in 8 min") == 1
    assert "next: put credentials into the environment" in said.err
    assert "end in" not in small.tc("diff", env=ending(40)).text
    with lab.proxy.counting() as calls:
        over = small.tc("delete", "-y", env=ending(-1), code=1)
    assert "error[credentials]: the credentials of this machine have expired" in over.err
    assert not [call for call in calls if call.writes]
    small.tc("delete", "-y", env=KEYS)


def test_credentials_that_end_in_the_middle_leave_a_way_to_go_on(lab: Lab, tmp_path: Path) -> None:
    small = project(lab, tmp_path)
    before = lab.inventory()
    written: list[str] = []

    def rule(call: Call) -> Refusal | None:
        if call.name.startswith("POST /2015-03-31/functions"):
            written.append(call.name)
            return EXPIRED if len(written) > 1 else None
        return EXPIRED if len(written) > 1 else None

    with lab.proxy.refusing(rule):
        said = small.tc("create", env=KEYS, code=1)
    assert said.text.count("the credentials of this machine have expired") == 1
    assert "To go on: put credentials into the environment" in said.text
    assert said.text.rstrip().endswith("then tc create -s bob -e aws"), said.text
    assert " done, " in said.text
    small.tc("create", env=KEYS)
    assert small.tc("diff", "--exit-code", env=KEYS).out == "No differences.\n"
    small.tc("delete", "-y", env=KEYS)
    assert lab.inventory() == before


def test_the_account_of_the_layers_is_checked_before_the_first_write(
    lab: Lab, tmp_path: Path
) -> None:
    small = project(lab, tmp_path).write({"a/function.json": LAYERED})
    with lab.proxy.counting() as calls:
        said = small.tc("create", env=KEYS, code=1)
    assert "belong to account 000000000000, env `cicd` is account 333333333333" in said.err
    assert "at: env cicd, which is `layers.env` of config.yml" in said.err
    assert not [call for call in calls if call.writes]


def test_the_account_of_the_layers_is_opened_once(lab: Lab, tmp_path: Path) -> None:
    small = project(lab, tmp_path).write({"a/function.json": LAYERED, "b/function.json": LAYERED})
    small.edit("infrastructure/tc/config.yml", "333333333333", "000000000000")
    layers = lab.client("lambda")
    made = layers.publish_layer_version(LayerName="base", Content={"ZipFile": ZIP})
    try:
        with lab.proxy.counting() as calls:
            said = small.tc("create", "--dry-run", env=KEYS)
        assert "+ function small_a_bob" in said.out
        assert [call.name for call in calls].count("get_caller_identity") == 2
    finally:
        layers.delete_layer_version(LayerName="base", VersionNumber=made["Version"])
