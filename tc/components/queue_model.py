"""What a user says of a queue, and what SQS and Lambda would refuse of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AliasChoices, Field

from tc.compose.queues import TIMES_THE_TIMEOUT
from tc.compose.things import FIFO, queue_name
from tc.spec.base import Entity, Strict
from tc.spec.finding import Finding
from tc.spec.topology import Entry, Topology

#: times that a message is given out before it is a dead letter
_MAX_RECEIVES = 3
_FIFO_BATCH = 10
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")


class DeadLettersModel(Strict):
    """`queues.X.dlq`: where messages go that fail again and again."""

    queue: str | None = Field(None, description="another queue; default `NAME-dlq`")
    max_receives: Annotated[int, Field(ge=1, le=1000)] = Field(
        _MAX_RECEIVES, description="times that a message is given out before; 3"
    )


class QueueModel(Entity):
    """`queues.X`: a queue and the function that gets its messages."""

    function: str | None = Field(
        None,
        validation_alias=AliasChoices("function", "consumer"),
        description="the function that gets its messages",
    )
    state: str | None = Field(None, description="`flow`: the flow that its messages start")
    producer: str | None = Field(None, description="the function that sends to it")
    name: str | None = Field(
        None, description="name or ARN of an existing queue, used and not created"
    )
    fifo: bool = Field(False, description="in order, each message once")
    batch_size: Annotated[int, Field(ge=1, le=10000)] | None = Field(
        None, description="messages a call; 10, and 1 for a flow"
    )
    window: Annotated[int, Field(ge=0, le=300)] | None = Field(
        None, description="seconds to wait for a full batch; 0"
    )
    visibility: Annotated[int, Field(ge=0, le=43200)] | None = Field(
        None,
        description="seconds that a message is the function's before it is given out again; "
        "6 times the function's timeout",
    )
    dlq: bool | str | DeadLettersModel = Field(
        False,
        description="`true`, or another queue: where a message goes after it failed 3 times, "
        "or `max_receives` times",
    )
    retention: Annotated[int, Field(ge=60, le=1209600)] | None = Field(
        None, description="seconds that a message is kept; 345,600 (4 days)"
    )
    partial_failures: bool = Field(
        False, description="the function tells which messages failed; only those come back"
    )


def model_of(entry: Entry) -> QueueModel:
    assert isinstance(entry.model, QueueModel)
    return entry.model


def entries_of(topology: Topology) -> Mapping[str, Entry]:
    return topology.entries.get("queues", {})


def is_own(entry: Entry) -> bool:
    """Whether tc makes the queue."""
    return model_of(entry).name is None


def dead_letters(entry: Entry) -> tuple[bool | str, int]:
    """(whether there is a queue of dead letters, or which one; after how many receives)."""
    written = model_of(entry).dlq
    if isinstance(written, DeadLettersModel):
        return written.queue or True, written.max_receives
    return written, _MAX_RECEIVES


def check(topology: Topology) -> Iterator[Finding]:
    for entry in entries_of(topology).values():
        yield from _check_name(entry)
        yield from _check_batch(entry)
        yield from _check_visibility(topology, entry)
        yield from _check_dlq(topology, entry)


def _check_name(entry: Entry) -> Iterator[Finding]:
    if not _NAME.match(entry.name):
        yield Finding(
            "bad-name",
            f"`{entry.name}` can't name a queue: letters, digits, `-` and `_` only",
            entry.address,
            at="key",
        )
    model = model_of(entry)
    if model.name is None:
        return
    made = {"fifo", "visibility", "dlq", "retention"} & model.model_fields_set
    for key in sorted(made - ({"fifo"} if model.name.endswith(FIFO) else set())):
        yield Finding(
            "both",
            f"`{key}` can't be set on the existing queue `{model.name}`: tc only reads from it",
            entry.address / key,
            "take `name` out, and tc makes a queue of its own",
            at="key",
        )


def _check_batch(entry: Entry) -> Iterator[Finding]:
    model = model_of(entry)
    if not (model.fifo or (model.name or "").endswith(FIFO)):
        return
    if (model.batch_size or 0) > _FIFO_BATCH:
        yield Finding(
            "invalid-value",
            f"a FIFO queue gives out at most {_FIFO_BATCH} messages at once",
            entry.address / "batch_size",
        )
    if model.window:
        yield Finding(
            "invalid-value", "a FIFO queue has no batch window", entry.address / "window", at="key"
        )


def _check_visibility(topology: Topology, entry: Entry) -> Iterator[Finding]:
    written = model_of(entry).visibility
    for timeout, name in timeouts(topology, entry) if written is not None else ():
        assert written is not None
        if written < timeout:
            yield Finding(
                "visibility",
                f"the queue `{entry.name}` gives a message out again after {written} s, and "
                f"`{name}` may take {timeout} s for it",
                entry.address / "visibility",
                f"AWS advises {TIMES_THE_TIMEOUT} times the timeout: {timeout * TIMES_THE_TIMEOUT}",
            )


def timeouts(topology: Topology, entry: Entry) -> list[tuple[int, str]]:
    """The seconds that each function of the queue may take."""
    names = [name for kind, name in entry.targets if kind == "function"]
    return [(topology.functions[name].timeout or 0, name) for name in names]


def _check_dlq(topology: Topology, entry: Entry) -> Iterator[Finding]:
    written, _ = dead_letters(entry)
    if not isinstance(written, str):
        return
    other = other_queue(topology, written)
    if other is None:
        yield Finding(
            "unknown-name",
            f"there is no queue `{written}`",
            entry.address / "dlq",
            "`dlq: true` makes one",
        )
    elif other.name == entry.name:
        yield Finding("cycle", "a queue can't be its own `dlq`", entry.address / "dlq")
    elif _is_fifo(other) != _is_fifo(entry):
        yield Finding(
            "invalid-value",
            "the `dlq` of a FIFO queue is one, and that of a standard queue is none",
            entry.address / "dlq",
        )


def _is_fifo(entry: Entry) -> bool:
    model = model_of(entry)
    return model.fifo or (model.name or "").endswith(FIFO)


def other_queue(topology: Topology, written: str) -> Entry | None:
    """The queue that `written` means: an entry's name, or its name on AWS."""
    entries = entries_of(topology)
    by_full = {queue_name(topology.scope, entry): entry for entry in entries.values()}
    return entries.get(written) or by_full.get(written)
