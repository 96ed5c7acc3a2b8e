"""APIs: the sandbox's own one, and shared gateways that it has routes on.

The own API belongs to the sandbox. A shared one is used as it is; tc makes it
when it isn't there, and deletes it only if tc made it and no route is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tc.components import defaults, http_api, rest_api
from tc.components.api_names import HTTP_STAGE, api_key, own_name, route_key
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import key_of_arn
from tc.components.route import deployed, own_protocol
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Change, Ref, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Topology

KIND = "api"
PLURAL = "apis"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset({"protocol"})
TRAITS = Traits(
    comes_with=frozenset({"route"}),
    addresses={
        "url": lambda topology, _: Ref(api_key(own_name(topology.scope), shared=False), "url")
    },
)
settle = defaults.ready_at_once

#: the tag on a shared API that tc made; its value is the API's name
GATEWAY_TAG = "tc:gateway"
#: routes in an API (API Gateway quota)
_ROUTES_LIMIT = 300


def check(topology: Topology) -> Iterator[Finding]:
    own = [entry for entry in deployed(topology) if not getattr(entry.model, "gateway", None)]
    if len(own) > _ROUTES_LIMIT:
        yield Finding(
            "too-many-routes",
            f"the API would have {len(own)} routes; API Gateway takes {_ROUTES_LIMIT}",
            topology.address / "routes",
            "put some behind one greedy path, or in a topology of their own",
        )


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    gateways: dict[str | None, set[str]] = {}
    for entry in deployed(topology):
        gateway = getattr(entry.model, "gateway", None)
        gateways.setdefault(gateway, {"routes", "apis"}).add(f"apis/{gateway or scope.namespace}")
    for gateway, selectors in gateways.items():
        if gateway is None:
            yield _own(topology, frozenset(selectors))
        else:
            yield _shared(gateway, frozenset(selectors))


def _own(topology: Topology, selectors: frozenset[str]) -> Resource:
    scope = topology.scope
    protocol = own_protocol(topology)
    name = own_name(scope)
    return Resource(
        kind=KIND,
        key=api_key(name, shared=False),
        name=name,
        title=name,
        owner=scope.owner,
        props={"protocol": protocol, "answers": True, "tags": dict(scope.tags)},
        selectors=selectors,
        bears=frozenset({"create"} if protocol == "HTTP" else {"create", "update"}),
        payload={"tags": scope.marks, "shared": False},
    )


def _shared(gateway: str, selectors: frozenset[str]) -> Resource:
    """Nobody's in particular: `owner` is empty."""
    return Resource(
        kind=KIND,
        key=api_key(gateway, shared=True),
        name=gateway,
        title=f"{gateway} (shared)",
        owner="",
        props={"protocol": "HTTP", "answers": True},
        selectors=selectors,
        payload={
            "tags": {GATEWAY_TAG: gateway, "deployer": "tc"},
            "shared": True,
        },
    )


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """The own API, wherever it may be; shared ones are known by their routes only."""
    ids = [arn.rsplit("/", 1)[-1] for arn in index.tagged if "apis/" in arn and "::/" in arn]
    name = own_name(scope)
    yield _stub(name, scope.owner, shared=False, ids=ids)
    for gateway in sorted(index.names(KIND) - {scope.namespace}):
        yield _stub(gateway, scope.owner, shared=True, ids=[])


def trace(actuals: Iterable[Actual]) -> Iterator[Resource]:
    """Shared gateways that nobody names any more: functions still let them in."""
    actuals = list(actuals)
    known = {actual.outputs["id"] for actual in actuals if actual.kind == KIND}
    pointed: dict[str, str] = {}
    for actual in actuals:
        source = str(actual.props.get("source", ""))
        if actual.kind == "permission" and ":execute-api:" in source:
            pointed[source.split(":")[5].split("/")[0]] = actual.owner
    for api_id in sorted(set(pointed) - known):
        yield _stub("", pointed[api_id], shared=True, ids=[api_id])


def _stub(name: str, owner: str, *, shared: bool, ids: Sequence[str]) -> Resource:
    return Resource(
        kind=KIND,
        key=api_key(name, shared=shared),
        name=name,
        title=name,
        owner="" if shared else owner,
        props={},
        payload={"shared": shared, "ids": ids},
    )


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    """Each API and all its routes."""
    listed: list[Mapping[str, Any]] | None = None
    found: list[Actual] = []
    for resource in resources:
        candidates = _by_id(aws, resource)
        if not candidates and resource.name:
            if listed is None:
                listed = _list_all(aws)
            candidates = [api for api in listed if api["name"] == resource.name]
        found += _actuals(aws, resource, candidates)
    return found


