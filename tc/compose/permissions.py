"""Permissions from edges: what each role may do, and because of what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tc.compose.tasks import flow_statements
from tc.spec.base import Targets
from tc.spec.function import Function
from tc.spec.names import shorten
from tc.spec.scope import Scope
from tc.spec.topology import Entry, Flow, Id, RoleSpec, Statement


def roles(
    scope: Scope,
    functions: Mapping[str, Function],
    entries: Mapping[str, Mapping[str, Entry]],
    flows: Mapping[str, Flow],
) -> tuple[RoleSpec, ...]:
    """Every role of the topology, each with the least that its edges need."""
    found = [_function_role(scope, function) for function in functions.values()]
    found += [_flow_role(scope, flow) for flow in flows.values()]
    found += [
        role for entry in _deployed(entries, "events", scope) for role in _event_role(entry, flows)
    ]
    found += _api_roles(scope, entries, flows)
    return tuple(found)


def _deployed(
    entries: Mapping[str, Mapping[str, Entry]], section: str, scope: Scope
) -> Iterator[Entry]:
    for entry in entries.get(section, {}).values():
        assert isinstance(entry.model, Targets)
        if entry.model.deployed(scope.sandbox):
            yield entry


def _function_role(scope: Scope, function: Function) -> RoleSpec:
    name = shorten(f"{scope.namespace}_{function.name}_{scope.sandbox}", 64)
    statements = [
        Statement(
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            (scope.arn("logs", f"log-group:/aws/lambda/{name}:*"),),
            "its log group",
        )
    ]
    if function.tracing:
        statements.append(
            Statement(
                ("xray:PutTelemetryRecords", "xray:PutTraceSegments"), ("*",), "tracing: true"
            )
        )
    inherit = True
    written = None
    if function.policy is not None:
        inherit = bool(function.policy.get("inherit", True))
        written = {key: value for key, value in function.policy.items() if key != "inherit"}
    return RoleSpec(
        name=function.name,
        service="lambda.amazonaws.com",
        entity=("function", function.name),
        statements=tuple(statements) if inherit else (),
        written=written,
    )


def _flow_role(scope: Scope, flow: Flow) -> RoleSpec:
    return RoleSpec(
        name=f"flow.{flow.name}",
        service="states.amazonaws.com",
        entity=("flow", flow.name),
        statements=tuple(flow_statements(flow, scope)),
    )


def _event_role(entry: Entry, flows: Mapping[str, Flow]) -> Iterator[RoleSpec]:
    """A rule starts a flow by a role; functions let the rule in by their own policy."""
    statements = tuple(_start(flows, target) for target in entry.targets if target[0] == "flow")
    if statements:
        yield RoleSpec(
            f"event.{entry.name}", "events.amazonaws.com", ("event", entry.name), statements
        )


def _api_roles(
    scope: Scope, entries: Mapping[str, Mapping[str, Entry]], flows: Mapping[str, Flow]
) -> list[RoleSpec]:
    """One role for each API whose routes call anything but functions; what several
    routes need is said once."""
    by_api: dict[str, dict[tuple[tuple[str, ...], tuple[str, ...]], Statement]] = {}
    for entry in _deployed(entries, "routes", scope):
        api = getattr(entry.model, "gateway", None) or scope.namespace
        for target in entry.targets:
            statement = _route_statement(scope, entry, target, entries, flows)
            if statement:
                key = (statement.actions, statement.resources)
                by_api.setdefault(api, {}).setdefault(key, statement)
    return [
        RoleSpec(f"api.{api}", "apigateway.amazonaws.com", ("api", api), tuple(statements.values()))
        for api, statements in by_api.items()
    ]


def _route_statement(
    scope: Scope,
    entry: Entry,
    target: Id,
    entries: Mapping[str, Mapping[str, Entry]],
    flows: Mapping[str, Flow],
) -> Statement | None:
    kind, name = target
    because = f"route {entry.name}"
    if kind == "flow":
        action = "states:StartSyncExecution" if flows[name].sync and _waits(entry) else ""
        return Statement((action or "states:StartExecution",), (flows[name].arn,), because)
    if kind == "event":
        bus = getattr(entries["events"][name].model, "bus", None) or "default"
        return Statement(("events:PutEvents",), (scope.arn("events", f"event-bus/{bus}"),), because)
    return None


def _waits(entry: Entry) -> bool:
    waits = getattr(entry.model, "waits", None)
    return bool(waits and waits())


def _start(flows: Mapping[str, Flow], target: Id) -> Statement:
    flow = flows[target[1]]
    return Statement(("states:StartExecution",), (flow.arn,), f"target flow {flow.name}")
