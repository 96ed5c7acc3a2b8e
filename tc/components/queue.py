"""SQS queues, each with its queue of dead letters.

An existing queue (`name`) is read by its function and never made or changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tc.components import defaults, event
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.queue_model import (
    QueueModel,
    dead_letters,
    entries_of,
    is_own,
    model_of,
    other_queue,
    timeouts,
)
from tc.components.queue_model import check as check
from tc.compose.queues import TIMES_THE_TIMEOUT, dead_letters_arn
from tc.compose.things import FIFO, queue_arn, queue_name, queue_url
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Ref, Resource
from tc.records import dataclass
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import OWNER_TAG, Scope, dns_suffix, own_tags
from tc.spec.topology import Entry, Topology

KIND = "queue"
PLURAL = "queues"
SECTION: tuple[str, type[Strict]] | None = ("queues", QueueModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

#: seconds: what SQS takes where nothing is written, and the longest it keeps a message
_VISIBILITY = 30
#: seconds that an Express flow may take, which a pipe waits for
_EXPRESS = 300
_RETENTION = 345_600
_LONGEST_RETENTION = 1_209_600


@dataclass(frozen=True, slots=True)
class _Queue:
    """A queue to be: an entry's own, or the one of its dead letters."""

    name: str
    title: str
    fifo: bool
    visibility_s: int
    retention_s: int
    dlq: str
    max_receives: int


def queue_key(scope: Scope, entry: Entry) -> str:
    return f"{KIND}/{queue_name(scope, entry)}"


def address(topology: Topology, name: str) -> str | Ref:
    """The URL of the queue `name`."""
    entry = entries_of(topology)[name]
    if is_own(entry):
        return Ref(queue_key(topology.scope, entry), "url")
    return queue_url(topology.scope, entry)


TRAITS = Traits(
    switch="beside",
    gives=frozenset({"policy"}),
    addresses={
        "url": address,
        "arn": lambda topology, name: queue_arn(topology.scope, entries_of(topology)[name]),
        "name": lambda topology, name: queue_name(topology.scope, entries_of(topology)[name]),
    },
)


# what should be


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for entry in entries_of(topology).values():
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
                    "dlq": _redrive(queue),
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
    scope, model = topology.scope, model_of(entry)
    written, receives = dead_letters(entry)
    dlq = ""
    if written is True:
        dlq = queue_arn(scope, entry, dlq=True)
        name = queue_name(scope, entry, dlq=True)
        title = f"{entry.name}-dlq"
        yield _Queue(name, title, model.fifo, _VISIBILITY, _LONGEST_RETENTION, "", 0)
    elif isinstance(written, str):
        other = other_queue(topology, written)
        dlq = queue_arn(scope, other) if other else ""
    timeout = max((seconds for seconds, _ in timeouts(topology, entry)), default=0)
    if any(
        kind == "flow" and topology.flows[flow].mode == "Express" for kind, flow in entry.targets
    ):
        timeout = max(timeout, _EXPRESS)
    visibility = timeout * TIMES_THE_TIMEOUT + (model.window or 0) if timeout else _VISIBILITY
    yield _Queue(
        queue_name(scope, entry),
        entry.name,
        model.fifo,
        visibility if model.visibility is None else model.visibility,
        model.retention or _RETENTION,
        dlq,
        receives,
    )


def _redrive(queue: _Queue) -> dict[str, Any]:
    return {"arn": queue.dlq, "max_receives": queue.max_receives} if queue.dlq else {}


def _needs(topology: Topology, queue: _Queue) -> Iterator[str]:
    scope = topology.scope
    own = [entry for entry in entries_of(topology).values() if is_own(entry)]
    made = {queue_name(scope, entry, dlq=dlq) for entry in own for dlq in (False, True)}
    name = queue.dlq.rpartition(":")[2]
    if name in made:
        yield f"{KIND}/{name}"


def _policy(topology: Topology, entry: Entry) -> dict[str, Any]:
    """Who else may send: the rules of which the queue is a target, or gets the failures."""
    scope = topology.scope
    arn = queue_arn(scope, entry)

    def sends(rule: Entry) -> bool:
        fails_here = dead_letters_arn(scope, topology.entries, rule) == arn
        return fails_here or (KIND, entry.name) in rule.targets

    rules = sorted(event.rule_arn(scope, r) for r in event.deployed(topology) if sends(r))
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
    root = aws.endpoint or f"https://sqs.{aws.region}.{dns_suffix(aws.partition)}"
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
    changed = defaults.changed(changes)
    url = actual.outputs["url"]
    attributes = _attributes(resource, sorted(changed - {"tags", "owner"}))
    if attributes:
        aws.call("sqs", "set_queue_attributes", QueueUrl=url, Attributes=attributes)
    if changed & {"tags", "owner"}:
        removed = defaults.dropped_tags(resource, actual)
        if removed:
            aws.call("sqs", "untag_queue", QueueUrl=url, TagKeys=removed)
        aws.call("sqs", "tag_queue", QueueUrl=url, Tags=dict(resource.payload["tags"]))
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.call("sqs", "delete_queue", QueueUrl=actual.outputs["url"])
