"""Channels: namespaces of the sandbox's Event API, with what happens to published events.

A handler that is a function is called by AppSync itself (a DIRECT integration); events
of the topology are put by code that tc writes. What is handed to a channel is published
by its feed (see `tc.compose.appsync`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import channel_check, defaults
from tc.components.appsync import (
    listed,
    live_source,
    put_source,
    retag,
    source_props,
    tags_of,
    write,
)
from tc.components.channel_api import api_key, fed_channels, mode_of, publish_modes
from tc.components.channel_model import ChannelModel, HandlerModel, model_of, publishing
from tc.components.connection import connection_key
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import role_arn, role_key
from tc.compose.appsync import event_api, feed_arn, feed_definition, feed_name
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import Scope
from tc.spec.topology import Entry, Topology

KIND = "channel"
PLURAL = "channels"
SECTION: tuple[str, type[Strict]] | None = ("channels", ChannelModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(
    switch="entry",
    told_by="channel api",
    addresses={
        "url": lambda topology, _: event_api(topology.scope, "url"),
        "realtime_url": lambda topology, _: event_api(topology.scope, "realtime_url"),
        "name": lambda _, name: name,
    },
)
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once
check = channel_check.check

#: what happens at a channel, and what AppSync calls it
_MOMENTS = {"on_publish": "onPublish", "on_subscribe": "onSubscribe"}
_TAGS = frozenset({"tags", "owner"})
#: of a moment's fields those that its data source hasn't, and those that only that has
_NO_SOURCE = frozenset({"behavior", "invoke"})
_ONLY_SOURCE = frozenset({"target", "role"})
#: the code of a handler that puts what is published on a bus (AppSync's JavaScript runtime)
_PUT_EVENTS = """\
import {{ util }} from '@aws-appsync/utils';

export const onPublish = {{
  request(ctx) {{
    return {{
      operation: 'PutEvents',
      events: ctx.events.map((event) => ({{
        source: {source},
        detailType: {name},
        detail: event.payload,
        resources: [{mark}],
      }})),
    }};
  }},
  response(ctx) {{
    if (ctx.error) {{
      util.error(ctx.error.message, ctx.error.type);
    }}
    return ctx.events;
  }},
}};
"""


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for entry in topology.entries.get("channels", {}).values():
        role = role_key(scope, f"channel.{entry.name}")
        called = [topology.called_key(name) for kind, name in entry.targets if kind == "function"]
        moments = _moments(topology, entry)
        yield Resource(
            kind=KIND,
            key=_key(api_key(scope), entry.name),
            name=entry.name,
            title=entry.name,
            owner=scope.owner,
            props={
                "publish": publish_modes(topology, entry),
                "subscribe": [mode_of(entry)],
                **moments,
                "javascript": _code(topology, entry),
                "tags": dict(scope.tags),
            },
            needs=(api_key(scope), *([role, *called] if any(moments.values()) else [])),
            selectors=frozenset({PLURAL, f"{PLURAL}/{entry.name}"}),
            parent=api_key(scope),
            address=entry.address,
            payload={"tags": scope.marks},
        )
    for name in fed_channels(topology):
        yield _feed(topology, name)


def _key(api: str, name: str) -> str:
    return f"{KIND}/{api.partition('/')[2]}/{name}"


def _moments(topology: Topology, entry: Entry) -> dict[str, dict[str, str]]:
    """What is called when something is published, and when somebody subscribes."""
    model = model_of(entry)
    parts = {"on_publish": publishing(model), "on_subscribe": model.on_subscribe}
    return {
        moment: _handler(topology, entry, part, waits=moment == "on_subscribe")
        for moment, part in parts.items()
    }


def _handler(
    topology: Topology, entry: Entry, part: HandlerModel | None, *, waits: bool
) -> dict[str, str]:
    if part is None or not (part.function or part.event):
        return {}
    kind = "function" if part.function else "event"
    named = [target for target in entry.targets if target[0] == kind]
    target = channel_check.meant(topology, named, part.function or part.event or "")
    if target is None:
        return {}
    source = source_props(topology, target, role_arn(topology.scope, f"channel.{entry.name}"))
    invoke = "REQUEST_RESPONSE" if waits or part.sync else "EVENT"
    if kind == "event":
        return {**source, "behavior": "CODE", "invoke": ""}
    return {**source, "behavior": "DIRECT", "invoke": invoke}


def _code(topology: Topology, entry: Entry) -> str:
    """The JavaScript of the channel: the user's, and what puts events."""
    model = model_of(entry)
    parts = [part for part in (model.on_publish, model.on_subscribe) if part]
    texts = [part.code.strip() + "\n" for part in parts if part.code]
    if model.on_publish and model.on_publish.event:
        for target in entry.targets:
            if target[0] == "event":
                texts.append(_put_events(topology, target[1]))
    return "\n".join(dict.fromkeys(texts))


