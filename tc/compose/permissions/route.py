"""What APIs may do: one role for each API whose routes call anything but functions."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.parts import Parts, once
from tc.compose.permissions.reach import reach
from tc.spec.base import Entity
from tc.spec.topology import How, RoleSpec, Statement


def roles(parts: Parts) -> Iterator[RoleSpec]:
    by_api: dict[str, list[Statement]] = {}
    for entry in parts.deployed("routes"):
        assert isinstance(entry.model, Entity)
        api = getattr(entry.model, "gateway", None) or parts.scope.namespace
        how: How = "sync" if entry.model.waits() else "async"
        by_api.setdefault(api, []).extend(
            reach(parts, target, how, f"route {entry.name}")
            for target in entry.targets
            if target[0] != "function"
        )
    for api, statements in by_api.items():
        if statements:
            yield RoleSpec(f"api.{api}", "apigateway.amazonaws.com", ("api", api), once(statements))
