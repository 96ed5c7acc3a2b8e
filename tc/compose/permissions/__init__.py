"""Permissions from edges: what each role may do, and because of what.

One file for each kind of thing that assumes a role; `reach` says what it takes
to hand data to a target of each kind.
"""

from __future__ import annotations

from collections.abc import Mapping

from tc.compose.permissions import (
    channel,
    event,
    flow,
    function,
    job,
    mutation,
    pipe,
    route,
    schedule,
    stream,
)
from tc.compose.permissions.parts import Parts, with_policy
from tc.spec.finding import Finding
from tc.spec.spec import WrittenPolicy
from tc.spec.topology import RoleSpec

_KINDS = (
    function.roles,
    flow.roles,
    event.roles,
    route.roles,
    job.roles,
    schedule.roles,
    stream.roles,
    pipe.roles,
    channel.roles,
    mutation.roles,
)


def roles(parts: Parts) -> tuple[RoleSpec, ...]:
    """Every role of the topology, each with the least that its edges need."""
    return tuple(role for of_kind in _KINDS for role in of_kind(parts))


def with_policies(
    roles: tuple[RoleSpec, ...],
    policies: Mapping[str, WrittenPolicy],
    findings: list[Finding],
) -> tuple[RoleSpec, ...]:
    """`roles` with what users wrote for them in roles/KIND.NAME.json; a file that fits none
    is a warning."""
    known = {role.name for role in roles if "." in role.name}
    for name, policy in policies.items():
        if name not in known:
            there = f"such roles are {', '.join(sorted(known))}" if known else "there is none"
            message = f"belongs to no role: `{name}.json` is not read"
            findings.append(
                Finding("unused-file", message, policy.address, there, severity="warning")
            )
    return tuple(
        with_policy(role, policies[role.name].document) if role.name in policies else role
        for role in roles
    )
