"""What a flow's tasks call: the edges they are, and the permissions they need.

The actions of each integration are those of the Step Functions developer guide,
"IAM policies for integrated services".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tc.compose.asl.check import TaskUse, resources
from tc.compose.references import Names
from tc.spec.finding import Address, Finding
from tc.spec.function import Function
from tc.spec.scope import Scope
from tc.spec.topology import Edge, Flow, Statement

_INTEGRATION = re.compile(
    r"arn:[^:]+:states:::(?P<service>[^.]+?)(?P<pattern>\.(sync(:2)?|waitForTaskToken))?\Z"
)
_LAMBDA_ARN = re.compile(r"arn:[^:]+:lambda:[^:]*:[^:]*:function:(?P<name>[^:]+)(:[^:]+)?\Z")

#: DynamoDB's optimised integrations -> the action each needs on its table
_DYNAMODB = {
    "dynamodb:getItem": "dynamodb:GetItem",
    "dynamodb:putItem": "dynamodb:PutItem",
    "dynamodb:updateItem": "dynamodb:UpdateItem",
    "dynamodb:deleteItem": "dynamodb:DeleteItem",
}


def task_edges(
    flow: Flow,
    names: Names,
    scope: Scope,
    functions: Mapping[str, Function],
    findings: list[Finding],
) -> list[Edge]:
    """The edges from `flow` to the functions and events of its topology.

    A name that looks like the topology's own (``etl_…_bob``) but is none of its
    functions is a finding; names of other topologies are left to the user.
    """
    edges: list[Edge] = []
    for use in resources(flow.definition):
        edges += [edge for edge in _event_edges(use, flow, names) if edge not in edges]
        written = invoked_function(use)
        if written is None:
            continue
        bare = written.split(":")[0]
        target = names.by_name["function"].get(bare)
        if target and bare == target[1]:
            findings.append(_bare_name(use, flow, bare))
        elif target:
            edge = Edge(("flow", flow.name), target, "sync")
            if edge not in edges:
                edges.append(edge)
        elif _ours(bare, scope) and ("function", _short(bare, scope)) not in names.broken:
            findings.append(_dangling(use, flow, bare, functions, scope))
    return edges


def _event_edges(use: TaskUse, flow: Flow, names: Names) -> list[Edge]:
    """The events that a task puts on a bus: an event's name is its detail-type."""
    if _service(use) != "events:putEvents":
        return []
    entries = use.arguments.get("Entries")
    types = [
        entry.get("DetailType")
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict)
    ]
    events = names.by_name["event"]
    return [
        Edge(("flow", flow.name), events[name])
        for name in types
        if isinstance(name, str) and name in events
    ]


def flow_statements(flow: Flow, scope: Scope) -> Iterator[Statement]:
    """What the role of `flow` needs for its tasks, one statement for each target."""
    seen: set[tuple[object, ...]] = set()
    for use in resources(flow.definition):
        for statement in _statements(use, scope):
            key = (statement.actions, statement.resources)
            if key not in seen:
                seen.add(key)
                yield statement


def unknown_tasks(flow: Flow, scope: Scope) -> Iterator[Finding]:
    """Tasks whose permissions can't be known from what is written."""
    for use in resources(flow.definition):
        if not list(_statements(use, scope)):
            yield Finding(
                "no-permission",
                f"tc can't tell which permissions the state `{use.name}` needs",
                Address(flow.address.file, (*flow.address.path, *use.path, "Resource")),
                "its role gets none for it",
                severity="warning",
            )


def invoked_function(use: TaskUse) -> str | None:
    """The name or ARN tail of the function a task invokes, None when it invokes none."""
    direct = _LAMBDA_ARN.match(use.resource)
    if direct:
        return direct["name"]
    if _service(use) != "lambda:invoke":
        return None
    name = use.arguments.get("FunctionName")
    if not isinstance(name, str) or name.startswith("{%"):
        return None
    arn = _LAMBDA_ARN.match(name)
    return arn["name"] if arn else name


def _service(use: TaskUse) -> str:
    match = _INTEGRATION.match(use.resource)
    return match["service"] if match else ""