def _by_id(aws: Aws, resource: Resource) -> list[Mapping[str, Any]]:
    """The API by the id that its owner's mark led to; that index may lag behind."""
    found = []
    for api_id in (resource.payload or {}).get("ids", ()):
        for service, operation, key in (
            ("apigatewayv2", "get_api", "ApiId"),
            ("apigateway", "get_rest_api", "restApiId"),
        ):
            try:
                api = _same_shape(aws.call(service, operation, **{key: api_id}))
            except AwsError as error:
                if not error.missing:
                    raise
            else:
                found.append(api)
                break
    return [api for api in found if not resource.name or api["name"] == resource.name]


def _list_all(aws: Aws) -> list[Mapping[str, Any]]:
    listings = [("apigatewayv2", "get_apis", "Items"), ("apigateway", "get_rest_apis", "items")]
    pages = aws.map(lambda listing: list(aws.pages(*listing)), listings)
    return [_same_shape(api) for page in pages for api in page]


def _same_shape(api: Mapping[str, Any]) -> dict[str, Any]:
    """An API of either protocol: id, name, protocol, tags."""
    if "ApiId" in api:
        return {
            "id": api["ApiId"],
            "name": api["Name"],
            "protocol": api["ProtocolType"],
            "tags": api.get("Tags", {}),
            "since": str(api.get("CreatedDate", "")),
        }
    return {
        "id": api["id"],
        "name": api["name"],
        "protocol": "REST",
        "tags": api.get("tags", {}),
        "since": str(api.get("createdDate", "")),
    }


def _actuals(aws: Aws, resource: Resource, candidates: Sequence[Mapping[str, Any]]) -> list[Actual]:
    if resource.payload["shared"]:
        candidates = [api for api in candidates if OWNER_TAG not in api["tags"]]
    else:
        owned = [api for api in candidates if api["tags"].get(OWNER_TAG) == resource.owner]
        candidates = owned or candidates
    if len(candidates) > 1:
        raise TcError(
            f"there are {len(candidates)} APIs named {resource.name}: "
            + ", ".join(sorted(str(api["id"]) for api in candidates)),
            code="two-apis",
            where=resource.name,
            hint="delete or rename the ones that aren't meant",
        )
    return [actual for api in candidates for actual in _with_routes(aws, resource, api)]


def _with_routes(aws: Aws, resource: Resource, api: Mapping[str, Any]) -> Iterator[Actual]:
    shared = resource.payload["shared"]
    name = resource.name or api["name"]
    resource = replace(
        resource, key=api_key(name, shared=shared), name=name, title=resource.title or name
    )
    if api["protocol"] == "REST":
        outputs = rest_api.outputs(aws, api["id"])
        routes = rest_api.read_routes(aws, api["id"])
        deployed = rest_api.deployed_digest(aws, api["id"])
        answers = deployed == rest_api.digest(props for props, _, _ in routes)
    else:
        outputs = _http_outputs(aws, api["id"])
        routes = http_api.read_routes(aws, api["id"])
        answers = bool(outputs["stage"])
    roles = {props["integration"].get("role", "") for props, _, _ in routes} - {""}
    yield Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner="" if shared else api["tags"].get(OWNER_TAG, ""),
        props={"protocol": api["protocol"], "answers": answers, "tags": own_tags(api["tags"])},
        outputs={
            **outputs,
            "protocol": api["protocol"],
            "made": "tc" if api["tags"].get(GATEWAY_TAG) else "",
            "routes": str(len(routes)),
        },
        info={"since": api["since"], "version": api["tags"].get("version", "")},
        needs=() if shared else tuple(sorted(key_of_arn(role) for role in roles)),
    )
    stage: dict[str, str] = {k: v for k, v in outputs.items() if k in ("stage", "auto")}
    for (props, told, _), known in zip(routes, _known(resource, routes), strict=True):
        yield _route(resource, props, {**told, **stage}, *known)


