"""Event source mappings: Lambda polls a queue or a table's stream for a function.

A mapping is found by its function and known by its source. It isn't gone with
either of them, so it goes before both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.queue import queue_key
from tc.components.queue_model import is_own
from tc.components.role import granted, role_key
from tc.compose.producers import readers, reading_selectors
from tc.compose.things import queue_arn, queue_name, table_name, table_stream
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Ref, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Entry, Topology

KIND = "mapping"
PLURAL = "mappings"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset({"source"})
TRAITS = Traits(switch="entry", comes_with=frozenset({"queue", "table", "event"}))
check = defaults.nothing_to_check

#: records a call, where nothing is written
_QUEUE_BATCH = 10
_TABLE_BATCH = 100
#: messages a call, above which Lambda wants a window of at least a second
_BATCH_WITHOUT_WINDOW = 10
_FOREVER = -1
#: what Lambda must be allowed to do for a function with a mapping
_POLLING = frozenset({"sqs:ReceiveMessage", "dynamodb:GetRecords"})
_SERVICES = {"sqs": "queue", "dynamodb": "table"}
_BUSY = frozenset({"Creating", "Enabling", "Updating", "Disabling"})


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    yield from _of_queues(topology)
    yield from _of_tables(topology)


def _of_queues(topology: Topology) -> Iterator[Resource]:
    scope = topology.scope
    for entry in topology.entries.get("queues", {}).values():
        model: Any = entry.model
        size = model.batch_size or _QUEUE_BATCH
        for kind, function in entry.targets:
            if kind != "function":
                continue
            yield _mapping(
                topology,
                function,
                entry,
                name=queue_name(scope, entry),
                source=queue_arn(scope, entry),
                needs=(queue_key(scope, entry),) if is_own(entry) else (),
                props={
                    "batch_size": size,
                    "window_s": model.window or int(size > _BATCH_WITHOUT_WINDOW),
                    "partial_failures": model.partial_failures,
                },
            )


def _of_tables(topology: Topology) -> Iterator[Resource]:
    scope = topology.scope
    tables = topology.entries.get("tables", {})
    for (name, target), changes in readers(topology.entries, scope.sandbox).items():
        if target[0] != "function":
            continue
        model: Any = tables[name].model
        yield _mapping(
            topology,
            target[1],
            tables[name],
            name=table_name(scope, name),
            source=table_stream(scope, name),
            needs=(),
            props={
                "batch_size": model.batch_size or _TABLE_BATCH,
                "window_s": model.window or 0,
                "partial_failures": model.partial_failures,
                "filters": [{"eventName": sorted(changes)}] if changes else [],
                "retries": _FOREVER if model.retries is None else model.retries,
            },
        )


def _mapping(
    topology: Topology,
    function: str,
    entry: Entry,
    *,
    name: str,
    source: str | Ref,
    needs: tuple[str, ...],
    props: Mapping[str, Any],
) -> Resource:
    scope = topology.scope
    full = topology.function_name(function)
    section = f"{entry.kind}s"
    selectors = {PLURAL, f"{PLURAL}/{entry.name}", section, f"{section}/{entry.name}"}
    if entry.kind == "table":
        who = ("function", function)
        selectors |= reading_selectors(topology.entries, scope.sandbox, entry.name, who)
    return Resource(
        kind=KIND,
        key=_key(full, f"{entry.kind}.{name}"),
        name=f"{full}/{entry.kind}.{name}",
        title=f"{entry.kind} {entry.name} to {function}",
        owner=scope.owner,
        props={
            "source": source,
            "function": topology.function_arn(function),
            "enabled": True,
            **props,
            "tags": dict(scope.tags),
        },
        needs=(*_roles(topology, function), topology.called_key(function), *needs),
        selectors=frozenset(selectors),
        address=entry.address,
        payload={"tags": scope.marks, "function": topology.called_name(function)},
    )


def _roles(topology: Topology, function: str) -> tuple[str, ...]:
    """The function's role, which must let Lambda poll before it does."""
    names = {role.name for role in topology.roles if role.entity == ("function", function)}
    return tuple(role_key(topology.scope, name) for name in names)


