"""APIs: the sandbox's own one, and shared gateways that it has routes on.

The own API belongs to the sandbox. A shared one is used as it is; tc makes it
when it isn't there, and deletes it only if tc made it and no route is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from tc.components import (
    api_live,
    defaults,
    domain,
    http_api,
    http_whole,
    rest_api,
    rest_shared,
    stages,
)
from tc.components.api_live import DOMAIN_TAG, GATEWAY_TAG
from tc.components.api_names import REST_STAGE, api_key, own_name
from tc.components.gateways import Gateway, gateways
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import API_TAG
from tc.components.route_model import methods, path
from tc.errors import TcError
from tc.plan.resource import Action, Actual, Change, Plan, Ref, Resource, Step
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import Scope
from tc.spec.topology import Topology

KIND = "api"
PLURAL = "apis"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset({"protocol"})


def _pointed_at(resource: Resource, actuals: Sequence[Actual]) -> list[str]:
    """The ids in what lets this API in: policies of functions, and the tag of its role."""
    from tc.components.permission import api_sid

    shared = bool(resource.payload["shared"])
    sid = api_sid(resource.name, shared=shared)
    permissions = [a for a in actuals if a.kind == "permission" and a.name.startswith(sid)]
    sources = [permission.props["source"] for permission in permissions]
    ids = [source.split(":")[5].split("/")[0] for source in sources if ":execute-api:" in source]
    role = f"{KIND} {resource.name}" if shared else ""
    ids += [
        actual.props["tags"].get(API_TAG, "")
        for actual in actuals
        if actual.kind == "role" and actual.info["for"] == role
    ]
    return [number for number in dict.fromkeys(ids) if number]


def _hindrances(aws: Aws, plan: Plan) -> Iterator[TcError]:
    """Domain names that can't be used; shared APIs that would have too many routes."""
    for step in plan.steps:
        api = step.resource
        if step.kind != KIND or api is None:
            continue
        host = api.props.get("domain", "")
        anew = step.action is Action.CREATE or any(c.path == "domain" for c in step.changes)
        if host and anew:
            api_id = step.actual.outputs["id"] if step.actual else ""
            yield from domain.hindrances(aws, host, api_id)
        if api.payload["shared"] and api.props["protocol"] == "HTTP":
            yield from _too_full(plan, step)


def _too_full(plan: Plan, step: Step) -> Iterator[TcError]:
    count = int(step.actual.outputs["routes"]) if step.actual else 0
    for other in plan.steps:
        if other.kind != "route":
            continue
        if other.action is Action.CREATE and other.resource and other.resource.parent == step.key:
            count += 1
        elif other.action is Action.DELETE and other.actual and other.actual.parent == step.key:
            count -= 1
    if count > _ROUTES_LIMIT and any(
        other.action is Action.CREATE and other.kind == "route" for other in plan.steps
    ):
        yield TcError(
            f"`{step.name}` would have {count} routes, others' among them; "
            f"API Gateway takes {_ROUTES_LIMIT}",
            code="too-many-routes",
            where=step.name,
            hint="leave `gateway` out: the sandbox gets an API of its own",
        )


TRAITS = Traits(
    switch="entry",
    comes_with=frozenset({"route"}),
    addresses={
        "url": lambda topology, _: Ref(api_key(own_name(topology.scope), shared=False), "url")
    },
    pointed_at=_pointed_at,
    hindrances=_hindrances,
)
settle = defaults.ready_at_once
read = api_live.read

#: routes in an HTTP API, resources in a REST API (API Gateway quotas)
_ROUTES_LIMIT = 300


def check(topology: Topology) -> Iterator[Finding]:
    for gateway in gateways(topology):
        what, count = _size(gateway)
        if count > _ROUTES_LIMIT:
            yield Finding(
                "too-many-routes",
                f"the API would have {count} {what}; API Gateway takes {_ROUTES_LIMIT}",
                topology.address / "routes",
                "put some behind one greedy path, or in a topology of their own",
            )
    said = topology.gateway
    apis = gateways(topology)
    if apis and (said.throttling or said.domain) and all(gateway.shared for gateway in apis):
        yield Finding(
            "shared-gateway",
            "routes.json has a limit or a domain name for this sandbox, whose routes are all on "
            "shared APIs",
            topology.address / "routes",
            "take it out there, or leave `gateway` out here",
        )


