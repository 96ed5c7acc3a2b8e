"""Where a chain may hand a result besides to a function: the states that do it.

One row of `LEAVES` for each kind of thing; what a state calls gives the flow's role its
permission (`tc.compose.permissions.integrations`). The result goes on unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tc.compose.appsync import feed_arn
from tc.compose.producers import of_results, result_source
from tc.compose.things import FIFO, queue_url
from tc.records import dataclass
from tc.spec.scope import Scope
from tc.spec.topology import Entry, Id


@dataclass(frozen=True, slots=True)
class Things:
    """What leaves can be: the entries of each section, and the ARN of the written flow."""

    scope: Scope
    entries: Mapping[str, Mapping[str, Entry]]
    flow_arn: str


def leaf_state(leaf: Id, things: Things) -> dict[str, Any]:
    """The Task that hands its input to `leaf`, without its way on."""
    kind, name = leaf
    action, parameters = LEAVES[kind](things, name)
    resource = f"arn:{things.scope.partition}:states:::{action}"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "ResultPath": None}


def event_call(things: Things, entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The call that puts the result on a bus; `entry` is it without its detail."""
    marked = {**entry, "Detail.$": "$", "Resources": [things.scope.event_mark]}
    return "events:putEvents", {"Entries": [marked]}


def _event(things: Things, name: str) -> tuple[str, dict[str, Any]]:
    model: Any = things.entries["events"][name].model
    return event_call(things, model.bus_entry(name))


def _queue(things: Things, name: str) -> tuple[str, dict[str, Any]]:
    """A FIFO queue keeps the messages of one execution in order."""
    url = queue_url(things.scope, things.entries["queues"][name])
    parameters = {"QueueUrl": url, "MessageBody.$": "$"}
    if url.endswith(FIFO):
        parameters |= {
            "MessageGroupId.$": "$$.Execution.Name",
            "MessageDeduplicationId.$": "States.UUID()",
        }
    return "sqs:sendMessage", parameters


def _flow(things: Things, _: str) -> tuple[str, dict[str, Any]]:
    return "states:startExecution", {"StateMachineArn": things.flow_arn, "Input.$": "$"}


def _channel(things: Things, name: str) -> tuple[str, dict[str, Any]]:
    """Its feed takes an event, and publishes the detail."""
    parameters = {"StateMachineArn": feed_arn(things.scope, name), "Input": {"detail.$": "$"}}
    return "states:startExecution", parameters


def _mutation(things: Things, name: str) -> tuple[str, dict[str, Any]]:
    """An event that a rule of the mutation's own calls it with."""
    source = result_source(things.scope)
    entry = {"Source": source, "DetailType": of_results(name), "EventBusName": "default"}
    return event_call(things, entry)


#: kind of a chain's leaf -> the integration and its parameters
LEAVES: dict[str, Callable[[Things, str], tuple[str, dict[str, Any]]]] = {
    "event": _event,
    "queue": _queue,
    "flow": _flow,
    "channel": _channel,
    "mutation": _mutation,
}
