"""SQS queues, each with its queue of dead letters.

An existing queue (`name`) is read by its function and never made or changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from tc.components import defaults, event
from tc.components.event_targets import dead_letter_queue
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.compose.queues import TIMES_THE_TIMEOUT
from tc.compose.things import FIFO, queue_arn, queue_name
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Ref, Resource
from tc.spec.base import Entity, Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Entry, Topology


class QueueModel(Entity):
    """`queues.X`: a queue and the function that gets its messages."""

    function: str | None = Field(
        None,
        validation_alias=AliasChoices("function", "consumer"),
        description="the function that gets its messages",
    )
    producer: str | None = Field(None, description="the function that sends to it")
    name: str | None = Field(
        None, description="name or ARN of an existing queue, used and not created"
    )
    fifo: bool = Field(False, description="in order, each message once")
    batch_size: Annotated[int, Field(ge=1, le=10000)] | None = Field(
        None, description="messages a call; 10"
    )
    window: Annotated[int, Field(ge=0, le=300)] | None = Field(
        None, description="seconds to wait for a full batch; 0"
    )
    visibility: Annotated[int, Field(ge=0, le=43200)] | None = Field(
        None,
        description="seconds that a message is the function's before it is given out again; "
        "6 times the function's timeout",
    )
    dlq: bool | str = Field(
        False,
        description="`true`, or another queue: where a message goes after it failed 3 times",
    )
    retention: Annotated[int, Field(ge=60, le=1209600)] | None = Field(
        None, description="seconds that a message is kept; 345,600 (4 days)"
    )
    partial_failures: bool = Field(
        False, description="the function tells which messages failed; only those come back"
    )


KIND = "queue"
PLURAL = "queues"
SECTION: tuple[str, type[Strict]] | None = ("queues", QueueModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

#: times that a message is given out before it is a dead letter
_MAX_RECEIVES = 3
#: seconds: what SQS takes where nothing is written, and the longest it keeps a message
_VISIBILITY = 30
_RETENTION = 345_600
_LONGEST_RETENTION = 1_209_600
_FIFO_BATCH = 10
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class _Queue:
    """A queue to be: an entry's own, or the one of its dead letters."""

    name: str
    title: str
    fifo: bool
    visibility_s: int
    retention_s: int
    dlq: str


def _model(entry: Entry) -> QueueModel:
    assert isinstance(entry.model, QueueModel)
    return entry.model


def _entries(topology: Topology) -> Mapping[str, Entry]:
    return topology.entries.get("queues", {})


def queue_key(scope: Scope, entry: Entry) -> str:
    return f"{KIND}/{queue_name(scope, entry)}"


def is_own(entry: Entry) -> bool:
    """Whether tc makes the queue."""
    return _model(entry).name is None


def address(topology: Topology, name: str) -> str | Ref:
    """The URL of the queue `name`."""
    entry = _entries(topology)[name]
    if is_own(entry):
        return Ref(queue_key(topology.scope, entry), "url")
    _, _, _, region, account, last = queue_arn(topology.scope, entry).split(":", 5)
    return f"https://sqs.{region}.{_suffix(topology.scope.partition)}/{account}/{last}"


TRAITS = Traits(
    addresses={
        "url": address,
        "arn": lambda topology, name: queue_arn(topology.scope, _entries(topology)[name]),
        "name": lambda topology, name: queue_name(topology.scope, _entries(topology)[name]),
    }
)


def _suffix(partition: str) -> str:
    return "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"


# what AWS would refuse


def check(topology: Topology) -> Iterator[Finding]:
    for entry in _entries(topology).values():
        yield from _check_name(entry)
        yield from _check_batch(entry)
        yield from _check_visibility(topology, entry)
        yield from _check_dlq(topology, entry)
        for kind, name in entry.targets:
            if kind == "flow":
                yield Finding(
                    "no-such-edge",
                    f"the queue `{entry.name}` can't start the flow that `{name}` is the head of",
                    entry.address / "function",
                    "let a function without a target get the messages",
                )


