"""What flows call: functions that have an alias through it, and in a sandbox that goes live by
versions the versions that belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tc.compose.asl.check import TaskUse, resources
from tc.compose.calls import LAMBDA_ARN, invoked_function
from tc.spec.function import ALIAS, Function
from tc.spec.ref import Ref
from tc.spec.scope import Scope
from tc.spec.topology import Flow, Topology


def through_aliases(flow: Flow, functions: Mapping[str, Function], scope: Scope) -> Flow:
    """`flow` with the alias at the name of each function that has one.

    A task that names a version or an alias itself is left as it is.
    """
    names = {f.full_name(scope) for f in functions.values() if f.has_alias}
    definition: Any = flow.definition
    for use in resources(flow.definition):
        name = invoked_function(use)
        place, written = _named_at(use)
        if name in names and written.split(":function:")[-1] == name:
            definition = _replaced(definition, place, f"{written}:{ALIAS}")
    return replace(flow, definition=definition)


def _named_at(use: TaskUse) -> tuple[tuple[Any, ...], str]:
    """Where in the definition a task names its function, and how."""
    if LAMBDA_ARN.match(use.resource):
        return (*use.path, "Resource"), use.resource
    written = use.arguments.get("FunctionName")
    return (*use.path, _arguments(use), "FunctionName"), written if isinstance(written, str) else ""


def naming_versions(flow: Flow, topology: Topology) -> Any:
    """The definition of `flow` with the version at the name of each of the topology's functions,
    and of each of its other flows that `flow` starts.

    A flow that starts itself, or one by which it is started, names the alias: neither of the
    two could be published before the other. What names a version or an alias itself stays.
    """
    functions = {f.full_name(topology.scope) for f in topology.functions.values()}
    flows = {other.arn: other for other in topology.flows.values() if other.aliased}
    definition: Any = flow.definition
    for use in resources(flow.definition):
        name = invoked_function(use)
        place, written = _named_at(use)
        if name in functions and written.split(":function:")[-1] == name:
            ref = Ref(f"version/{name}", "version", before=f"{written}:")
            definition = _replaced(definition, place, ref)
            continue
        started = use.arguments.get("StateMachineArn")
        if isinstance(started, str) and (other := flows.get(started)):
            loops = _starts(topology, other.name, flow.name)
            to = other.called_arn if loops else Ref(other.version_key, "arn")
            where = (*use.path, _arguments(use), "StateMachineArn")
            definition = _replaced(definition, where, to)
    return definition


def _starts(topology: Topology, flow: str, other: str) -> bool:
    """Whether `flow` is `other`, or starts it, directly or by way of others."""
    reached, queue = {flow}, [flow]
    while queue:
        source = ("flow", queue.pop())
        for edge in topology.edges:
            kind, name = edge.target
            if edge.source == source and kind == "flow" and name not in reached:
                reached.add(name)
                queue.append(name)
    return other in reached


def _arguments(use: TaskUse) -> str:
    return "Arguments" if use.query_language == "JSONata" else "Parameters"


def _replaced(value: Any, path: tuple[Any, ...], by: str | Ref) -> Any:
    """A copy of `value` with `by` at `path`."""
    if not path:
        return by
    if isinstance(value, list):
        return [_replaced(v, path[1:], by) if i == path[0] else v for i, v in enumerate(value)]
    return {**value, path[0]: _replaced(value[path[0]], path[1:], by)}
