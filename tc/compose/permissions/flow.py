"""What flows may do: call what their tasks call."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.parts import Parts
from tc.compose.tasks import flow_statements
from tc.spec.topology import RoleSpec


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for flow in parts.flows.values():
        yield RoleSpec(
            name=f"flow.{flow.name}",
            service="states.amazonaws.com",
            entity=("flow", flow.name),
            statements=tuple(flow_statements(flow, parts.scope)),
        )