def _check_name(entry: Entry) -> Iterator[Finding]:
    if not _NAME.match(entry.name):
        yield Finding(
            "bad-name",
            f"`{entry.name}` can't name a queue: letters, digits, `-` and `_` only",
            entry.address,
            at="key",
        )
    model = _model(entry)
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
    model = _model(entry)
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
    written = _model(entry).visibility
    for timeout, name in _timeouts(topology, entry) if written is not None else ():
        assert written is not None
        if written < timeout:
            yield Finding(
                "visibility",
                f"the queue `{entry.name}` gives a message out again after {written} s, and "
                f"`{name}` may take {timeout} s for it",
                entry.address / "visibility",
                f"AWS advises {TIMES_THE_TIMEOUT} times the timeout: {timeout * TIMES_THE_TIMEOUT}",
            )


def _timeouts(topology: Topology, entry: Entry) -> list[tuple[int, str]]:
    """The seconds that each function of the queue may take."""
    names = [name for kind, name in entry.targets if kind == "function"]
    return [(topology.functions[name].timeout or 0, name) for name in names]


def _check_dlq(topology: Topology, entry: Entry) -> Iterator[Finding]:
    written = _model(entry).dlq
    if not isinstance(written, str):
        return
    other = _other(topology, written)
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
    model = _model(entry)
    return model.fifo or (model.name or "").endswith(FIFO)


def _other(topology: Topology, written: str) -> Entry | None:
    """The queue that `written` means: an entry's name, or its name on AWS."""
    entries = _entries(topology)
    by_full = {queue_name(topology.scope, entry): entry for entry in entries.values()}
    return entries.get(written) or by_full.get(written)


# what should be


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for entry in _entries(topology).values():
        if not is_own(entry):
            continue
        for queue in _queues(topology, entry):
            is_dlq = queue.name != queue_name(scope, entry)
            yield Resource(
                kind=KIND,
                key=f"{KIND}/{queue.name}",
                name=queue.name,
                title=queue.title,
                owner=scope.owner,
                props={
                    "visibility_s": queue.visibility_s,
                    "retention_s": queue.retention_s,
                    "dlq": {"arn": queue.dlq, "max_receives": _MAX_RECEIVES} if queue.dlq else {},
                    "policy": {} if is_dlq else _policy(topology, entry),
                    "tags": dict(scope.tags),
                },
                needs=tuple(_needs(topology, queue)),
                selectors=frozenset({PLURAL, f"{PLURAL}/{entry.name}"}),
                address=entry.address,
                payload={"tags": scope.marks},
            )


def _queues(topology: Topology, entry: Entry) -> Iterator[_Queue]:
    """The entry's queue, and that of its dead letters, which must be there first."""
    scope, model = topology.scope, _model(entry)
    dlq = ""
    if model.dlq is True:
        dlq = queue_arn(scope, entry, dlq=True)
        name = queue_name(scope, entry, dlq=True)
        title = f"{entry.name}-dlq"
        yield _Queue(name, title, model.fifo, _VISIBILITY, _LONGEST_RETENTION, "")
    elif isinstance(model.dlq, str):
        other = _other(topology, model.dlq)
        dlq = queue_arn(scope, other) if other else ""
    timeout = max((seconds for seconds, _ in _timeouts(topology, entry)), default=0)
    visibility = timeout * TIMES_THE_TIMEOUT + (model.window or 0) if timeout else _VISIBILITY
    yield _Queue(
        queue_name(scope, entry),
        entry.name,
        model.fifo,
        visibility if model.visibility is None else model.visibility,
        model.retention or _RETENTION,
        dlq,
    )


def _needs(topology: Topology, queue: _Queue) -> Iterator[str]:
    scope = topology.scope
    own = [entry for entry in _entries(topology).values() if is_own(entry)]
    made = {queue_name(scope, entry, dlq=dlq) for entry in own for dlq in (False, True)}
    name = queue.dlq.rpartition(":")[2]
    if name in made:
        yield f"{KIND}/{name}"


