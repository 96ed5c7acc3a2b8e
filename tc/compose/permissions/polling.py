"""What Lambda does with a function's role to get records for it: from queues, from streams."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.parts import Parts
from tc.compose.producers import readers
from tc.compose.things import queue_arn, table_arn, table_stream
from tc.spec.topology import Statement


def polling_statements(parts: Parts, function: str) -> Iterator[Statement]:
    who = ("function", function)
    for name, entry in parts.entries.get("queues", {}).items():
        if who in entry.targets:
            yield Statement(
                ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
                (queue_arn(parts.scope, entry),),
                f"queue {name}",
            )
    for table, reader in readers(parts.entries, parts.scope.sandbox):
        if reader == who:
            yield from _stream(parts, table)


def _stream(parts: Parts, table: str) -> Iterator[Statement]:
    """ListStreams is asked of all streams of a table."""
    because = f"the changes of table {table}"
    yield Statement(
        ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
        (table_stream(parts.scope, table),),
        because,
    )
    streams = f"{table_arn(parts.scope, table)}/stream/*"
    yield Statement(("dynamodb:ListStreams",), (streams,), because)