def _key(function: str, source: str) -> str:
    return f"{KIND}/{function}/{source}"


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """Those of which the tags tell; `trace` finds the others."""
    for arn in index.tagged:
        if ":event-source-mapping:" in arn:
            number = arn.rpartition(":")[2]
            key = _key("", number)
            yield Resource(KIND, key, number, number, scope.owner, {}, payload={"number": number})


def trace(actuals: Iterable[Actual]) -> Iterator[Resource]:
    """A stand-in for each function that Lambda may poll for and whose mappings weren't
    listed yet."""
    actuals = list(actuals)
    listed = {actual.name.partition("/")[0] for actual in actuals if actual.kind == KIND}
    for actual in actuals:
        kind, _, function = actual.info.get("for", "").partition(" ")
        ours = actual.kind == "role" and kind == "function" and function not in listed
        if ours and _polls(actual):
            yield Resource(
                KIND,
                _key(function, "*"),
                "*",
                function,
                actual.owner,
                {},
                payload={"function": function},
            )


def _polls(role: Actual) -> bool:
    return not _POLLING.isdisjoint(granted(role, "Action"))


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    """One listing for each function, and the tags of each mapping."""
    by_key = {resource.key: resource for resource in resources}
    functions = {r.payload["function"] for r in resources if "function" in r.payload}
    numbers = {r.payload["number"] for r in resources if "number" in r.payload}
    listed = aws.map(lambda name: _listed(aws, name), sorted(functions))
    live = {one["UUID"]: one for listing in listed for one in listing}
    unlisted = aws.map(lambda number: _one(aws, number), sorted(numbers - live.keys()))
    live |= {one["UUID"]: one for one in unlisted if one}
    standing = [one for one in live.values() if one.get("State") != "Deleting"]
    found = aws.map(lambda one: _actual(aws, one, by_key), standing)
    return [actual for actual in found if actual]


def _listed(aws: Aws, function: str) -> list[dict[str, Any]]:
    pages = aws.pages(
        "lambda", "list_event_source_mappings", "EventSourceMappings", FunctionName=function
    )
    try:
        return list(pages)
    except AwsError as error:
        if error.missing:
            return []
        raise


def _one(aws: Aws, number: str) -> dict[str, Any] | None:
    try:
        return aws.call("lambda", "get_event_source_mapping", UUID=number)
    except AwsError as error:
        if error.missing:
            return None
        raise


def _source(live: Mapping[str, Any]) -> tuple[str, str] | None:
    """(kind, name on AWS) of what is polled; None when tc makes no such mappings."""
    parts = str(live.get("EventSourceArn", "")).split(":")
    if len(parts) < 6 or parts[2] not in _SERVICES:
        return None
    kind = _SERVICES[parts[2]]
    return kind, parts[5] if kind == "queue" else parts[5].split("/")[1]


def _actual(aws: Aws, live: Mapping[str, Any], by_key: Mapping[str, Resource]) -> Actual | None:
    source = _source(live)
    if source is None:
        return None
    kind, name = source
    function = str(live["FunctionArn"]).split(":")[6]
    key = _key(function, f"{kind}.{name}")
    arn = f"arn:{aws.partition}:lambda:{aws.region}:{aws.account}:event-source-mapping:"
    tags = aws.call("lambda", "list_tags", Resource=arn + live["UUID"]).get("Tags", {})
    wanted = by_key.get(key)
    return Actual(
        kind=KIND,
        key=key,
        name=f"{function}/{kind}.{name}",
        title=wanted.title if wanted else f"{kind} {name} to {function}",
        owner=tags.get(OWNER_TAG, ""),
        props={**_live_props(live, kind), "tags": own_tags(tags)},
        outputs={"id": live["UUID"], "arn": arn + live["UUID"], "serves": kind},
        info={"since": str(live.get("LastModified", "")), "version": tags.get("version", "")},
        needs=(f"function/{function}", f"{kind}/{name}"),
    )


