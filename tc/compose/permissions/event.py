"""What rules may do: functions and queues let a rule in by their own policy, the
rest is called by the rule's role."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.parts import Parts, once
from tc.compose.permissions.reach import reach
from tc.spec.topology import RoleSpec

#: kinds that let a rule in by a policy of their own
_LET_IN = frozenset({"function", "queue"})


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for entry in parts.deployed("events"):
        statements = once(
            reach(parts, target, "async", f"target {target[0]} {target[1]}")
            for target in entry.targets
            if target[0] not in _LET_IN
        )
        if statements:
            yield RoleSpec(
                f"event.{entry.name}", "events.amazonaws.com", ("event", entry.name), statements
            )
