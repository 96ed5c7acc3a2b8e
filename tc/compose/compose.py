"""Spec -> Topology: names, edges, flows and permissions; pure.

`compose` reads top to bottom as it works: resolve what functions target, write
the flows that chains mean, check the written one, resolve routes and events,
settle each flow's mode, give each role what its edges need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tc.compose.asl.check import check as check_asl
from tc.compose.chains import find_heads, generate
from tc.compose.permissions import roles
from tc.compose.permissions.parts import Parts
from tc.compose.references import Names, collect
from tc.compose.tasks import task_edges
from tc.spec.addresses import addresses_in
from tc.spec.base import SECTION_KINDS, Entity, Strict
from tc.spec.finding import Address, Finding
from tc.spec.function import Function, Inline
from tc.spec.scope import Scope
from tc.spec.spec import Mode, Spec
from tc.spec.topology import Edge, Entry, Flow, How, Id, Topology

_SECTIONS = {kind: section for section, kind in SECTION_KINDS.items()}
#: seconds that a function behind a route that waits has by default (HTTP API: 30 in all)
_SYNC_TIMEOUT = 29


@dataclass(frozen=True, slots=True)
class Composed:
    """The topology as far as it could be understood, and every problem found."""

    topology: Topology
    findings: tuple[Finding, ...]


def compose(spec: Spec, scope: Scope) -> Composed:
    """`spec` in `scope`, nested topologies included; each has its own namespace."""
    findings: list[Finding] = []
    scope = replace(scope, tags=scope.fill(scope.tags))
    nodes = []
    for node in spec.nodes:
        version = node.version or scope.version
        below = replace(
            scope, namespace=node.name, version=version, tags={**scope.tags, **node.tags}
        )
        composed = compose(node, below)
        nodes.append(composed.topology)
        findings += composed.findings
    topology = _compose_one(spec, scope, findings)
    return Composed(replace(topology, nodes=tuple(nodes)), tuple(findings))


def _compose_one(spec: Spec, scope: Scope, findings: list[Finding]) -> Topology:
    functions = {name: _in_scope(function, scope) for name, function in spec.functions.items()}
    entries = {
        section: {
            name: Entry(
                SECTION_KINDS[section],
                name,
                fill_model(model, scope),
                spec.addresses[(section, name)],
            )
            for name, model in models.items()
        }
        for section, models in spec.sections.items()
    }
    names = collect(spec, scope, [scope.namespace] if spec.flow else [])
    targets = _function_targets(functions, names, findings)
    flows = _generated_flows(spec, scope, targets, entries, findings)
    if spec.flow:
        if scope.namespace in flows:
            findings.append(
                Finding(
                    "name-clash",
                    f"the written flow and the chain of `{scope.namespace}` have the same name",
                    spec.flow.address,
                    "rename the function, or leave one of the two flows out",
                )
            )
        flows = {scope.namespace: _written_flow(spec, scope), **flows}
    names = collect(spec, scope, flows)
    entries = {
        section: {
            name: _with_targets(entry, names, flows, findings) for name, entry in models.items()
        }
        for section, models in entries.items()
    }
    edges = _entry_edges(entries) + _address_edges(functions, names, findings)
    flows = _settle_modes(flows, edges, entries, spec, findings)
    for flow in flows.values():
        if not flow.generated:
            findings += check_asl(flow.definition, flow.address, flow.mode)
        edges += task_edges(flow, names, scope, functions, findings)
    functions = _default_timeouts(functions, edges)
    return Topology(
        name=spec.name,
        scope=scope,
        functions=functions,
        entries=entries,
        flows=flows,
        roles=roles(Parts(scope, functions, entries, flows, tuple(edges))),
        edges=tuple(edges),
        address=spec.address,
    )


def fill_model(model: Strict, scope: Scope) -> Strict:
    """`model` with the templates in its strings filled, those of models in it too."""
    changed = {}
    for name in model.model_fields_set:
        value = getattr(model, name)
        filled = _filled(value, scope)
        if filled != value:
            changed[name] = filled
    return model.model_copy(update=changed) if changed else model


def _filled(value: Any, scope: Scope) -> Any:
    if isinstance(value, Strict):
        return fill_model(value, scope)
    if isinstance(value, list):
        return [_filled(item, scope) for item in value]
    if isinstance(value, Mapping):
        return {key: _filled(item, scope) for key, item in value.items()}
    return scope.fill(value)


def _in_scope(function: Function, scope: Scope) -> Function:
    """The function with its overlays merged (default < env < sandbox) and templates filled."""
    merged: dict[str, Any] = {}
    environment: dict[str, Any] = dict(function.environment)
    tags = dict(function.tags)
    for layer in ("default", scope.env, scope.sandbox):
        overlay = function.vars.get(layer, {})
        merged.update(overlay)
        environment.update(overlay.get("environment", {}))
        tags.update(overlay.get("tags", {}))
    return replace(
        function,
        description=scope.fill(function.description),
        memory=merged.get("memory_size", function.memory),
        timeout=merged.get("timeout", function.timeout),
        environment={key: scope.fill(_text(value)) for key, value in environment.items()},
        tags={key: scope.fill(_text(value)) for key, value in tags.items()},
        layers=tuple(scope.fill(layer) for layer in function.layers),
        inline=_inline(function.inline, scope),
        policy=scope.fill(function.policy) if function.policy else None,
        targets=tuple((kind, scope.fill(written)) for kind, written in function.targets),
    )


def _inline(inline: Inline | None, scope: Scope) -> Inline | None:
    return replace(inline, text=scope.fill(inline.text)) if inline else None


def _text(value: Any) -> str:
    """A variable's value as Lambda takes it: booleans as in JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _function_targets(
    functions: Mapping[str, Function], names: Names, findings: list[Finding]
) -> dict[str, list[Id]]:
    found: dict[str, list[Id]] = {}
    for name, function in functions.items():
        for kind, written in function.targets:
            address = (function.target_address or function.address) / kind
            target, finding = names.resolve(kind, written, address)
            if finding:
                findings.append(finding)
            if target and kind == "flow":
                findings.append(_starts_a_flow(name, address))
            elif target:
                found.setdefault(name, []).append(target)
    return found


