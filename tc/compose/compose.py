"""Spec -> Topology: names, edges, flows and permissions; pure.

`compose` reads top to bottom as it works: resolve what functions target, write
the flows that chains mean, check the written one, resolve routes and events,
settle each flow's mode, give each role what its edges need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tc.compose.aliases import through_aliases
from tc.compose.asl.check import check as check_asl
from tc.compose.chains import find_heads, generate
from tc.compose.flow_addresses import fill_definition
from tc.compose.leaves import Things
from tc.compose.links import Link, link_all
from tc.compose.partitions import in_partition
from tc.compose.permissions import roles, with_policies
from tc.compose.permissions.parts import Parts
from tc.compose.queues import timeouts_of_queues, user_edges
from tc.compose.references import Names, collect
from tc.compose.settings import settled
from tc.compose.tasks import task_edges
from tc.records import dataclass
from tc.spec.addresses import addresses_in
from tc.spec.base import SECTION_KINDS, Entity, Strict
from tc.spec.finding import Address, Finding
from tc.spec.function import Function
from tc.spec.gateway import settings
from tc.spec.scope import Scope
from tc.spec.spec import LogLevel, Mode, Spec
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
    functions = {name: settled(function, scope) for name, function in spec.functions.items()}
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
    links = link_all(functions, names, scope, findings)
    written = _written_flow(spec, scope) if spec.flow else None
    things = Things(scope, entries, written.arn if written else "")
    if written:
        definition = fill_definition(written.definition, written.address, things, names, findings)
        written = replace(written, definition=definition)
    flows = _generated_flows(spec, things, links, findings)
    if written:
        if scope.namespace in flows:
            findings.append(
                Finding(
                    "name-clash",
                    f"the written flow and the chain of `{scope.namespace}` have the same name",
                    written.address,
                    "rename the function, or leave one of the two flows out",
                )
            )
        flows = {scope.namespace: written, **flows}
    names = collect(spec, scope, flows)
    entries = {
        section: {
            name: _with_targets(entry, names, flows, findings) for name, entry in models.items()
        }
        for section, models in entries.items()
    }
    edges = _entry_edges(entries) + _address_edges(functions, entries, names, findings)
    edges += user_edges(entries, names, findings)
    flows = _settle_modes(flows, edges, entries, spec, findings, stable=scope.stable)
    if not scope.stable:
        flows = {name: through_aliases(flow, functions, scope) for name, flow in flows.items()}
    for flow in flows.values():
        if not flow.generated:
            findings += check_asl(flow.definition, flow.address, flow.mode)
        edges += task_edges(flow, names, scope, findings)
    functions = _default_timeouts(functions, edges, timeouts_of_queues(entries))
    return Topology(
        name=spec.name,
        scope=scope,
        functions=functions,
        entries=entries,
        flows=flows,
        roles=with_policies(
            roles(Parts(scope, functions, entries, flows, tuple(edges))),
            {
                name: replace(policy, document=scope.fill(policy.document))
                for name, policy in spec.policies.items()
            },
            findings,
        ),
        edges=tuple(edges),
        address=spec.address,
        gateway=settings(spec.routes_file, scope),
        libraries=spec.libraries,
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


def _generated_flows(
    spec: Spec, things: Things, links: Mapping[str, Link], findings: list[Finding]
) -> dict[str, Flow]:
    heads, problems = find_heads(spec, links)
    findings += problems
    scope = things.scope
    flows: dict[str, Flow] = {}
    for head in heads:
        chain, problems = generate(head, spec, links, things)
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
        definition=in_partition(scope.fill(spec.flow.definition), scope.partition),
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
    functions: Mapping[str, Function],
    entries: Mapping[str, Mapping[str, Entry]],
    names: Names,
    findings: list[Finding],
) -> list[Edge]:
    """A variable or argument with an address (``{{queues.jobs.url}}``) is an edge to that."""
    edges: dict[Edge, None] = {}
    for source, at, text in _texts_with_addresses(functions, entries):
        for address in addresses_in(text):
            if not address.name:
                continue
            target, finding = names.resolve(address.kind, address.name, at)
            if finding:
                findings.append(finding)
            if target:
                edges[Edge(source, target, "uses")] = None
    return list(edges)


def _texts_with_addresses(
    functions: Mapping[str, Function], entries: Mapping[str, Mapping[str, Entry]]
) -> Iterator[tuple[Id, Address, str]]:
    """Variables of functions, arguments of jobs."""
    for function in functions.values():
        for variable, text in function.environment.items():
            at = function.written_at("environment", variable)
            yield ("function", function.name), at, str(text)
    for entry in entries.get("jobs", {}).values():
        for name, text in getattr(entry.model, "arguments", {}).items():
            yield ("job", entry.name), entry.address / "arguments" / name, text


def _settle_modes(
    flows: Mapping[str, Flow],
    edges: list[Edge],
    entries: Mapping[str, Mapping[str, Entry]],
    spec: Spec,
    findings: list[Finding],
    *,
    stable: bool,
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
        settled[name] = _observed(replace(flow, mode=mode, sync=bool(waiting)), spec, stable=stable)
    return settled


def _observed(flow: Flow, spec: Spec, *, stable: bool) -> Flow:
    """The flow with its logging and tracing, and whether it has an alias.

    An Express execution leaves no other trace, so the errors of such a flow are logged unless
    it is said otherwise.
    """
    logging = spec.logging
    default: LogLevel = "ERROR" if flow.mode == "Express" else "OFF"
    return replace(
        flow,
        log_level=logging.level if logging else default,
        log_data=bool(logging and logging.include_data),
        tracing=spec.tracing,
        versions=spec.versions,
        aliased=stable,
    )


def _default_timeouts(
    functions: Mapping[str, Function], edges: list[Edge], limits: Mapping[str, int]
) -> dict[str, Function]:
    """300 s, or 29 s for a function that a route waits for, itself or through a flow;
    less where `limits` says so."""
    waited = {edge.target for edge in edges if edge.how == "sync" and edge.source[0] != "flow"}
    waited |= {e.target for e in edges if e.source in waited and e.source[0] == "flow"}
    usual = {name: _SYNC_TIMEOUT if ("function", name) in waited else 300 for name in functions}
    return {
        name: function
        if function.timeout is not None
        else replace(function, timeout=min(usual[name], limits.get(name, usual[name])))
        for name, function in functions.items()
    }
