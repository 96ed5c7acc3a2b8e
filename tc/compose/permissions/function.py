"""What functions may do: write their logs, use what they have the address of, and what
Lambda does for them with their role."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.flow import callback_statements
from tc.compose.permissions.keys import key_statements
from tc.compose.permissions.parts import Parts, once, with_policy
from tc.compose.permissions.polling import polling_statements
from tc.compose.permissions.reach import can_reach, reach
from tc.spec.function import Function, Mount
from tc.spec.topology import RoleSpec, Statement


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for function in parts.functions.values():
        if not function.role:
            yield _role(parts, function)


def _role(parts: Parts, function: Function) -> RoleSpec:
    role = RoleSpec(
        name=function.name,
        service="lambda.amazonaws.com",
        entity=("function", function.name),
        statements=once(_statements(parts, function)),
    )
    return with_policy(role, function.policy) if function.policy is not None else role


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
    if function.network:
        yield from _network(parts)
    if function.mount and function.mount.access_point:
        yield _mount(parts, function.mount)
    if function.kms_key:
        yield Statement(("kms:Decrypt",), (function.kms_key,), "its variables' key")
    for edge in parts.edges_from(("function", function.name)):
        if edge.how == "uses" and can_reach(edge.target):
            because = f"a variable with the address of {' '.join(edge.target)}"
            yield reach(parts, edge.target, edge.how, because)
            yield from key_statements(parts, edge.target, because)
    yield from callback_statements(parts, function.name)
    yield from polling_statements(parts, function.name)


def _network(parts: Parts) -> Iterator[Statement]:
    """What Lambda does to a VPC in the function's name ("Giving Lambda functions access to
    resources in an Amazon VPC"). EC2's describing actions know no resources; the others
    must be granted on all of the account's, since Lambda asks before there are any."""
    yield Statement(
        (
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
        ("*",),
        "network: true",
    )
    yield Statement(
        (
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:UnassignPrivateIpAddresses",
        ),
        (parts.scope.arn("ec2", "*/*"),),
        "network: true",
    )


def _mount(parts: Parts, mount: Mount) -> Statement:
    """An access point of EFS doesn't say of which file system it is, so the condition does
    the limiting; one of S3 Files has the file system in its ARN."""
    if ":s3files:" in mount.access_point:
        service, resource = "s3files", mount.access_point.partition("/access-point/")[0]
    else:
        service = "elasticfilesystem"
        resource = parts.scope.arn(service, "file-system/*")
    return Statement(
        (f"{service}:ClientMount", f"{service}:ClientWrite"),
        (resource,),
        f"its file system at {mount.path}",
        {"StringEquals": {f"{service}:AccessPointArn": mount.access_point}},
    )
