"""EventBridge rules: which events start what.

Every sandbox's rules on a shared bus match the same pattern, so what tc sends
carries ``tc:sandbox:{sandbox}`` in ``resources``, and each rule takes events
with its own mark or with none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults, event_targets
from tc.components.bus import bus_key, is_made
from tc.components.event_check import TARGETS_LIMIT
from tc.components.event_check import check as check
from tc.components.event_model import (
    DEFAULT_BUS,
    EventModel,
    as_json,
    bus_of,
    pattern,
)
from tc.components.event_model import deployed as deployed
from tc.components.event_model import rule_arn as rule_arn
from tc.components.event_model import rule_name as rule_name
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import key_of_arn
from tc.compose.producers import rule_selectors
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Entry, Topology

KIND = "event"
PLURAL = "events"
SECTION: tuple[str, type[Strict]] | None = ("events", EventModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset({"bus"})
TRAITS = Traits(
    switch="entry",
    addresses={"bus": lambda topology, name: bus_of(topology.entries["events"][name])},
)
settle = defaults.ready_at_once


#: rules in a page (ListRules)
_PAGE = 100


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    for entry in deployed(topology):
        yield _resource(topology, entry)


def _resource(topology: Topology, entry: Entry) -> Resource:
    scope = topology.scope
    name, bus = rule_name(scope, entry), bus_of(entry)
    return Resource(
        kind=KIND,
        key=_key(bus, name),
        name=name,
        title=entry.name,
        owner=scope.owner,
        props={
            "bus": bus,
            "state": "ENABLED",
            "pattern": pattern(topology, entry),
            "targets": event_targets.targets(topology, entry),
            "tags": dict(scope.tags),
        },
        needs=(
            *event_targets.needs(topology, entry),
            *([bus_key(bus)] if is_made(bus) else []),
        ),
        selectors=rule_selectors(entry.name),
        address=entry.address,
        detail="OK",
        payload={"tags": scope.marks, "bus": bus},
    )


def _key(bus: str, name: str) -> str:
    return f"{KIND}/{name}" if bus == DEFAULT_BUS else f"{KIND}/{bus}/{name}"


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """Rules by their mark, and of those too new for that index the first that begin as ours
    do; `trace` finds what functions let in besides."""
    prefix, suffix = f"tc_{scope.namespace}_", f"_{scope.sandbox}"
    marked = {_place(arn) for arn in index.tagged if ":rule/" in arn and ":events:" in arn}
    places: dict[tuple[str, str], Mapping[str, Any]] = {place: {} for place in marked}
    for bus in sorted({DEFAULT_BUS, *(bus for bus, _ in marked)}):
        for rule in _listed(aws, bus, prefix):
            if rule["Name"].endswith(suffix):
                places[bus, rule["Name"]] = {"found": rule}
    for (bus, name), found in sorted(places.items(), key=lambda item: item[0]):
        title = name.removeprefix(prefix).removesuffix(suffix)
        payload = {"bus": bus, **found}
        yield Resource(KIND, _key(bus, name), name, title, scope.owner, {}, payload=payload)


def _place(arn: str) -> tuple[str, str]:
    """(bus, name) of the rule `arn`."""
    bus, _, name = arn.split(":rule/", 1)[1].rpartition("/")
    return bus or DEFAULT_BUS, name


def _listed(aws: Aws, bus: str, prefix: str) -> list[dict[str, Any]]:
    try:
        page = aws.call("events", "list_rules", NamePrefix=prefix, EventBusName=bus, Limit=_PAGE)
        return list(page["Rules"])
    except AwsError as error:
        if error.missing:
            return []
        raise


def trace(actuals: Iterable[Actual]) -> Iterator[Resource]:
    """The rules that functions let in."""
    for actual in actuals:
        source = str(actual.props.get("source", ""))
        if actual.kind == "permission" and ":events:" in source and ":rule/" in source:
            bus, name = _place(source)
            yield Resource(
                KIND, _key(bus, name), name, name, actual.owner, {}, payload={"bus": bus}
            )


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    bus = resource.payload["bus"]
    where = {"Rule": resource.name, "EventBusName": bus}
    try:
        rule = resource.payload.get("found") or aws.call(
            "events", "describe_rule", Name=resource.name, EventBusName=bus
        )
        targets = list(aws.pages("events", "list_targets_by_rule", "Targets", **where))
        listed = aws.call("events", "list_tags_for_resource", ResourceARN=rule["Arn"])["Tags"]
    except AwsError as error:
        if error.missing:
            return None
        raise
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    roles = [key_of_arn(target["RoleArn"]) for target in targets if "RoleArn" in target]
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={
            "bus": bus,
            "state": rule.get("State", "ENABLED"),
            "pattern": as_json(rule.get("EventPattern", "{}")),
            "targets": {target["Id"]: event_targets.live(target) for target in targets},
            "tags": own_tags(tags),
        },
        outputs={"arn": rule["Arn"]},
        info={"version": tags.get("version", "")},
        needs=(*dict.fromkeys(roles), *([bus_key(bus)] if is_made(bus) else [])),
    )


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    arn = _put_rule(aws, resource, Tags=defaults.tag_list(resource.payload["tags"]))
    _put_targets(aws, resource, list(resource.props["targets"]))
    return {"arn": arn}


def _put_rule(aws: Aws, resource: Resource, **more: Any) -> str:
    made = aws.call(
        "events",
        "put_rule",
        Name=resource.name,
        EventBusName=resource.props["bus"],
        EventPattern=json.dumps(resource.props["pattern"]),
        State=resource.props["state"],
        **more,
    )
    return str(made["RuleArn"])


def _put_targets(aws: Aws, resource: Resource, ids: Sequence[str]) -> None:
    if not ids:
        return
    answer = aws.insist(
        f"role of {resource.name}",
        lambda: aws.call(
            "events",
            "put_targets",
            Rule=resource.name,
            EventBusName=resource.props["bus"],
            Targets=[event_targets.written(name, resource.props["targets"][name]) for name in ids],
        ),
    )
    if answer.get("FailedEntryCount"):
        first = answer["FailedEntries"][0]
        raise TcError(
            f"EventBridge refused the target {first.get('TargetId')}: {first.get('ErrorMessage')}",
            where=resource.name,
        )


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    if changed & {"pattern", "state"}:
        _put_rule(aws, resource)
    if "targets" in changed:
        _change_targets(aws, resource, actual)
    if changed & {"tags", "owner"}:
        _retag(aws, resource, actual)
    return actual.outputs


def _change_targets(aws: Aws, resource: Resource, actual: Actual) -> None:
    """New targets first, so that no event is lost; unless there is no room for both."""
    before, after = actual.props["targets"], resource.props["targets"]
    gone = sorted(set(before) - set(after))
    full = len(before.keys() | after.keys()) > TARGETS_LIMIT
    if full:
        _remove_targets(aws, actual, gone)
    _put_targets(aws, resource, [name for name in after if before.get(name) != after[name]])
    if not full:
        _remove_targets(aws, actual, gone)


def _retag(aws: Aws, resource: Resource, actual: Actual) -> None:
    arn = actual.outputs["arn"]
    removed = defaults.dropped_tags(resource, actual)
    if removed:
        aws.call("events", "untag_resource", ResourceARN=arn, TagKeys=removed)
    aws.call(
        "events", "tag_resource", ResourceARN=arn, Tags=defaults.tag_list(resource.payload["tags"])
    )


def _remove_targets(aws: Aws, actual: Actual, ids: Sequence[str]) -> None:
    if ids:
        aws.call(
            "events",
            "remove_targets",
            Rule=actual.name,
            EventBusName=actual.props["bus"],
            Ids=list(ids),
        )


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        _remove_targets(aws, actual, sorted(actual.props["targets"]))
        aws.call("events", "delete_rule", Name=actual.name, EventBusName=actual.props["bus"])
