"""REST APIs (API Gateway v1): for what an HTTP API can't do.

A REST API is written whole: PutRestApi with every route, then a deployment to
the stage ``live``, so that callers see all of a change or none of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tc.components.api_names import REST_STAGE
from tc.components.http_api import api_url, lambda_uri
from tc.components.protocol import Aws, Outputs
from tc.plan.resource import Resource
from tc.spec.topology import Id, Topology

#: the longest a REST API waits for its integration (API Gateway quota)
TIMEOUT_MS = 29_000

#: the body as the input of a flow, as a JSON string; escapeJavaScript also
#: escapes single quotes, which JSON doesn't allow
_INPUT = "$util.escapeJavaScript($input.json('$')).replaceAll(\"\\\\'\", \"'\")"
_BODY = "@body@"
#: how a deployment's description begins; the digest of its routes follows
_DIGEST = "routes "
#: the flow's own output, or 500 with its error
_OUTPUT = (
    "#if($input.path('$.status') == 'SUCCEEDED')$input.path('$.output')#else"
    "#set($context.responseOverride.status = 500)"
    '{"error": "$input.path(\'$.error\')", '
    '"cause": "$util.escapeJavaScript($input.path(\'$.cause\')).replaceAll("\\\\\'", "\'")"}'
    "#end"
)


def integration(topology: Topology, target: Id, role: str, *, waits: bool) -> dict[str, Any]:
    """What the route calls, in the words of the API: type, uri, role, templates."""
    kind, name = target
    scope = topology.scope
    service = f"arn:{scope.partition}:apigateway:{scope.region}"
    if kind == "function":
        uri = lambda_uri(scope.region, scope.partition, topology.function_arn(name))
        if waits:
            return {"type": "AWS_PROXY", "uri": uri}
        return {
            "type": "AWS",
            "uri": uri,
            "parameters": {"integration.request.header.X-Amz-Invocation-Type": "'Event'"},
            "status": "202",
        }
    if kind == "flow":
        request = _template({"stateMachineArn": topology.flows[name].arn, "input": _BODY})
        action = "StartSyncExecution" if waits else "StartExecution"
        target_uri = f"{service}:states:action/{action}"
        written = {"type": "AWS", "uri": target_uri, "role": role, "request": request}
        return {**written, "response": _OUTPUT} if waits else written
    entry = topology.entries["events"][name]
    bus: Mapping[str, str] = entry.model.bus_entry(name)  # type: ignore[attr-defined]
    request = _template({"Entries": [{**bus, "Resources": [scope.event_mark], "Detail": _BODY}]})
    return {
        "type": "AWS",
        "uri": f"{service}:events:action/PutEvents",
        "role": role,
        "parameters": {
            "integration.request.header.X-Amz-Target": "'AWSEvents.PutEvents'",
            "integration.request.header.Content-Type": "'application/x-amz-json-1.1'",
        },
        "request": request,
    }


def _template(body: Mapping[str, Any]) -> str:
    """`body` as a mapping template; `_BODY` in it stands for the request's body."""
    return json.dumps(body).replace(_BODY, _INPUT)


def create_api(aws: Aws, resource: Resource, routes: Sequence[Resource]) -> Outputs:
    """The API with its tags, its routes, its deployment."""
    made = aws.call(
        "apigateway",
        "create_rest_api",
        name=resource.name,
        tags=resource.payload["tags"],
        endpointConfiguration={"types": ["REGIONAL"]},
    )
    return write(aws, resource, made["id"], routes)


def write(aws: Aws, resource: Resource, api_id: str, routes: Sequence[Resource]) -> Outputs:
    """Puts all of `routes` on the API and nothing else, and deploys."""
    aws.call(
        "apigateway",
        "put_rest_api",
        restApiId=api_id,
        mode="overwrite",
        body=json.dumps(_openapi(resource, routes)),
    )
    _deploy(aws, api_id, digest(route.props for route in routes))
    return outputs(aws, api_id)


def deploy(aws: Aws, api_id: str) -> None:
    """Has the stage answer with the routes that the API has."""
    _deploy(aws, api_id, digest(props for props, _, _ in read_routes(aws, api_id)))


