"""Where events go that can't be delivered: `dlq` of events and schedules."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tc.compose.queues import dead_letters_arn, own_dead_letters
from tc.compose.things import FIFO, queue_name
from tc.spec.finding import Finding
from tc.spec.topology import Entry, Topology

_QUEUE_ARN = re.compile(r"arn:[^:]+:sqs:[^:]+:[^:]+:[A-Za-z0-9_-]{1,80}\Z")
#: stands for its value where that isn't known yet
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")


def filled(text: str) -> str:
    """`text` with something for its templates."""
    return _TEMPLATE.sub("x", text)


def dead_letters_needs(topology: Topology, entry: Entry) -> Iterator[str]:
    """The key of the queue, where tc makes it."""
    queue = own_dead_letters(topology.scope, topology.entries, entry)
    if queue and getattr(queue.model, "name", None) is None:
        yield f"queue/{queue_name(topology.scope, queue)}"


def check_dead_letters(topology: Topology, entry: Entry) -> Iterator[Finding]:
    written = getattr(entry.model, "dlq", None)
    if not isinstance(written, str):
        return
    address = entry.address / "dlq"
    arn = dead_letters_arn(topology.scope, topology.entries, entry)
    if not arn:
        yield Finding(
            "unknown-name", f"there is no queue `{written}`", address, "`dlq: true` makes one"
        )
    elif not _QUEUE_ARN.match(filled(arn)) and not arn.endswith(FIFO):
        yield Finding(
            "bad-name",
            f"`{written}` is no queue's ARN",
            address,
            "write `true`, the name of a queue, or arn:aws:sqs:REGION:ACCOUNT:NAME",
        )
    elif arn.endswith(FIFO):
        yield Finding(
            "bad-queue",
            f"EventBridge puts no dead letters on a FIFO queue, and `{written}` is one",
            address,
            "write `dlq: true` for a queue of its own",
        )
