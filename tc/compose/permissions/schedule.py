"""What schedules may do: start their target."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.parts import Parts, once
from tc.compose.permissions.reach import reach
from tc.compose.queues import dead_letters_arn
from tc.spec.topology import Entry, RoleSpec, Statement

#: service in a target's ARN -> what Scheduler does with it ("Setting up the execution role"
#: and "Managing targets", EventBridge Scheduler user guide)
_ACTIONS = {
    "codebuild": "codebuild:StartBuild",
    "firehose": "firehose:PutRecord",
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "states": "states:StartExecution",
}


def action_on(arn: str) -> str:
    """What a schedule does with `arn`; empty for what it can't start."""
    parts = arn.split(":")
    return _ACTIONS.get(parts[2], "") if len(parts) >= 6 and parts[0] == "arn" else ""


def services() -> list[str]:
    """The services whose ARNs can be targets."""
    return sorted(_ACTIONS)


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for entry in parts.deployed("schedules"):
        statements = once([*_reached(parts, entry), *_named(entry), *_failed(parts, entry)])
        if statements:
            yield RoleSpec(
                f"schedule.{entry.name}",
                "scheduler.amazonaws.com",
                ("schedule", entry.name),
                statements,
            )


def _reached(parts: Parts, entry: Entry) -> Iterator[Statement]:
    for target in entry.targets:
        yield reach(parts, target, "async", f"target {target[0]} {target[1]}")


def _named(entry: Entry) -> Iterator[Statement]:
    arn = getattr(entry.model, "target", None) or ""
    if action := action_on(arn):
        yield Statement((action,), (arn,), f"target {arn}")


def _failed(parts: Parts, entry: Entry) -> Iterator[Statement]:
    if arn := dead_letters_arn(parts.scope, parts.entries, entry):
        yield Statement(("sqs:SendMessage",), (arn,), "its dlq")
