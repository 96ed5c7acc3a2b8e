"""What queues mean for functions: who sends to them, how long a message is whose."""

from __future__ import annotations

from collections.abc import Mapping

from tc.compose.references import Names
from tc.spec.finding import Finding
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
