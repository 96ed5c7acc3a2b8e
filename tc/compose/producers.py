"""Producers that are AWS services: what happens to the topology's own buckets and tables.

``S3/PUT_OBJECT`` and its like come over EventBridge, as do the objects of a
bucket that has targets of its own; ``DYNAMODB/PUT_ITEM`` and its like are read
from the table's stream by a function.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tc.compose.things import bucket_name
from tc.spec.base import Entity
from tc.spec.scope import Scope
from tc.spec.topology import Edge, Entry, Id, Topology

Entries = Mapping[str, Mapping[str, Entry]]

#: producer -> what EventBridge calls it (``detail-type``)
OBJECTS = {
    "S3/PUT_OBJECT": "Object Created",
    "S3/DELETE_OBJECT": "Object Deleted",
    "S3/RESTORE_OBJECT": "Object Restore Completed",
}
#: producer -> what a stream calls it (``eventName``)
ITEMS = {
    "DYNAMODB/PUT_ITEM": "INSERT",
    "DYNAMODB/UPDATE_ITEM": "MODIFY",
    "DYNAMODB/DELETE_ITEM": "REMOVE",
}
SERVICES = OBJECTS.keys() | ITEMS.keys()
#: `events` of a bucket -> `detail-type`
BUCKET_EVENTS = {
    "created": "Object Created",
    "deleted": "Object Deleted",
    "restored": "Object Restore Completed",
}
#: how the name of a rule begins that is there for a bucket's own targets
_BUCKET = "bucket."
#: and one that is there for what chains hand to a mutation
_MUTATION = "mutation."
_WILD = re.compile(r"[*\\]")


def producers(entry: Entry) -> list[str]:
    """The producers of an event, as written."""
    sources: list[str] = entry.model.sources()  # type: ignore[attr-defined]
    return sources


def of_objects(entry: Entry) -> bool:
    """Whether the event is one of S3."""
    return any(producer in OBJECTS for producer in producers(entry))


def of_items(entry: Entry) -> bool:
    """Whether the event is one of DynamoDB, so that it has no rule."""
    return any(producer in ITEMS for producer in producers(entry))


def buckets_of(entries: Entries, entry: Entry) -> list[str]:
    """The buckets whose events `entry` is about: the one it names, or all."""
    return _chosen(entries, "buckets", getattr(entry.model, "bucket", None))


def tables_of(entries: Entries, entry: Entry) -> list[str]:
    return _chosen(entries, "tables", getattr(entry.model, "table", None))


def _chosen(entries: Entries, section: str, name: str | None) -> list[str]:
    known = entries.get(section, {})
    return [one for one in known if name in (None, one)]


def object_pattern(scope: Scope, entries: Entries, entry: Entry) -> dict[str, Any]:
    """The pattern of an event whose producers are S3's."""
    kinds = [OBJECTS[producer] for producer in producers(entry) if producer in OBJECTS]
    return _pattern(scope, kinds, buckets_of(entries, entry), "", "")


def bucket_pattern(scope: Scope, entry: Entry) -> dict[str, Any]:
    """The pattern of the objects that a bucket hands to its targets."""
    model: Any = entry.model
    kinds = [BUCKET_EVENTS[name] for name in model.events]
    return _pattern(scope, kinds, [entry.name], model.prefix or "", model.suffix or "")


def _pattern(
    scope: Scope, kinds: list[str], buckets: list[str], prefix: str, suffix: str
) -> dict[str, Any]:
    detail: dict[str, Any] = {"bucket": {"name": [bucket_name(scope, name) for name in buckets]}}
    if prefix and suffix:
        detail["object"] = {"key": [{"wildcard": f"{_escaped(prefix)}*{_escaped(suffix)}"}]}
    elif prefix:
        detail["object"] = {"key": [{"prefix": prefix}]}
    elif suffix:
        detail["object"] = {"key": [{"suffix": suffix}]}
    return {"source": ["aws.s3"], "detail-type": kinds, "detail": detail}


