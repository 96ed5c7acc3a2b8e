"""EventBridge pipes: a queue's messages, or a table's changes, start a flow.

A flow that is waited for (Express) and fails leaves its messages in the queue. The input of
the flow is the list of them, as Lambda gets it below `Records`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.queue import queue_key
from tc.components.queue_model import is_own
from tc.components.role import key_of_arn, role_arn, role_key
from tc.compose.pipes import Pipe, pipe_name, pipes
from tc.compose.things import queue_arn, table_stream
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Flow, Topology

KIND = "pipe"
PLURAL = "pipes"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset({"source"})
TRAITS = Traits(switch="entry", comes_with=frozenset({"queue", "table"}))
trace = defaults.nothing_to_trace

#: records that start an execution together, where nothing is written
_BATCH = 1
_FOREVER = -1
_RUNNING = "RUNNING"
_BUSY = frozenset({"CREATING", "UPDATING", "STARTING"})
#: kind of the source -> the key of its parameters in the Pipes API
_PARAMETERS = {"queue": "SqsQueueParameters", "table": "DynamoDBStreamParameters"}


def _pipes(topology: Topology) -> list[Pipe]:
    return list(pipes(topology.entries, topology.scope.sandbox))


def check(topology: Topology) -> Iterator[Finding]:
    for pipe in _pipes(topology):
        entry = pipe.entry(topology.entries)
        model: Any = entry.model
        if model.partial_failures and topology.flows[pipe.flow].mode == "Standard":
            yield Finding(
                "conflict",
                f"nobody waits for a Standard flow, so `{pipe.flow}` can't tell "
                f"which records of `{entry.name}` failed",
                entry.address / "partial_failures",
                "write `mode: Express` in the topology, or take it out",
                at="key",
            )


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for pipe in _pipes(topology):
        entry, flow = pipe.entry(topology.entries), topology.flows[pipe.flow]
        name, role = pipe_name(scope, pipe.name), f"pipe.{pipe.name}"
        needs = [role_key(scope, role), flow.called_key]
        if pipe.source[0] == "queue" and is_own(entry):
            needs.append(queue_key(scope, entry))
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{name}",
            name=name,
            title=f"{entry.kind} {entry.name} to {pipe.flow}",
            owner=scope.owner,
            props={
                **_source(topology, pipe),
                "target": flow.called_arn,
                "role": role_arn(scope, role),
                "call": _call(flow),
                "state": _RUNNING,
                "tags": dict(scope.tags),
            },
            needs=tuple(needs),
            selectors=pipe.selectors(topology.entries, scope.sandbox),
            address=entry.address,
            payload={"tags": scope.marks},
        )


def _call(flow: Flow) -> str:
    return "REQUEST_RESPONSE" if flow.mode == "Express" else "FIRE_AND_FORGET"


def _source(topology: Topology, pipe: Pipe) -> dict[str, Any]:
    """Where the records are from, and how they are read."""
    entry = pipe.entry(topology.entries)
    model: Any = entry.model
    props = {"batch_size": model.batch_size or _BATCH, "window_s": model.window or 0}
    if pipe.source[0] == "queue":
        return {"source": queue_arn(topology.scope, entry), **props}
    return {
        "source": table_stream(topology.scope, entry.name),
        **props,
        "retries": _FOREVER if model.retries is None else model.retries,
        "filters": [{"eventName": sorted(pipe.changes)}] if pipe.changes else [],
    }


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """By their roles, and by their mark."""
    names = {arn.partition(":pipe/")[2] for arn in index.tagged if ":pipes:" in arn}
    names |= {pipe_name(scope, name) for name in index.names(KIND)}
    return defaults.named(KIND, scope, names)


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _described(aws: Aws, name: str) -> dict[str, Any]:
    """The pipe as DescribePipe tells it; empty when there is none."""
    try:
        return aws.call("pipes", "describe_pipe", Name=name)
    except AwsError as error:
        if error.missing:
            return {}
        raise


def _read(aws: Aws, resource: Resource) -> Actual | None:
    live = _described(aws, resource.name)
    if not live or live["CurrentState"] == "DELETING":
        return None
    tags = live.get("Tags", {})
    state = live["CurrentState"]
    kind, place = _place(live["Source"])
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={
            "source": live["Source"],
            **_live_source(live.get("SourceParameters", {}), kind),
            "target": live["Target"],
            "role": live["RoleArn"],
            "call": live.get("TargetParameters", {})
            .get("StepFunctionStateMachineParameters", {})
            .get("InvocationType", "REQUEST_RESPONSE"),
            "state": _RUNNING if state in _BUSY else state,
            "tags": own_tags(tags),
        },
        outputs={"arn": live["Arn"], "serves": kind},
        info={"since": str(live.get("CreationTime", "")), "version": tags.get("version", "")},
        needs=(
            key_of_arn(live["RoleArn"]),
            f"flow/{live['Target'].split(':')[6]}",
            f"{kind}/{place}",
        ),
    )


def _place(arn: str) -> tuple[str, str]:
    """(kind, name on AWS) of a pipe's source."""
    _, _, service, *_, resource = arn.split(":", 5)
    return ("queue", resource) if service == "sqs" else ("table", resource.split("/")[1])