def _statements(use: TaskUse, scope: Scope) -> Iterator[Statement]:
    because = f"state {use.name}"
    function = invoked_function(use)
    if function is not None:
        given = use.arguments.get("FunctionName")
        for candidate in (use.resource, given):
            if isinstance(candidate, str) and _LAMBDA_ARN.match(candidate):
                arn = candidate
                break
        else:
            arn = scope.arn("lambda", f"function:{function}")
        resources_ = (arn,) if ":" in arn.split(":function:")[1] else (arn, f"{arn}:*")
        yield Statement(("lambda:InvokeFunction",), resources_, because)
        return
    service = _service(use)
    grant = _GRANTS.get(service)
    if grant:
        yield from grant(use, scope, because)
    elif service in _DYNAMODB:
        table = use.arguments.get("TableName")
        if isinstance(table, str) and not table.startswith("{%"):
            arn = table if table.startswith("arn:") else scope.arn("dynamodb", f"table/{table}")
            yield Statement((_DYNAMODB[service],), (arn,), because)


def _put_events(use: TaskUse, scope: Scope, because: str) -> Iterator[Statement]:
    entries = use.arguments.get("Entries")
    buses = set()
    for entry in entries if isinstance(entries, list) else []:
        bus = entry.get("EventBusName", "default") if isinstance(entry, dict) else "default"
        if isinstance(bus, str) and not bus.startswith("{%"):
            buses.add(bus if bus.startswith("arn:") else scope.arn("events", f"event-bus/{bus}"))
    if buses:
        yield Statement(("events:PutEvents",), tuple(sorted(buses)), because)


def _start_execution(use: TaskUse, scope: Scope, because: str) -> Iterator[Statement]:
    machine = use.arguments.get("StateMachineArn")
    if not isinstance(machine, str) or machine.startswith("{%"):
        return
    yield Statement(("states:StartExecution",), (machine,), because)
    if ".sync" in use.resource:
        execution = machine.replace(":stateMachine:", ":execution:", 1) + ":*"
        yield Statement(("states:DescribeExecution", "states:StopExecution"), (execution,), because)
        rule = scope.arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")
        yield Statement(
            ("events:DescribeRule", "events:PutRule", "events:PutTargets"), (rule,), because
        )


def _send_message(use: TaskUse, scope: Scope, because: str) -> Iterator[Statement]:
    url = use.arguments.get("QueueUrl")
    if isinstance(url, str) and not url.startswith("{%"):
        yield Statement(
            ("sqs:SendMessage",), (scope.arn("sqs", url.rstrip("/").split("/")[-1]),), because
        )


def _publish(use: TaskUse, _: Scope, because: str) -> Iterator[Statement]:
    topic = use.arguments.get("TopicArn")
    if isinstance(topic, str) and not topic.startswith("{%"):
        yield Statement(("sns:Publish",), (topic,), because)


_GRANTS: dict[str, Callable[[TaskUse, Scope, str], Iterator[Statement]]] = {
    "events:putEvents": _put_events,
    "states:startExecution": _start_execution,
    "sqs:sendMessage": _send_message,
    "sns:publish": _publish,
}


def _ours(name: str, scope: Scope) -> bool:
    return name.startswith(f"{scope.namespace}_") and name.endswith(f"_{scope.sandbox}")


def _short(name: str, scope: Scope) -> str:
    return name.removeprefix(f"{scope.namespace}_").removesuffix(f"_{scope.sandbox}")


def _written_at(use: TaskUse, flow: Flow) -> Address:
    path: tuple[Any, ...] = (*flow.address.path, *use.path)
    if _LAMBDA_ARN.match(use.resource):
        return Address(flow.address.file, (*path, "Resource"))
    key = "Arguments" if use.query_language == "JSONata" else "Parameters"
    return Address(flow.address.file, (*path, key, "FunctionName"))


def _bare_name(use: TaskUse, flow: Flow, bare: str) -> Finding:
    return Finding(
        "bare-name",
        f"the state `{use.name}` invokes `{bare}`, which on AWS is another function's name",
        _written_at(use, flow),
        f"write `'{{{{namespace}}}}_{bare}_{{{{sandbox}}}}'`",
    )


def _dangling(
    use: TaskUse, flow: Flow, name: str, functions: Mapping[str, Function], scope: Scope
) -> Finding:
    short = _short(name, scope)
    close = difflib.get_close_matches(short, functions, n=1)
    hint = (
        f"did you mean `{close[0]}`?"
        if close
        else f"there are: {', '.join(functions)}"
        if functions
        else "the topology has no functions"
    )
    return Finding(
        "unknown-name",
        f"the state `{use.name}` invokes the function `{short}`, which isn't there",
        _written_at(use, flow),
        hint,
    )
