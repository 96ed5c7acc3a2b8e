"""Routes: what an API does with a request to a path.

A route of an own API is known by its operation name; on a shared gateway by the
description of its integration (HTTP) or its operation name (REST),
``{namespace}@{sandbox} {route}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults, http_api, rest_api, rest_integration, rest_shared, route_check
from tc.components.api_names import api_key, api_name, public_path, route_id, route_key
from tc.components.authorizer import authorizer_key, name_of
from tc.components.authorizer_words import IAM, NONE
from tc.components.gateways import Gateway, gateways
from tc.components.protocol import Aws, Outputs, Traits
from tc.components.role import role_arn, role_key
from tc.components.route_model import RouteModel, cors, methods, model_of, path
from tc.plan.resource import Action, Actual, Change, Plan, Ref, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.topology import Entry, Topology

KIND = "route"
PLURAL = "routes"
SECTION: tuple[str, type[Strict]] | None = ("routes", RouteModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(
    switch="entry", told_by="api", addresses={"url": lambda topology, name: url(topology, name)}
)
trace = defaults.nothing_to_trace
find = defaults.nothing_to_find
read = defaults.nothing_to_read
settle = defaults.ready_at_once
check = route_check.check


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    for gateway in gateways(topology):
        for entry in gateway.entries:
            if not entry.targets:
                continue
            for method in methods(entry):
                yield _desired(topology, gateway, entry, method)
        yield from _preflights(topology, gateway)


def _desired(topology: Topology, gateway: Gateway, entry: Entry, method: str) -> Resource:
    scope = topology.scope
    model = model_of(entry)
    kind, _ = entry.targets[0]
    role, needs = "", [gateway.key]
    if kind != "function":
        of_api = f"api.{model.gateway or scope.namespace}"
        role = role_arn(scope, of_api)
        needs.append(role_key(scope, of_api))
    authorizer = name_of(entry)
    if authorizer not in (NONE, IAM):
        key = authorizer_key(gateway.name, scope.owner, authorizer, shared=gateway.shared)
        needs.append(key)
    rest = gateway.protocol == "REST"
    words, longest = (rest_integration, rest_api) if rest else (http_api, http_api)
    return _resource(
        topology,
        gateway,
        (entry,),
        name=route_id(entry.name, method, several=len(methods(entry)) > 1),
        method=method,
        needs=tuple(needs),
        props={
            "timeout_ms": model.timeout * 1000 if model.timeout else longest.TIMEOUT_MS,
            "integration": words.integration(topology, entry, role),
            "authorizer": authorizer,
        },
    )


def _preflights(topology: Topology, gateway: Gateway) -> Iterator[Resource]:
    """On a REST API, for each path with CORS, the answer to the browser that asks first."""
    if gateway.protocol != "REST":
        return
    by_path: dict[str, list[Entry]] = {}
    for entry in gateway.entries:
        by_path.setdefault(path(entry), []).append(entry)
    for where, entries in by_path.items():
        asked = [entry for entry in entries if cors(entry)]
        if not asked or any("OPTIONS" in methods(entry) for entry in entries):
            continue
        written = cors(asked[0])
        assert written
        yield _resource(
            topology,
            gateway,
            asked,
            name=route_id(f"{where} OPTIONS", "", several=False),
            method="OPTIONS",
            needs=(gateway.key,),
            props={
                "timeout_ms": rest_api.TIMEOUT_MS,
                "integration": rest_integration.preflight(written, asked),
                "authorizer": NONE,
            },
        )


def _resource(
    topology: Topology,
    gateway: Gateway,
    entries: Sequence[Entry],
    *,
    name: str,
    method: str,
    needs: tuple[str, ...],
    props: Mapping[str, Any],
) -> Resource:
    scope = topology.scope
    where = path(entries[0])
    selectors = {PLURAL, f"routes{where}", f"routes/{where}"}
    selectors |= {f"routes/{entry.name}" for entry in entries}
    public = public_path(scope, where, shared=gateway.shared)
    # of an own API its stage deploys by itself, or it is written whole
    deployed = {"deployed": True} if gateway.shared else {}
    return Resource(
        kind=KIND,
        key=route_key(gateway.name, scope.owner, name, shared=gateway.shared),
        name=name,
        title=where if method == "POST" else f"{method} {where}",
        owner=scope.owner,
        props={"method": method, "path": public, **props, **deployed},
        needs=needs,
        selectors=frozenset(selectors),
        parent=gateway.key,
        address=entries[0].address,
        detail="OK",
        payload={"protocol": gateway.protocol, "shared": gateway.shared},
    )


def url(topology: Topology, name: str) -> Ref:
    """Where the route answers."""
    entry = topology.entries["routes"][name]
    shared = model_of(entry).gateway is not None
    where = public_path(topology.scope, path(entry), shared=shared)
    return Ref(api_key(api_name(topology, entry), shared=shared), "url", after=where)


def opened(plan: Plan) -> list[str]:
    """``POST /api/etl``: the routes that `plan` makes, or changes so that anybody may call
    them; a browser's question needs no permission."""
    found = []
    for step in plan.work:
        route = step.resource
        if step.kind != KIND or route is None or route.props["authorizer"] != NONE:
            continue
        asked = route.props["integration"].get("type") == "MOCK"
        told = step.action is Action.CREATE or any(c.path == "authorizer" for c in step.changes)
        if told and not asked:
            found.append(f"{route.props['method']} {route.props['path']}")
    return sorted(found)


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    if resource.payload["protocol"] == "REST":
        return rest_shared.create_route(aws, resource)
    return http_api.create_route(aws, resource)


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    if resource.payload["protocol"] == "REST":
        return rest_shared.update_route(aws, resource, actual, changes)
    return http_api.update_route(aws, resource, actual, changes)


def delete(aws: Aws, actual: Actual) -> None:
    if "resource" in actual.outputs:
        rest_shared.delete_route(aws, actual)
    else:
        http_api.delete_route(aws, actual)
