"""The EventBridge connection by which flows publish to channels: it holds the API's key.

EventBridge keeps the key in a secret of its own. A connection can't be tagged, so its
description says whose it is, and by a digest which key it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults
from tc.components.appsync import key_digest, live_key
from tc.components.channel_api import fed_channels
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.compose.appsync import connection_name, event_api
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import Scope
from tc.spec.topology import Topology

KIND = "connection"
PLURAL = "connections"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="beside", comes_with=frozenset({"channel"}))
check = defaults.nothing_to_check
trace = defaults.nothing_to_trace

_HEADER = "x-api-key"
_DESCRIPTION = re.compile(r"tc (?P<owner>\S+) (?P<api>\S*) (?P<digest>\S*)\Z")
#: states of a connection in which it can be used, and those on the way there
_READY = "AUTHORIZED"
_PENDING = frozenset({"CREATING", "UPDATING", "AUTHORIZING", "ACTIVE"})


def connection_key(scope: Scope) -> str:
    return f"{KIND}/{connection_name(scope)}"


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    fed = fed_channels(topology)
    if not fed:
        return
    scope = topology.scope
    yield Resource(
        kind=KIND,
        key=connection_key(scope),
        name=connection_name(scope),
        title=connection_name(scope),
        owner=scope.owner,
        props={"api": event_api(scope, "id"), "api_key": event_api(scope, "key_digest")},
        needs=(event_api(scope, "id").key,),
        selectors=frozenset({PLURAL, "channels", *(f"channels/{name}" for name in fed)}),
        address=topology.entries["channels"][fed[0]].address,
    )


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    prefix = connection_name(scope)
    for live in aws.call("events", "list_connections", NamePrefix=prefix)["Connections"]:
        if live["Name"] == prefix:
            yield Resource(KIND, f"{KIND}/{prefix}", prefix, prefix, scope.owner, {})


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _described(aws: Aws, name: str) -> dict[str, Any] | None:
    try:
        return aws.call("events", "describe_connection", Name=name)
    except AwsError as error:
        if error.missing:
            return None
        raise


def _read(aws: Aws, resource: Resource) -> Actual | None:
    live = _described(aws, resource.name)
    if live is None or live.get("ConnectionState") == "DELETING":
        return None
    match = _DESCRIPTION.match(live.get("Description", ""))
    usable = live.get("ConnectionState") in {_READY, *_PENDING}
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=match["owner"] if match else "",
        props={
            "api": match["api"] if match else "",
            "api_key": match["digest"] if match and usable else "",
        },
        outputs={"arn": live["ConnectionArn"]},
        info={"since": str(live.get("CreationTime", ""))},
    )


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    made = aws.call("events", "create_connection", Name=resource.name, **_settings(aws, resource))
    return {"arn": made["ConnectionArn"]}


def _settings(aws: Aws, resource: Resource) -> dict[str, Any]:
    """What the connection is to be. The key is read now: no plan has it."""
    api_id = resource.props["api"]
    key = live_key(aws, api_id, resource.owner)
    if key is None:
        raise TcError(
            f"the Event API {api_id} has no key of tc's",
            code="aws",
            where=resource.name,
            hint="run the command again: it makes one",
        )
    return {
        "Description": f"tc {resource.owner} {api_id} {key_digest(key)}",
        "AuthorizationType": "API_KEY",
        "AuthParameters": {
            "ApiKeyAuthParameters": {"ApiKeyName": _HEADER, "ApiKeyValue": key["id"]}
        },
    }


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    aws.call("events", "update_connection", Name=resource.name, **_settings(aws, resource))
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    """EventBridge takes a moment to delete it, and keeps the name until then."""
    with defaults.if_there():
        aws.call("events", "delete_connection", Name=actual.name)
    aws.wait(f"deletion of {actual.name}", lambda: _state(aws, actual.name))


def _state(aws: Aws, name: str) -> str:
    live = _described(aws, name)
    return str(live["ConnectionState"]) if live else ""


def settle(aws: Aws, resource: Resource) -> None:
    """Waits until EventBridge has stored the key."""

    def pending() -> str:
        state = _state(aws, resource.name)
        return "" if state == _READY else state

    aws.wait(f"connection {resource.name}", pending)
