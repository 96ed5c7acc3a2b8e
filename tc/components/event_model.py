"""What a user says of an event, and the name and pattern of the rule it becomes."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from tc.compose.permissions.event import has_rule
from tc.compose.producers import (
    bucket_pattern,
    fed_mutations,
    object_pattern,
    of_bucket,
    of_objects,
    of_results,
    result_pattern,
)
from tc.spec.base import Targets
from tc.spec.names import shorten
from tc.spec.scope import Scope
from tc.spec.topology import Entry, Topology

DEFAULT_BUS = "default"


class EventModel(Targets):
    """`events.X`: the event X (its detail-type) and what it starts."""

    producer: str | None = Field(None, description="the event's source; `default`")
    producers: list[str] | None = Field(None, description="several sources")
    source: str | list[str] | None = Field(
        None, description="the same as `producer`; below `produces` the topology's name"
    )
    consumer: str | list[str] | None = Field(
        None, description="documentation: the topologies that an event is put for"
    )
    function: str | None = Field(
        None,
        validation_alias=AliasChoices("function", "target"),
        description="the function that gets its data",
    )
    queue: str | None = Field(None, description="the queue that gets the event")
    channel: str | None = Field(None, description="the channel that its detail is published to")
    mutation: str | None = Field(None, description="the mutation that its detail is handed to")
    bucket: str | None = Field(None, description="of the producers `S3/…`: this bucket only")
    table: str | None = Field(None, description="of the producers `DYNAMODB/…`: this table only")
    pattern: dict[str, Any] | str | None = Field(
        None, description="the whole event pattern, instead of source and detail-type"
    )
    filter: dict[str, Any] | str | None = Field(None, description="pattern of the detail")
    rule_name: str | None = Field(None, description="tc_{namespace}_{event}_{sandbox}")
    bus: str | None = Field(None, description="name of the event bus; `default`")
    doc_only: bool = Field(False, description="documented, not deployed")
    retries: Annotated[int, Field(ge=0, le=185)] | None = Field(None, description="1")
    maximum_event_age_in_seconds: Annotated[int, Field(ge=60, le=86400)] | None = Field(
        None, description="86,400"
    )
    dlq: bool | str | None = Field(
        None,
        validation_alias=AliasChoices("dlq", "dead_letter_queue"),
        description="what can't be delivered: `true`, a queue's name or ARN",
    )
    sandboxes: list[str] | None = Field(None, description="only in these sandboxes")

    def deployed(self, sandbox: str, /) -> bool:
        return not self.doc_only and sandbox in (self.sandboxes or [sandbox])

    def targets(self) -> list[tuple[str, str]]:
        """`table` says where the event is from, and is no target."""
        return [target for target in super().targets() if target[0] != "table"]

    def label(self, name: str) -> str:
        if not self.consumer:
            return name
        told = [self.consumer] if isinstance(self.consumer, str) else self.consumer
        return f"{name} for {', '.join(told)}"

    def sources(self) -> list[str]:
        if self.source is not None:
            return [self.source] if isinstance(self.source, str) else self.source
        return self.producers or [self.producer or "default"]

    def bus_entry(self, name: str) -> dict[str, str]:
        """The event as PutEvents takes it, without its detail."""
        return {
            "Source": self.sources()[0],
            "DetailType": name,
            "EventBusName": self.bus or DEFAULT_BUS,
        }


def model_of(entry: Entry) -> EventModel:
    assert isinstance(entry.model, EventModel)
    return entry.model


def bus_of(entry: Entry) -> str:
    """The name of the bus that the event is on."""
    return model_of(entry).bus or DEFAULT_BUS


def rule_name(scope: Scope, entry: Entry) -> str:
    """The name of the rule (EventBridge: at most 64 characters)."""
    written = model_of(entry).rule_name
    return written or shorten(f"tc_{scope.namespace}_{entry.name}_{scope.sandbox}", 64)


def rule_arn(scope: Scope, entry: Entry) -> str:
    bus = bus_of(entry)
    middle = "" if bus == DEFAULT_BUS else f"{bus}/"
    return scope.arn("events", f"rule/{middle}{rule_name(scope, entry)}")


def as_json(written: Any) -> Any:
    """What a pattern in JSON text or YAML means; None when it is no JSON."""
    if not isinstance(written, str):
        return written
    try:
        return json.loads(written)
    except ValueError:
        return None


def pattern(topology: Topology, entry: Entry) -> dict[str, Any]:
    """The rule's pattern: as written, or source and detail-type; plus the sandbox's mark.

    What is written of `resources` stays as it is: those are the user's own terms.
    """
    model = model_of(entry)
    written = as_json(model.pattern)
    body: dict[str, Any]
    if isinstance(written, dict):
        body = dict(written)
    elif of_objects(entry):
        body = object_pattern(topology.scope, topology.entries, entry)
    else:
        body = {"source": model.sources(), "detail-type": [entry.name]}
    wanted = as_json(model.filter)
    if isinstance(wanted, dict):
        body["detail"] = {**body.get("detail", {}), **wanted}
    return {"resources": in_this_sandbox(topology.scope), **body}


def in_this_sandbox(scope: Scope) -> list[Any]:
    """What `resources` match of events that are the sandbox's, or nobody's in particular."""
    foreign = {"anything-but": {"prefix": "tc:sandbox:"}}
    return [{"exists": False}, foreign, scope.event_mark]


def deployed(topology: Topology) -> list[Entry]:
    """The events with a rule in this sandbox: those that start something here."""
    sandbox = topology.scope.sandbox
    own = [
        entry
        for entry in topology.entries.get("events", {}).values()
        if entry.targets and model_of(entry).deployed(sandbox) and has_rule(entry)
    ]
    return own + _of_buckets(topology) + _of_results(topology)


def _of_buckets(topology: Topology) -> list[Entry]:
    """What buckets hand to their targets, as events."""
    return [
        Entry(
            "event",
            of_bucket(entry.name),
            EventModel(pattern=bucket_pattern(topology.scope, entry)),
            entry.address,
            entry.targets,
        )
        for entry in topology.entries.get("buckets", {}).values()
        if entry.targets
    ]


def _of_results(topology: Topology) -> list[Entry]:
    """What chains hand to mutations, as events."""
    mutations = topology.entries.get("mutations", {})
    return [
        Entry(
            "event",
            of_results(name),
            EventModel(pattern=result_pattern(topology.scope, name)),
            mutations[name].address,
            (("mutation", name),),
        )
        for name in fed_mutations(topology.edges)
    ]
