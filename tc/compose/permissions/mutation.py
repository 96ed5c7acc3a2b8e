"""What resolvers may do: AppSync calls their function, puts their events and items."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.parts import Parts
from tc.compose.permissions.reach import reach
from tc.compose.things import table_arn
from tc.spec.topology import Id, RoleSpec, Statement


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for entry in parts.deployed("mutations"):
        statements = tuple(_statement(parts, target) for target in entry.targets)
        if statements:
            of = ("mutation", entry.name)
            yield RoleSpec(f"mutation.{entry.name}", "appsync.amazonaws.com", of, statements)


def _statement(parts: Parts, target: Id) -> Statement:
    kind, name = target
    because = f"resolver {kind} {name}"
    if kind == "table":
        actions = ("dynamodb:GetItem", "dynamodb:PutItem")
        return Statement(actions, (table_arn(parts.scope, name),), because)
    return reach(parts, target, "async", because)
