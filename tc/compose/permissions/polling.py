"""What Lambda, or a pipe, does with a role to get records: from queues, from streams."""

from __future__ import annotations

from collections.abc import Iterator

from tc.compose.permissions.parts import Parts
from tc.compose.producers import readers
from tc.compose.things import queue_arn, table_arn, table_stream
from tc.spec.topology import Id, Statement


def polling_statements(parts: Parts, function: str) -> Iterator[Statement]:
    who = ("function", function)
    for name, entry in parts.entries.get("queues", {}).items():
        if who in entry.targets:
            yield from source_statements(parts, ("queue", name))
    for table, reader in readers(parts.entries, parts.scope.sandbox):
        if reader == who:
            yield from source_statements(parts, ("table", table))


def source_statements(parts: Parts, source: Id) -> Iterator[Statement]:
    """What it takes to read the messages of a queue, or the changes of a table."""
    kind, name = source
    if kind == "queue":
        yield Statement(
            ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
            (queue_arn(parts.scope, parts.entries["queues"][name]),),
            f"queue {name}",
        )
    else:
        yield from _stream(parts, name)


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
