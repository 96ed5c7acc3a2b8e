"""Whichever operation of a stable sandbox's next deploy fails: what runs is as it was until the
switch, is whole from then on, and the next run finishes it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from composing import Directory
from deploying import create, failures, settled
from fake_aws import FakeAws, Hook, role_policy

from tc.errors import AwsError
from tc.events import Event
from tc.spec.topology import Topology

STATES = {
    name: {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": f"{{{{namespace}}}}_{name}_{{{{sandbox}}}}"},
        **end,
    }
    for name, end in (("one", {"Next": "two"}), ("two", {"End": True}))
}
OLD: dict[str, Any] = {
    "functions": {"one": {"runtime": {"memory": 256}}},
    "routes": {"/a": {"function": "one"}, "/b": {"state": "etl", "async": True}},
    "events": {"E": {"state": "etl"}, "F": {"function": "two"}, "Q": {"queue": "jobs"}},
    "schedules": {"nightly": {"cron": "rate(1 day)", "function": "one"}},
    "queues": {"jobs": {"function": "two"}, "old": {}},
    "buckets": {"drop": {"function": "one"}},
    "tables": {"runs": {"key": "id", "function": "one", "indexes": {"by_day": {"key": "day"}}}},
    "flow": {"StartAt": "one", "States": STATES},
}
#: every phase has something to do: a right more and one less, things that come and go
NEW: dict[str, Any] = {
    "functions": {"one": {"runtime": {"memory": 512, "tracing": True}}, "two": {"queue": "more"}},
    "routes": {"/a": {"function": "two"}, "/c": {"function": "one", "method": "GET"}},
    "events": {"E": {"function": "one"}, "G": {"function": "two"}},
    "schedules": {"nightly": {"cron": "rate(2 days)", "function": "two"}},
    "queues": {"jobs": {"function": "one"}, "more": {}},
    "buckets": {"drop": {}, "more": {"function": "one"}},
    "tables": {"runs": {"key": "id", "indexes": {"by_user": {"key": "user"}}}},
    "flow": {"StartAt": "one", "States": STATES},
}
REST = [
    {"routes": {path: {"function": function, "kind": "rest"}}}
    for path, function in (("/a", "one"), ("/z", "two"))
]


class Sandbox:
    def __init__(self, directory: Directory):
        self.directory = directory

    def topology(self, parts: dict[str, Any], code: str) -> Topology:
        text = json.dumps({"name": "etl", **parts})
        files = {f"{name}/handler.py": f"# {code}\n" for name in ("one", "two")}
        self.directory.write(text, "one two", files=files)
        return self.directory.topology(sandbox="stable", stable=True, keep=2)


def reached(aws: FakeAws, flows: frozenset[str]) -> Any:
    """What anybody who calls from outside comes to, by way of the aliases of `flows`."""
    called = {arn: alias for arn, alias in aws.flow_aliases.items() if arn in flows}
    functions = {
        name: [
            {key: value for key, value in alias.items() if key != "policy"}
            for alias in one["aliases"].values()
        ]
        + [one["versions"][number] for number in live(one)]
        for name, one in aws.functions.items()
    }
    versions = {
        one["stateMachineVersionArn"]
        for alias in called.values()
        for one in alias["routingConfiguration"]
    }
    return copy.deepcopy(
        [
            functions,
            called,
            {arn: aws.flow_versions[arn] for arn in versions},
            [api["stages"] for api in aws.http_apis.values()],
            [api.get("stages", api.get("deployed")) for api in aws.rest_apis.values()],
            aws.rules,
            aws.schedules,
            aws.mappings,
        ]
    )


def rights(aws: FakeAws) -> set[str]:
    """What others are given: statements of roles, functions, aliases and queues, lists one by
    one; events of buckets, streams and indexes of tables."""
    functions = list(aws.functions.values())
    called = [*functions, *(alias for one in functions for alias in one["aliases"].values())]
    policies = [one["policy"].values() for one in called]
    policies += [role_policy(aws, n)["Statement"] for n, r in aws.roles.items() if r["policies"]]
    policies += [
        json.loads(queue["attributes"].get("Policy") or "{}").get("Statement", [])
        for queue in aws.queues.values()
    ]
    given = {text for policy in policies for one in policy for text in singly(one)}
    given |= {
        f"events {name}" for name, b in aws.buckets.items() if b["settings"].get("notification")
    }
    for name, one in aws.tables.items():
        given |= {f"index {name} {i['IndexName']}" for i in one["table"]["GlobalSecondaryIndexes"]}
        given |= {
            f"stream {name} {s}"
            for s in [one["table"].get("StreamSpecification")]
            if s and s["StreamEnabled"]
        }
    return given


def singly(statement: dict[str, Any]) -> Iterator[str]:
    """A statement by each action and resource; without its name."""
    rest = {k: v for k, v in statement.items() if k not in ("Action", "Resource", "Sid")}
    for action in listed(statement["Action"]):
        for resource in listed(statement["Resource"]):
            yield json.dumps([action, resource, rest], sort_keys=True)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def live(function: dict[str, Any]) -> set[str]:
    return {alias["FunctionVersion"] for alias in function["aliases"].values()}


def whole(aws: FakeAws) -> None:
    """Whatever is called is there: versions, functions by their aliases, queues, roles."""
    for alias in aws.flow_aliases.values():
        for route in alias["routingConfiguration"]:
            version = aws.flow_versions[route["stateMachineVersionArn"]]
            for state in json.loads(version["definition"])["States"].values():
                if called := state["Parameters"].get("FunctionName"):
                    name, number = called.split(":")[-2:]
                    assert number in aws.functions[name]["versions"]
    for function in aws.functions.values():
        assert live(function) <= function["versions"].keys()
        for number in live(function):
            role = function["versions"][number]["Role"].rpartition("/")[2]
            assert role in aws.roles
    for mapping in aws.mappings.values():
        source = mapping["EventSourceArn"].split(":")
        if source[2] == "sqs":
            assert source[-1] in aws.queues


def refusing(wanted: str) -> Hook:
    """Refuses the first call of the operation."""
    left = [wanted]

    def hook(operation: str, given: Any) -> AwsError | None:
        if operation not in left:
            return None
        left.remove(operation)
        return AwsError("no", aws_code="Refused", operation=operation, status=400)

    return hook


def nothing(operation: str, given: Any) -> None:
    return None


@pytest.mark.parametrize(
    ("old", "new"), [(OLD, NEW), ({**OLD, **REST[0]}, {**OLD, **REST[1]})], ids=["much", "rest"]
)
def test_any_operation_may_fail(
    directory: Directory, old: dict[str, Any], new: dict[str, Any]
) -> None:
    sandbox = Sandbox(directory)
    before = FakeAws()
    assert failures(create(before, sandbox.topology(old, "old"))) == []
    wanted = sandbox.topology(new, "new")
    flows = frozenset(before.flow_aliases)
    start, given = reached(before, flows), rights(before)
    clean = copied(before)
    assert create(clean, wanted).ok
    operations, stopped = sorted(set(clean.writes())), 0
    for operation in operations:
        aws = copied(before)
        events: list[Event] = []
        aws.hook = refusing(operation)
        outcome = create(aws, wanted, emit=events.append)
        aws.hook = nothing
        told = [event.data["switched"] for event in events if event.name == "switch.stopped"]
        if told == [0]:
            assert reached(aws, flows) == start, operation
            assert given <= rights(aws), operation
            stopped += 1
        whole(aws)
        if not outcome.ok:
            assert failures(create(aws, wanted)) == [], operation
            settled(aws, wanted)
    assert 3 < stopped < len(operations)


def copied(aws: FakeAws) -> FakeAws:
    made = FakeAws()
    for name, value in vars(aws).items():
        if name not in ("_lock", "hook", "after"):
            setattr(made, name, copy.deepcopy(value))
    made.forget()
    return made
