"""HTTP APIs (API Gateway v2): how routes are written and read there.

An own API and all its routes are made by one ImportApi; later changes, and
every route on a shared API, are calls of their own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tc.components import defaults, stages
from tc.components.api_names import HTTP_STAGE, api_url, lambda_uri
from tc.components.authorizer_words import IAM, NONE, read_all, scheme
from tc.components.protocol import Aws, Outputs
from tc.components.route_model import model_of
from tc.compose.things import FIFO, queue_name
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.topology import Entry, Topology

#: the longest an HTTP API waits for its integration (API Gateway quota)
TIMEOUT_MS = 30_000
#: the security scheme of requests that IAM signs
_SIGV4 = "sigv4"
#: how the description of an integration ends while its stage lacks the route's last change
_PENDING = " (undeployed)"


def integration(topology: Topology, entry: Entry, role: str) -> dict[str, Any]:
    """What the route calls, in the words of the API: uri or subtype, role, parameters."""
    kind, name = entry.targets[0]
    scope = topology.scope
    model = model_of(entry)
    own = dict(model.request_params or {})
    body = "$request.body.detail" if model.request_template == "detail" else "$request.body"
    if kind == "function":
        uri = lambda_uri(scope.region, scope.partition, topology.function_arn(name))
        return {"uri": uri, "payload": "2.0", **({"parameters": own} if own else {})}
    if kind == "flow":
        assert not model.waits(), "a route that waits for a flow is on a REST API"
        subtype = "StepFunctions-StartExecution"
        parameters = {"StateMachineArn": topology.flows[name].called_arn, "Input": body}
    elif kind == "queue":
        subtype = "SQS-SendMessage"
        parameters = _message(topology, name, body)
    else:
        subtype = "EventBridge-PutEvents"
        parameters = _event(topology, name, body)
    return {"subtype": subtype, "role": role, "parameters": parameters | own, "payload": "1.0"}


def _event(topology: Topology, name: str, body: str) -> dict[str, Any]:
    entry = topology.entries["events"][name]
    bus: Mapping[str, str] = entry.model.bus_entry(name)  # type: ignore[attr-defined]
    return {
        "Detail": body,
        "DetailType": bus["DetailType"],
        "Source": bus["Source"],
        "EventBusName": bus["EventBusName"],
        "Resources": json.dumps([topology.scope.event_mark]),
    }


def _message(topology: Topology, name: str, body: str) -> dict[str, Any]:
    """The messages of one queue in order, where it keeps an order."""
    from tc.components import queue

    parameters: dict[str, Any] = {"QueueUrl": queue.address(topology, name), "MessageBody": body}
    if is_fifo(topology, name):
        parameters["MessageGroupId"] = topology.scope.namespace
        parameters["MessageDeduplicationId"] = "$context.requestId"
    return parameters


def is_fifo(topology: Topology, queue: str) -> bool:
    return queue_name(topology.scope, topology.entries["queues"][queue]).endswith(FIFO)


def create_api(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    """The API with all that lives in it in one call, then the stage that deploys by itself."""
    made = aws.call("apigatewayv2", "import_api", Body=json.dumps(openapi(resource, children)))
    return {**add_stage(aws, made["ApiId"], resource), "protocol": "HTTP"}


def add_stage(aws: Aws, api_id: str, resource: Resource) -> dict[str, str]:
    """Gives the API the stage it needs to answer; its outputs."""
    stage = resource.payload["stage"] or HTTP_STAGE
    aws.call(
        "apigatewayv2",
        "create_stage",
        ApiId=api_id,
        StageName=stage,
        AutoDeploy=True,
        **stages.http_settings(resource.props),
    )
    return {"id": api_id, "url": api_url(aws, api_id, stage), "stage": stage, "auto": "true"}


def openapi(resource: Resource, children: Sequence[Resource]) -> dict[str, Any]:
    """The API with all that lives in it, as ImportApi takes it."""
    paths: dict[str, dict[str, Any]] = {}
    for route in (child for child in children if child.kind == "route"):
        method = route.props["method"].lower()
        method = "x-amazon-apigateway-any-method" if method == "any" else method
        paths.setdefault(route.props["path"], {})[method] = {
            "operationId": route.name,
            "responses": {"default": {"description": "the target's answer"}},
            "x-amazon-apigateway-integration": _extension(route.props),
            **security(route.props["authorizer"]),
        }
    document: dict[str, Any] = {
        "openapi": "3.0.1",
        "info": {"title": resource.name, "version": "1"},
        "tags": [
            {"name": key, "x-amazon-apigateway-tag-value": value}
            for key, value in resource.payload["tags"].items()
        ],
        "paths": paths,
        **security_schemes(children, "HTTP"),
    }
    if resource.props["cors"]:
        names = {"origins": "allowOrigins", "methods": "allowMethods", "headers": "allowHeaders"}
        cors = {names[key]: value for key, value in resource.props["cors"].items()}
        document["x-amazon-apigateway-cors"] = cors
    return document


def write_cors(aws: Aws, api_id: str, cors: Mapping[str, Any]) -> None:
    if not cors:
        aws.call("apigatewayv2", "delete_cors_configuration", ApiId=api_id)
        return
    names = {"origins": "AllowOrigins", "methods": "AllowMethods", "headers": "AllowHeaders"}
    said = {names[key]: value for key, value in cors.items()}
    aws.call("apigatewayv2", "update_api", ApiId=api_id, CorsConfiguration=said)


def live_cors(live: Mapping[str, Any]) -> dict[str, Any]:
    """CORS of a live API as `gateways.cors_of` says it."""
    names = {"origins": "AllowOrigins", "methods": "AllowMethods", "headers": "AllowHeaders"}
    return {key: sorted(live.get(name, [])) for key, name in names.items()} if live else {}


def security(authorizer: str) -> dict[str, Any]:
    """Who may call an operation of an OpenAPI document."""
    if authorizer == NONE:
        return {}
    return {"security": [{_SIGV4 if authorizer == IAM else authorizer: []}]}


def security_schemes(children: Sequence[Resource], protocol: str) -> dict[str, Any]:
    """The components of an OpenAPI document that `security` refers to."""
    schemes = {
        child.name: scheme(child.props, protocol)
        for child in children
        if child.kind == "authorizer"
    }
    if any(child.props.get("authorizer") == IAM for child in children):
        schemes[_SIGV4] = {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "awsSigv4",
        }
    return {"components": {"securitySchemes": schemes}} if schemes else {}


def _extension(props: Mapping[str, Any]) -> dict[str, Any]:
    target = props["integration"]
    body: dict[str, Any] = {
        "type": "aws_proxy",
        "connectionType": "INTERNET",
        "payloadFormatVersion": target["payload"],
        "timeoutInMillis": props["timeout_ms"],
    }
    if "parameters" in target:
        body["requestParameters"] = target["parameters"]
    if "uri" in target:
        return {**body, "httpMethod": "POST", "uri": target["uri"]}
    return {**body, "integrationSubtype": target["subtype"], "credentials": target["role"]}


def _settings(props: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The integration in the words of CreateIntegration; a parameter that `before` has and
    that goes is emptied, since an update leaves out nothing."""
    target = props["integration"]
    body: dict[str, Any] = {
        "IntegrationType": "AWS_PROXY",
        "PayloadFormatVersion": target["payload"],
        "TimeoutInMillis": props["timeout_ms"],
    }
    gone = dict.fromkeys(before.get("parameters", {}), "")
    parameters = gone | target.get("parameters", {})
    if parameters:
        body["RequestParameters"] = parameters
    if "uri" in target:
        return {**body, "IntegrationMethod": "POST", "IntegrationUri": target["uri"]}
    return {**body, "IntegrationSubtype": target["subtype"], "CredentialsArn": target["role"]}