def _live_props(live: Mapping[str, Any], kind: str) -> dict[str, Any]:
    props: dict[str, Any] = {
        "source": live["EventSourceArn"],
        "function": live["FunctionArn"],
        "enabled": live.get("State") not in {"Disabled", "Disabling"},
        "batch_size": live.get("BatchSize"),
        "window_s": live.get("MaximumBatchingWindowInSeconds", 0),
        "partial_failures": "ReportBatchItemFailures" in live.get("FunctionResponseTypes", []),
    }
    if kind == "table":
        filters = (live.get("FilterCriteria") or {}).get("Filters") or []
        props["filters"] = [json.loads(one["Pattern"]) for one in filters]
        props["retries"] = live.get("MaximumRetryAttempts", _FOREVER)
    return props


#: prop -> (key of the Lambda API, from the prop's value to the API's)
_SETTINGS: Mapping[str, tuple[str, Any]] = {
    "function": ("FunctionName", lambda arn: arn),
    "enabled": ("Enabled", lambda on: on),
    "batch_size": ("BatchSize", lambda size: size),
    "window_s": ("MaximumBatchingWindowInSeconds", lambda seconds: seconds),
    "partial_failures": (
        "FunctionResponseTypes",
        lambda on: ["ReportBatchItemFailures"] if on else [],
    ),
    "filters": (
        "FilterCriteria",
        lambda patterns: {"Filters": [{"Pattern": json.dumps(one)} for one in patterns]},
    ),
    "retries": ("MaximumRetryAttempts", lambda times: times),
}


def _settings(resource: Resource, names: Iterable[str]) -> dict[str, Any]:
    settings = {}
    for name in names:
        if name in resource.props and name in _SETTINGS:
            key, convert = _SETTINGS[name]
            settings[key] = convert(resource.props[name])
    return settings


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    settings = _settings(resource, _SETTINGS)
    if not settings.get("FilterCriteria", {}).get("Filters"):
        settings.pop("FilterCriteria", None)
    if ":dynamodb:" in resource.props["source"]:
        # what was written between the making of the stream and of the mapping counts too
        settings["StartingPosition"] = "TRIM_HORIZON"
    made = aws.insist(
        f"role of {resource.title}",
        lambda: aws.call(
            "lambda",
            "create_event_source_mapping",
            EventSourceArn=resource.props["source"],
            Tags=dict(resource.payload["tags"]),
            **settings,
        ),
    )
    return {"id": made["UUID"]}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    settings = _settings(resource, sorted(changed))
    if settings:
        aws.insist(
            f"mapping of {resource.title}",
            lambda: aws.call(
                "lambda", "update_event_source_mapping", UUID=actual.outputs["id"], **settings
            ),
        )
    if changed & {"tags", "owner"}:
        arn = actual.outputs["arn"]
        removed = defaults.dropped_tags(resource, actual)
        if removed:
            aws.call("lambda", "untag_resource", Resource=arn, TagKeys=removed)
        aws.call("lambda", "tag_resource", Resource=arn, Tags=dict(resource.payload["tags"]))
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.insist(
            f"mapping of {actual.title}",
            lambda: aws.call("lambda", "delete_event_source_mapping", UUID=actual.outputs["id"]),
        )
    aws.wait(f"deletion of the mapping of {actual.title}", lambda: _state(aws, actual))


def _state(aws: Aws, actual: Actual) -> str:
    """Its state while it is there: Lambda lets no other one be made for the pair."""
    live = _one(aws, actual.outputs["id"])
    return str(live.get("State", "Deleting")) if live else ""


def settle(aws: Aws, resource: Resource) -> None:
    """Waits until Lambda polls."""

    def busy() -> str:
        for live in _listed(aws, resource.payload["function"]):
            source = _source(live)
            if source and resource.name.endswith("/" + ".".join(source)):
                state = str(live.get("State", ""))
                return state if state in _BUSY else ""
        return ""

    aws.wait(f"mapping of {resource.title}", busy)
