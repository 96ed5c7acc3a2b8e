"""What of a sandbox can be invoked, and by which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tc.spec.topology import Id, Topology

#: section as ``-c`` says it -> kind
_KINDS = {
    "functions": "function",
    "routes": "route",
    "events": "event",
    "queues": "queue",
    "flow": "flow",
}


def chosen(topology: Topology, component: str | None) -> Id | None:
    """(kind, name) of what `component` (``routes/etl``) means; without one the written flow,
    else the only flow, else the only function. None where it means nothing."""
    flows = topology.flows
    if component is None or component in ("flow", "state", "states"):
        if topology.name in flows and not flows[topology.name].generated:
            return "flow", topology.name
        if len(flows) == 1:
            return "flow", next(iter(flows))
        if component is None and not flows and len(topology.functions) == 1:
            return "function", next(iter(topology.functions))
        return None
    section, _, name = component.partition("/")
    if not name:
        section, name = "functions", component
    kind = _KINDS.get("flow" if section in ("state", "states") else section, "")
    found = _named(kind, name, _things(topology, section)) if kind else None
    return (kind, found) if found is not None else None


def components(topology: Topology) -> list[str]:
    """Everything that `chosen` knows, as ``-c`` says it."""
    return [
        f"{section}/{name}"
        for section in ("flow", "functions", "routes", "events", "queues")
        for name in _things(topology, section)
    ]


def _things(topology: Topology, section: str) -> Mapping[str, Any]:
    if section in ("flow", "state", "states"):
        return topology.flows
    return topology.functions if section == "functions" else topology.entries.get(section, {})


def _named(kind: str, name: str, things: Mapping[str, Any]) -> str | None:
    """The key of what is called `name`; routes also by path, or by method and path."""
    for candidate in (name, f"/{name}"):
        if candidate in things:
            return candidate
    labels = {entry.model.label(key): key for key, entry in things.items() if kind == "route"}
    return labels.get(name)
