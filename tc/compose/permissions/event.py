"""What rules may do: functions and queues let a rule in by their own policy, the
rest is called by the rule's role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tc.compose.permissions.parts import Parts, once
from tc.compose.permissions.reach import reach
from tc.compose.producers import fed_mutations, of_bucket, of_items, of_results
from tc.compose.triggers import of_pools
from tc.spec.topology import Entry, Id, RoleSpec

#: kinds that let a rule in by a policy of their own
LET_IN = frozenset({"function", "queue"})


def has_rule(entry: Entry) -> bool:
    """Whether the event comes by a rule: those of tables and pools come without one."""
    return not of_items(entry) and not of_pools(entry)


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for entry in parts.deployed("events"):
        if has_rule(entry):
            yield from _role(parts, entry.targets, entry.name)
    for entry in parts.deployed("buckets"):
        yield from _role(parts, entry.targets, of_bucket(entry.name))
    for name in fed_mutations(parts.edges):
        yield from _role(parts, (("mutation", name),), of_results(name))


def _role(parts: Parts, targets: Iterable[Id], name: str) -> Iterator[RoleSpec]:
    statements = once(
        reach(parts, target, "async", f"target {target[0]} {target[1]}")
        for target in targets
        if target[0] not in LET_IN
    )
    if statements:
        yield RoleSpec(f"event.{name}", "events.amazonaws.com", ("event", name), statements)
