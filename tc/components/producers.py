"""What can't be right of events whose producers are AWS services: S3 and DynamoDB."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from tc.components.event_model import DEFAULT_BUS, EventModel, model_of
from tc.compose.producers import ITEMS, OBJECTS, SERVICES
from tc.spec.finding import Finding
from tc.spec.topology import Entry, Topology

#: what a producer's name begins with -> the key of an event that names the thing, its section
_THINGS = {"S3/": ("bucket", "buckets"), "DYNAMODB/": ("table", "tables")}


def check_producers(topology: Topology, entry: Entry) -> Iterator[Finding]:
    model = model_of(entry)
    yield from _check_names(entry, model)
    services = {source for source in model.sources() if source in SERVICES}
    yield from _check_mixed(entry, model, services)
    for begin, (key, section) in _THINGS.items():
        asked = any(source.startswith(begin) for source in services)
        yield from _check_thing(topology, entry, key, section, asked=asked)
    if any(source in ITEMS for source in services):
        yield from _check_readers(entry)
    if model.bus not in (None, DEFAULT_BUS) and any(source in OBJECTS for source in services):
        yield Finding(
            "conflict",
            "S3 sends its events to the default bus",
            entry.address / "bus",
            "take `bus` out",
        )


def _sources_key(model: EventModel) -> str:
    keys = [key for key in ("producers", "producer", "source") if getattr(model, key) is not None]
    return keys[0] if keys else "producer"


def _check_names(entry: Entry, model: EventModel) -> Iterator[Finding]:
    for source in model.sources():
        if source in SERVICES or not source.startswith(tuple(_THINGS)):
            continue
        close = difflib.get_close_matches(source, SERVICES, n=1)
        known = ", ".join(sorted(SERVICES))
        yield Finding(
            "unknown-producer",
            f"`{source}` is nothing that S3 or DynamoDB tells",
            entry.address / _sources_key(model),
            f"did you mean `{close[0]}`?" if close else f"there are: {known}",
        )


def _check_mixed(entry: Entry, model: EventModel, services: set[str]) -> Iterator[Finding]:
    """Each way of getting events is its own."""
    ways = [
        any(source in OBJECTS for source in services),
        any(source in ITEMS for source in services),
        any(source not in SERVICES for source in model.sources()),
    ]
    if services and sum(ways) > 1:
        yield Finding(
            "conflict",
            f"the event `{entry.name}` mixes producers of S3, of DynamoDB and of a bus",
            entry.address / _sources_key(model),
            "write an event for each, with the same target",
        )


def _check_thing(
    topology: Topology, entry: Entry, key: str, section: str, *, asked: bool
) -> Iterator[Finding]:
    """The bucket or table that an event names, or that there is any."""
    written = getattr(model_of(entry), key)
    known = topology.entries.get(section, {})
    if written is not None and not asked:
        yield Finding(
            "no-producer",
            f"`{key}` says whose events, and no producer of `{entry.name}` is of a {key}",
            entry.address / key,
            at="key",
        )
    elif asked and written is not None and written not in known:
        close = difflib.get_close_matches(written, known, n=1)
        yield Finding(
            "unknown-name",
            f"there is no {key} `{written}`",
            entry.address / key,
            f"did you mean `{close[0]}`?" if close else f"{section}: {', '.join(known) or 'none'}",
        )
    elif asked and not known:
        yield Finding(
            "no-producer",
            f"the topology has no {section}, so nothing produces `{entry.name}`",
            entry.address,
            f"write it below `{section}`",
            at="key",
        )


def _check_readers(entry: Entry) -> Iterator[Finding]:
    """A table's stream is read by functions, without a rule."""
    model = model_of(entry)
    for kind, _ in entry.targets:
        if kind not in ("function", "flow"):
            yield Finding(
                "no-such-edge",
                f"the changes of a table can't go to a {kind}",
                entry.address / model.target_key(kind),
                f"let a function get them, and hand them to the {kind}",
            )
    for key in ("pattern", "filter", "rule_name", "bus", "dlq", "maximum_event_age_in_seconds"):
        if getattr(model, key) is not None:
            yield Finding(
                "conflict",
                f"`{key}` is a rule's, and the changes of a table come without one",
                entry.address / key,
                at="key",
            )
