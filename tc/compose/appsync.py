"""What channels and mutations are called on AWS, and which channels are fed.

All channels of a sandbox are namespaces of one Event API, all mutations fields of
one GraphQL API. An event reaches a channel by a small Express flow of the channel's
own (its feed): AppSync takes events as texts of JSON, which a rule can't write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tc.spec.base import Entity
from tc.spec.function import Function
from tc.spec.ref import Ref
from tc.spec.scope import Scope
from tc.spec.topology import Edge, Entry, Id

#: characters of a name: an Event API (CreateApi), a GraphQL API (tc's own), a
#: connection (EventBridge), a state machine
_EVENT_API_LIMIT = 50
_GRAPHQL_API_LIMIT = 64
_CONNECTION_LIMIT = 64
_FLOW_LIMIT = 80

Entries = Mapping[str, Mapping[str, Entry]]


def event_api_name(scope: Scope) -> str:
    return scope.name(scope.namespace, scope.sandbox, limit=_EVENT_API_LIMIT)


def event_api(scope: Scope, attr: str, after: str = "") -> Ref:
    """`attr` (id, arn, url, realtime_url) of the sandbox's Event API."""
    return Ref(f"channel api/{event_api_name(scope)}", attr, after=after)


def graphql_api_name(scope: Scope) -> str:
    return scope.name(scope.namespace, scope.sandbox, limit=_GRAPHQL_API_LIMIT)


def graphql_api(scope: Scope, attr: str, after: str = "") -> Ref:
    """`attr` (id, arn, endpoint_arn, url, realtime_url) of the sandbox's GraphQL API."""
    return Ref(f"mutation api/{graphql_api_name(scope)}", attr, after=after)


def connection_name(scope: Scope) -> str:
    """The EventBridge connection that holds the key of the Event API."""
    return scope.name(scope.namespace, scope.sandbox, limit=_CONNECTION_LIMIT)


def feed_name(scope: Scope, channel: str) -> str:
    """The flow that publishes events to `channel`; with a point in its name it could
    not log (Step Functions developer guide, "Logging in CloudWatch Logs")."""
    return scope.name(scope.namespace, f"channel-{channel}", scope.sandbox, limit=_FLOW_LIMIT)


def feed_arn(scope: Scope, channel: str) -> str:
    return scope.arn("states", f"stateMachine:{feed_name(scope, channel)}")


def fed(
    scope: Scope, functions: Mapping[str, Function], entries: Entries, edges: tuple[Edge, ...]
) -> list[str]:
    """The channels that anything is handed to, in the order in which they were written."""
    known = entries.get("channels", {})
    handed = {name for kind, name in _handed(entries, scope) if kind == "channel"}
    handed |= {
        edge.target[1] for edge in edges if edge.target[0] == "channel" and edge.how != "uses"
    }
    full = {f"{scope.namespace}_{name}_{scope.sandbox}": name for name in known}
    for function in functions.values():
        for kind, written in _results(function):
            name = scope.fill(written)
            if kind == "channel":
                handed.add(full.get(name, name))
    return [name for name in known if name in handed]


def _handed(entries: Entries, scope: Scope) -> Iterator[Id]:
    for section in entries.values():
        for entry in section.values():
            assert isinstance(entry.model, Entity)
            if entry.model.deployed(scope.sandbox):
                yield from entry.targets


def _results(function: Function) -> Iterator[tuple[str, str]]:
    """What a function of a chain hands its result to, as written."""
    yield from function.targets
    for rule in function.choice:
        yield from rule.targets()


def used_by_functions(edges: tuple[Edge, ...], target: Id) -> bool:
    """Whether a function has the address of `target`, and calls it with its role."""
    return any(edge.target == target and edge.how == "uses" for edge in edges)


def feed_definition(scope: Scope, channel: str) -> dict[str, Any]:
    """The flow that publishes the detail of the event that it gets.

    The events of a publication are texts of JSON ("Publish events via HTTP", AppSync
    Events developer guide). What is tried again is what may pass.
    """
    endpoint = f"arn:{scope.partition}:states:::http:invoke"
    return {
        "StartAt": "publish",
        "States": {
            "publish": {
                "Type": "Task",
                "Resource": endpoint,
                "Parameters": {
                    "ApiEndpoint": event_api(scope, "url"),
                    "Method": "POST",
                    "Authentication": {
                        "ConnectionArn": Ref(f"connection/{connection_name(scope)}", "arn")
                    },
                    "RequestBody": {
                        "channel": f"/{channel}/default",
                        "events.$": "States.Array(States.JsonToString($.detail))",
                    },
                },
                "Retry": [
                    {
                        "ErrorEquals": [
                            "States.Http.StatusCode.429",
                            "States.Http.StatusCode.500",
                            "States.Http.StatusCode.503",
                            "States.Http.Socket",
                            "States.Timeout",
                        ],
                        "IntervalSeconds": 1,
                        "MaxAttempts": 3,
                        "BackoffRate": 2,
                    }
                ],
                "End": True,
            }
        },
    }