def _size(gateway: Gateway) -> tuple[str, int]:
    """What of an API is limited: an HTTP API's routes, a REST API's paths with those above."""
    if gateway.protocol == "HTTP":
        return "routes", sum(len(methods(entry)) for entry in gateway.entries)
    segments = [[part for part in path(entry).split("/") if part] for entry in gateway.entries]
    places = {tuple(parts[:end]) for parts in segments for end in range(len(parts) + 1)}
    return "paths", len(places)


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for gateway in gateways(topology):
        named = f"apis/{gateway.name if gateway.shared else scope.namespace}"
        selectors = frozenset({"routes", "apis", named})
        make = _shared if gateway.shared else _own
        yield make(topology, gateway, selectors)


def _own(topology: Topology, gateway: Gateway, selectors: frozenset[str]) -> Resource:
    scope = topology.scope
    said = topology.gateway
    domain = {DOMAIN_TAG: said.domain} if said.domain else {}
    props: dict[str, Any] = {
        "protocol": gateway.protocol,
        "answers": True,
        "tags": dict(scope.tags),
        "stage": gateway.stage,
        "variables": gateway.variables,
        "throttling": said.throttling,
        "domain": said.domain,
    }
    if gateway.protocol == "HTTP":
        props |= {"cors": gateway.cors, "by_hand": scope.stable}
    whole = gateway.protocol == "REST" or scope.stable
    return Resource(
        kind=KIND,
        key=gateway.key,
        name=gateway.name,
        title=gateway.name,
        owner=scope.owner,
        props=props,
        selectors=selectors,
        bears=frozenset({"create", "update"} if whole else {"create"}),
        payload={"tags": scope.marks | domain, "shared": False, "stage": gateway.stage},
    )


def _shared(topology: Topology, gateway: Gateway, selectors: frozenset[str]) -> Resource:
    """Nobody's in particular: `owner` is empty."""
    return Resource(
        kind=KIND,
        key=gateway.key,
        name=gateway.name,
        title=f"{gateway.name} (shared)",
        owner="",
        props={"protocol": gateway.protocol, "answers": True},
        selectors=selectors,
        payload={
            "tags": {GATEWAY_TAG: gateway.name, "deployer": "tc"},
            "shared": True,
            "stage": gateway.stage,
        },
    )


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """The own API, wherever it may be; shared ones are known by their routes only."""
    ids = [arn.rsplit("/", 1)[-1] for arn in index.tagged if "apis/" in arn and "::/" in arn]
    named = index.names(KIND)
    sure = scope.namespace in named or index.lags
    yield _stub(own_name(scope), scope.owner, shared=False, ids=ids, sure=sure)
    for gateway in sorted(named - {scope.namespace}):
        yield _stub(gateway, scope.owner, shared=True, ids=[], sure=True)


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
        yield _stub("", pointed[api_id], shared=True, ids=[api_id], sure=False)


def _stub(name: str, owner: str, *, shared: bool, ids: Sequence[str], sure: bool) -> Resource:
    """`sure` when it is worth a listing: a role was made for it, or the index tells nothing."""
    return Resource(
        kind=KIND,
        key=api_key(name, shared=shared),
        name=name,
        title=name,
        owner="" if shared else owner,
        props={},
        payload={"shared": shared, "ids": ids, "sure": sure},
    )


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    rest = resource.props["protocol"] == "REST"
    if resource.payload["shared"]:
        return _create_shared(aws, resource)
    own = http_whole if resource.props.get("by_hand") else http_api
    create_api = rest_api.create_api if rest else own.create_api
    made = create_api(aws, resource, children)
    if not resource.props["domain"]:
        return made
    return {**made, **domain.attach(aws, made, resource.props["domain"])}


