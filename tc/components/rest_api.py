"""REST APIs (API Gateway v1): for what an HTTP API can't do.

The sandbox's own one is written whole: PutRestApi with every route, then a
deployment to its stage, so that callers see all of a change or none of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tc.components import stages
from tc.components.api_names import REST_STAGE, api_url
from tc.components.authorizer_words import IAM, NONE, read_all
from tc.components.http_api import security, security_schemes
from tc.components.protocol import Aws, Outputs
from tc.plan.resource import Resource

#: the longest a REST API waits for its integration (API Gateway quota)
TIMEOUT_MS = 29_000
#: how a deployment's description begins; the digest of its routes follows
_DIGEST = "routes "
_HEADER = "method.response.header."
ALLOW_ORIGIN = f"{_HEADER}Access-Control-Allow-Origin"
#: the answers that an API gives by itself (API Gateway's names for all of them)
_OWN_ANSWERS = ("DEFAULT_4XX", "DEFAULT_5XX")


def create_api(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    """The API with its tags, its routes, its deployment, the settings of its stage."""
    made = aws.call(
        "apigateway",
        "create_rest_api",
        name=resource.name,
        tags=resource.payload["tags"],
        endpointConfiguration={"types": ["REGIONAL"]},
    )
    told = write(aws, resource, made["id"], children)
    stages.update_rest(aws, made["id"], told["stage"], resource.props, {})
    return told


def write(
    aws: Aws, resource: Resource, api_id: str, children: Sequence[Resource]
) -> dict[str, str]:
    """Puts all of `children` on the API and nothing else, and deploys."""
    aws.call(
        "apigateway",
        "put_rest_api",
        restApiId=api_id,
        mode="overwrite",
        body=json.dumps(_openapi(resource, children)),
    )
    stage = resource.payload["stage"] or REST_STAGE
    deploy(aws, api_id, stage, digest(comparable(child.props) for child in children))
    return outputs(aws, api_id, stage)


def deploy(aws: Aws, api_id: str, stage: str, what: str) -> None:
    """Has the stage answer with the routes that the API has, whose digest is `what`."""
    aws.call(
        "apigateway",
        "create_deployment",
        restApiId=api_id,
        stageName=stage,
        description=f"{_DIGEST}{what}",
    )


def deploy_as_is(aws: Aws, api_id: str, stage: str) -> None:
    """Has the stage answer with the routes that an own API has."""
    wards = read_all(aws, api_id, "REST")
    routes = read_routes(aws, api_id, {number: name for number, name, _ in wards})
    props = [comparable(said) for said, _, _ in routes]
    deploy(aws, api_id, stage, digest([*props, *(said for _, _, said in wards)]))


def comparable(live: Mapping[str, Any]) -> dict[str, Any]:
    """The props of a live route as one that should be has them."""
    return {key: value for key, value in live.items() if key != "deployed"}


def digest(children: Iterable[Mapping[str, Any]]) -> str:
    """What tells one set of routes and authorizers from another, in any order."""
    texts = sorted(json.dumps(props, sort_keys=True) for props in children)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def read_stages(aws: Aws, api_id: str) -> list[dict[str, Any]]:
    """The stages of a live API."""
    found: list[dict[str, Any]] = aws.call("apigateway", "get_stages", restApiId=api_id).get(
        "item", []
    )
    return found


def chosen(live: Sequence[Mapping[str, Any]], wanted: str) -> Mapping[str, Any] | None:
    """The stage called `wanted`; without a wish the usual one, or the first."""
    named = [stage for stage in live if stage["stageName"] == (wanted or REST_STAGE)]
    return next(iter(named or ([] if wanted else live)), None)


def deployment(aws: Aws, api_id: str, stage: Mapping[str, Any]) -> tuple[str, dict[str, set[str]]]:
    """What a stage answers with: the digest that tc wrote, empty for another's deployment,
    and the methods by path."""
    found = aws.call(
        "apigateway",
        "get_deployment",
        restApiId=api_id,
        deploymentId=stage["deploymentId"],
        embed=["apisummary"],
    )
    said = str(found.get("description", ""))
    summary = {path: set(methods) for path, methods in found.get("apiSummary", {}).items()}
    return (said.removeprefix(_DIGEST) if said.startswith(_DIGEST) else ""), summary


def outputs(aws: Aws, api_id: str, stage: str) -> dict[str, str]:
    return {
        "id": api_id,
        "url": api_url(aws, api_id, stage),
        "stage": stage,
        "protocol": "REST",
    }


def _openapi(resource: Resource, children: Sequence[Resource]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in (child for child in children if child.kind == "route"):
        method = route.props["method"].lower()
        method = "x-amazon-apigateway-any-method" if method == "any" else method
        paths.setdefault(route.props["path"], {})[method] = _operation(route)
    return {
        "openapi": "3.0.1",
        "info": {"title": resource.name, "version": "1"},
        "paths": paths,
        **security_schemes(children, "REST"),
        **_refusals(children),
    }


def _refusals(children: Sequence[Resource]) -> dict[str, Any]:
    """The API's own answers (nobody asked the target) with the origin of its routes' CORS, as
    far as they have the same one: pages may read no error without."""
    answers = [
        answer.get("headers", {})
        for child in children
        if child.kind == "route"
        for answer in child.props["integration"].get("responses", {}).values()
    ]
    origins = {headers[ALLOW_ORIGIN] for headers in answers if ALLOW_ORIGIN in headers}
    if len(origins) != 1:
        return {}
    said = {
        "responseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": origins.pop()}
    }
    return {"x-amazon-apigateway-gateway-responses": dict.fromkeys(_OWN_ANSWERS, said)}


def _operation(route: Resource) -> dict[str, Any]:
    target = route.props["integration"]
    answers = target.get("responses") or {"200": {}}
    places = {"querystring": "query", "header": "header", "path": "path"}
    used = (name.split(".")[2:] for name in request_parameters(target))
    operation: dict[str, Any] = {
        "operationId": route.name,
        "responses": {
            status: {
                "description": "the target's answer",
                **_headers(answer.get("headers", {})),
            }
            for status, answer in answers.items()
        },
        "x-amazon-apigateway-integration": _extension(route.props),
        **security(route.props["authorizer"]),
    }
    parameters = [
        {"name": name, "in": places[place], "required": place == "path", "schema": _TEXT}
        for place, name in used
    ]
    return {**operation, **({"parameters": parameters} if parameters else {})}


_TEXT = {"type": "string"}


def _headers(headers: Mapping[str, str]) -> dict[str, Any]:
    names = {name.removeprefix(_HEADER): {"schema": _TEXT} for name in headers}
    return {"headers": names} if names else {}


def request_parameters(target: Mapping[str, Any]) -> list[str]:
    """The parts of a request that an integration's parameters are made of; a method must
    declare them."""
    values = target.get("parameters", {}).values()
    return sorted({v for v in values if v.startswith("method.request.") and v.count(".") == 3})


def _extension(props: Mapping[str, Any]) -> dict[str, Any]:
    target = props["integration"]
    body: dict[str, Any] = {"type": target["type"].lower(), "timeoutInMillis": props["timeout_ms"]}
    if target["type"] != "MOCK":
        body |= {"httpMethod": "POST", "uri": target["uri"]}
    if "role" in target:
        body["credentials"] = target["role"]
    if "parameters" in target:
        body["requestParameters"] = target["parameters"]
    if "request" in target:
        body["requestTemplates"] = {"application/json": target["request"]}
        body["passthroughBehavior"] = "when_no_templates"
    if "responses" in target:
        body["responses"] = {
            answer.get("pattern", "default"): {"statusCode": status, **response(answer)}
            for status, answer in target["responses"].items()
        }
    return body


def response(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of an integration as API Gateway takes it."""
    found: dict[str, Any] = {}
    if "template" in answer:
        found["responseTemplates"] = {"application/json": answer["template"]}
    if "headers" in answer:
        found["responseParameters"] = answer["headers"]
    return found