def _escaped(text: str) -> str:
    """`text` as it stands for itself in a wildcard."""
    return _WILD.sub(lambda match: f"\\{match.group(0)}", text)


def of_bucket(name: str) -> str:
    """What the event is called that the bucket `name` hands to its targets."""
    return f"{_BUCKET}{name}"


def of_results(mutation: str) -> str:
    """What the event is called as which chains put their results on the bus for `mutation`."""
    return f"{_MUTATION}{mutation}"


def result_source(scope: Scope) -> str:
    """The source of such events."""
    return f"tc.{scope.namespace}"


def result_pattern(scope: Scope, mutation: str) -> dict[str, Any]:
    """The pattern of such events: only chains of this very sandbox put them."""
    return {
        "source": [result_source(scope)],
        "detail-type": [of_results(mutation)],
        "resources": [scope.event_mark],
    }


def fed_mutations(edges: Iterable[Edge]) -> list[str]:
    """The mutations that chains hand their results to."""
    targets = [
        edge.target[1]
        for edge in edges
        if edge.source[0] == "flow" and edge.target[0] == "mutation"
    ]
    return list(dict.fromkeys(targets))


def rule_selectors(name: str) -> frozenset[str]:
    """What ``-c`` may say to mean the rule of the event `name`."""
    found = {"events", f"events/{name}"}
    if name.startswith(_BUCKET):
        found |= {"buckets", f"buckets/{name.removeprefix(_BUCKET)}"}
    if name.startswith(_MUTATION):
        found |= {"mutations", f"mutations/{name.removeprefix(_MUTATION)}"}
    return frozenset(found)


def notifying(entries: Entries, sandbox: str) -> set[str]:
    """The buckets that must tell EventBridge what happens to their objects."""
    found = {name for name, entry in entries.get("buckets", {}).items() if entry.targets}
    for entry in _events(entries, sandbox):
        if of_objects(entry):
            found |= set(buckets_of(entries, entry))
    return found


def _events(entries: Entries, sandbox: str) -> Iterator[Entry]:
    for entry in entries.get("events", {}).values():
        assert isinstance(entry.model, Entity)
        if entry.targets and entry.model.deployed(sandbox):
            yield entry


def readers(entries: Entries, sandbox: str) -> dict[tuple[str, Id], set[str]]:
    """(table, who reads its stream) -> the changes it reads (``INSERT``, …), empty for all.

    A stream has one mapping to a function, so that what several entries say of
    the same pair is one.
    """
    found: dict[tuple[str, Id], set[str]] = {}
    whole: set[tuple[str, Id]] = set()
    for name, table in entries.get("tables", {}).items():
        for target in table.targets:
            found[name, target] = set()
            whole.add((name, target))
    for entry in _events(entries, sandbox):
        changes = {ITEMS[one] for one in producers(entry) if one in ITEMS}
        for name in tables_of(entries, entry) if changes else ():
            for target in entry.targets:
                pair = (name, target)
                if pair not in whole:
                    found[pair] = found.get(pair, set()) | changes
    return found


def reading_selectors(entries: Entries, sandbox: str, table: str, target: Id) -> frozenset[str]:
    """What ``-c`` may say to mean that `target` reads the table's stream."""
    found = {"tables", f"tables/{table}"}
    for entry in _events(entries, sandbox):
        if of_items(entry) and table in tables_of(entries, entry) and target in entry.targets:
            found |= {"events", f"events/{entry.name}"}
    return frozenset(found)


def polling_selectors(topology: Topology, function: str) -> set[str]:
    """What ``-c`` may say to mean what Lambda polls for a function."""
    who, sandbox = ("function", function), topology.scope.sandbox
    queues = topology.entries.get("queues", {})
    polled = {name for name, entry in queues.items() if who in entry.targets}
    found = {text for name in polled for text in ("queues", f"queues/{name}")}
    for table, target in readers(topology.entries, sandbox):
        if target == who:
            found |= reading_selectors(topology.entries, sandbox, table, target)
    return found
