"""ImportRestApi and PutRestApi: an OpenAPI document makes all methods of a REST API.

Why: the engine makes an empty API of an import and has no PutRestApi.
"""

from __future__ import annotations

import json
from typing import Any

from . import openapi
from .needs import need, replace

MODULE = "services.apigateway_v1"
HANDLER = ("method", "path", "headers", "body", "query_params")
SAME = (
    "httpMethod",
    "uri",
    "connectionType",
    "connectionId",
    "credentials",
    "requestParameters",
    "requestTemplates",
    "passthroughBehavior",
    "timeoutInMillis",
    "cacheKeyParameters",
    "contentHandling",
)
KEPT = ("connectionId", "cacheNamespace", "responseTransferMode")


def install() -> None:
    need(MODULE, "_create_rest_api", "data")
    need(MODULE, "_create_resource", "api_id", "parent_id", "data")
    need(MODULE, "_put_method", "api_id", "resource_id", "http_method", "data")
    need(MODULE, "_put_integration", "api_id", "resource_id", "http_method", "data")
    response = ("api_id", "resource_id", "http_method", "status_code", "data")
    need(MODULE, "_put_method_response", *response)
    need(MODULE, "_put_gateway_response", "api_id", "response_type", "data")
    need(MODULE, "_import_security_schemes", "api_id", "spec")
    need(MODULE, "_method_security", "security", "scheme_map")
    need(MODULE, "_rest_api_view", "api")
    need(MODULE, "_rest_api_arn", "api_id")
    need(MODULE, "_v1_error", "code", "message", "status")
    for name in ("_rest_apis", "_resources", "_authorizers_v1", "_v1_tags", "_gateway_responses"):
        need(MODULE, name)
    original = need(MODULE, "handle_request", *HANDLER)

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        parts = path.strip("/").split("/")
        mode = (query_params or {}).get("mode", "")
        mode = mode[0] if isinstance(mode, list) and mode else mode
        if parts == ["restapis"] and method == "POST" and mode == "import":
            return bring(None, body, "overwrite")
        if parts[0] == "restapis" and len(parts) == 2 and method == "PUT":
            return bring(parts[1], body, str(mode or "merge"))
        return await original(method, path, headers, body, query_params)

    replace(MODULE, "handle_request", handle)


def bring(api_id: str | None, body: bytes, mode: str) -> Any:
    """Make the API of a document, or put it over ("overwrite") or into ("merge") one."""
    error = need(MODULE, "_v1_error")
    try:
        spec = openapi.document(body)
        planned = [
            (path, method, operation, openapi.integration(spec, operation))
            for path, method, operation in openapi.operations(spec)
        ]
    except openapi.BadDocument as problem:
        return error("BadRequestException", str(problem), 400)
    apis = need(MODULE, "_rest_apis")
    status = 200
    if api_id is None:
        status = 201
        made = need(MODULE, "_create_rest_api")({"tags": openapi.tags(spec)})
        api_id = str(json.loads(made[2])["id"])
    elif api_id not in apis:
        return error("NotFoundException", f"Invalid API identifier specified {api_id}", 404)
    elif mode == "overwrite":
        _empty(api_id)
    _facts(api_id, spec, mode)
    security = need(MODULE, "_import_security_schemes")(api_id, spec)
    for path, method, operation, integration in planned:
        _method(api_id, spec, path, method, operation, integration, security)
    view = need(MODULE, "_rest_api_view")(apis[api_id])
    return status, {"Content-Type": "application/json"}, json.dumps(view).encode()


def _empty(api_id: str) -> None:
    resources = need(MODULE, "_resources")[api_id]
    for key, resource in list(resources.items()):
        if resource["path"] == "/":
            resource["resourceMethods"] = {}
        else:
            del resources[key]
    need(MODULE, "_authorizers_v1")[api_id] = {}
    need(MODULE, "_gateway_responses")[api_id] = {}


