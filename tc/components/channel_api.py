"""The Event API of a sandbox: all its channels are namespaces of it.

Its key is prolonged in place: who has it can go on using it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tc.components import defaults
from tc.components.appsync import (
    EVENT_API,
    NO_KEY,
    VALID,
    address,
    authorizer_function,
    find_apis,
    key_digest,
    key_state,
    live_apis,
    live_key,
    make_key,
    owner_of,
    retag,
    tags_of,
    write,
)
from tc.components.channel_model import API_KEY, IAM, model_of
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.compose.appsync import event_api_name, fed, used_by_functions
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import Scope
from tc.spec.topology import Entry, Topology

KIND = "channel api"
PLURAL = "channel-apis"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="container", comes_with=frozenset({"channel"}))
check = defaults.nothing_to_check
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

_MODES = {API_KEY: "API_KEY", IAM: "AWS_IAM"}
_LAMBDA = "AWS_LAMBDA"


def mode_of(entry: Entry) -> str:
    """How AppSync knows who uses the channel."""
    return _MODES.get(model_of(entry).authorizer or API_KEY, _LAMBDA)


def publish_modes(topology: Topology, entry: Entry) -> list[str]:
    """The channel's own, the key for events that are handed to it, IAM for functions that
    have its address."""
    modes = {mode_of(entry)}
    if entry.name in fed_channels(topology):
        modes.add("API_KEY")
    if used_by_functions(topology.edges, ("channel", entry.name)):
        modes.add("AWS_IAM")
    return sorted(modes)


def fed_channels(topology: Topology) -> list[str]:
    return fed(topology.scope, topology.functions, topology.entries, topology.edges)


def api_key(scope: Scope) -> str:
    """The key of the API in a plan."""
    return f"{KIND}/{event_api_name(scope)}"


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    channels = topology.entries.get("channels", {})
    if not channels:
        return
    scope = topology.scope
    modes = {mode for entry in channels.values() for mode in publish_modes(topology, entry)}
    modes |= {mode_of(entry) for entry in channels.values()}
    authorizer = authorizer_of(topology)
    yield Resource(
        kind=KIND,
        key=api_key(scope),
        name=event_api_name(scope),
        title=event_api_name(scope),
        owner=scope.owner,
        props={
            "authorization": sorted(modes),
            "authorizer": topology.function_arn(authorizer) if authorizer else "",
            "api_key": VALID if "API_KEY" in modes else NO_KEY,
            "tags": dict(scope.tags),
        },
        needs=(topology.called_key(authorizer),) if authorizer else (),
        selectors=frozenset({PLURAL, "channels"}),
        address=next(iter(channels.values())).address,
        payload={"tags": scope.marks},
    )


def authorizer_of(topology: Topology) -> str | None:
    """The function that says who may use the channels; an Event API has at most one."""
    for entry in topology.entries.get("channels", {}).values():
        if mode_of(entry) == _LAMBDA:
            return authorizer_function(topology, str(model_of(entry).authorizer))
    return None


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    return find_apis(aws, scope, index, EVENT_API, KIND, "channel")


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    from tc.components import channel

    found = []
    for resource, api in live_apis(aws, resources, EVENT_API):
        actual = _actual(aws, resource, api)
        found += [actual, *channel.live_channels(aws, actual)]
    return found


def _actual(aws: Aws, resource: Resource, api: Mapping[str, Any]) -> Actual:
    config = api["eventConfig"]
    providers = {p["authType"]: p for p in config["authProviders"]}
    owner = owner_of(api)
    key = live_key(aws, api["apiId"], owner) if "API_KEY" in providers else None
    lambda_config = providers.get(_LAMBDA, {}).get("lambdaAuthorizerConfig", {})
    return Actual(
        kind=KIND,
        key=resource.key,
        name=api["name"],
        title=resource.title,
        owner=owner,
        props={
            "authorization": sorted(providers),
            "authorizer": lambda_config.get("authorizerUri", ""),
            "api_key": key_state(key),
            "tags": tags_of(api),
        },
        outputs={**_outputs(aws, api), "key_digest": key_digest(key)},
        info={
            "since": _moment(api.get("created")),
            "version": str((api.get("tags") or {}).get("version", "")),
        },
    )


def _moment(value: Any) -> str:
    if isinstance(value, int | float):
        value = datetime.fromtimestamp(value, UTC)
    return str(value or "")


def _outputs(aws: Aws, api: Mapping[str, Any]) -> dict[str, str]:
    api_id, hosts = api["apiId"], api["dns"]
    path = "/event/realtime"
    return {
        "id": api_id,
        "arn": api["apiArn"],
        "url": address(aws, hosts["HTTP"], api_id, "/event"),
        "realtime_url": address(aws, hosts["REALTIME"], api_id, path, realtime=True),
    }


def _config(resource: Resource) -> dict[str, Any]:
    """Connections are taken by every mode; what a channel takes, it says itself."""
    modes = [{"authType": mode} for mode in resource.props["authorization"]]
    providers: list[dict[str, Any]] = [dict(mode) for mode in modes]
    for provider in providers:
        if provider["authType"] == _LAMBDA:
            uri = resource.props["authorizer"]
            provider["lambdaAuthorizerConfig"] = {"authorizerUri": uri}
    return {
        "authProviders": providers,
        "connectionAuthModes": modes,
        "defaultPublishAuthModes": modes,
        "defaultSubscribeAuthModes": modes,
    }


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    made = write(
        aws,
        "create_api",
        name=resource.name,
        tags=dict(resource.payload["tags"]),
        eventConfig=_config(resource),
    )["api"]
    if resource.props["api_key"] == VALID:
        make_key(aws, made["apiId"], resource.owner)
    key = (
        live_key(aws, made["apiId"], resource.owner) if resource.props["api_key"] == VALID else None
    )
    return {**_outputs(aws, made), "key_digest": key_digest(key)}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    fields, api_id = defaults.changed(changes), actual.outputs["id"]
    digest = actual.outputs["key_digest"]
    if fields & {"authorization", "authorizer"}:
        _rewrite(aws, api_id, resource)
    if "api_key" in fields and resource.props["api_key"] == VALID:
        make_key(aws, api_id, resource.owner)
        digest = key_digest(live_key(aws, api_id, resource.owner))
    if fields & {"tags", "owner"}:
        retag(aws, actual.outputs["arn"], actual.props["tags"], resource)
    return {**actual.outputs, "key_digest": digest}


def _rewrite(aws: Aws, api_id: str, resource: Resource) -> None:
    """UpdateApi sets back what it isn't given: the user's contact and logs are read, and kept."""
    live = aws.call("appsync", "get_api", apiId=api_id)["api"]
    said = {"eventConfig": _config(resource)}
    if "logConfig" in live["eventConfig"]:
        said["eventConfig"]["logConfig"] = live["eventConfig"]["logConfig"]
    if "ownerContact" in live:
        said["ownerContact"] = live["ownerContact"]
    write(aws, "update_api", apiId=api_id, name=resource.name, **said)


def delete(aws: Aws, actual: Actual) -> None:
    """With its channels, sources and keys."""
    with defaults.if_there():
        write(aws, "delete_api", apiId=actual.outputs["id"])
