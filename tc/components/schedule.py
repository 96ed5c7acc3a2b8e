"""EventBridge Scheduler: what starts at a time, or again and again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults
from tc.components.dead_letters import dead_letters_needs
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import key_of_arn, role_arn, role_key
from tc.components.schedule_group import deployed, group_key, group_name, is_there
from tc.components.schedule_model import ScheduleModel, model_of
from tc.components.schedule_model import check as check
from tc.compose.queues import dead_letters_arn
from tc.compose.things import FIFO
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.names import shorten
from tc.spec.scope import Scope
from tc.spec.topology import Entry, Topology

KIND = "schedule"
PLURAL = "schedules"
SECTION: tuple[str, type[Strict]] | None = ("schedules", ScheduleModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="entry")
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once


#: what Scheduler does where nothing is said (CreateSchedule)
_RETRIES = 185
_MAX_AGE_S = 86_400


def schedule_name(entry: Entry) -> str:
    """The name in its group (Scheduler: at most 64 characters)."""
    return shorten(entry.name, 64)


def _key(scope: Scope, name: str) -> str:
    return f"{KIND}/{group_name(scope)}/{name}"


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for entry in deployed(topology):
        model, name = model_of(entry), schedule_name(entry)
        yield Resource(
            kind=KIND,
            key=_key(scope, name),
            name=name,
            title=entry.name,
            owner=scope.owner,
            props={
                "expression": model.when(),
                "timezone": model.zone(),
                "enabled": model.is_enabled(scope.env),
                "window": model.window or 0,
                "target": _target(topology, entry),
            },
            needs=(
                group_key(scope),
                role_key(scope, f"schedule.{entry.name}"),
                *_needs(topology, entry),
                *dead_letters_needs(topology, entry),
            ),
            selectors=frozenset({PLURAL, f"{PLURAL}/{entry.name}"}),
            parent=group_key(scope),
            address=entry.address,
            detail=model.when(),
            payload={"group": group_name(scope)},
        )


def _needs(topology: Topology, entry: Entry) -> Iterator[str]:
    for kind, name in entry.targets:
        if kind == "function":
            yield topology.called_key(name)
        else:
            yield topology.flows[name].called_key


def _target(topology: Topology, entry: Entry) -> dict[str, Any]:
    model = model_of(entry)
    arn = model.target or ""
    for kind, name in entry.targets:
        is_function = kind == "function"
        arn = topology.function_arn(name) if is_function else topology.flows[name].called_arn
    fields: dict[str, Any] = {
        "arn": arn,
        "role": role_arn(topology.scope, f"schedule.{entry.name}"),
        "input": "",
        "retries": _RETRIES if model.retries is None else model.retries,
        "max_age_s": model.maximum_event_age_in_seconds or _MAX_AGE_S,
    }
    if dead := dead_letters_arn(topology.scope, topology.entries, entry):
        fields["dead_letters"] = dead
    if model.payload is not None:
        written = model.payload
        fields["input"] = written if isinstance(written, str) else json.dumps(written)
    if arn.endswith(FIFO):
        fields["group"] = schedule_name(entry)
    return fields


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    if not is_there(scope, index):
        return
    group = group_name(scope)
    try:
        listed = list(aws.pages("scheduler", "list_schedules", "Schedules", GroupName=group))
    except AwsError as error:
        if not error.missing:
            raise
        listed = []
    for schedule in listed:
        name = schedule["Name"]
        yield Resource(
            kind=KIND,
            key=_key(scope, name),
            name=name,
            title=name,
            owner=scope.owner,
            props={},
            parent=group_key(scope),
            payload={"group": group},
        )


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    group = resource.payload["group"]
    try:
        live = aws.call("scheduler", "get_schedule", Name=resource.name, GroupName=group)
    except AwsError as error:
        if error.missing:
            return None
        raise
    target = live["Target"]
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=resource.owner,
        props={
            "expression": live["ScheduleExpression"],
            "timezone": live.get("ScheduleExpressionTimezone", "UTC"),
            "enabled": live.get("State", "ENABLED") == "ENABLED",
            "window": live["FlexibleTimeWindow"].get("MaximumWindowInMinutes", 0),
            "target": _live_target(target),
        },
        outputs={"arn": live["Arn"], "group": group},
        info={"since": str(live.get("CreationDate", ""))},
        needs=(key_of_arn(target["RoleArn"]),),
        parent=resource.parent,
    )


def _live_target(target: Mapping[str, Any]) -> dict[str, Any]:
    group = target.get("SqsParameters", {}).get("MessageGroupId")
    dead = target.get("DeadLetterConfig", {}).get("Arn")
    policy = target.get("RetryPolicy", {})
    return {
        "arn": target["Arn"],
        "role": target["RoleArn"],
        "input": target.get("Input", ""),
        "retries": policy.get("MaximumRetryAttempts", _RETRIES),
        "max_age_s": policy.get("MaximumEventAgeInSeconds", _MAX_AGE_S),
        **({"dead_letters": dead} if dead else {}),
        **({"group": group} if group else {}),
    }


def _written(resource: Resource) -> dict[str, Any]:
    """Everything of a schedule: what UpdateSchedule isn't told goes back to its default."""
    props = resource.props
    window = props["window"]
    return {
        "Name": resource.name,
        "GroupName": resource.payload["group"],
        "ScheduleExpression": props["expression"],
        "ScheduleExpressionTimezone": props["timezone"],
        "State": "ENABLED" if props["enabled"] else "DISABLED",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": window}
        if window
        else {"Mode": "OFF"},
        "Target": _written_target(props["target"]),
    }


def _written_target(fields: Mapping[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = {
        "Arn": fields["arn"],
        "RoleArn": fields["role"],
        "RetryPolicy": {
            "MaximumRetryAttempts": fields["retries"],
            "MaximumEventAgeInSeconds": fields["max_age_s"],
        },
    }
    if "dead_letters" in fields:
        target["DeadLetterConfig"] = {"Arn": fields["dead_letters"]}
    if fields["input"]:
        target["Input"] = fields["input"]
    if "group" in fields:
        target["SqsParameters"] = {"MessageGroupId": fields["group"]}
    return target


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    made = aws.insist(
        f"role of {resource.title}",
        lambda: aws.call("scheduler", "create_schedule", **_written(resource)),
    )
    return {"arn": made["ScheduleArn"], "group": resource.payload["group"]}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    aws.insist(
        f"role of {resource.title}",
        lambda: aws.call("scheduler", "update_schedule", **_written(resource)),
    )
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.call(
            "scheduler", "delete_schedule", Name=actual.name, GroupName=actual.outputs["group"]
        )