def _facts(api_id: str, spec: dict[str, Any], mode: str) -> None:
    api = need(MODULE, "_rest_apis")[api_id]
    info = spec["info"]
    api["name"] = info["title"]
    if mode == "overwrite" or "description" in info:
        api["description"] = info.get("description", "")
    api["version"] = str(info.get("version", ""))
    for key, ours in (
        ("x-amazon-apigateway-endpoint-configuration", "endpointConfiguration"),
        ("x-amazon-apigateway-binary-media-types", "binaryMediaTypes"),
        ("x-amazon-apigateway-policy", "policy"),
        ("x-amazon-apigateway-api-key-source", "apiKeySource"),
    ):
        if key in spec:
            value = spec[key]
            api[ours] = json.dumps(value) if ours == "policy" else value
    found = openapi.tags(spec)
    if found:
        api["tags"] = found
        need(MODULE, "_v1_tags")[need(MODULE, "_rest_api_arn")(api_id)] = dict(found)
    responses = spec.get("x-amazon-apigateway-gateway-responses") or {}
    for kind, written in responses.items():
        need(MODULE, "_put_gateway_response")(api_id, kind, written)


def _method(
    api_id: str,
    spec: dict[str, Any],
    path: str,
    method: str,
    operation: dict[str, Any],
    integration: dict[str, Any] | None,
    schemes: dict[str, Any],
) -> None:
    resource = _resource(api_id, path)
    security = operation.get("security", spec.get("security") or [])
    data = need(MODULE, "_method_security")(security, schemes)
    data["operationName"] = operation.get("operationId", "")
    data["requestParameters"] = _parameters(operation)
    if (operation.get("x-amazon-apigateway-auth") or {}).get("type") == "AWS_IAM":
        data["authorizationType"] = "AWS_IAM"
    need(MODULE, "_put_method")(api_id, resource, method, data)
    for status, written in (operation.get("responses") or {}).items():
        headers = {f"method.response.header.{name}": False for name in written.get("headers") or {}}
        need(MODULE, "_put_method_response")(
            api_id, resource, method, str(status), {"responseParameters": headers}
        )
    if integration is not None:
        _integration(api_id, resource, method, integration)


def _integration(api_id: str, resource: str, method: str, written: dict[str, Any]) -> None:
    data = {name: written[name] for name in SAME if name in written}
    data["type"] = str(written.get("type", "")).upper()
    data["passthroughBehavior"] = str(written.get("passthroughBehavior", "when_no_match")).upper()
    need(MODULE, "_put_integration")(api_id, resource, method, data)
    methods = need(MODULE, "_resources")[api_id][resource]["resourceMethods"]
    made = methods[method]["methodIntegration"]
    made.update({name: written[name] for name in KEPT if name in written})
    answers = (_response(*each) for each in (written.get("responses") or {}).items())
    made["integrationResponses"] = {each["statusCode"]: each for each in answers}


def _response(pattern: str, written: dict[str, Any]) -> dict[str, Any]:
    made = {
        "statusCode": str(written.get("statusCode", "200")),
        "responseParameters": written.get("responseParameters") or {},
        "responseTemplates": written.get("responseTemplates") or {},
        "contentHandling": written.get("contentHandling"),
    }
    if pattern != "default":
        made["selectionPattern"] = pattern
    return made


def _parameters(operation: dict[str, Any]) -> dict[str, bool]:
    places = {"query": "querystring", "header": "header", "path": "path"}
    return {
        f"method.request.{places[each['in']]}.{each['name']}": bool(each.get("required"))
        for each in operation.get("parameters") or []
        if each.get("in") in places
    }


def _resource(api_id: str, path: str) -> str:
    """The id of a path's resource, made with those above it where they are missing."""
    resources = need(MODULE, "_resources")[api_id]
    at: str = next(key for key, each in resources.items() if each["path"] == "/")
    for segment in [part for part in path.split("/") if part]:
        below = [
            key
            for key, each in resources.items()
            if each.get("parentId") == at and each.get("pathPart") == segment
        ]
        if below:
            at = below[0]
            continue
        made = need(MODULE, "_create_resource")(api_id, at, {"pathPart": segment})
        at = str(json.loads(made[2])["id"])
    return at
