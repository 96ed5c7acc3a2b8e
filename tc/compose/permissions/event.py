"""What rules may do: functions and queues let a rule in by their own policy, the
rest is called by the rule's role."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.parts import Parts, once
from tc.compose.permissions.reach import reach
from tc.compose.producers import of_bucket
from tc.spec.topology import Entry, RoleSpec

#: kinds that let a rule in by a policy of their own
LET_IN = frozenset({"function", "queue"})


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for entry in parts.deployed("events"):
        yield from _role(parts, entry, entry.name)
    for entry in parts.deployed("buckets"):
        yield from _role(parts, entry, of_bucket(entry.name))


def _role(parts: Parts, entry: Entry, name: str) -> Iterator[RoleSpec]:
    statements = once(
        reach(parts, target, "async", f"target {target[0]} {target[1]}")
        for target in entry.targets
        if target[0] not in LET_IN
    )
    if statements:
        yield RoleSpec(f"event.{name}", "events.amazonaws.com", ("event", name), statements)