def read_routes(
    aws: Aws, api_id: str, authorizers: Mapping[str, str]
) -> list[tuple[dict[str, Any], dict[str, str], str]]:
    """(props, outputs, operation name) of every route; `authorizers` are names by id."""
    found = []
    for resource in read_resources(aws, api_id):
        for method, live in (resource.get("resourceMethods") or {}).items():
            target = live.get("methodIntegration") or {}
            props = {
                "method": method,
                "path": resource["path"],
                "timeout_ms": target.get("timeoutInMillis", TIMEOUT_MS),
                "integration": _live_integration(target),
                "authorizer": _live_authorizer(live, authorizers),
                "deployed": True,
            }
            told = {"api": api_id, "resource": resource["id"]}
            found.append((props, told, live.get("operationName", "")))
    return found


def read_resources(aws: Aws, api_id: str) -> Iterable[dict[str, Any]]:
    """The paths of an API with their methods."""
    return aws.pages(
        "apigateway", "get_resources", "items", restApiId=api_id, embed=["methods"], limit=500
    )


def _live_authorizer(live: Mapping[str, Any], authorizers: Mapping[str, str]) -> str:
    kind, number = live.get("authorizationType", "NONE"), live.get("authorizerId") or ""
    if kind in ("CUSTOM", "COGNITO_USER_POOLS"):
        return authorizers.get(number, number)
    return IAM if kind == "AWS_IAM" else NONE


def _live_integration(live: Mapping[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = {"type": live.get("type", "")}
    if target["type"] != "MOCK":
        target["uri"] = live.get("uri", "")
    if live.get("credentials"):
        target["role"] = live["credentials"]
    if live.get("requestParameters"):
        target["parameters"] = live["requestParameters"]
    template = (live.get("requestTemplates") or {}).get("application/json")
    if template:
        target["request"] = template
    answers = live.get("integrationResponses") or {}
    if answers and target["type"] != "AWS_PROXY":
        target["responses"] = {status: _live_answer(live) for status, live in answers.items()}
    return target


def _live_answer(live: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if live.get("selectionPattern"):
        found["pattern"] = live["selectionPattern"]
    template = (live.get("responseTemplates") or {}).get("application/json")
    if template:
        found["template"] = template
    if live.get("responseParameters"):
        found["headers"] = live["responseParameters"]
    return found
