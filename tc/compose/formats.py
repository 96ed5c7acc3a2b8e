"""A composed topology as text: a tree, data, a picture's source, ASL.

The same topology gives the same bytes every time: everything is in the order
in which it was written, or sorted where nobody wrote an order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tc.compose import role_view
from tc.errors import TcError, UsageError
from tc.spec.base import Entity
from tc.spec.function import Function
from tc.spec.topology import Entry, Flow, Id, Topology


def write(topology: Topology, form: str) -> str:
    """`topology` in the format `form`, without a newline at the end."""
    if form in ("json", "yaml"):
        return dumped(data(topology), form)
    if form == "asl":
        return _asl(topology)
    return {"tree": _tree, "mermaid": _mermaid, "dot": _dot}[form](topology)


def write_roles(topology: Topology, form: str, components: Sequence[str]) -> str:
    """The roles that `components` name (``roles``, ``roles/enhancer``) in the format `form`.

    Raises UsageError for any other component, and for formats that are pictures or flows.
    """
    names = role_view.chosen(topology, components)
    if form == "tree":
        trees = role_view.branches(topology, names)
        return "\n".join(line for head, below in trees for line in (head, *_lines(below, "")))
    if form not in ("json", "yaml"):
        raise UsageError(f"roles can't be written as {form}", hint="add -f tree, json or yaml")
    return dumped(role_view.data(topology, names), form)


def data(topology: Topology) -> dict[str, Any]:
    """Everything that the topology means, as plain data."""
    written: dict[str, Any] = {
        "name": topology.name,
        "version": topology.scope.version,
        "functions": {
            name: {
                "name": topology.function_name(name),
                "runtime": function.runtime,
                "handler": function.handler,
                "memory": function.memory,
                "timeout": function.timeout,
                "layers": list(function.layers),
                "environment": sorted(function.environment),
            }
            for name, function in topology.functions.items()
        },
    }
    for section, entries in topology.entries.items():
        if entries:
            written[section] = {name: _entry(entry) for name, entry in entries.items()}
    if topology.flows:
        written["flows"] = {
            name: {
                "name": flow.full_name,
                "mode": flow.mode,
                "generated": flow.generated,
                "definition": flow.definition,
            }
            for name, flow in topology.flows.items()
        }
    written["roles"] = {
        role.name: [
            {
                **statement.document(),
                "Resource": [str(resource) for resource in statement.resources],
                "because": statement.because,
            }
            for statement in role.statements
        ]
        for role in topology.roles
    }
    written["edges"] = [
        {"from": "/".join(edge.source), "to": "/".join(edge.target), "how": edge.how}
        for edge in topology.edges
    ]
    if topology.nodes:
        written["nodes"] = {node.name: data(node) for node in topology.nodes}
    return written


def write_policy(head: str, statements: Sequence[Mapping[str, Any]]) -> str:
    """A policy of IAM as a tree."""
    return "\n".join([head, *_lines([role_view.statement(one) for one in statements], "")])


def dumped(plain: Mapping[str, Any], form: str) -> str:
    """`plain` as ``json`` or ``yaml``, for people."""
    if form == "json":
        return json.dumps(plain, indent=2, ensure_ascii=False)
    import yaml

    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    return text.rstrip()


def _entry(entry: Entry) -> dict[str, Any]:
    keys: dict[str, Any] = entry.model.model_dump(by_alias=True, exclude_unset=True)
    return {**keys, "targets": ["/".join(target) for target in entry.targets]}


def _asl(topology: Topology) -> str:
    flows = [flow for part in topology.family() for flow in part.flows.values()]
    if not flows:
        raise TcError(
            f"{topology.name} has no flow",
            code="no-flow",
            hint="write `flow:`, or chain functions with `function:`",
        )
    if len(flows) == 1:
        return json.dumps(flows[0].definition, indent=2, ensure_ascii=False)
    return json.dumps(
        {flow.full_name: flow.definition for flow in flows}, indent=2, ensure_ascii=False
    )


Branch = tuple[str, list[Any]]


def _tree(topology: Topology) -> str:
    head, branches = _branch(topology)
    return "\n".join([head, *_lines(branches, "")])


def _lines(branches: list[Branch], indent: str) -> Iterator[str]:
    for place, (text, below) in enumerate(branches):
        last = place == len(branches) - 1
        yield f"{indent}{'└── ' if last else '├── '}{text}"
        yield from _lines(below, indent + ("    " if last else "│   "))


def _branch(topology: Topology) -> Branch:
    branches: list[Branch] = []
    if topology.functions:
        width = max(len(name) for name in topology.functions)
        branches.append(
            (
                "functions",
                [
                    (
                        f"{name:<{width}}  {_sizes(function)}",
                        [],
                    )
                    for name, function in topology.functions.items()
                ],
            )
        )
    for section, entries in topology.entries.items():
        if entries:
            lines: list[Branch] = [(_arrow(entry), []) for entry in entries.values()]
            branches.append((section, lines))
    branches += [(_flow_head(flow), _states(flow.definition)) for flow in topology.flows.values()]
    branches += [_branch(node) for node in topology.nodes]
    return f"{topology.name} {topology.scope.version}", branches


def _sizes(function: Function) -> str:
    runtime = "image" if function.is_image else function.runtime
    return f"{runtime}, {function.memory} MB, {function.timeout} s"


def _label(entry: Entry) -> str:
    assert isinstance(entry.model, Entity)
    return entry.model.label(entry.name)


def _arrow(entry: Entry) -> str:
    label = _label(entry)
    name = entry.name if label == entry.name or entry.name in label else f"{entry.name}  {label}"
    name = label if entry.name in label else name
    targets = ", ".join(" ".join(target) for target in entry.targets)
    return f"{name} → {targets}" if targets else name


def _flow_head(flow: Flow) -> str:
    origin = "generated" if flow.generated else "written"
    return f"flow {flow.name} ({flow.mode}, {origin})"


def _states(definition: Mapping[str, Any]) -> list[Branch]:
    branches: list[Branch] = []
    for name, state in definition.get("States", {}).items():
        below: list[Branch] = []
        for inner in state.get("Branches", []):
            below += _states(inner)
        for key in ("ItemProcessor", "Iterator"):
            if key in state:
                below += _states(state[key])
        following = state.get("Next")
        text = f"{name} ({state.get('Type')})"
        branches.append((f"{text} → {following}" if following else text, below))
    return branches


def _mermaid(topology: Topology) -> str:
    lines = ["flowchart LR"]
    ids = _ids(topology)
    for place, part in enumerate(topology.family()):
        lines.append(f"  subgraph topology{place}[{_quoted(part.name)}]")
        for node, label in _nodes(part):
            left, right = _MERMAID.get(node[0], ("[(", ")]"))
            lines.append(f"    {ids[part.name, node]}{left}{_quoted(label)}{right}")
        lines.append("  end")
        for edge in part.edges:
            line = "-->" if edge.how == "sync" else "-.->"
            lines.append(f"  {ids[part.name, edge.source]} {line} {ids[part.name, edge.target]}")
    return "\n".join(lines)


_MERMAID = {
    "function": ("[", "]"),
    "route": ("([", "])"),
    "event": ("{{", "}}"),
    "schedule": (">", "]"),
    "flow": ("[[", "]]"),
}
_DOT = {
    "function": "box",
    "route": "oval",
    "event": "hexagon",
    "schedule": "cds",
    "flow": "component",
}


def _dot(topology: Topology) -> str:
    lines = [f"digraph {_quoted(topology.name)} {{", "  rankdir=LR;"]
    ids = _ids(topology)
    for part in topology.family():
        lines.append(f"  subgraph {_quoted('cluster_' + part.name)} {{")
        lines.append(f"    label={_quoted(part.name)};")
        for node, label in _nodes(part):
            shape = _DOT.get(node[0], "cylinder")
            lines.append(f"    {ids[part.name, node]} [label={_quoted(label)}, shape={shape}];")
        lines.append("  }")
        for edge in part.edges:
            style = "" if edge.how == "sync" else " [style=dashed]"
            source, target = ids[part.name, edge.source], ids[part.name, edge.target]
            lines.append(f"  {source} -> {target}{style};")
    return "\n".join([*lines, "}"])


def _ids(topology: Topology) -> dict[tuple[str, Id], str]:
    """An identifier for each entity: its kind and a number in the order they are written."""
    nodes = [(part.name, node) for part in topology.family() for node, _ in _nodes(part)]
    return {node: f"{node[1][0]}{place}" for place, node in enumerate(nodes)}


def _nodes(topology: Topology) -> Iterator[tuple[Id, str]]:
    for entries in topology.entries.values():
        for entry in entries.values():
            yield (entry.kind, entry.name), _label(entry)
    for flow in topology.flows.values():
        yield ("flow", flow.name), f"flow {flow.name}"
    for name in topology.functions:
        yield ("function", name), name


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', "'")
    return f'"{escaped}"'