def _put_events(topology: Topology, event: str) -> str:
    model: Any = topology.entries["events"][event].model
    said = model.bus_entry(event)
    return _PUT_EVENTS.format(
        source=json.dumps(said["Source"]),
        name=json.dumps(said["DetailType"]),
        mark=json.dumps(topology.scope.event_mark),
    )


def _feed(topology: Topology, channel: str) -> Resource:
    """The flow that publishes what is handed to the channel; made as any other flow."""
    scope = topology.scope
    name, role = feed_name(scope, channel), f"feed.{channel}"
    return Resource(
        kind="flow",
        key=f"flow/{name}",
        name=name,
        title=name,
        owner=scope.owner,
        props={
            "mode": "Express",
            "role": role_arn(scope, role),
            "definition": feed_definition(scope, channel),
            "logging": {"level": "OFF", "include_data": False},
            "tracing": False,
            "tags": dict(scope.tags),
        },
        needs=(role_key(scope, role), connection_key(scope), _key(api_key(scope), channel)),
        selectors=frozenset({PLURAL, f"{PLURAL}/{channel}"}),
        address=topology.entries["channels"][channel].address,
        payload={
            "tags": scope.marks,
            "arn": feed_arn(scope, channel),
            "group": "",
            "versions": False,
            "version": scope.version,
        },
    )


# what is


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """Channels are told by their API."""
    return iter(())


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    """Channels are told by their API."""
    return ()


def live_channels(aws: Aws, api: Actual) -> list[Actual]:
    """The namespaces of the API, those included of which only a source is there."""
    api_id = api.outputs["id"]
    spaces = listed(aws, "list_channel_namespaces", "channelNamespaces", api_id)
    sources = {s["name"]: s for s in listed(aws, "list_data_sources", "dataSources", api_id)}
    known = {space["name"]: space for space in spaces}
    for name in sources:
        moment, _, channel = name.partition("__")
        if moment in _MOMENTS:
            known.setdefault(channel.replace("_", "-"), {})
    return [_actual(api, name, space, sources) for name, space in known.items()]


def _actual(api: Actual, name: str, space: Mapping[str, Any], sources: Mapping[str, Any]) -> Actual:
    moments = {moment: _live(moment, name, space, sources) for moment in _MOMENTS}
    return Actual(
        kind=KIND,
        key=_key(api.key, name),
        name=name,
        title=name,
        owner=api.owner,
        props={
            "publish": sorted(mode["authType"] for mode in space.get("publishAuthModes") or []),
            "subscribe": sorted(mode["authType"] for mode in space.get("subscribeAuthModes") or []),
            **moments,
            "javascript": space.get("codeHandlers") or "",
            "tags": tags_of(space),
        },
        outputs={
            "id": api.outputs["id"],
            "arn": space.get("channelNamespaceArn", ""),
            "sources": " ".join(
                _source(moment, name) for moment in _MOMENTS if _source(moment, name) in sources
            ),
        },
        info={"version": str((space.get("tags") or {}).get("version", ""))},
        parent=api.key,
        needs=tuple(
            f"role/{found['role'].rsplit('/', 1)[-1]}" for found in moments.values() if found
        ),
    )


