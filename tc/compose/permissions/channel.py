"""What channels may do: AppSync calls their handlers, their feed publishes to them.

"IAM policies for calling HTTPS APIs" (Step Functions developer guide) has what an HTTP
task needs: the flow's own right to call, and the connection with its secret.
"""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.appsync import connection_name, fed, feed_arn
from tc.compose.permissions.parts import Parts, once
from tc.compose.permissions.reach import reach
from tc.spec.scope import dns_suffix
from tc.spec.topology import RoleSpec, Statement


def roles(parts: Parts) -> Iterator[RoleSpec]:
    for entry in parts.deployed("channels"):
        statements = once(
            reach(parts, target, "async", f"handler {target[0]} {target[1]}")
            for target in entry.targets
        )
        if statements:
            of = ("channel", entry.name)
            yield RoleSpec(f"channel.{entry.name}", "appsync.amazonaws.com", of, statements)
    for name in fed(parts.scope, parts.functions, parts.entries, parts.edges):
        of = ("channel", name)
        statements = tuple(_publishing(parts, name))
        yield RoleSpec(f"feed.{name}", "states.amazonaws.com", of, statements)


def _publishing(parts: Parts, channel: str) -> Iterator[Statement]:
    scope = parts.scope
    because = f"what is handed to channel {channel}"
    suffix = dns_suffix(scope.partition)
    yield Statement(
        ("states:InvokeHTTPEndpoint",),
        (feed_arn(scope, channel),),
        because,
        {
            "StringEquals": {"states:HTTPMethod": "POST"},
            "StringLike": {
                "states:HTTPEndpoint": f"https://*.appsync-api.{scope.region}.{suffix}/event"
            },
        },
    )
    name = connection_name(scope)
    yield Statement(
        ("events:RetrieveConnectionCredentials",),
        (scope.arn("events", f"connection/{name}/*"),),
        because,
    )
    yield Statement(
        ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"),
        (scope.arn("secretsmanager", f"secret:events!connection/{name}/*"),),
        because,
    )