def _deploy(aws: Aws, api_id: str, what: str) -> None:
    aws.call(
        "apigateway",
        "create_deployment",
        restApiId=api_id,
        stageName=REST_STAGE,
        description=f"{_DIGEST}{what}",
    )


def digest(routes: Iterable[Mapping[str, Any]]) -> str:
    """What tells one set of routes from another, in any order."""
    texts = sorted(json.dumps(props, sort_keys=True) for props in routes)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def deployed_digest(aws: Aws, api_id: str) -> str:
    """The digest of the routes that the stage answers with, empty without a stage.

    Routes that were written and not deployed, because that run was cut off, differ.
    """
    stages = aws.call("apigateway", "get_stages", restApiId=api_id).get("item", [])
    live = [stage for stage in stages if stage["stageName"] == REST_STAGE]
    if not live:
        return ""
    deployment = aws.call(
        "apigateway", "get_deployment", restApiId=api_id, deploymentId=live[0]["deploymentId"]
    )
    return str(deployment.get("description", "")).removeprefix(_DIGEST)


def outputs(aws: Aws, api_id: str) -> dict[str, str]:
    return {
        "id": api_id,
        "url": api_url(aws, api_id, REST_STAGE),
        "stage": REST_STAGE,
        "protocol": "REST",
    }


def _openapi(resource: Resource, routes: Sequence[Resource]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        method = route.props["method"].lower()
        method = "x-amazon-apigateway-any-method" if method == "any" else method
        status = route.props["integration"].get("status", "200")
        paths.setdefault(route.props["path"], {})[method] = {
            "operationId": route.name,
            "responses": {status: {"description": "the target's answer"}},
            "x-amazon-apigateway-integration": _extension(route.props, status),
        }
    return {
        "openapi": "3.0.1",
        "info": {"title": resource.name, "version": "1"},
        "paths": paths,
    }


def _extension(props: Mapping[str, Any], status: str) -> dict[str, Any]:
    target = props["integration"]
    body: dict[str, Any] = {
        "type": target["type"].lower(),
        "httpMethod": "POST",
        "uri": target["uri"],
        "timeoutInMillis": props["timeout_ms"],
    }
    if "role" in target:
        body["credentials"] = target["role"]
    if "parameters" in target:
        body["requestParameters"] = target["parameters"]
    if "request" in target:
        body["requestTemplates"] = {"application/json": target["request"]}
        body["passthroughBehavior"] = "when_no_templates"
    if target["type"] == "AWS":
        response: dict[str, Any] = {"statusCode": status}
        if "response" in target:
            response["responseTemplates"] = {"application/json": target["response"]}
        body["responses"] = {"default": response}
    return body


def read_routes(aws: Aws, api_id: str) -> list[tuple[dict[str, Any], dict[str, str], str]]:
    """(props, outputs, operation name) of every route."""
    found = []
    for resource in aws.pages(
        "apigateway", "get_resources", "items", restApiId=api_id, embed=["methods"], limit=500
    ):
        for method, live in (resource.get("resourceMethods") or {}).items():
            target = live.get("methodIntegration", {})
            props = {
                "method": method,
                "path": resource["path"],
                "timeout_ms": target.get("timeoutInMillis", TIMEOUT_MS),
                "integration": _live_integration(target),
            }
            found.append((props, {"api": api_id}, live.get("operationName", "")))
    return found


def _live_integration(live: Mapping[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = {"type": live.get("type", ""), "uri": live.get("uri", "")}
    if live.get("credentials"):
        target["role"] = live["credentials"]
    if live.get("requestParameters"):
        target["parameters"] = live["requestParameters"]
    template = (live.get("requestTemplates") or {}).get("application/json")
    if template:
        target["request"] = template
    for status, response in (live.get("integrationResponses") or {}).items():
        if status != "200":
            target["status"] = status
        if (response.get("responseTemplates") or {}).get("application/json"):
            target["response"] = response["responseTemplates"]["application/json"]
    return target
