"""What flows may do: call what their tasks call, run their own maps, write their logs.

The actions for logs, X-Ray and distributed maps are those of the Step Functions developer
guide: "Logging to CloudWatch Logs", "X-Ray tracing", "IAM policies for using Distributed Map".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tc.compose.asl.check import resources, sub_states
from tc.compose.asl.maps import is_distributed
from tc.compose.asl.walk import TaskUse
from tc.compose.calls import ACTIVITY_ARN, LAMBDA_ARN, call_of
from tc.compose.permissions.integrations import GRANTS, invoke_statement, results_at
from tc.compose.permissions.parts import Parts, once
from tc.compose.permissions.sdk_calls import sdk_statements
from tc.compose.tasks import detail_types, used_by
from tc.compose.things import FIFO, queue_name, workgroup_output
from tc.spec.finding import Address, Finding
from tc.spec.scope import Scope
from tc.spec.topology import Flow, Id, RoleSpec, Statement

#: S3 as ResultWriter needs it
_WRITER = (
    "s3:AbortMultipartUpload",
    "s3:GetObject",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
)
#: log delivery, which has no resources that a statement could name
_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
_XRAY = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
_TOKENS = ("states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess")


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for flow in parts.flows.values():
        yield RoleSpec(
            name=f"flow.{flow.name}",
            service="states.amazonaws.com",
            entity=("flow", flow.name),
            statements=once((*_statements(flow, parts.scope), *_results(parts, flow))),
        )


def _statements(flow: Flow, scope: Scope) -> Iterator[Statement]:
    for use in resources(flow.definition):
        yield from task_statements(use, scope, flow.arn)
    for _, name, state in sub_states(flow.definition):
        if state.get("Type") == "Map" and is_distributed(state):
            yield from _distributed(flow, name, state, scope)
    if flow.log_level != "OFF":
        group = scope.arn("logs", f"log-group:{flow.log_group}:*")
        because = f"logging: {flow.log_level}"
        yield Statement(_DELIVERY, ("*",), because)
        yield Statement(("logs:CreateLogStream", "logs:PutLogEvents"), (group,), because)
    if flow.tracing:
        yield Statement(_XRAY, ("*",), "tracing: true")


def _results(parts: Parts, flow: Flow) -> Iterator[Statement]:
    """Athena writes with the rights of whoever asks: to the output of the workgroup."""
    for edge in parts.edges_from(("flow", flow.name)):
        if edge.target[0] == "workgroup":
            entry = parts.entries["workgroups"][edge.target[1]]
            output = workgroup_output(parts.scope, entry)
            yield from results_at(output, parts.scope, f"output of workgroup {entry.name}")


def task_statements(use: TaskUse, scope: Scope, machine: str) -> Iterator[Statement]:
    """What one task needs of the role of the flow with the ARN `machine`."""
    if LAMBDA_ARN.match(use.resource):
        yield invoke_statement(use.resource, f"state {use.name}")
    call = call_of(use, scope, machine)
    if call is None:
        return
    if call.sdk:
        yield from sdk_statements(call)
    elif grant := GRANTS.get(f"{call.service}:{call.action}"):
        yield from grant(call)


def _distributed(
    flow: Flow, name: str, state: Mapping[str, Any], scope: Scope
) -> Iterator[Statement]:
    """A distributed Map runs the flow itself once more for its items."""
    because = f"state {name} (distributed Map)"
    yield Statement(("states:StartExecution",), (flow.arn,), because)
    own = flow.arn.replace(":stateMachine:", ":execution:", 1)
    actions = ("states:DescribeExecution", "states:RedriveExecution", "states:StopExecution")
    # the guide names the first, executions of a map are called the second: NAME/LABEL:ID
    yield Statement(actions, (f"{own}:*", f"{own}/*"), because)
    for field, s3 in (("ItemReader", _reads), ("ResultWriter", _writes)):
        source = state.get(field)
        if isinstance(source, Mapping):
            yield from s3(source, _bucket(source, scope), because)


def _arguments(source: Mapping[str, Any]) -> Mapping[str, Any]:
    given = source.get("Parameters", source.get("Arguments"))
    return given if isinstance(given, Mapping) else {}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and not value.startswith("{%") else ""


def _bucket(source: Mapping[str, Any], scope: Scope) -> str:
    """The ARN of the bucket of an ItemReader or ResultWriter; empty when it isn't plain."""
    name = _plain(_arguments(source).get("Bucket"))
    return f"arn:{scope.partition}:s3:::{name}" if name else ""


