"""HTTP APIs (API Gateway v2): how routes are written and read there.

An own API and all its routes are made by one ImportApi; later changes, and
every route on a shared API, are calls of their own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tc.components import defaults
from tc.components.api_names import HTTP_STAGE
from tc.components.protocol import Aws, Outputs
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.topology import Id, Topology

#: the longest an HTTP API waits for its integration (API Gateway quota)
TIMEOUT_MS = 30_000


def lambda_uri(region: str, partition: str, function_arn: str) -> str:
    """The address by which API Gateway invokes a function."""
    return (
        f"arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/"
        f"{function_arn}/invocations"
    )


def integration(topology: Topology, target: Id, role: str, *, waits: bool) -> dict[str, Any]:
    """What the route calls, in the words of the API: uri or subtype, role, parameters."""
    kind, name = target
    scope = topology.scope
    if kind == "function":
        uri = lambda_uri(scope.region, scope.partition, topology.function_arn(name))
        return {"uri": uri, "payload": "2.0"}
    if kind == "flow":
        assert not waits, "a route that waits for a flow is on a REST API"
        parameters = {"StateMachineArn": topology.flows[name].arn, "Input": "$request.body"}
        return {
            "subtype": "StepFunctions-StartExecution",
            "role": role,
            "parameters": parameters,
            "payload": "1.0",
        }
    entry = topology.entries["events"][name]
    bus: Mapping[str, str] = entry.model.bus_entry(name)  # type: ignore[attr-defined]
    return {
        "subtype": "EventBridge-PutEvents",
        "role": role,
        "parameters": {
            "Detail": "$request.body",
            "DetailType": bus["DetailType"],
            "Source": bus["Source"],
            "EventBusName": bus["EventBusName"],
            "Resources": json.dumps([scope.event_mark]),
        },
        "payload": "1.0",
    }


def create_api(aws: Aws, resource: Resource, routes: Sequence[Resource]) -> Outputs:
    """The API with its routes in one call, then the stage that deploys by itself."""
    made = aws.call("apigatewayv2", "import_api", Body=json.dumps(_openapi(resource, routes)))
    return {**add_stage(aws, made), "protocol": "HTTP"}


def add_stage(aws: Aws, api: Mapping[str, Any]) -> dict[str, str]:
    """Gives the API the stage it needs to answer; its outputs."""
    aws.call(
        "apigatewayv2", "create_stage", ApiId=api["ApiId"], StageName=HTTP_STAGE, AutoDeploy=True
    )
    return {
        "id": api["ApiId"],
        "url": api_url(aws, api["ApiId"], HTTP_STAGE),
        "stage": HTTP_STAGE,
        "auto": "true",
    }


def api_url(aws: Aws, api_id: str, stage: str) -> str:
    """Where the API answers; paths follow it."""
    if aws.local:
        # a shell would take `$default` for a variable of its own
        return f"{aws.endpoint}/_aws/execute-api/{api_id}/{stage.replace('$', '%24')}"
    suffix = "amazonaws.com.cn" if aws.partition == "aws-cn" else "amazonaws.com"
    root = f"https://{api_id}.execute-api.{aws.region}.{suffix}"
    return root if stage == HTTP_STAGE else f"{root}/{stage}"


def _openapi(resource: Resource, routes: Sequence[Resource]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        method = route.props["method"].lower()
        method = "x-amazon-apigateway-any-method" if method == "any" else method
        paths.setdefault(route.props["path"], {})[method] = {
            "operationId": route.name,
            "responses": {"default": {"description": "the target's answer"}},
            "x-amazon-apigateway-integration": _extension(route.props),
        }
    return {
        "openapi": "3.0.1",
        "info": {"title": resource.name, "version": "1"},
        "tags": [
            {"name": key, "x-amazon-apigateway-tag-value": value}
            for key, value in resource.payload["tags"].items()
        ],
        "paths": paths,
    }


def _extension(props: Mapping[str, Any]) -> dict[str, Any]:
    target = props["integration"]
    body: dict[str, Any] = {
        "type": "aws_proxy",
        "connectionType": "INTERNET",
        "payloadFormatVersion": target["payload"],
        "timeoutInMillis": props["timeout_ms"],
    }
    if "uri" in target:
        return {**body, "httpMethod": "POST", "uri": target["uri"]}
    return {
        **body,
        "integrationSubtype": target["subtype"],
        "credentials": target["role"],
        "requestParameters": target["parameters"],
    }


def _settings(props: Mapping[str, Any]) -> dict[str, Any]:
    """The integration in the words of CreateIntegration."""
    target = props["integration"]
    body: dict[str, Any] = {
        "IntegrationType": "AWS_PROXY",
        "PayloadFormatVersion": target["payload"],
        "TimeoutInMillis": props["timeout_ms"],
    }
    if "uri" in target:
        return {**body, "IntegrationMethod": "POST", "IntegrationUri": target["uri"]}
    return {
        **body,
        "IntegrationSubtype": target["subtype"],
        "CredentialsArn": target["role"],
        "RequestParameters": target["parameters"],
    }


def read_routes(aws: Aws, api_id: str) -> list[tuple[dict[str, Any], dict[str, str], str]]:
    """(props, outputs, label) of every route; the label is the operation name, or
    the integration's description where there is one."""
    integrations = {
        item["IntegrationId"]: item
        for item in aws.pages("apigatewayv2", "get_integrations", "Items", ApiId=api_id)
    }
    routes = list(aws.pages("apigatewayv2", "get_routes", "Items", ApiId=api_id))
    users = Counter(_integration_of(route) for route in routes)
    found = []
    for route in routes:
        integration_id = _integration_of(route)
        live = integrations.get(integration_id, {})
        method, _, path = route["RouteKey"].partition(" ")
        props = {
            "method": method,
            "path": path,
            "timeout_ms": live.get("TimeoutInMillis", TIMEOUT_MS),
            "integration": _live_integration(live),
        }
        name = route.get("OperationName", "")
        label = live.get("Description") or name
        if users[integration_id] > 1 and not name:
            # somebody's route to an integration of ours, which must outlive it
            integration_id, label = "", ""
        outputs = {"api": api_id, "route": route["RouteId"], "integration": integration_id}
        found.append((props, outputs, label))
    return found


