"""What functions may do: write their logs, and use what they have the address of."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.parts import Parts, once
from tc.compose.permissions.reach import can_reach, reach
from tc.spec.function import Function
from tc.spec.topology import RoleSpec, Statement


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for function in parts.functions.values():
        yield _role(parts, function)


def _role(parts: Parts, function: Function) -> RoleSpec:
    inherit = True
    written = None
    if function.policy is not None:
        inherit = bool(function.policy.get("inherit", True))
        written = {key: value for key, value in function.policy.items() if key != "inherit"}
    return RoleSpec(
        name=function.name,
        service="lambda.amazonaws.com",
        entity=("function", function.name),
        statements=once(_statements(parts, function)) if inherit else (),
        written=written,
    )


def _statements(parts: Parts, function: Function) -> Iterator[Statement]:
    group = f"log-group:/aws/lambda/{parts.function_name(function.name)}:*"
    yield Statement(
        ("logs:CreateLogStream", "logs:PutLogEvents"),
        (parts.scope.arn("logs", group),),
        "its log group",
    )
    if function.tracing:
        # X-Ray has no resources that a statement could name
        yield Statement(
            ("xray:PutTelemetryRecords", "xray:PutTraceSegments"), ("*",), "tracing: true"
        )
    for edge in parts.edges_from(("function", function.name)):
        if edge.how == "uses" and can_reach(edge.target):
            because = f"a variable with the address of {' '.join(edge.target)}"
            yield reach(parts, edge.target, edge.how, because)
