"""The group of a sandbox's schedules: it carries their tags, and they go with it.

Schedules have no tags of their own. Scheduler deletes a group bit by bit; its
name is free when it is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Entity, Strict
from tc.spec.facts import Facts
from tc.spec.names import shorten
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Entry, Topology

KIND = "schedule group"
PLURAL = "schedule-groups"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="beside", comes_with=frozenset({"schedule"}))
check = defaults.nothing_to_check
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once


def group_name(scope: Scope) -> str:
    """The group's name on AWS (Scheduler: at most 64 characters)."""
    return shorten(f"{scope.namespace}_{scope.sandbox}", 64)


def group_key(scope: Scope) -> str:
    return f"schedule_group/{group_name(scope)}"


def deployed(topology: Topology) -> Iterator[Entry]:
    """The schedules of this sandbox."""
    for entry in topology.entries.get("schedules", {}).values():
        assert isinstance(entry.model, Entity)
        if entry.model.deployed(topology.scope.sandbox):
            yield entry


def is_there(scope: Scope, index: Index) -> bool:
    """Whether the sandbox may have a group: it is marked, or a schedule has a role."""
    end = f":schedule-group/{group_name(scope)}"
    return any(arn.endswith(end) for arn in index.tagged) or bool(index.names("schedule"))


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    names = [entry.name for entry in deployed(topology)]
    if not names:
        return
    selectors = {PLURAL, f"{PLURAL}/{group_name(scope)}", "schedules"}
    yield Resource(
        kind=KIND,
        key=group_key(scope),
        name=group_name(scope),
        title=group_name(scope),
        owner=scope.owner,
        props={"tags": dict(scope.tags)},
        selectors=frozenset(selectors | {f"schedules/{name}" for name in names}),
        payload={"tags": scope.marks},
    )


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    if is_there(scope, index):
        name = group_name(scope)
        yield Resource(KIND, group_key(scope), name, name, scope.owner, {})


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _live(aws: Aws, name: str) -> dict[str, Any] | None:
    try:
        return aws.call("scheduler", "get_schedule_group", Name=name)
    except AwsError as error:
        if error.missing:
            return None
        raise


def _read(aws: Aws, resource: Resource) -> Actual | None:
    live = _live(aws, resource.name)
    if live is None or live.get("State") == "DELETING":
        return None
    listed = aws.call("scheduler", "list_tags_for_resource", ResourceArn=live["Arn"])["Tags"]
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={"tags": own_tags(tags)},
        outputs={"arn": live["Arn"]},
        info={"since": str(live.get("CreationDate", "")), "version": tags.get("version", "")},
    )


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    _wait_until_gone(aws, resource.name)
    made = aws.call(
        "scheduler",
        "create_schedule_group",
        Name=resource.name,
        Tags=defaults.tag_list(resource.payload["tags"]),
    )
    return {"arn": made["ScheduleGroupArn"]}


def _wait_until_gone(aws: Aws, name: str) -> None:
    def state() -> str:
        live = _live(aws, name)
        return str(live.get("State", "")) if live else ""

    if state() == "DELETING":
        aws.wait(f"deletion of the schedule group {name}", state)


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    arn = actual.outputs["arn"]
    removed = defaults.dropped_tags(resource, actual)
    if removed:
        aws.call("scheduler", "untag_resource", ResourceArn=arn, TagKeys=removed)
    tags = defaults.tag_list(resource.payload["tags"])
    aws.call("scheduler", "tag_resource", ResourceArn=arn, Tags=tags)
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    """The group and every schedule in it; waits until its name is free."""
    with defaults.if_there():
        aws.call("scheduler", "delete_schedule_group", Name=actual.name)
    _wait_until_gone(aws, actual.name)