def _live(
    moment: str, name: str, space: Mapping[str, Any], sources: Mapping[str, Any]
) -> dict[str, str]:
    source = sources.get(_source(moment, name))
    if source is None:
        return {}
    config = (space.get("handlerConfigs") or {}).get(_MOMENTS[moment]) or {}
    integration = config.get("integration") or {}
    return {
        **live_source(source),
        "behavior": config.get("behavior", ""),
        "invoke": (integration.get("lambdaConfig") or {}).get("invokeType", ""),
    }


def _source(moment: str, name: str) -> str:
    """The name of a channel's data source; AppSync takes no ``-`` in it."""
    return f"{moment}__{name.replace('-', '_')}"


# changes


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    api_id = resource.payload["parent"]["id"]
    _put_sources(aws, api_id, resource, there="", moments=_MOMENTS)
    return _make(aws, api_id, resource)


def _make(aws: Aws, api_id: str, resource: Resource) -> Outputs:
    made = write(
        aws,
        "create_channel_namespace",
        apiId=api_id,
        name=resource.name,
        tags=dict(resource.payload["tags"]),
        **_settings(resource),
    )["channelNamespace"]
    return {"id": api_id, "arn": made["channelNamespaceArn"]}


def _put_sources(
    aws: Aws, api_id: str, resource: Resource, *, there: str, moments: Iterable[str]
) -> None:
    for moment in moments:
        props = resource.props[moment]
        if props:
            name = _source(moment, resource.name)
            put_source(aws, api_id, name, props, there=name in there.split())


def _settings(resource: Resource) -> dict[str, Any]:
    props = resource.props
    configs = {
        word: _config(_source(moment, resource.name), props[moment])
        for moment, word in _MOMENTS.items()
        if props[moment]
    }
    return {
        "publishAuthModes": [{"authType": mode} for mode in props["publish"]],
        "subscribeAuthModes": [{"authType": mode} for mode in props["subscribe"]],
        **({"codeHandlers": props["javascript"]} if props["javascript"] else {}),
        **({"handlerConfigs": configs} if configs else {}),
    }


def _config(source: str, props: Mapping[str, str]) -> dict[str, Any]:
    integration: dict[str, Any] = {"dataSourceName": source}
    if props["invoke"]:
        integration["lambdaConfig"] = {"invokeType": props["invoke"]}
    return {"behavior": props["behavior"], "integration": integration}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    """UpdateChannelNamespace takes all settings; a source that nothing uses goes after it."""
    fields, api_id = defaults.changed(changes), actual.outputs["id"]
    sources = {path[0] for path in _paths(changes) if path[-1] not in _NO_SOURCE}
    moments = [moment for moment in _MOMENTS if moment in sources]
    _put_sources(aws, api_id, resource, there=actual.outputs["sources"], moments=moments)
    if not actual.outputs["arn"]:
        return _make(aws, api_id, resource)
    if any(path[0] not in _TAGS and path[-1] not in _ONLY_SOURCE for path in _paths(changes)):
        where = {"apiId": api_id, "name": resource.name}
        write(aws, "update_channel_namespace", **where, **_settings(resource))
    for moment in _MOMENTS:
        if moment in fields and not resource.props[moment]:
            _drop_source(aws, api_id, _source(moment, resource.name))
    if fields & _TAGS:
        retag(aws, actual.outputs["arn"], actual.props["tags"], resource)
    return actual.outputs


def _paths(changes: Sequence[Change]) -> list[list[str]]:
    return [change.path.split(".") for change in changes]


def _drop_source(aws: Aws, api_id: str, name: str) -> None:
    with defaults.if_there():
        write(aws, "delete_data_source", apiId=api_id, name=name)


def delete(aws: Aws, actual: Actual) -> None:
    api_id = actual.outputs["id"]
    if actual.outputs["arn"]:
        with defaults.if_there():
            write(aws, "delete_channel_namespace", apiId=api_id, name=actual.name)
    for name in actual.outputs["sources"].split():
        _drop_source(aws, api_id, name)