def _create_shared(aws: Aws, resource: Resource) -> Outputs:
    tags = resource.payload["tags"]
    if resource.props["protocol"] == "REST":
        made = aws.call(
            "apigateway",
            "create_rest_api",
            name=resource.name,
            tags=tags,
            endpointConfiguration={"types": ["REGIONAL"]},
        )
        # without a method there is nothing to deploy yet
        stage = resource.payload["stage"] or REST_STAGE
        return {**rest_api.outputs(aws, made["id"], stage), "made": "tc"}
    made = aws.call(
        "apigatewayv2", "create_api", Name=resource.name, ProtocolType="HTTP", Tags=tags
    )
    return {**http_api.add_stage(aws, made["ApiId"], resource), "protocol": "HTTP", "made": "tc"}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    told: dict[str, str] = dict(actual.outputs)
    changed = defaults.changed(changes)
    if changed & {"tags", "owner", "domain"}:
        _retag(aws, resource, actual)
    if resource.props["protocol"] == "REST":
        told |= _update_rest(aws, resource, actual, changed, children)
    else:
        told |= _update_http(aws, resource, actual, changed, children)
    if resource.payload["shared"]:
        return told
    if "domain" in changed:
        domain.detach(aws, actual)
        told.pop("mapping", None)
        if resource.props["domain"]:
            told |= domain.attach(aws, told, resource.props["domain"])
    elif "stage" in changed and resource.props["domain"]:
        domain.move(aws, told)
    if "stage" in changed:
        _drop_stage(aws, actual)
    return told


def _update_http(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changed: Set[str],
    children: Sequence[Resource],
) -> dict[str, str]:
    if resource.props.get("by_hand"):
        return http_whole.update_api(aws, resource, actual, changed, children)
    api_id = actual.outputs["id"]
    told: dict[str, str] = {}
    if changed & {"answers", "stage"}:
        told = http_api.add_stage(aws, api_id, resource)
    elif changed & {"variables", "throttling", "by_hand"}:
        stages.update_http(aws, api_id, actual.outputs["stage"], resource.props, actual.props)
    if "cors" in changed:
        http_api.write_cors(aws, api_id, resource.props["cors"])
    return told


def _update_rest(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changed: Set[str],
    children: Sequence[Resource],
) -> dict[str, str]:
    api_id = actual.outputs["id"]
    stage = resource.payload["stage"] or actual.outputs["stage"]
    if resource.payload["shared"]:
        if "answers" in changed:
            rest_shared.deploy(aws, {"id": api_id, "stage": stage})
        return {}
    if children:
        rest_api.write(aws, resource, api_id, children)
    elif changed & {"answers", "stage"}:
        rest_api.deploy_as_is(aws, api_id, stage)
    anew = bool(changed & {"answers", "stage"}) and actual.outputs["deployed"] != stage
    stages.update_rest(aws, api_id, stage, resource.props, {} if anew else actual.props)
    return rest_api.outputs(aws, api_id, stage)


def _drop_stage(aws: Aws, actual: Actual) -> None:
    """The stage that the API had under another name."""
    api_id, stage = actual.outputs["id"], actual.outputs["stage"]
    with defaults.if_there():
        if actual.props["protocol"] == "REST":
            aws.call("apigateway", "delete_stage", restApiId=api_id, stageName=stage)
        else:
            aws.call("apigatewayv2", "delete_stage", ApiId=api_id, StageName=stage)


def _retag(aws: Aws, resource: Resource, actual: Actual) -> None:
    removed = defaults.dropped_tags(resource, actual)
    if actual.props["domain"] and not resource.props["domain"]:
        removed.append(DOMAIN_TAG)
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
    """Raises TcError for a shared API that tc didn't make: that is others'."""
    if actual.outputs["shared"] and actual.outputs["made"] != "tc":
        raise TcError(
            f"`{actual.name}` is others' too and not deleted",
            code="shared-gateway",
            where=actual.name,
            hint="name another gateway, or leave `gateway` out",
        )
    api_id = actual.outputs["id"]
    if actual.props.get("domain"):
        domain.detach(aws, actual)
    with defaults.if_there():
        if actual.props["protocol"] == "REST":
            aws.call("apigateway", "delete_rest_api", restApiId=api_id)
        else:
            aws.call("apigatewayv2", "delete_api", ApiId=api_id)
