"""What queues mean for others: who sends to them, how long a message is whose, and where
failures go."""

from __future__ import annotations

from collections.abc import Mapping

from tc.compose.producers import Entries
from tc.compose.references import Names
from tc.compose.things import queue_arn, queue_name
from tc.spec.finding import Finding
from tc.spec.scope import Scope
from tc.spec.topology import Edge, Entry


def user_edges(
    entries: Mapping[str, Mapping[str, Entry]], names: Names, findings: list[Finding]
) -> list[Edge]:
    """An edge from each function that a queue names as its producer."""
    edges: list[Edge] = []
    for name, entry in entries.get("queues", {}).items():
        written = getattr(entry.model, "producer", None)
        if written is None:
            continue
        user, finding = names.resolve("function", written, entry.address / "producer")
        if finding:
            findings.append(finding)
        if user:
            edges.append(Edge(user, ("queue", name), "uses"))
    return edges


def own_dead_letters(scope: Scope, entries: Entries, entry: Entry) -> Entry | None:
    """The topology's queue that what `entry` can't deliver goes to (`dlq`)."""
    queues = entries.get("queues", {})
    by_full = {queue_name(scope, queue): queue for queue in queues.values()}
    written = getattr(entry.model, "dlq", None)
    return queues.get(written) or by_full.get(written) if isinstance(written, str) else None


def dead_letters_arn(scope: Scope, entries: Entries, entry: Entry) -> str:
    """The ARN of the queue for what `entry` can't deliver; empty for none, and for an
    unknown one."""
    written = getattr(entry.model, "dlq", None)
    if isinstance(written, str) and written.startswith("arn:"):
        return written
    queue = own_dead_letters(scope, entries, entry)
    return queue_arn(scope, queue) if queue else ""


#: a function's timeout in the visibility of its queue ("Creating and configuring an
#: Amazon SQS event source mapping", AWS Lambda Developer Guide)
TIMES_THE_TIMEOUT = 6


def timeouts_of_queues(entries: Mapping[str, Mapping[str, Entry]]) -> dict[str, int]:
    """The seconds that functions may take by the visibility written at their queues, where
    nothing is written at the function itself."""
    limits: dict[str, int] = {}
    for entry in entries.get("queues", {}).values():
        visibility: int = getattr(entry.model, "visibility", None) or 0
        for kind, name in entry.targets:
            if kind == "function" and visibility:
                seconds = max(1, visibility // TIMES_THE_TIMEOUT)
                limits[name] = min(limits.get(name, seconds), seconds)
    return limits
