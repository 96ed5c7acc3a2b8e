"""What each role may do and which edge gave it that: ``tc compose -c roles``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tc.errors import UsageError
from tc.spec.topology import RoleSpec, Topology

Branch = tuple[str, list[Any]]
_WORD = "roles"


def chosen(topology: Topology, components: Sequence[str]) -> frozenset[str]:
    """The names of the roles that ``-c`` means, those of nested topologies included.

    Raises UsageError when it means anything but roles that are there.
    """
    known = {role.name for part in topology.family() for role in part.roles}
    names: set[str] = set()
    for component in components:
        kind, slash, name = component.partition("/")
        if kind != _WORD or (slash and name not in known):
            listed = ", ".join(f"{_WORD}/{name}" for name in sorted(known))
            raise UsageError(
                f"compose can't show `{component}` alone",
                code="component",
                where=topology.name,
                hint=f"there are {', '.join(filter(None, (_WORD, listed)))}",
            )
        names |= {name} if slash else known
    return frozenset(names)


def data(topology: Topology, names: frozenset[str]) -> dict[str, Any]:
    """Each role with its statements as IAM writes them, and `because` of what each is there."""
    roles = {
        role.name: {
            "for": "/".join(role.entity),
            "assumed_by": role.service,
            "statements": list(_statements(role)),
        }
        for role in topology.roles
        if role.name in names
    }
    nodes = {node.name: data(node, names) for node in topology.nodes}
    return {"name": topology.name, "roles": roles, **({"nodes": nodes} if nodes else {})}


def branches(topology: Topology, names: frozenset[str]) -> Iterator[Branch]:
    """A tree of topologies, their roles, why and what."""
    for part in topology.family():
        roles: list[Branch] = [_role(role) for role in part.roles if role.name in names]
        if roles:
            yield part.name, roles


def _role(role: RoleSpec) -> Branch:
    by_cause: dict[str, list[Branch]] = {}
    for one in _statements(role):
        by_cause.setdefault(one["because"], []).append(statement(one))
    head = f"{_WORD}/{role.name}  for {' '.join(role.entity)}, assumed by {role.service}"
    return head, list(by_cause.items())


def statement(one: Mapping[str, Any]) -> Branch:
    """What a statement of a policy says."""
    verb = "may" if one.get("Effect", "Allow") == "Allow" else "may never"
    what = _one_of(one, "Action", "NotAction")
    below: list[Branch] = [("on " + resource, []) for resource in _resources(one)]
    for operator, tests in one.get("Condition", {}).items():
        below += [
            (f"if {operator} {key}: {', '.join(_texts(value))}", []) for key, value in tests.items()
        ]
    return f"{verb} {what}", below


def _one_of(statement: Mapping[str, Any], key: str, negated: str) -> str:
    if negated in statement:
        return f"anything but {', '.join(_texts(statement[negated]))}"
    return ", ".join(_texts(statement.get(key, [])))


def _resources(statement: Mapping[str, Any]) -> list[str]:
    if "NotResource" in statement:
        return [f"anything but {', '.join(_texts(statement['NotResource']))}"]
    return _texts(statement.get("Resource", []))


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _statements(role: RoleSpec) -> Iterator[dict[str, Any]]:
    for statement in role.statements:
        document = statement.document()
        resources = [str(resource) for resource in document["Resource"]]
        yield {**document, "Resource": resources, "because": statement.because}
    written = (role.written or {}).get("Statement", [])
    for document in written if isinstance(written, list) else [written]:
        yield {**document, "because": f"roles/{role.name}.json"}
