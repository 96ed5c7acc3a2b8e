"""What EventBridge would refuse of a topology's events."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator

from tc.components.dead_letters import check_dead_letters, filled
from tc.components.event_model import (
    DEFAULT_BUS,
    EventModel,
    as_json,
    deployed,
    model_of,
    pattern,
    rule_arn,
)
from tc.components.producers import check_producers
from tc.compose.patterns import check_pattern
from tc.compose.triggers import trigger_of
from tc.spec.finding import Finding
from tc.spec.topology import Entry, Topology

#: targets of a rule (EventBridge quota)
TARGETS_LIMIT = 5
#: characters of a pattern (PutRule); without a raised quota it is 2,048
_PATTERN_LIMIT = 4096
_PATTERN_QUOTA = 2048
_BUS = re.compile(r"[A-Za-z0-9._-]{1,256}\Z")
_PARTNER_BUS = re.compile(r"aws\.partner(/[A-Za-z0-9._-]+){2,}\Z")
_RULE_PART = re.compile(r"[A-Za-z0-9._-]+\Z")
_RULE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
#: what every event has at its top ("Events" in the EventBridge user guide)
_TOP = (
    "account",
    "detail",
    "detail-type",
    "id",
    "region",
    "replay-name",
    "resources",
    "source",
    "time",
    "version",
)


def check(topology: Topology) -> Iterator[Finding]:
    for entry in topology.entries.get("events", {}).values():
        model = model_of(entry)
        if len(entry.targets) > TARGETS_LIMIT:
            yield Finding(
                "too-many-targets",
                f"the event `{entry.name}` has {len(entry.targets)} targets; "
                f"a rule takes {TARGETS_LIMIT}",
                entry.address,
                at="key",
            )
        yield from _check_sources(entry, model)
        yield from check_producers(topology, entry)
        yield from _check_names(entry, model)
        yield from _check_patterns(entry, model)
        yield from check_dead_letters(topology, entry)
    yield from _check_rules(topology)


def _check_sources(entry: Entry, model: EventModel) -> Iterator[Finding]:
    keys = [key for key in ("producer", "producers", "source") if getattr(model, key) is not None]
    for key in keys[1:]:
        yield Finding(
            "both", f"write `{keys[0]}` or `{key}`, not both", entry.address / key, at="key"
        )
    for source in model.sources():
        if source.startswith(("S3/", "DYNAMODB/")) or trigger_of(source):
            continue
        if re.match(r"[A-Za-z0-9]+/[A-Z_]+\Z", source):
            yield Finding(
                "not-yet",
                f"this version of tc can't take `{source}` as a producer",
                entry.address / ("producers" if model.producers else "producer"),
            )
        elif not source:
            yield Finding("empty", "an event's source is some text", entry.address / keys[0])


def _check_names(entry: Entry, model: EventModel) -> Iterator[Finding]:
    bus = filled(model.bus or DEFAULT_BUS)
    if not _BUS.match(bus) and not _PARTNER_BUS.match(bus):
        yield Finding(
            "bad-name",
            f"`{model.bus}` is no bus name",
            entry.address / "bus",
            "EventBridge takes up to 256 letters, digits and `._-`",
        )
    if model.rule_name and not _RULE.match(filled(model.rule_name)):
        yield Finding(
            "bad-name",
            f"`{model.rule_name}` is no rule name",
            entry.address / "rule_name",
            "EventBridge takes up to 64 letters, digits and `._-`",
        )


def _check_rules(topology: Topology) -> Iterator[Finding]:
    """Rules, and roles, are named after their events; each rule is one event's."""
    seen: dict[str, str] = {}
    for entry in deployed(topology):
        if not _RULE_PART.match(entry.name):
            yield Finding(
                "bad-name",
                f"`{entry.name}` can't name a rule: letters, digits and `._-` only",
                entry.address,
                f"call it otherwise, and write `pattern: {{detail-type: [{entry.name}]}}`",
                at="key",
            )
        arn = rule_arn(topology.scope, entry)
        if arn in seen:
            yield Finding(
                "duplicate-name",
                f"the events `{seen[arn]}` and `{entry.name}` have the same rule",
                entry.address / "rule_name",
                "give each a `rule_name` of its own",
            )
        seen.setdefault(arn, entry.name)
        yield from _check_length(topology, entry)


def _check_length(topology: Topology, entry: Entry) -> Iterator[Finding]:
    length = len(json.dumps(pattern(topology, entry)))
    if length > _PATTERN_QUOTA:
        too_long = length > _PATTERN_LIMIT
        limit = _PATTERN_LIMIT if too_long else _PATTERN_QUOTA
        yield Finding(
            "too-large",
            f"the pattern of `{entry.name}` has {length:,} characters; EventBridge takes {limit:,}"
            + ("" if too_long else " unless the account's quota was raised"),
            entry.address,
            "make two events of it",
            at="key",
            severity="error" if too_long else "warning",
        )


def _check_patterns(entry: Entry, model: EventModel) -> Iterator[Finding]:
    for key in ("pattern", "filter"):
        written = getattr(model, key)
        if written is None:
            continue
        parsed = as_json(written)
        if not isinstance(parsed, dict):
            yield Finding("bad-pattern", f"`{key}` is no JSON object", entry.address / key)
            continue
        for path, message in check_pattern(parsed):
            address = entry.address / key
            if not isinstance(written, str):
                for part in path:
                    address = address / part
            yield Finding("bad-pattern", message, address)
        if key == "pattern":
            yield from _check_top(entry, parsed)


def _check_top(entry: Entry, written: dict[str, object]) -> Iterator[Finding]:
    """A slip at the top is no error to EventBridge: the rule just never matches."""
    for name in written:
        if name not in _TOP and name != "$or":
            close = difflib.get_close_matches(name, _TOP, n=1)
            yield Finding(
                "never-matches",
                f"no event has `{name}` at its top: the pattern never matches",
                entry.address / "pattern",
                f"did you mean `{close[0]}`?" if close else "put it below `detail`",
                severity="warning",
            )
