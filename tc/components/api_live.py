"""What is there of APIs, with the routes and authorizers in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tc.components import (
    authorizer,
    domain,
    http_api,
    http_whole,
    rest_api,
    rest_shared,
    stages,
)
from tc.components.api_names import HTTP_STAGE, REST_STAGE, api_key, api_url, route_key
from tc.components.authorizer_words import IAM, NONE, read_all
from tc.components.protocol import Aws
from tc.components.role import key_of_arn
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Resource
from tc.spec.scope import OWNER_TAG, own_tags

#: the tag on a shared API that tc made; its value is the API's name
GATEWAY_TAG = "tc:gateway"
#: the tag on an own API that has a domain name of its own; its value is that
DOMAIN_TAG = "tc:domain"

#: props that mean another thing on the other sort of API
_OF_A_SORT = ("answers", "stage", "variables", "throttling", "cors", "by_hand")
#: props, outputs and label of a live route
_Route = tuple[Mapping[str, Any], Mapping[str, str], str]


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    """Each API and all its routes.

    Only what should be there, or once was, is looked for among all APIs of the account,
    and only where nothing tells its id.
    """
    listed: list[Mapping[str, Any]] | None = None
    found: list[Actual] = []
    for resource in resources:
        candidates = _by_id(aws, resource)
        likely = resource.props or (resource.payload or {}).get("sure")
        if not candidates and resource.name and likely:
            if listed is None:
                listed = _list_all(aws)
            candidates = [api for api in listed if api["name"] == resource.name]
        found += _actuals(aws, resource, candidates)
    return found


def _by_id(aws: Aws, resource: Resource) -> list[Mapping[str, Any]]:
    """The API by the ids that its owner's mark or those who use it led to; it may be gone."""
    found = []
    ways = [("apigatewayv2", "get_api", "ApiId"), ("apigateway", "get_rest_api", "restApiId")]
    if resource.props.get("protocol") == "REST":
        ways.reverse()
    for api_id in (resource.payload or {}).get("ids", ()):
        for service, operation, key in ways:
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
    listings = [
        ("apigatewayv2", "get_apis", "Items", 100),
        ("apigateway", "get_rest_apis", "items", 500),
    ]
    pages = aws.map(
        lambda listing: list(aws.pages(*listing[:3], PaginationConfig={"PageSize": listing[3]})),
        listings,
    )
    return [_same_shape(api) for page in pages for api in page]


def _same_shape(api: Mapping[str, Any]) -> dict[str, Any]:
    """An API of either protocol: id, name, protocol, tags."""
    if "ApiId" in api:
        return {
            "id": api["ApiId"],
            "name": api["Name"],
            "protocol": api["ProtocolType"],
            "tags": api.get("Tags", {}),
            "cors": api.get("CorsConfiguration", {}),
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
    rest = api["protocol"] == "REST"
    wards = read_all(aws, api["id"], api["protocol"])
    names = {number: _unlabelled(resource, label) for number, label, _ in wards}
    props: dict[str, Any]
    if rest:
        props, told, routes = _read_rest(aws, resource, api["id"], names, [p for *_, p in wards])
    else:
        props, told, routes = _read_http(aws, resource, api, names, [p for *_, p in wards])
    told = {**told, "protocol": api["protocol"], "shared": "true" if shared else ""}
    if not shared:
        props |= {"tags": _tags(api["tags"])}
        props["domain"], mapping = domain.find(aws, resource, api["tags"].get(DOMAIN_TAG, ""), told)
        told |= mapping
    if resource.props.get("protocol", api["protocol"]) != api["protocol"]:
        # it is made anew: what else differs between the two sorts says nothing
        props |= {key: resource.props[key] for key in _OF_A_SORT if key in resource.props}
    roles = {route["integration"].get("role", "") for route, _, _ in routes} - {""}
    yield Actual(
        kind="api",
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner="" if shared else api["tags"].get(OWNER_TAG, ""),
        props={"protocol": api["protocol"], **props},
        outputs={
            **told,
            "made": "tc" if api["tags"].get(GATEWAY_TAG) else "",
            "routes": str(len(routes)),
        },
        info={"since": api["since"], "version": api["tags"].get("version", "")},
        needs=() if shared else tuple(sorted(key_of_arn(role) for role in roles)),
    )
    for number, label, said in wards:
        yield authorizer.actual(resource, told, number, label, said)
    stage = {key: value for key, value in told.items() if key in ("stage", "auto")}
    for (live, outputs, _), known in zip(routes, _known(resource, routes), strict=True):
        yield _route(resource, live, {**outputs, **stage}, *known)


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in own_tags(tags).items() if key != DOMAIN_TAG}


