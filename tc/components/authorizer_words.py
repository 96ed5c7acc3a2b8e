"""Authorizers in the words of API Gateway's two APIs, and of OpenAPI documents.

Their props: ``type``; of a function ``uri``, ``source`` (the header that it needs)
and ``ttl`` (seconds that an answer is kept); of tokens ``issuer`` and
``audience``, of user pools ``pools`` (ARNs).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tc.components.protocol import Aws

#: what `authorizer` may be without being the name of a function
NONE, IAM, COGNITO = "none", "iam", "cognito"
HTTP_SOURCE = "$request.header.Authorization"
REST_SOURCE = "method.request.header.Authorization"


def read_all(aws: Aws, api_id: str, protocol: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(id, name, props) of every authorizer of a live API."""
    if protocol == "REST":
        listed = aws.call("apigateway", "get_authorizers", restApiId=api_id)
        return [(a["id"], a["name"], _live_rest(a)) for a in listed.get("items", [])]
    listed = aws.call("apigatewayv2", "get_authorizers", ApiId=api_id)
    return [(a["AuthorizerId"], a["Name"], _live_http(a)) for a in listed.get("Items", [])]


def _live_rest(live: Mapping[str, Any]) -> dict[str, Any]:
    if live["type"] == "COGNITO_USER_POOLS":
        return {"type": live["type"], "pools": live.get("providerARNs", [])}
    return {
        "type": live["type"],
        "uri": live.get("authorizerUri", ""),
        "source": live.get("identitySource", ""),
        "ttl": live.get("authorizerResultTtlInSeconds", 300),
    }


def _live_http(live: Mapping[str, Any]) -> dict[str, Any]:
    if live["AuthorizerType"] == "JWT":
        said = live.get("JwtConfiguration", {})
        audience = sorted(said.get("Audience", []))
        return {"type": "JWT", "issuer": said.get("Issuer", ""), "audience": audience}
    return {
        "type": live["AuthorizerType"],
        "uri": live.get("AuthorizerUri", ""),
        "source": ",".join(live.get("IdentitySource", [])),
        "ttl": live.get("AuthorizerResultTtlInSeconds", 0),
    }


def scheme(props: Mapping[str, Any], protocol: str) -> dict[str, Any]:
    """The authorizer as a security scheme of an OpenAPI document."""
    header = {"type": "apiKey", "name": "Authorization", "in": "header"}
    key = "x-amazon-apigateway-authorizer"
    if props["type"] == "JWT":
        said = {"issuer": props["issuer"], "audience": props["audience"]}
        jwt = {"type": "jwt", "jwtConfiguration": said, "identitySource": HTTP_SOURCE}
        return {"type": "oauth2", key: jwt}
    if props["type"] == "COGNITO_USER_POOLS":
        pools = {"type": "cognito_user_pools", "providerARNs": props["pools"]}
        return {**header, "x-amazon-apigateway-authtype": "cognito_user_pools", key: pools}
    written = {
        "type": "request",
        "authorizerUri": props["uri"],
        "identitySource": props["source"],
        "authorizerResultTtlInSeconds": props["ttl"],
    }
    if protocol == "HTTP":
        more = {"authorizerPayloadFormatVersion": "2.0", "enableSimpleResponses": True}
        return {**header, key: written | more}
    return {**header, "x-amazon-apigateway-authtype": "custom", key: written}


def settings(props: Mapping[str, Any], protocol: str) -> dict[str, Any]:
    """The authorizer in the words of CreateAuthorizer, without its name."""
    if props["type"] == "JWT":
        said = {"Issuer": props["issuer"], "Audience": props["audience"]}
        return {
            "AuthorizerType": "JWT",
            "JwtConfiguration": said,
            "IdentitySource": [HTTP_SOURCE],
        }
    if props["type"] == "COGNITO_USER_POOLS":
        source = {"identitySource": REST_SOURCE}
        return {"type": props["type"], "providerARNs": props["pools"], **source}
    if protocol == "REST":
        return {
            "type": props["type"],
            "authorizerUri": props["uri"],
            "identitySource": props["source"],
            "authorizerResultTtlInSeconds": props["ttl"],
        }
    return {
        "AuthorizerType": props["type"],
        "AuthorizerUri": props["uri"],
        "IdentitySource": [props["source"]],
        "AuthorizerPayloadFormatVersion": "2.0",
        "EnableSimpleResponses": True,
        "AuthorizerResultTtlInSeconds": props["ttl"],
    }


def patches(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> list[dict[str, str]]:
    names = {
        "uri": "authorizerUri",
        "source": "identitySource",
        "ttl": "authorizerResultTtlInSeconds",
    }
    patches = [
        {"op": "replace", "path": f"/{names[prop]}", "value": str(wanted[prop])}
        for prop in names
        if prop in wanted and wanted[prop] != live.get(prop)
    ]
    before, after = live.get("pools", []), wanted.get("pools", [])
    patches += [
        {"op": "add", "path": "/providerARNs", "value": p} for p in after if p not in before
    ]
    patches += [
        {"op": "remove", "path": "/providerARNs", "value": p} for p in before if p not in after
    ]
    return patches
