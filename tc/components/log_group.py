"""The log groups of functions and flows: made before them, gone with them, kept 14 days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice
from typing import Any

from tc.components import defaults
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import role_key
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Topology

KIND = "log group"
PLURAL = "logs"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="beside", used_by_others=True)
check = defaults.nothing_to_check
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

_RETENTION_DAYS = 14
_PREFIX = "/aws/lambda/"
_FLOWS = "/aws/vendedlogs/states/"
#: groups in a page (DescribeLogGroups)
_PAGE = 50


def log_key(function_name: str) -> str:
    return f"{KIND}/{_PREFIX}{function_name}"


def _listing_prefix(scope: Scope, name: str) -> str:
    """How the names of all the groups of a namespace begin, cut as function names are; the
    group's own `name` where the function's was written."""
    for prefix, limit in ((_PREFIX, 64), (_FLOWS, 80)):
        shared = f"{prefix}{scope.namespace}_"[: len(prefix) + limit - 9]
        if name.startswith(shared):
            return shared
    return name


def desired(topology: Topology, facts: Facts) -> Iterable[Resource]:
    scope = topology.scope
    for name in topology.functions:
        full = f"{_PREFIX}{topology.function_name(name)}"
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{full}",
            name=full,
            title=full,
            owner=scope.owner,
            props={"retention_days": _RETENTION_DAYS, "tags": dict(scope.tags)},
            needs=(role_key(scope, name),),
            selectors=frozenset({PLURAL, f"{PLURAL}/{name}"}),
            payload={"tags": scope.marks, "prefix": _listing_prefix(scope, full)},
        )

    for flow in topology.flows.values():
        if flow.log_level != "OFF":
            yield Resource(
                kind=KIND,
                key=f"{KIND}/{flow.log_group}",
                name=flow.log_group,
                title=flow.log_group,
                owner=scope.owner,
                props={"retention_days": _RETENTION_DAYS, "tags": dict(scope.tags)},
                needs=(role_key(scope, f"flow.{flow.name}"),),
                selectors=frozenset({PLURAL, f"{PLURAL}/{flow.name}", "flow", f"flow/{flow.name}"}),
                payload={"tags": scope.marks, "prefix": _listing_prefix(scope, flow.log_group)},
            )


def find(aws: Aws, scope: Scope, index: Index) -> Iterable[Resource]:
    marker = ":log-group:"
    names = {arn.split(marker, 1)[1].removesuffix(":*") for arn in index.tagged if marker in arn}
    names |= {f"{_PREFIX}{name}" for name in index.names("function")}
    names |= {f"{_FLOWS}{name}" for name in index.names("flow")}
    for name in sorted(names):
        kind = "flow" if name.startswith(_FLOWS) else "function"
        role = index.roles_of(kind, name.removeprefix(_FLOWS).removeprefix(_PREFIX))
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{name}",
            name=name,
            title=name,
            owner=scope.owner,
            props={},
            needs=tuple(f"role/{role_name}" for role_name in role),
            payload={"prefix": _listing_prefix(scope, name)},
        )


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    """The groups of a namespace as they are listed, then the tags of those wanted."""
    wanted: dict[str, set[str]] = {}
    for resource in resources:
        wanted.setdefault(resource.payload["prefix"], set()).add(resource.name)
    live: dict[str, dict[str, Any]] = {}
    for prefix in sorted(wanted):
        live |= _listed(aws, prefix, wanted[prefix])
    there = [resource for resource in resources if resource.name in live]
    return aws.map(lambda resource: _actual(aws, resource, live[resource.name]), there)


def _listed(aws: Aws, prefix: str, wanted: Set[str]) -> dict[str, dict[str, Any]]:
    """The groups whose names begin with `prefix`, those `wanted` among them.

    As many pages as the wanted ones could fill; where other sandboxes have more, each that
    is still missing is asked for by its name.
    """
    limit = _PAGE * (1 + len(wanted) // _PAGE)
    found = list(islice(_groups(aws, prefix), limit))
    missing = sorted(wanted - {group["logGroupName"] for group in found})
    if len(found) == limit:
        # names come in order, so the group itself is before those that are named longer
        for groups in aws.map(lambda name: list(islice(_groups(aws, name), 1)), missing):
            found += groups
    return {group["logGroupName"]: group for group in found}


def _groups(aws: Aws, prefix: str) -> Iterator[dict[str, Any]]:
    return aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)


def _actual(aws: Aws, resource: Resource, group: Mapping[str, Any]) -> Actual:
    arn = _arn(aws, resource.name)
    tags = aws.call("logs", "list_tags_for_resource", resourceArn=arn).get("tags", {})
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={"retention_days": group.get("retentionInDays"), "tags": own_tags(tags)},
        outputs={"arn": arn},
        needs=resource.needs,
    )


def _arn(aws: Aws, name: str) -> str:
    return f"arn:{aws.partition}:logs:{aws.region}:{aws.account}:log-group:{name}"


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    aws.call("logs", "create_log_group", logGroupName=resource.name, tags=resource.payload["tags"])
    _retain(aws, resource)
    return {"arn": _arn(aws, resource.name)}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    if changed & {"owner", "tags"}:
        removed = defaults.dropped_tags(resource, actual)
        if removed:
            aws.call("logs", "untag_resource", resourceArn=actual.outputs["arn"], tagKeys=removed)
        aws.call(
            "logs",
            "tag_resource",
            resourceArn=actual.outputs["arn"],
            tags=resource.payload["tags"],
        )
    if "retention_days" in changed:
        _retain(aws, resource)
    return actual.outputs


def _retain(aws: Aws, resource: Resource) -> None:
    aws.call(
        "logs",
        "put_retention_policy",
        logGroupName=resource.name,
        retentionInDays=resource.props["retention_days"],
    )


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.call("logs", "delete_log_group", logGroupName=actual.name)
