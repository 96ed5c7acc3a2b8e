"""The same round trip through tc's own door to AWS, against moto's idea of it.

moto has no ImportApi, no PutRestApi with extensions and no authorizers of HTTP APIs, so the
routes here are on a shared gateway, which is written call by call, and without such.
"""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from composing import Directory
from deploying import packages
from moto import mock_aws
from moto.apigatewayv2.responses import ApiGatewayV2Response
from moto.core.botocore_stubber import BotocoreStubber

from tc.aws.session import Aws, open_session
from tc.config import Environment
from tc.deploy.inventory import sandboxes
from tc.deploy.pipeline import carry_out, prepare, prepare_removal, readable
from tc.events import silent
from tc.spec.topology import Topology

ACCOUNT = "123456789012"
TEXT = """
name: etl
tags: {team: data}
routes:
  /a: {gateway: shared, function: one}
  /b: {gateway: shared, method: GET, function: two, timeout: 10}
events:
  E: {producers: [x], function: one}
  F: {pattern: {source: [y]}, state: etl}
flow:
  StartAt: call
  States:
    call:
      Type: Task
      Resource: arn:aws:states:::lambda:invoke
      Parameters: {FunctionName: '{{namespace}}_two_{{sandbox}}', Payload.$: $}
      End: true
"""


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    # moto's REST APIs import a validator of specs that only PutRestApi uses
    for name in ("", ".validation", ".validation.exceptions"):
        module: Any = types.ModuleType(f"openapi_spec_validator{name}")
        module.validate_spec = None
        module.OpenAPIValidationError = ValueError
        monkeypatch.setitem(sys.modules, module.__name__, module)
    _one_by_one(monkeypatch)
    monkeypatch.setattr(
        ApiGatewayV2Response, "get_authorizers", lambda _: '{"items": []}', raising=False
    )
    with mock_aws(), open_session(Environment("dev"), "eu-west-1", silent) as aws:
        yield aws


def _one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto compiles its routes in the thread that asks first, which is not safe in many."""
    lock, answer = threading.Lock(), BotocoreStubber.__call__

    def locked(self: BotocoreStubber, *args: Any, **kwargs: Any) -> Any:
        with lock:
            return answer(self, *args, **kwargs)

    monkeypatch.setattr(BotocoreStubber, "__call__", locked)


def topology(directory: Directory, text: str, **scope: Any) -> Topology:
    return directory.write(text, "one two").topology(account=ACCOUNT, **scope)


def plan(aws: Aws, topology: Topology) -> list[str]:
    prepared = prepare(topology, aws, packages, silent)
    return sorted(
        f"{step.action.value} {step.kind} {step.title}: " + ", ".join(c.path for c in step.changes)
        for step in readable(prepared.plan)
    )


def create(aws: Aws, topology: Topology) -> None:
    outcome = carry_out(prepare(topology, aws, packages, silent), aws, silent)
    assert [(step.key, str(error)) for step, error in outcome.failed] == []
    assert outcome.ok


def delete(aws: Aws, topology: Topology) -> None:
    outcome = carry_out(prepare_removal(topology, aws), aws, silent)
    assert [(step.key, str(error)) for step, error in outcome.failed] == []


def left(aws: Aws) -> dict[str, int]:
    """How many things of each kind the account has."""
    listings = {
        "role": ("iam", "list_roles", "Roles"),
        "group": ("logs", "describe_log_groups", "logGroups"),
        "function": ("lambda", "list_functions", "Functions"),
        "machine": ("stepfunctions", "list_state_machines", "stateMachines"),
        "api": ("apigatewayv2", "get_apis", "Items"),
        "rule": ("events", "list_rules", "Rules"),
    }
    found = {name: len(list(aws.pages(*listing))) for name, listing in listings.items()}
    return {name: count for name, count in found.items() if count}


EDITS = [
    ("timeout: 10", "timeout: 11", ["~ route GET /b: timeout_ms"]),
    ("/b: {", "/c: {", ["+ route GET /c: ", "- route GET /bob/b: "]),
    ("producers: [x]", "producers: [z]", ["~ event E: pattern.source.0"]),
    ("StartAt", "Comment: c\n  StartAt", ["~ flow etl_bob: definition.Comment"]),
    (
        "routes:\n",
        "functions: {one: {runtime: {memory: 256}}}\nroutes:\n",
        ["~ function etl_one_bob: memory_mb"],
    ),
]


def test_round_trip(directory: Directory, aws: Aws) -> None:
    etl = topology(directory, TEXT)
    create(aws, etl)
    assert plan(aws, etl) == []
    assert [box.sandbox for box in sandboxes(aws)] == ["bob"]
    for before, after, expected in EDITS:
        edited = topology(directory, TEXT.replace(before, after, 1))
        assert plan(aws, edited) == expected
        create(aws, edited)
        assert plan(aws, edited) == []
        create(aws, topology(directory, TEXT))
    delete(aws, etl)
    assert left(aws) == {}


def test_nothing_to_do_writes_nothing(directory: Directory, aws: Aws) -> None:
    etl = topology(directory, TEXT)
    create(aws, etl)
    before = aws.written
    create(aws, etl)
    assert aws.written == before


def test_two_sandboxes_and_one_is_deleted(directory: Directory, aws: Aws) -> None:
    bob, alice = topology(directory, TEXT), topology(directory, TEXT, sandbox="alice")
    create(aws, bob)
    create(aws, alice)
    delete(aws, bob)
    assert plan(aws, alice) == []
    delete(aws, alice)
    assert left(aws) == {}
