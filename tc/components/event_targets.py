"""What a rule hands its events to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tc.components.dead_letters import dead_letters_needs
from tc.components.event_model import model_of
from tc.components.mutation_api import api_key, described
from tc.components.role import role_arn, role_key
from tc.compose import graphql
from tc.compose.appsync import feed_arn, feed_name, graphql_api
from tc.compose.permissions.event import LET_IN
from tc.compose.queues import dead_letters_arn
from tc.compose.things import FIFO, queue_arn, queue_name
from tc.records import dataclass
from tc.spec.names import shorten
from tc.spec.ref import Ref
from tc.spec.topology import Entry, Id, Topology

_RETRIES = 1
_MAX_AGE_S = 86_400
#: retries of a target that says nothing of them (PutTargets)
_AWS_RETRIES = 185


@dataclass(frozen=True, slots=True)
class Target:
    """Where events go: the keys of what must be there first, and the fields of its own
    besides `arn` (see `_PLACES`)."""

    needs: tuple[str, ...]
    arn: str | Ref
    fields: Mapping[str, Any]


def _function(topology: Topology, _: Entry, name: str) -> Target:
    return Target((topology.called_key(name),), topology.function_arn(name), {})


def _flow(topology: Topology, _: Entry, name: str) -> Target:
    flow = topology.flows[name]
    return Target((flow.called_key,), flow.called_arn, {})


def _queue(topology: Topology, entry: Entry, name: str) -> Target:
    queue = topology.entries["queues"][name]
    arn = queue_arn(topology.scope, queue)
    existing = getattr(queue.model, "name", None) is not None
    needs = () if existing else (f"queue/{queue_name(topology.scope, queue)}",)
    return Target(needs, arn, {"group": entry.name} if arn.endswith(FIFO) else {})


def _channel(topology: Topology, _: Entry, name: str) -> Target:
    """By the flow that publishes to it."""
    scope = topology.scope
    return Target((f"flow/{feed_name(scope, name)}",), feed_arn(scope, name), {})


def _mutation(topology: Topology, _: Entry, name: str) -> Target:
    """AppSync's own target: the operation, and its variables out of the event."""
    api = described(topology)
    paths, template = graphql.variables(api, name)
    fields: dict[str, Any] = {"operation": graphql.operation(api, name), "input": template}
    if paths:
        fields["input_paths"] = paths
    resolver = f"mutation/{api_key(topology.scope).partition('/')[2]}/Mutation.{name}"
    needs = (api_key(topology.scope), resolver)
    return Target(needs, graphql_api(topology.scope, "endpoint_arn"), fields)


#: kind -> how a rule reaches a thing of it
_TARGETS: dict[str, Callable[[Topology, Entry, str], Target]] = {
    "function": _function,
    "flow": _flow,
    "queue": _queue,
    "channel": _channel,
    "mutation": _mutation,
}

#: field -> where it stands in a target of PutTargets
_PLACES: dict[str, tuple[str, ...]] = {
    "arn": ("Arn",),
    "role": ("RoleArn",),
    "retries": ("RetryPolicy", "MaximumRetryAttempts"),
    "max_age_s": ("RetryPolicy", "MaximumEventAgeInSeconds"),
    "dead_letters": ("DeadLetterConfig", "Arn"),
    "group": ("SqsParameters", "MessageGroupId"),
    "operation": ("AppSyncParameters", "GraphQLOperation"),
    "input_paths": ("InputTransformer", "InputPathsMap"),
    "input": ("InputTransformer", "InputTemplate"),
}


def targets(topology: Topology, entry: Entry) -> dict[str, dict[str, Any]]:
    """The fields of each target of the event's rule by its id."""
    return {
        shorten(f"{kind}.{name}", 64): _fields(topology, entry, (kind, name))
        for kind, name in entry.targets
    }


def _fields(topology: Topology, entry: Entry, target: Id) -> dict[str, Any]:
    model = model_of(entry)
    kind, name = target
    found = _TARGETS[kind](topology, entry, name)
    fields: dict[str, Any] = {
        "arn": found.arn,
        "retries": _RETRIES if model.retries is None else model.retries,
        "max_age_s": model.maximum_event_age_in_seconds or _MAX_AGE_S,
        **found.fields,
    }
    if kind not in LET_IN:
        fields["role"] = role_arn(topology.scope, f"event.{entry.name}")
    if arn := dead_letters_arn(topology.scope, topology.entries, entry):
        fields["dead_letters"] = arn
    return fields


def needs(topology: Topology, entry: Entry) -> tuple[str, ...]:
    """The keys of what the rule's targets need."""
    keys = [
        key for kind, name in entry.targets for key in _TARGETS[kind](topology, entry, name).needs
    ]
    if any(kind not in LET_IN for kind, _ in entry.targets):
        keys.append(role_key(topology.scope, f"event.{entry.name}"))
    return tuple(dict.fromkeys([*keys, *dead_letters_needs(topology, entry)]))


def written(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A target as PutTargets takes it."""
    target: dict[str, Any] = {"Id": name}
    for field, value in fields.items():
        *above, last = _PLACES[field]
        place = target
        for key in above:
            place = place.setdefault(key, {})
        place[last] = value
    return target


def live(target: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a target as ListTargetsByRule tells it."""
    fields: dict[str, Any] = {"retries": _AWS_RETRIES, "max_age_s": _MAX_AGE_S}
    for field, place in _PLACES.items():
        value: Any = target
        for key in place:
            value = (value or {}).get(key)
        if value not in (None, ""):
            fields[field] = value
    return fields
