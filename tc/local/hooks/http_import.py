"""ImportApi and ReimportApi of HTTP APIs: an OpenAPI document makes all routes in one call.

Why: the engine has neither, and one call for an API with its routes, integrations, authorizers,
CORS and tags is what keeps a deployment within the calls that AWS allows.
"""

from __future__ import annotations

import json
from typing import Any

from . import openapi
from .needs import need, replace

MODULE = "services.apigateway"
HANDLER = ("method", "path", "headers", "body", "query_params")
FIELDS = {
    "uri": "integrationUri",
    "httpMethod": "integrationMethod",
    "payloadFormatVersion": "payloadFormatVersion",
    "connectionType": "connectionType",
    "connectionId": "connectionId",
    "integrationSubtype": "integrationSubtype",
    "requestParameters": "requestParameters",
    "responseParameters": "responseParameters",
    "credentials": "credentialsArn",
    "timeoutInMillis": "timeoutInMillis",
    "tlsConfig": "tlsConfig",
}


def install() -> None:
    need(MODULE, "_create_api", "data")
    for name in ("_create_integration", "_create_route", "_create_authorizer"):
        need(MODULE, name, "api_id", "data")
    for name in ("_apis", "_routes", "_integrations", "_authorizers", "_api_tags"):
        need(MODULE, name)
    need(MODULE, "_api_arn", "api_id")
    need(MODULE, "_apigw_error", "code", "message", "status")
    original = need(MODULE, "handle_request", *HANDLER)

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        parts = path.strip("/").split("/")
        if method == "PUT" and parts[:2] == ["v2", "apis"] and len(parts) in (2, 3):
            return bring(parts[2] if len(parts) == 3 else None, body)
        return await original(method, path, headers, body, query_params)

    replace(MODULE, "handle_request", handle)


def bring(api_id: str | None, body: bytes) -> Any:
    """Make the API of a document, or put the document in place of what an API has."""
    error = need(MODULE, "_apigw_error")
    try:
        spec = openapi.document(json.loads(body or b"{}").get("body") or "")
        planned = [_route(spec, *each) for each in openapi.operations(spec)]
    except (ValueError, openapi.BadDocument) as problem:
        return error("BadRequestException", str(problem), 400)
    apis = need(MODULE, "_apis")
    if api_id is None:
        made = need(MODULE, "_create_api")({"protocolType": "HTTP", **_facts(spec)})
        api_id = str(json.loads(made[2])["apiId"])
    elif api_id not in apis:
        return error("NotFoundException", f"Invalid API identifier specified {api_id}", 404)
    else:
        _replace(api_id, spec)
    authorizers = {name: _authorizer(api_id, name, s) for name, s in openapi.schemes(spec).items()}
    for key, integration, security, operation_name in planned:
        _add(api_id, key, integration, _authorization(security, authorizers), operation_name)
    answer = {**apis[api_id], "importInfo": [], "warnings": []}
    return 201, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def _facts(spec: dict[str, Any]) -> dict[str, Any]:
    info = spec["info"]
    facts: dict[str, Any] = {
        "name": info["title"],
        "description": info.get("description", ""),
        "version": str(info.get("version", "")),
        "tags": openapi.tags(spec),
    }
    if spec.get("x-amazon-apigateway-cors"):
        facts["corsConfiguration"] = spec["x-amazon-apigateway-cors"]
    endpoint = spec.get("x-amazon-apigateway-endpoint-configuration") or {}
    facts["disableExecuteApiEndpoint"] = bool(endpoint.get("disableExecuteApiEndpoint"))
    return facts


def _replace(api_id: str, spec: dict[str, Any]) -> None:
    """Routes, integrations, authorizers and CORS go; the id and the stages stay."""
    api = need(MODULE, "_apis")[api_id]
    for name in ("_routes", "_integrations", "_authorizers"):
        need(MODULE, name)[api_id] = {}
    facts = _facts(spec)
    api.pop("corsConfiguration", None)
    if not facts["tags"]:
        del facts["tags"]
    else:
        need(MODULE, "_api_tags")[need(MODULE, "_api_arn")(api_id)] = dict(facts["tags"])
    api.update(facts)


def _route(
    spec: dict[str, Any], path: str, method: str, operation: dict[str, Any]
) -> tuple[str, dict[str, Any], list[dict[str, Any]], str]:
    """Route key, integration, security and operation name. Raises BadDocument."""
    default = path.strip("/") == "$default"
    key = "$default" if default else f"{method} {path}"
    found = openapi.integration(spec, operation)
    if found is None:
        raise openapi.BadDocument(f"{key} has no {openapi.INTEGRATION}")
    data = {ours: found[theirs] for theirs, ours in FIELDS.items() if theirs in found}
    data["integrationType"] = str(found.get("type", "")).upper()
    security = operation.get("security", spec.get("security") or [])
    if (operation.get("x-amazon-apigateway-auth") or {}).get("type") == "AWS_IAM":
        security = [{"AWS_IAM": []}]
    return key, data, security, operation.get("operationId", "")


def _authorizer(api_id: str, name: str, scheme: dict[str, Any]) -> dict[str, str]:
    """What a route says to be authorized by this security scheme."""
    if str(scheme.get("x-amazon-apigateway-authtype", "")).lower() == "awssigv4":
        return {"authorizationType": "AWS_IAM"}
    written = scheme.get(openapi.AUTHORIZER)
    if not isinstance(written, dict):
        return {}
    kind = str(written.get("type", "")).upper()
    source = written.get("identitySource") or ["$request.header.Authorization"]
    data = {
        "name": name,
        "authorizerType": kind,
        "identitySource": [part.strip() for part in source.split(",")]
        if isinstance(source, str)
        else source,
        "jwtConfiguration": _jwt(written.get("jwtConfiguration") or {}),
        "authorizerUri": written.get("authorizerUri", ""),
        "authorizerCredentialsArn": written.get("authorizerCredentials", ""),
    }
    for key in (
        "authorizerPayloadFormatVersion",
        "authorizerResultTtlInSeconds",
        "enableSimpleResponses",
    ):
        if key in written:
            data[key] = written[key]
    made = json.loads(need(MODULE, "_create_authorizer")(api_id, data)[2])
    type_ = "JWT" if kind == "JWT" else "CUSTOM"
    return {"authorizationType": type_, "authorizerId": made["authorizerId"]}


def _jwt(written: dict[str, Any]) -> dict[str, Any]:
    """The keys as the API has them: documents exported by AWS write them in lower case."""
    return {key[:1].lower() + key[1:]: value for key, value in written.items()}


def _authorization(
    security: list[dict[str, Any]], authorizers: dict[str, dict[str, str]]
) -> dict[str, Any]:
    for requirement in security:
        for name, scopes in requirement.items():
            if name == "AWS_IAM":
                return {"authorizationType": "AWS_IAM"}
            if authorizers.get(name):
                found: dict[str, Any] = dict(authorizers[name])
                if scopes:
                    found["authorizationScopes"] = list(scopes)
                return found
    return {"authorizationType": "NONE"}


def _add(
    api_id: str,
    key: str,
    integration: dict[str, Any],
    authorization: dict[str, Any],
    operation_name: str,
) -> None:
    made = json.loads(need(MODULE, "_create_integration")(api_id, integration)[2])
    data = {
        "routeKey": key,
        "target": f"integrations/{made['integrationId']}",
        "operationName": operation_name,
        **authorization,
    }
    need(MODULE, "_create_route")(api_id, data)