def _policy(topology: Topology, entry: Entry) -> dict[str, Any]:
    """Who else may send: the rules of which the queue is a target, or gets the failures."""
    scope = topology.scope
    arn = queue_arn(scope, entry)
    rules = sorted(
        event.rule_arn(scope, rule)
        for rule in event.deployed(topology)
        if (KIND, entry.name) in rule.targets or dead_letter_queue(topology, rule) == arn
    )
    if not rules:
        return {}
    statement = {
        "Sid": "tc-events",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


# what is


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """By the mark, and of what is too new for that index the first thousand names that
    begin as ours do."""
    prefix, end = f"{scope.namespace}_", f"_{scope.sandbox}"
    page = aws.call("sqs", "list_queues", QueueNamePrefix=prefix, MaxResults=1000)
    names = {str(url).rpartition("/")[2] for url in page.get("QueueUrls", [])}
    names = {name for name in names if name.removesuffix(FIFO).endswith(end)}
    names |= {arn.rpartition(":")[2] for arn in index.tagged if ":sqs:" in arn}
    for name in sorted(names):
        title = name.removeprefix(prefix).removesuffix(FIFO).removesuffix(end)
        yield Resource(KIND, f"{KIND}/{name}", name, title, scope.owner, {})


def _url(aws: Aws, name: str) -> str:
    """The queue's URL, which follows from its name."""
    root = aws.endpoint or f"https://sqs.{aws.region}.{_suffix(aws.partition)}"
    return f"{root.rstrip('/')}/{aws.account}/{name}"


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    url = _url(aws, resource.name)
    try:
        live = aws.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
    except AwsError as error:
        if error.missing:
            return None
        raise
    fields = live["Attributes"]
    tags = aws.call("sqs", "list_queue_tags", QueueUrl=url).get("Tags", {})
    redrive = json.loads(fields.get("RedrivePolicy") or "{}")
    dlq = redrive.get("deadLetterTargetArn", "")
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={
            "visibility_s": int(fields.get("VisibilityTimeout", _VISIBILITY)),
            "retention_s": int(fields.get("MessageRetentionPeriod", _RETENTION)),
            "dlq": {"arn": dlq, "max_receives": int(redrive["maxReceiveCount"])} if dlq else {},
            "policy": json.loads(fields.get("Policy") or "{}"),
            "tags": own_tags(tags),
        },
        outputs={"url": url, "arn": fields["QueueArn"]},
        info={
            "since": str(datetime.fromtimestamp(int(fields.get("CreatedTimestamp", 0)), UTC)),
            "version": tags.get("version", ""),
        },
        needs=(f"{KIND}/{dlq.rpartition(':')[2]}",) if dlq else (),
    )


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    attributes = _attributes(resource, ["visibility_s", "retention_s", "dlq", "policy"])
    if resource.name.endswith(FIFO):
        # two messages with the same text within 5 minutes are one, unless they say otherwise
        attributes |= {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    aws.insist(
        f"the name {resource.name}, which SQS frees a minute after its queue was deleted",
        lambda: aws.call(
            "sqs",
            "create_queue",
            QueueName=resource.name,
            Attributes={key: value for key, value in attributes.items() if value},
            tags=dict(resource.payload["tags"]),
        ),
    )
    arn = f"arn:{aws.partition}:sqs:{aws.region}:{aws.account}:{resource.name}"
    return {"url": _url(aws, resource.name), "arn": arn}


def _attributes(resource: Resource, names: Iterable[str]) -> dict[str, str]:
    """Props as SQS takes them; empty text takes one away."""
    props = resource.props
    dlq = props["dlq"] and {
        "deadLetterTargetArn": props["dlq"]["arn"],
        "maxReceiveCount": props["dlq"]["max_receives"],
    }
    known = {
        "visibility_s": ("VisibilityTimeout", str(props["visibility_s"])),
        "retention_s": ("MessageRetentionPeriod", str(props["retention_s"])),
        "dlq": ("RedrivePolicy", json.dumps(dlq) if dlq else ""),
        "policy": ("Policy", json.dumps(props["policy"]) if props["policy"] else ""),
    }
    return dict(known[name] for name in names)


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = {change.path.split(".")[0] for change in changes}
    url = actual.outputs["url"]
    attributes = _attributes(resource, sorted(changed - {"tags", "owner"}))
    if attributes:
        aws.call("sqs", "set_queue_attributes", QueueUrl=url, Attributes=attributes)
    if changed & {"tags", "owner"}:
        removed = sorted(set(actual.props["tags"]) - set(resource.props["tags"]))
        if removed:
            aws.call("sqs", "untag_queue", QueueUrl=url, TagKeys=removed)
        aws.call("sqs", "tag_queue", QueueUrl=url, Tags=dict(resource.payload["tags"]))
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.call("sqs", "delete_queue", QueueUrl=actual.outputs["url"])
