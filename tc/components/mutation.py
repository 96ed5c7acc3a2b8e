"""Mutations: fields of the sandbox's GraphQL API, each with a data source of its own.

A function is called directly and gets AppSync's context; what goes to an event or a
table, and the queries of types that a table holds, is done by a few lines of JavaScript.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults, mutation_check, mutation_code
from tc.components.appsync import (
    listed,
    live_source,
    put_source,
    source_props,
    write,
)
from tc.components.mutation_api import api_key, keys_of, table_keys, table_of
from tc.components.mutation_model import MutationsModel
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import role_arn, role_key
from tc.compose import graphql
from tc.compose.appsync import graphql_api
from tc.compose.things import table_name
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import Scope
from tc.spec.topology import Id, Topology

KIND = "mutation"
PLURAL = "mutations"
SECTION: tuple[str, type[Strict]] | None = ("mutations", MutationsModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(
    switch="entry",
    told_by="mutation api",
    addresses={
        "url": lambda topology, _: graphql_api(topology.scope, "url"),
        "realtime_url": lambda topology, _: graphql_api(topology.scope, "realtime_url"),
        "name": lambda _, name: name,
    },
)
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once
check = mutation_check.check

_NONE = {"type": "NONE", "target": "", "role": ""}
_RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
_ROOTS = ("Mutation", "Query")


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    for name, entry in topology.entries.get("mutations", {}).items():
        target = entry.targets[0] if entry.targets else None
        code = _code(topology, target)
        yield _resource(topology, "Mutation", name, name, target, code)
    for type_name in table_keys(topology):
        held = table_of(topology, type_name)
        if held:
            table, mutation = held
            code = mutation_code.get_item(keys_of(topology, table))
            name = graphql.query_name(type_name)
            yield _resource(topology, "Query", name, mutation, ("table", table), code)


def _resource(
    topology: Topology, root: str, field: str, mutation: str, target: Id | None, code: str
) -> Resource:
    scope = topology.scope
    role, needs = f"mutation.{mutation}", [api_key(scope)]
    source = _NONE
    if target:
        source = source_props(topology, target, role_arn(scope, role))
        needs.append(role_key(scope, role))
        if target[0] == "function":
            needs.append(topology.called_key(target[1]))
        elif target[0] == "table":
            needs.append(f"table/{table_name(scope, target[1])}")
    return Resource(
        kind=KIND,
        key=_key(api_key(scope), root, field),
        name=f"{root}.{field}",
        title=field,
        owner=scope.owner,
        props={"source": dict(source), "javascript": code},
        needs=tuple(needs),
        selectors=frozenset({PLURAL, f"{PLURAL}/{mutation}"}),
        parent=api_key(scope),
        address=topology.entries["mutations"][mutation].address,
    )


def _key(api: str, root: str, field: str) -> str:
    return f"{KIND}/{api.partition('/')[2]}/{root}.{field}"


def _code(topology: Topology, target: Id | None) -> str:
    """What the resolver does besides calling a function."""
    if target is None:
        return mutation_code.hand_on()
    kind, name = target
    if kind == "table":
        return mutation_code.put_item(keys_of(topology, name))
    if kind == "event":
        model: Any = topology.entries["events"][name].model
        said = model.bus_entry(name)
        mark = topology.scope.event_mark
        return mutation_code.put_event(said["Source"], said["DetailType"], mark)
    return ""


# what is


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """Resolvers are told by their API."""
    return iter(())


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    """Resolvers are told by their API."""
    return ()


def live_resolvers(aws: Aws, api: Actual) -> list[Actual]:
    """The resolvers of the API, those included of which only a source is there."""
    api_id = api.outputs["id"]
    sources = {s["name"]: s for s in listed(aws, "list_data_sources", "dataSources", api_id)}
    known: dict[tuple[str, str], Mapping[str, Any]] = {}
    for root in _ROOTS:
        for one in listed(aws, "list_resolvers", "resolvers", api_id, typeName=root):
            known[root, one["fieldName"]] = one
    for name in sources:
        root, _, field = name.partition("_")
        if root in _ROOTS:
            known.setdefault((root, field), {})
    return [_actual(api, where, one, sources) for where, one in known.items()]


def _actual(
    api: Actual, where: tuple[str, str], live: Mapping[str, Any], sources: Mapping[str, Any]
) -> Actual:
    root, field = where
    name = _source(root, field)
    source = live_source(sources[name]) if name in sources else {}
    role = source.get("role", "").rsplit("/", 1)[-1]
    used = live.get("dataSourceName") == name
    return Actual(
        kind=KIND,
        key=_key(api.key, root, field),
        name=f"{root}.{field}",
        title=field,
        owner=api.owner,
        props={"source": source if used else {}, "javascript": live.get("code") or ""},
        outputs={
            "id": api.outputs["id"],
            "source": name if name in sources else "",
            "resolver": field if live else "",
        },
        parent=api.key,
        needs=(f"role/{role}",) if role else (),
    )


def _source(root: str, field: str) -> str:
    """The name of a resolver's data source."""
    return f"{root}_{field}"


# changes


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    api_id = resource.payload["parent"]["id"]
    root, field = resource.name.split(".")
    put_source(aws, api_id, _source(root, field), resource.props["source"], there=False)
    _put_resolver(aws, api_id, resource, there=False)
    return {"id": api_id, "source": _source(root, field), "resolver": field}


def _put_resolver(aws: Aws, api_id: str, resource: Resource, *, there: bool) -> None:
    root, field = resource.name.split(".")
    code = resource.props["javascript"]
    write(
        aws,
        "update_resolver" if there else "create_resolver",
        apiId=api_id,
        typeName=root,
        fieldName=field,
        dataSourceName=_source(root, field),
        kind="UNIT",
        **({"runtime": dict(_RUNTIME), "code": code} if code else {}),
    )


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    fields, outputs = defaults.changed(changes), actual.outputs
    api_id = outputs["id"]
    name = _source(*resource.name.split("."))
    if "source" in fields:
        source = resource.props["source"]
        put_source(aws, api_id, name, source, there=bool(outputs["source"]))
    if "javascript" in fields or not outputs["resolver"] or not actual.props["source"]:
        _put_resolver(aws, api_id, resource, there=bool(outputs["resolver"]))
    return {**outputs, "source": name, "resolver": resource.title}


def delete(aws: Aws, actual: Actual) -> None:
    root, field = actual.name.split(".")
    api_id = actual.outputs["id"]
    if actual.outputs["resolver"]:
        with defaults.if_there():
            where = {"apiId": api_id, "typeName": root, "fieldName": field}
            write(aws, "delete_resolver", **where)
    if actual.outputs["source"]:
        with defaults.if_there():
            write(aws, "delete_data_source", apiId=api_id, name=actual.outputs["source"])