def _reads(source: Mapping[str, Any], bucket: str, because: str) -> Iterator[Statement]:
    if not bucket:
        return
    config = source.get("ReaderConfig")
    config = config if isinstance(config, Mapping) else {}
    listed = str(source.get("Resource", "")).endswith("listObjectsV2")
    manifest = config.get("InputType") == "MANIFEST"
    if listed:
        yield Statement(("s3:ListBucket",), (bucket,), because)
    if not listed or config.get("Transformation") == "LOAD_AND_FLATTEN":
        key = "" if listed or manifest else _plain(_arguments(source).get("Key"))
        yield Statement(("s3:GetObject",), (f"{bucket}/{key or '*'}",), because)


def _writes(source: Mapping[str, Any], bucket: str, because: str) -> Iterator[Statement]:
    if bucket:
        prefix = _plain(_arguments(source).get("Prefix")).strip("/")
        yield Statement(_WRITER, (f"{bucket}/{prefix}/*" if prefix else f"{bucket}/*",), because)


def callback_statements(parts: Parts, function: str) -> Iterator[Statement]:
    """What lets a function answer for the task tokens that it gets: from a flow itself, or
    through a queue or an event."""
    for flow in parts.flows.values():
        for use in resources(flow.definition):
            if use.resource.endswith(".waitForTaskToken") and ("function", function) in (
                _receivers(parts, use)
            ):
                yield Statement(_TOKENS, (flow.arn,), f"task token of state {use.name}")


def _receivers(parts: Parts, use: TaskUse) -> Iterator[Id]:
    used = used_by(use, parts.scope)
    if used and used.kind == "function":
        names = {parts.function_name(name): name for name in parts.functions}
        if used.name in names:
            yield "function", names[used.name]
    if used and used.kind == "queue":
        for entry in parts.entries.get("queues", {}).values():
            if queue_name(parts.scope, entry).removesuffix(FIFO) == used.name:
                yield from entry.targets
    for event in detail_types(use, parts.scope):
        entry_or_none = parts.entries.get("events", {}).get(event)
        if entry_or_none:
            yield from entry_or_none.targets


def task_warnings(flow: Flow, scope: Scope) -> Iterator[Finding]:
    """Tasks whose permissions can't be known from what is written, or not narrowly."""
    for use in resources(flow.definition):
        at = Address(flow.address.file, (*flow.address.path, *use.path, "Resource"))
        statements = list(task_statements(use, scope, flow.arn))
        if not statements and not ACTIVITY_ARN.match(use.resource):
            yield Finding(
                "no-permission",
                f"tc can't tell which permissions the state `{use.name}` needs",
                at,
                "its role gets none for it",
                severity="warning",
            )
        call = call_of(use, scope, flow.arn)
        if call and call.sdk and statements and "*" in statements[0].resources:
            yield Finding(
                "wide-permission",
                f"the state `{use.name}` doesn't say what it calls `{statements[0].actions[0]}` "
                "on, so its role may do that to everything",
                at,
                "write the name or the ARN of the thing in its parameters",
                severity="warning",
            )
    for path, name, state in sub_states(flow.definition):
        if state.get("Type") == "Map" and is_distributed(state):
            for field in ("ItemReader", "ResultWriter"):
                source = state.get(field)
                if isinstance(source, Mapping) and not _bucket(source, scope):
                    yield Finding(
                        "no-permission",
                        f"tc can't tell which bucket `{field}` of the state `{name}` uses",
                        Address(flow.address.file, (*flow.address.path, *path, field)),
                        "its role gets no permission for it: write `Bucket`",
                        severity="warning",
                    )