def read_routes(
    aws: Aws, api_id: str, authorizers: Mapping[str, str]
) -> list[tuple[dict[str, Any], dict[str, str], str]]:
    """(props, outputs, label) of every route; the label is the operation name, or
    the integration's description where there is one. `authorizers` are names by id.

    An integration with a description and without a route is one whose removal
    wasn't finished; it is told as a route without a path.
    """
    listings = ("integrations", "routes")
    listed, routes = aws.map(
        lambda what: list(aws.pages("apigatewayv2", f"get_{what}", "Items", ApiId=api_id)),
        listings,
    )
    integrations = {item["IntegrationId"]: item for item in listed}
    users = Counter(_integration_of(route) for route in routes)
    found = []
    for route in routes:
        integration_id = _integration_of(route)
        live = integrations.get(integration_id, {})
        name = route.get("OperationName", "")
        label = live.get("Description") or name
        if users[integration_id] > 1 and not name:
            # somebody's route to an integration of ours, which must outlive it
            integration_id, label = "", ""
        method, _, path = route["RouteKey"].partition(" ")
        props = {
            "method": method,
            "path": path,
            "timeout_ms": live.get("TimeoutInMillis", TIMEOUT_MS),
            "integration": _live_integration(live),
            "authorizer": _live_authorizer(route, authorizers),
            "deployed": not label.endswith(_PENDING),
        }
        outputs = {"api": api_id, "route": route["RouteId"], "integration": integration_id}
        found.append((props, outputs, label.removesuffix(_PENDING)))
    for number, live in integrations.items():
        owner, _, _ = live.get("Description", "").partition(" ")
        if number not in users and "@" in owner:
            props = {"method": "", "path": "", "integration": {}, "authorizer": NONE}
            outputs = {"api": api_id, "route": "", "integration": number}
            found.append((props, outputs, f"{owner} integration {number}"))
    return found