def _live_source(live: Mapping[str, Any], kind: str) -> dict[str, Any]:
    own = live.get(_PARAMETERS[kind], {})
    props: dict[str, Any] = {
        "batch_size": own.get("BatchSize"),
        "window_s": own.get("MaximumBatchingWindowInSeconds", 0),
    }
    if kind == "table":
        filters = live.get("FilterCriteria", {}).get("Filters", [])
        props["filters"] = [json.loads(one["Pattern"]) for one in filters]
        props["retries"] = own.get("MaximumRetryAttempts", _FOREVER)
    return props


def _written(resource: Resource) -> dict[str, Any]:
    """Everything of a pipe that can be changed."""
    props = resource.props
    kind, _ = _place(props["source"])
    own = {
        "BatchSize": props["batch_size"],
        "MaximumBatchingWindowInSeconds": props["window_s"],
    }
    source: dict[str, Any] = {_PARAMETERS[kind]: own}
    if kind == "table":
        own["MaximumRetryAttempts"] = props["retries"]
        filters = [{"Pattern": json.dumps(one)} for one in props["filters"]]
        source["FilterCriteria"] = {"Filters": filters}
    return {
        "Name": resource.name,
        "RoleArn": props["role"],
        "DesiredState": props["state"],
        "SourceParameters": source,
        "Target": props["target"],
        "TargetParameters": {
            "StepFunctionStateMachineParameters": {"InvocationType": props["call"]}
        },
    }


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    settings = _written(resource)
    parameters = settings["SourceParameters"]
    if "DynamoDBStreamParameters" in parameters:
        # what was written between the making of the stream and of the pipe counts too
        parameters["DynamoDBStreamParameters"]["StartingPosition"] = "TRIM_HORIZON"
    made = aws.insist(
        f"role of {resource.title}",
        lambda: aws.call(
            "pipes",
            "create_pipe",
            Source=resource.props["source"],
            Tags=dict(resource.payload["tags"]),
            **settings,
        ),
    )
    return {"arn": made["Arn"]}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    if changed - {"tags", "owner"}:
        aws.insist(
            f"role of {resource.title}",
            lambda: aws.call("pipes", "update_pipe", **_written(resource)),
        )
    if changed & {"tags", "owner"}:
        arn = actual.outputs["arn"]
        removed = defaults.dropped_tags(resource, actual)
        if removed:
            aws.call("pipes", "untag_resource", resourceArn=arn, tagKeys=removed)
        tags = dict(resource.payload["tags"])
        aws.call("pipes", "tag_resource", resourceArn=arn, tags=tags)
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.insist(
            f"pipe of {actual.title}",
            lambda: aws.call("pipes", "delete_pipe", Name=actual.name),
        )
    aws.wait(
        f"deletion of the pipe of {actual.title}",
        lambda: str(_described(aws, actual.name).get("CurrentState", "")),
    )


def settle(aws: Aws, resource: Resource) -> None:
    """Waits until the pipe runs; raises TcError when it can't."""

    def busy() -> str:
        live = _described(aws, resource.name)
        state = str(live.get("CurrentState", ""))
        if state.endswith("_FAILED"):
            reason = live.get("StateReason", "no reason given")
            raise TcError(f"the pipe is {state}: {reason}", code="aws", where=resource.title)
        return state if state in _BUSY else ""

    aws.wait(f"pipe of {resource.title}", busy)