def _unlabelled(resource: Resource, label: str) -> str:
    """An authorizer's name; on a shared API one of another owner keeps the whole label."""
    owner, _, name = label.partition(" ")
    if not resource.payload["shared"] or not name:
        return label
    mine = {child.owner for child in resource.payload.get("children", ())}
    return name if owner in mine else label


def _read_http(
    aws: Aws,
    resource: Resource,
    api: Mapping[str, Any],
    names: Mapping[str, str],
    wards: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Any], dict[str, str], Sequence[_Route]]:
    wanted = resource.payload.get("stage", "")
    live = list(aws.pages("apigatewayv2", "get_stages", "Items", ApiId=api["id"]))
    named = [stage for stage in live if stage["StageName"] == (wanted or HTTP_STAGE)]
    own = not resource.payload["shared"]
    chosen = next(iter(named or (live if own or not wanted else [])), None)
    routes = http_api.read_routes(aws, api["id"], names)
    told = {"id": api["id"], "url": "", "stage": "", "auto": ""}
    cors = http_api.live_cors(api["cors"])
    props: dict[str, Any] = {"answers": chosen is not None, "stage": wanted}
    props |= {"cors": cors, **stages.live_http(chosen or {})}
    props["by_hand"] = chosen is not None and not chosen.get("AutoDeploy")
    if own and props["by_hand"] and resource.props.get("by_hand"):
        what = http_whole.live_digest(routes, wards, cors)
        props["answers"] = http_whole.is_turned(chosen or {}, what)
    if chosen:
        name = chosen["StageName"]
        props["stage"] = name
        told |= {
            "url": api_url(aws, api["id"], name),
            "stage": name,
            "auto": "true" if chosen.get("AutoDeploy") else "false",
        }
    return props, told, routes


def _read_rest(
    aws: Aws,
    resource: Resource,
    api_id: str,
    names: Mapping[str, str],
    wards: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Any], dict[str, str], Sequence[_Route]]:
    wanted, shared = resource.payload.get("stage", ""), resource.payload["shared"]
    routes = rest_api.read_routes(aws, api_id, names)
    live = rest_api.read_stages(aws, api_id)
    chosen = rest_api.chosen(live, wanted) or (None if shared else next(iter(live), None))
    digest, summary = rest_api.deployment(aws, api_id, chosen) if chosen else ("", {})
    if shared:
        answers = rest_shared.answers(routes, digest, summary)
    else:
        said = [rest_api.comparable(props) for props, _, _ in routes]
        answers = chosen is not None and digest == rest_api.digest([*said, *wards])
    stage = chosen["stageName"] if chosen else wanted
    told = rest_api.outputs(aws, api_id, stage or REST_STAGE)
    told["deployed"] = stage if chosen else ""
    props = {"answers": answers, "stage": stage, **stages.live_rest(chosen or {})}
    return props, told, routes


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
        if route.kind == "route"
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


def _route(
    resource: Resource,
    props: Mapping[str, Any],
    outputs: Mapping[str, str],
    key: str,
    owner: str,
    name: str,
) -> Actual:
    roles = [role for role in [props["integration"].get("role", "")] if role]
    needs = [key_of_arn(role) for role in roles]
    ward = props["authorizer"]
    if ward not in (NONE, IAM):
        shared = resource.payload["shared"]
        needs.append(authorizer.authorizer_key(resource.name, owner, ward, shared=shared))
    method = "" if props["method"] == "POST" else f"{props['method']} "
    return Actual(
        kind="route",
        key=key,
        name=name,
        title=f"{method}{props['path']}" if props["path"] else name,
        owner=owner,
        props=props,
        outputs={**outputs, "url": props["path"]},
        needs=tuple(needs),
        parent=resource.key,
    )
