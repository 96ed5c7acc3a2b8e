"""What Glue jobs may do: read their script, write their logs, use what their arguments name."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.keys import key_statements
from tc.compose.permissions.parts import Parts, once
from tc.compose.permissions.reach import can_reach, reach
from tc.compose.things import JOB_SCRIPTS, bucket_arn
from tc.spec.topology import Entry, RoleSpec, Statement


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for entry in parts.deployed("jobs"):
        yield RoleSpec(
            f"job.{entry.name}",
            "glue.amazonaws.com",
            ("job", entry.name),
            once(_statements(parts, entry)),
        )


def _statements(parts: Parts, entry: Entry) -> Iterator[Statement]:
    scope = parts.scope
    yield Statement(
        ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
        (scope.arn("logs", "log-group:/aws-glue/*"),),
        "its log groups",
    )
    script, bucket = getattr(entry.model, "script", ""), getattr(entry.model, "bucket", None)
    if script.startswith("s3://"):
        where = f"arn:{scope.partition}:s3:::{script.removeprefix('s3://')}"
    else:
        where = f"{bucket_arn(scope, bucket or '')}/{JOB_SCRIPTS}{entry.name}/*"
    yield Statement(("s3:GetObject",), (where,), "its script")
    names = [f"connection/{name}" for name in getattr(entry.model, "connections", ())]
    if names:
        arns = tuple(scope.arn("glue", name) for name in ("catalog", *names))
        yield Statement(("glue:GetConnection",), arns, "its connections")
    for edge in parts.edges_from(("job", entry.name)):
        if can_reach(edge.target):
            because = f"an argument with the address of {' '.join(edge.target)}"
            yield reach(parts, edge.target, edge.how, because)
            yield from key_statements(parts, edge.target, because)
