"""Permissions from edges: what each role may do, and because of what.

One file for each kind of thing that assumes a role; `reach` says what it takes
to hand data to a target of each kind.
"""

from __future__ import annotations

from tc.compose.permissions import (
    channel,
    event,
    flow,
    function,
    job,
    mutation,
    route,
    schedule,
    stream,
)
from tc.compose.permissions.parts import Parts
from tc.spec.topology import RoleSpec

_KINDS = (
    function.roles,
    flow.roles,
    event.roles,
    route.roles,
    job.roles,
    schedule.roles,
    stream.roles,
    channel.roles,
    mutation.roles,
)


def roles(parts: Parts) -> tuple[RoleSpec, ...]:
    """Every role of the topology, each with the least that its edges need."""
    return tuple(role for of_kind in _KINDS for role in of_kind(parts))