def _live_authorizer(route: Mapping[str, Any], authorizers: Mapping[str, str]) -> str:
    kind, number = route.get("AuthorizationType", "NONE"), route.get("AuthorizerId", "")
    if kind in ("CUSTOM", "JWT"):
        return authorizers.get(number, number)
    return IAM if kind == "AWS_IAM" else NONE


def _integration_of(route: Mapping[str, Any]) -> str:
    return str(route.get("Target", "")).rsplit("/", 1)[-1]


def _live_integration(live: Mapping[str, Any]) -> dict[str, Any]:
    payload = live.get("PayloadFormatVersion", "")
    parameters = {k: v for k, v in live.get("RequestParameters", {}).items() if v}
    if live.get("IntegrationSubtype"):
        return {
            "subtype": live["IntegrationSubtype"],
            "role": live.get("CredentialsArn", ""),
            "parameters": parameters,
            "payload": payload,
        }
    found = {"uri": _long_uri(live.get("IntegrationUri", "")), "payload": payload}
    return {**found, **({"parameters": parameters} if parameters else {})}


def _long_uri(uri: str) -> str:
    """The one form of a function's address: API Gateway takes its bare ARN too."""
    parts = uri.split(":")
    if len(parts) > 6 and parts[2] == "lambda":
        return lambda_uri(parts[3], parts[1], uri)
    return uri


def create_route(aws: Aws, resource: Resource) -> Outputs:
    """An integration and the route to it, on an API that is there."""
    api: Mapping[str, str] = resource.payload["parent"]
    made = _create_integration(aws, api, resource)
    try:
        route = aws.call(
            "apigatewayv2",
            "create_route",
            ApiId=api["id"],
            RouteKey=_route_key(resource.props),
            Target=f"integrations/{made}",
            OperationName=resource.name,
            **_authorization(aws, api, resource, then=""),
        )
    except AwsError:
        _delete_integration(aws, api["id"], made)
        raise
    _deploy(aws, api, resource, made)
    return {"api": api["id"], "route": route["RouteId"], "integration": made}


def _create_integration(aws: Aws, api: Mapping[str, str], resource: Resource) -> str:
    made = aws.call(
        "apigatewayv2",
        "create_integration",
        ApiId=api["id"],
        Description=_label(resource, pending=_by_hand(api)),
        **_settings(resource.props, {}),
    )
    return str(made["IntegrationId"])


