"""What permissions are made of: a topology's things and the edges between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tc.records import dataclass
from tc.spec.base import Entity
from tc.spec.function import Function
from tc.spec.scope import Scope
from tc.spec.topology import Edge, Entry, Flow, Id, RoleSpec, Statement


@dataclass(frozen=True, slots=True)
class Parts:
    """`entries` are those of each section by name, their targets resolved."""

    scope: Scope
    functions: Mapping[str, Function]
    entries: Mapping[str, Mapping[str, Entry]]
    flows: Mapping[str, Flow]
    edges: tuple[Edge, ...]

    def deployed(self, section: str) -> Iterator[Entry]:
        """The entries of a section that this sandbox has."""
        for entry in self.entries.get(section, {}).values():
            assert isinstance(entry.model, Entity)
            if entry.model.deployed(self.scope.sandbox):
                yield entry

    def function_name(self, name: str) -> str:
        """The name on AWS of the function `name`."""
        return self.functions[name].full_name(self.scope)

    def edges_from(self, source: Id) -> Iterator[Edge]:
        return (edge for edge in self.edges if edge.source == source)


def once(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Each statement once; what several edges need has the reason of the first."""
    found: dict[tuple[object, ...], Statement] = {}
    for statement in statements:
        key = (statement.actions, statement.resources, str(statement.conditions))
        found.setdefault(key, statement)
    return tuple(found.values())


def with_policy(role: RoleSpec, policy: Mapping[str, Any]) -> RoleSpec:
    """`role` with the user's own `policy`, which replaces what edges give when it says
    ``"inherit": false``."""
    written = {key: value for key, value in policy.items() if key != "inherit"}
    statements = role.statements if policy.get("inherit", True) else ()
    return replace(role, statements=statements, written=written)