def _known(
    resource: Resource, routes: Sequence[tuple[Mapping[str, Any], Mapping[str, str], str]]
) -> list[tuple[str, str, str]]:
    """(key, owner, name) of each live route.

    One that is in the place of a desired route is that one, whatever it was
    called: two can't be there at once. Any other is what its label says, or its
    place where that name is taken.
    """
    shared = resource.payload["shared"]
    wanted = {
        f"{route.props['method']} {route.props['path']}": (route.owner, route.name)
        for route in resource.payload.get("children", ())
    }

    def key(owner: str, name: str) -> str:
        return route_key(resource.name, owner, name, shared=shared)

    places = [f"{props['method']} {props['path']}" for props, _, _ in routes]
    taken = {key(*wanted[place]) for place in places if place in wanted}
    known = []
    for place, (_, _, label) in zip(places, routes, strict=True):
        owner, name = _labelled(resource, label)
        if place in wanted:
            name = wanted[place][1]
            known.append((key(*wanted[place]), owner, name))
            continue
        name = place if not name or key(owner, name) in taken else name
        known.append((key(owner, name), owner, name))
    return known


def _labelled(resource: Resource, label: str) -> tuple[str, str]:
    """(owner, name) as a label says them; without an owner in it, the API's own."""
    owner, _, name = label.partition(" ")
    if name and "@" in owner:
        return owner, name
    return resource.owner, label


def _http_outputs(aws: Aws, api_id: str) -> dict[str, str]:
    stages = list(aws.pages("apigatewayv2", "get_stages", "Items", ApiId=api_id))
    stages.sort(key=lambda stage: stage["StageName"] != HTTP_STAGE)
    if not stages:
        return {"id": api_id, "url": "", "stage": "", "auto": ""}
    name = stages[0]["StageName"]
    return {
        "id": api_id,
        "url": http_api.api_url(aws, api_id, name),
        "stage": name,
        "auto": "true" if stages[0].get("AutoDeploy") else "false",
    }


def _route(
    resource: Resource,
    props: Mapping[str, Any],
    outputs: Mapping[str, str],
    key: str,
    owner: str,
    name: str,
) -> Actual:
    roles = [role for role in [props["integration"].get("role", "")] if role]
    method = "" if props["method"] == "POST" else f"{props['method']} "
    return Actual(
        kind="route",
        key=key,
        name=name,
        title=f"{method}{props['path']}",
        owner=owner,
        props=props,
        outputs={**outputs, "url": props["path"]},
        needs=tuple(key_of_arn(role) for role in roles),
        parent=resource.key,
    )


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    if resource.payload["shared"]:
        return _create_shared(aws, resource)
    if resource.props["protocol"] == "REST":
        return rest_api.create_api(aws, resource, children)
    return http_api.create_api(aws, resource, children)


def _create_shared(aws: Aws, resource: Resource) -> Outputs:
    made = aws.call(
        "apigatewayv2",
        "create_api",
        Name=resource.name,
        ProtocolType="HTTP",
        Tags=resource.payload["tags"],
    )
    return {**http_api.add_stage(aws, made), "protocol": "HTTP", "made": "tc"}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    outputs: dict[str, str] = dict(actual.outputs)
    if any(change.path.split(".")[0] in {"tags", "owner"} for change in changes):
        _retag(aws, resource, actual)
    unanswered = any(change.path == "answers" for change in changes)
    rest = resource.props["protocol"] == "REST"
    if rest and children:
        outputs.update(rest_api.write(aws, resource, outputs["id"], children))
    elif unanswered and rest:
        rest_api.deploy(aws, outputs["id"])
    elif unanswered:
        outputs.update(http_api.add_stage(aws, {"ApiId": outputs["id"]}))
    return outputs


def _retag(aws: Aws, resource: Resource, actual: Actual) -> None:
    removed = sorted(set(actual.props["tags"]) - set(resource.props["tags"]))
    rest = resource.props["protocol"] == "REST"
    service = "apigateway" if rest else "apigatewayv2"
    collection = "restapis" if rest else "apis"
    api_id = actual.outputs["id"]
    arn = f"arn:{aws.partition}:apigateway:{aws.region}::/{collection}/{api_id}"
    names = ("resourceArn", "tags", "tagKeys") if rest else ("ResourceArn", "Tags", "TagKeys")
    if removed:
        aws.call(service, "untag_resource", **{names[0]: arn, names[2]: removed})
    aws.call(service, "tag_resource", **{names[0]: arn, names[1]: resource.payload["tags"]})


def delete(aws: Aws, actual: Actual) -> None:
    api_id = actual.outputs["id"]
    with defaults.if_there():
        if actual.props["protocol"] == "REST":
            aws.call("apigateway", "delete_rest_api", restApiId=api_id)
        else:
            aws.call("apigatewayv2", "delete_api", ApiId=api_id)