def _integration_of(route: Mapping[str, Any]) -> str:
    return str(route.get("Target", "")).rsplit("/", 1)[-1]


def _live_integration(live: Mapping[str, Any]) -> dict[str, Any]:
    payload = live.get("PayloadFormatVersion", "")
    if live.get("IntegrationSubtype"):
        return {
            "subtype": live["IntegrationSubtype"],
            "role": live.get("CredentialsArn", ""),
            "parameters": live.get("RequestParameters", {}),
            "payload": payload,
        }
    return {"uri": _long_uri(live.get("IntegrationUri", "")), "payload": payload}


def _long_uri(uri: str) -> str:
    """The one form of a function's address: API Gateway takes its bare ARN too."""
    parts = uri.split(":")
    if len(parts) > 6 and parts[2] == "lambda":
        return lambda_uri(parts[3], parts[1], uri)
    return uri


def create_route(aws: Aws, resource: Resource) -> Outputs:
    """An integration and the route to it, on an API that is there."""
    api: Mapping[str, str] = resource.payload["parent"]
    made = _create_integration(aws, api["id"], resource)
    try:
        route = aws.call(
            "apigatewayv2",
            "create_route",
            ApiId=api["id"],
            RouteKey=_route_key(resource.props),
            Target=f"integrations/{made}",
            OperationName=resource.name,
        )
    except AwsError:
        _delete_integration(aws, api["id"], made)
        raise
    _deploy(aws, api)
    return {"api": api["id"], "route": route["RouteId"], "integration": made}


def _create_integration(aws: Aws, api_id: str, resource: Resource) -> str:
    made = aws.call(
        "apigatewayv2",
        "create_integration",
        ApiId=api_id,
        Description=f"{resource.owner} {resource.name}",
        **_settings(resource.props),
    )
    return str(made["IntegrationId"])


def update_route(
    aws: Aws, resource: Resource, actual: Actual, changes: Sequence[Change]
) -> Outputs:
    api: Mapping[str, str] = resource.payload["parent"]
    changed = {change.path.split(".")[0] for change in changes}
    old = actual.outputs["integration"]
    before, after = actual.props["integration"], resource.props["integration"]
    # an update can't take away what another sort of integration has
    anew = "integration" in changed and before.get("subtype") != after.get("subtype")
    settings: dict[str, Any] = {}
    if anew:
        settings["Target"] = f"integrations/{_create_integration(aws, api['id'], resource)}"
    elif changed & {"timeout_ms", "integration", "owner"}:
        aws.call(
            "apigatewayv2",
            "update_integration",
            ApiId=api["id"],
            IntegrationId=old,
            Description=f"{resource.owner} {resource.name}",
            **_settings(resource.props),
        )
    if changed & {"method", "path"}:
        settings["RouteKey"] = _route_key(resource.props)
    if settings:
        aws.call(
            "apigatewayv2",
            "update_route",
            ApiId=api["id"],
            RouteId=actual.outputs["route"],
            **settings,
        )
    _deploy(aws, api)
    if not anew:
        return actual.outputs
    _delete_integration(aws, api["id"], old)
    return {**actual.outputs, "integration": settings["Target"].removeprefix("integrations/")}


def delete_route(aws: Aws, actual: Actual) -> None:
    api_id = actual.outputs["api"]
    with defaults.if_there():
        aws.call("apigatewayv2", "delete_route", ApiId=api_id, RouteId=actual.outputs["route"])
    _deploy(aws, {**actual.outputs, "id": api_id})
    if actual.outputs["integration"]:
        _delete_integration(aws, api_id, actual.outputs["integration"])


def _delete_integration(aws: Aws, api_id: str, integration_id: str) -> None:
    with defaults.if_there():
        aws.call("apigatewayv2", "delete_integration", ApiId=api_id, IntegrationId=integration_id)


def _deploy(aws: Aws, api: Mapping[str, str]) -> None:
    """A shared API whose stage doesn't deploy by itself is told to."""
    if api.get("auto") == "false":
        aws.call("apigatewayv2", "create_deployment", ApiId=api["id"], StageName=api["stage"])


def _route_key(props: Mapping[str, Any]) -> str:
    return f"{props['method']} {props['path']}"
