"""Step Functions activities: tasks of a flow that workers outside of AWS ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tc.components import defaults
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.compose.things import activity_arn, activity_name
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Entity, Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Topology


class ActivityModel(Entity):
    """`activities.X`: tasks that a worker asks for by GetActivityTask."""


KIND = "activity"
PLURAL = "activities"
SECTION: tuple[str, type[Strict]] | None = (PLURAL, ActivityModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(
    switch="beside",
    addresses={
        "arn": lambda topology, name: activity_arn(topology.scope, name),
        "name": lambda topology, name: activity_name(topology.scope, name),
    },
)
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

_MARKER = ":activity:"
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")


def check(topology: Topology) -> Iterator[Finding]:
    return defaults.check_names(topology, PLURAL, _NAME)


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for name, entry in topology.entries.get(PLURAL, {}).items():
        full = activity_name(scope, name)
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{full}",
            name=full,
            title=full,
            owner=scope.owner,
            props={"tags": dict(scope.tags)},
            selectors=frozenset({PLURAL, f"{PLURAL}/{name}"}),
            address=entry.address,
            payload={"tags": scope.marks, "arn": activity_arn(scope, name)},
        )


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    for arn in index.tagged:
        if _MARKER in arn:
            name = arn.split(_MARKER, 1)[1]
            yield Resource(
                KIND, f"{KIND}/{name}", name, name, scope.owner, {}, payload={"arn": arn}
            )


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    arn = resource.payload["arn"]
    try:
        live = aws.call("stepfunctions", "describe_activity", activityArn=arn)
    except AwsError as error:
        if error.missing:
            return None
        raise
    found = aws.call("stepfunctions", "list_tags_for_resource", resourceArn=arn)["tags"]
    tags = {tag["key"]: tag["value"] for tag in found}
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={"tags": own_tags(tags)},
        outputs={"arn": arn},
        info={"since": str(live.get("creationDate", "")), "version": tags.get("version", "")},
    )


def _tags(resource: Resource) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in resource.payload["tags"].items()]


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    created = aws.call("stepfunctions", "create_activity", name=resource.name, tags=_tags(resource))
    return {"arn": created["activityArn"]}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    """Tags are all that can change."""
    arn = actual.outputs["arn"]
    removed = defaults.dropped_tags(resource, actual)
    if removed:
        aws.call("stepfunctions", "untag_resource", resourceArn=arn, tagKeys=removed)
    aws.call("stepfunctions", "tag_resource", resourceArn=arn, tags=_tags(resource))
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.call("stepfunctions", "delete_activity", activityArn=actual.outputs["arn"])