def _starts_a_flow(name: str, address: Address) -> Finding:
    return Finding(
        "not-yet",
        f"this version of tc can't start a flow with the result of `{name}`",
        Address(address.file, (*address.path[:-1], "state")),
        "send an event to the flow: `event: NAME` here, `state:` at the event",
    )


def _generated_flows(
    spec: Spec,
    scope: Scope,
    targets: Mapping[str, list[Id]],
    entries: Mapping[str, Mapping[str, Entry]],
    findings: list[Finding],
) -> dict[str, Flow]:
    heads, problems = find_heads(spec, targets)
    findings += problems
    bus_entries: dict[str, Any] = {
        name: entry.model.bus_entry(name)  # type: ignore[attr-defined]
        for name, entry in entries.get("events", {}).items()
    }
    flows: dict[str, Flow] = {}
    for head in heads:
        chain, problems = generate(head, spec, targets, scope, bus_entries)
        findings += problems
        if chain:
            full_name = scope.name(scope.namespace, head, scope.sandbox, limit=80)
            flows[head] = Flow(
                name=head,
                full_name=full_name,
                definition=chain.definition,
                mode="Standard",
                generated=True,
                address=spec.functions[head].address,
                arn=scope.arn("states", f"stateMachine:{full_name}"),
            )
    return flows


def _written_flow(spec: Spec, scope: Scope) -> Flow:
    assert spec.flow is not None
    full_name = scope.name(scope.namespace, scope.sandbox, limit=80)
    return Flow(
        name=scope.namespace,
        full_name=full_name,
        definition=scope.fill(spec.flow.definition),
        mode=spec.mode or "Standard",
        generated=False,
        address=spec.flow.address,
        arn=scope.arn("states", f"stateMachine:{full_name}"),
    )


def _with_targets(
    entry: Entry, names: Names, flows: Mapping[str, Flow], findings: list[Finding]
) -> Entry:
    """The entry with its targets resolved; a chain's head means the chain's flow."""
    assert isinstance(entry.model, Entity)
    found: list[Id] = []
    for kind, written in entry.model.targets():
        key = entry.model.target_key(kind)
        target, finding = names.resolve(kind, written, entry.address / key)
        if finding:
            findings.append(finding)
        if target and target[0] == "function":
            head = flows.get(target[1])
            if head and head.generated:
                target = ("flow", target[1])
        if target:
            found.append(target)
    return replace(entry, targets=tuple(found))


def _entry_edges(entries: Mapping[str, Mapping[str, Entry]]) -> list[Edge]:
    edges: list[Edge] = []
    for section in entries.values():
        for entry in section.values():
            assert isinstance(entry.model, Entity)
            how: How = "sync" if entry.model.waits() else "async"
            edges += [Edge((entry.kind, entry.name), target, how) for target in entry.targets]
    return edges


def _address_edges(
    functions: Mapping[str, Function], names: Names, findings: list[Finding]
) -> list[Edge]:
    """A variable with the address of a thing (``{{queues.jobs.url}}``) is an edge to it."""
    edges: dict[Edge, None] = {}
    for function in functions.values():
        for variable, text in function.environment.items():
            for address in addresses_in(str(text)):
                if not address.name:
                    continue
                at = function.address / "runtime" / "environment" / variable
                target, finding = names.resolve(address.kind, address.name, at)
                if finding:
                    findings.append(finding)
                if target:
                    edges[Edge(("function", function.name), target, "uses")] = None
    return list(edges)


def _settle_modes(
    flows: Mapping[str, Flow],
    edges: list[Edge],
    entries: Mapping[str, Mapping[str, Entry]],
    spec: Spec,
    findings: list[Finding],
) -> dict[str, Flow]:
    """Each flow's mode; a route that waits needs an Express one."""
    settled: dict[str, Flow] = {}
    for name, flow in flows.items():
        waiting = [e.source for e in edges if e.target == ("flow", name) and e.how == "sync"]
        mode: Mode = flow.mode
        if flow.generated:
            mode = spec.mode or ("Express" if waiting else "Standard")
        if waiting and mode == "Standard":
            for kind, entry_name in waiting:
                entry = entries[_SECTIONS[kind]][entry_name]
                findings.append(
                    Finding(
                        "sync-standard",
                        f"the route `{entry_name}` waits for a Standard flow, "
                        "which Step Functions can't do",
                        entry.address,
                        "write `async: true` on the route, or `mode: Express` in the topology",
                        at="key",
                    )
                )
        settled[name] = replace(flow, mode=mode, sync=bool(waiting))
    return settled


def _default_timeouts(functions: Mapping[str, Function], edges: list[Edge]) -> dict[str, Function]:
    """300 s, or 29 s for a function that a route waits for, itself or through a flow."""
    waited = {edge.target for edge in edges if edge.how == "sync" and edge.source[0] != "flow"}
    waited |= {edge.target for edge in edges if edge.source in waited}
    return {
        name: function
        if function.timeout is not None
        else replace(function, timeout=_SYNC_TIMEOUT if ("function", name) in waited else 300)
        for name, function in functions.items()
    }
