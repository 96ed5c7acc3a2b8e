"""What a kind has where it has nothing of its own to say: ``check = defaults.nothing_to_check``."""

from __future__ import annotations

from collections.abc import Iterable

from tc.components.protocol import Aws
from tc.plan.resource import Actual, Resource
from tc.spec.finding import Finding
from tc.spec.topology import Topology


def nothing_to_check(topology: Topology) -> Iterable[Finding]:
    """AWS refuses nothing of this kind that loading would let through."""
    return ()


def nothing_to_trace(actuals: Iterable[Actual]) -> Iterable[Resource]:
    """Nobody points at things of this kind that weren't found by their names."""
    return ()


def ready_at_once(aws: Aws, resource: Resource) -> None:
    """A thing of this kind can be used as soon as its call has answered."""