def _label(resource: Resource, *, pending: bool = False) -> str:
    return f"{resource.owner} {resource.name}{_PENDING if pending else ''}"


def _authorization(
    aws: Aws, api: Mapping[str, str], resource: Resource, *, then: str
) -> dict[str, str]:
    """Who may call the route, in the words of CreateRoute; `then` is what is said for nobody
    in particular, "" for nothing."""
    wanted = resource.props["authorizer"]
    if wanted == NONE:
        return {"AuthorizationType": then} if then else {}
    if wanted == IAM:
        return {"AuthorizationType": "AWS_IAM"}
    name = f"{resource.owner} {wanted}" if resource.payload["shared"] else wanted
    found = read_all(aws, api["id"], "HTTP")
    number, kind = next((n, props["type"]) for n, label, props in found if label == name)
    return {
        "AuthorizationType": "JWT" if kind == "JWT" else "CUSTOM",
        "AuthorizerId": number,
    }


def update_route(
    aws: Aws, resource: Resource, actual: Actual, changes: Sequence[Change]
) -> Outputs:
    api: Mapping[str, str] = resource.payload["parent"]
    changed = defaults.changed(changes)
    old = actual.outputs["integration"]
    before, after = actual.props["integration"], resource.props["integration"]
    # an update can't take away what another sort of integration has
    anew = "integration" in changed and before.get("subtype") != after.get("subtype")
    settings: dict[str, Any] = {}
    if anew:
        settings["Target"] = f"integrations/{_create_integration(aws, api, resource)}"
    elif changed & {"timeout_ms", "integration", "owner"} or (_by_hand(api) and changed):
        aws.call(
            "apigatewayv2",
            "update_integration",
            ApiId=api["id"],
            IntegrationId=old,
            Description=_label(resource, pending=_by_hand(api)),
            **_settings(resource.props, before),
        )
    if changed & {"method", "path"}:
        settings["RouteKey"] = _route_key(resource.props)
    if "authorizer" in changed:
        settings |= _authorization(aws, api, resource, then="NONE")
    if settings:
        aws.call(
            "apigatewayv2",
            "update_route",
            ApiId=api["id"],
            RouteId=actual.outputs["route"],
            **settings,
        )
    now = settings.get("Target", old).removeprefix("integrations/")
    _deploy(aws, api, resource, now)
    if anew:
        _delete_integration(aws, api["id"], old)
    return {**actual.outputs, "integration": now}


def delete_route(aws: Aws, actual: Actual) -> None:
    """The integration stays until the stage is without the route, and tells the next run."""
    api_id = actual.outputs["api"]
    if actual.outputs["route"]:
        with defaults.if_there():
            aws.call("apigatewayv2", "delete_route", ApiId=api_id, RouteId=actual.outputs["route"])
    if _by_hand(actual.outputs):
        stage = actual.outputs["stage"]
        aws.call("apigatewayv2", "create_deployment", ApiId=api_id, StageName=stage)
    if actual.outputs["integration"]:
        _delete_integration(aws, api_id, actual.outputs["integration"])


def _delete_integration(aws: Aws, api_id: str, integration_id: str) -> None:
    with defaults.if_there():
        aws.call("apigatewayv2", "delete_integration", ApiId=api_id, IntegrationId=integration_id)


def _by_hand(api: Mapping[str, str]) -> bool:
    """Whether the API's stage doesn't deploy by itself."""
    return api.get("auto") == "false"


def _deploy(aws: Aws, api: Mapping[str, str], resource: Resource, integration_id: str) -> None:
    """A shared API whose stage doesn't deploy by itself is told to; then the integration's
    description says no more that this is missing."""
    if _by_hand(api):
        aws.call("apigatewayv2", "create_deployment", ApiId=api["id"], StageName=api["stage"])
        aws.call(
            "apigatewayv2",
            "update_integration",
            ApiId=api["id"],
            IntegrationId=integration_id,
            Description=_label(resource),
        )


def _route_key(props: Mapping[str, Any]) -> str:
    return f"{props['method']} {props['path']}"
