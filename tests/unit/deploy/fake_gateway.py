# ruff: noqa: N803  the parameters are named as AWS names them
"""API Gateway of the account in memory: HTTP APIs (v2)."""

from __future__ import annotations

import itertools
import json
from typing import Any

from fake_services import Part, refuse

_numbers = itertools.count(1)
ANY = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"
AUTHORIZER = "x-amazon-apigateway-authorizer"


def number(prefix: str) -> str:
    return f"{prefix}{next(_numbers):04d}"


def verb_of(method: str) -> str:
    return "ANY" if method == ANY else method.upper()


def scheme_of(operation: dict[str, Any], schemes: dict[str, Any]) -> tuple[str, str]:
    """("", "") for nobody in particular, ("AWS_IAM", ""), or the authorizer's type and name."""
    for requirement in operation.get("security", []):
        for name in requirement:
            if schemes[name].get("x-amazon-apigateway-authtype") == "awsSigv4":
                return "AWS_IAM", ""
            return schemes[name][AUTHORIZER]["type"], name
    return "", ""


class HttpApis(Part):
    def start(self) -> None:
        self.http_apis: dict[str, dict[str, Any]] = {}
        #: by host: the mappings of its paths
        self.domains: dict[str, dict[str, dict[str, Any]]] = {}

    def _http(self, number: str) -> dict[str, Any]:
        if number not in self.http_apis:
            raise refuse("NotFoundException", "Invalid API identifier specified")
        return self.http_apis[number]

    def _new_http(self, name: str, tags: dict[str, str]) -> dict[str, Any]:
        api = {"ApiId": number("h"), "Name": name, "ProtocolType": "HTTP", "Tags": tags}
        api |= {"routes": {}, "integrations": {}, "stages": {}, "authorizers": {}}
        self.http_apis[api["ApiId"]] = api
        return api

    def apigatewayv2_get_apis(self) -> Any:
        return {"Items": list(self.http_apis.values())}

    def apigatewayv2_get_api(self, ApiId: str) -> Any:
        return self._http(ApiId)

    def apigatewayv2_create_api(self, Name: str, ProtocolType: str, Tags: dict[str, str]) -> Any:
        return self._new_http(Name, Tags)

    def apigatewayv2_import_api(self, Body: str) -> Any:
        body = json.loads(Body)
        tags = {tag["name"]: tag["x-amazon-apigateway-tag-value"] for tag in body["tags"]}
        return self._bring(self._new_http(body["info"]["title"], tags), body)

    def apigatewayv2_reimport_api(self, ApiId: str, Body: str) -> Any:
        api = self._http(ApiId)
        api |= {"routes": {}, "integrations": {}, "authorizers": {}}
        return self._bring(api, json.loads(Body))

    def _bring(self, api: dict[str, Any], body: dict[str, Any]) -> Any:
        schemes = body.get("components", {}).get("securitySchemes", {})
        numbers = {
            name: self._imported_authorizer(api, name, said[AUTHORIZER])
            for name, said in schemes.items()
            if AUTHORIZER in said
        }
        for path, methods in body["paths"].items():
            for method, operation in methods.items():
                self._imported_route(api, f"{verb_of(method)} {path}", operation, schemes, numbers)
        cors = body.get("x-amazon-apigateway-cors")
        if cors:
            said = {name[:1].upper() + name[1:]: value for name, value in cors.items()}
            api["CorsConfiguration"] = said
        return api

    def _imported_authorizer(self, api: dict[str, Any], name: str, said: dict[str, Any]) -> str:
        given: dict[str, Any] = {"AuthorizerType": said["type"].upper()}
        given["IdentitySource"] = [said["identitySource"]]
        if "jwtConfiguration" in said:
            jwt = said["jwtConfiguration"]
            given["JwtConfiguration"] = {"Issuer": jwt["issuer"], "Audience": jwt["audience"]}
        else:
            given["AuthorizerUri"] = said["authorizerUri"]
            given["AuthorizerResultTtlInSeconds"] = said["authorizerResultTtlInSeconds"]
        made = self.apigatewayv2_create_authorizer(api["ApiId"], name, **given)
        return str(made["AuthorizerId"])

    def _imported_route(
        self,
        api: dict[str, Any],
        key: str,
        operation: dict[str, Any],
        schemes: dict[str, Any],
        numbers: dict[str, str],
    ) -> None:
        given = operation[INTEGRATION]
        live = {"PayloadFormatVersion": given["payloadFormatVersion"]}
        live["TimeoutInMillis"] = given["timeoutInMillis"]
        for word, name in (
            ("uri", "IntegrationUri"),
            ("integrationSubtype", "IntegrationSubtype"),
            ("credentials", "CredentialsArn"),
            ("requestParameters", "RequestParameters"),
        ):
            if word in given:
                live[name] = given[word]
        made = self.apigatewayv2_create_integration(api["ApiId"], **live)["IntegrationId"]
        kind, name = scheme_of(operation, schemes)
        more: dict[str, str] = {}
        if kind == "AWS_IAM":
            more = {"AuthorizationType": kind}
        elif kind:
            more = {"AuthorizationType": "JWT" if kind == "jwt" else "CUSTOM"}
            more["AuthorizerId"] = numbers[name]
        target = f"integrations/{made}"
        self.apigatewayv2_create_route(api["ApiId"], key, target, operation["operationId"], **more)

    def apigatewayv2_update_api(self, ApiId: str, CorsConfiguration: dict[str, Any]) -> None:
        self._http(ApiId)["CorsConfiguration"] = CorsConfiguration

    def apigatewayv2_delete_cors_configuration(self, ApiId: str) -> None:
        del self._http(ApiId)["CorsConfiguration"]

    # stages

    def apigatewayv2_create_stage(
        self, ApiId: str, StageName: str, AutoDeploy: bool, **given: Any
    ) -> None:
        stages = self._http(ApiId)["stages"]
        if StageName in stages:
            raise refuse("ConflictException", "Stage already exists")
        stages[StageName] = {"StageName": StageName, "AutoDeploy": AutoDeploy, **given}
        if "DeploymentId" in given:
            known = self._http(ApiId)["deployments"]
            stages[StageName]["answers"] = known[given["DeploymentId"]]

    def apigatewayv2_update_stage(
        self, ApiId: str, StageName: str, StageVariables: Any = None, **given: Any
    ) -> None:
        stage = self._http(ApiId)["stages"][StageName]
        stage.update(given)
        stage.setdefault("StageVariables", {}).update(StageVariables or {})
        if "DeploymentId" in given:
            assert not stage["AutoDeploy"], "such a stage turns by itself"
            stage["answers"] = self._http(ApiId)["deployments"][given["DeploymentId"]]

    def apigatewayv2_delete_stage(self, ApiId: str, StageName: str) -> None:
        for mappings in self.domains.values():
            used = [(m["ApiId"], m["Stage"]) for m in mappings.values()]
            if (ApiId, StageName) in used:
                raise refuse("ConflictException", "the stage has an API mapping")
        del self._http(ApiId)["stages"][StageName]

    def apigatewayv2_get_stages(self, ApiId: str) -> Any:
        return {"Items": list(self._http(ApiId)["stages"].values())}

    # authorizers

    def apigatewayv2_get_authorizers(self, ApiId: str) -> Any:
        return {"Items": list(self._http(ApiId)["authorizers"].values())}

    def apigatewayv2_create_authorizer(self, ApiId: str, Name: str, **given: Any) -> Any:
        made = {"AuthorizerId": number("a"), "Name": Name, **given}
        self._http(ApiId)["authorizers"][made["AuthorizerId"]] = made
        return made

    def apigatewayv2_update_authorizer(self, ApiId: str, AuthorizerId: str, **given: Any) -> None:
        self._http(ApiId)["authorizers"][AuthorizerId].update(given)

    def apigatewayv2_delete_authorizer(self, ApiId: str, AuthorizerId: str) -> None:
        api = self._http(ApiId)
        if any(r.get("AuthorizerId") == AuthorizerId for r in api["routes"].values()):
            raise refuse("ConflictException", "a route refers to the authorizer")
        del api["authorizers"][AuthorizerId]

    # routes and integrations

    def apigatewayv2_get_routes(self, ApiId: str) -> Any:
        return {"Items": list(self._http(ApiId)["routes"].values())}

    def apigatewayv2_get_integrations(self, ApiId: str) -> Any:
        return {"Items": list(self._http(ApiId)["integrations"].values())}

    def apigatewayv2_create_integration(self, ApiId: str, **given: Any) -> Any:
        made = {"IntegrationId": number("i"), **given}
        self._http(ApiId)["integrations"][made["IntegrationId"]] = made
        return made

    def apigatewayv2_update_integration(
        self, ApiId: str, IntegrationId: str, RequestParameters: Any = None, **given: Any
    ) -> None:
        live = self._http(ApiId)["integrations"][IntegrationId]
        live.update(given)
        live.setdefault("RequestParameters", {}).update(RequestParameters or {})
        if "IntegrationSubtype" in live and "IntegrationUri" in live:
            raise refuse("BadRequestException", "IntegrationUri isn't for this subtype")

    def apigatewayv2_delete_integration(self, ApiId: str, IntegrationId: str) -> None:
        api = self._http(ApiId)
        if any(r["Target"].endswith(IntegrationId) for r in api["routes"].values()):
            raise refuse("ConflictException", "Cannot delete Integration: a route refers to it")
        if api["integrations"].pop(IntegrationId, None) is None:
            raise refuse("NotFoundException", "no such integration")

    def _free(self, api: dict[str, Any], key: str, but: str = "") -> None:
        if any(r["RouteKey"] == key and r["RouteId"] != but for r in api["routes"].values()):
            raise refuse("ConflictException", f"Route with key {key} already exists for this API")

    def apigatewayv2_create_route(
        self, ApiId: str, RouteKey: str, Target: str, OperationName: str, **given: Any
    ) -> Any:
        api = self._http(ApiId)
        assert len(OperationName) <= 64
        assert set(given) <= {"AuthorizationType", "AuthorizerId"}
        self._free(api, RouteKey)
        made = {"RouteId": number("r"), "RouteKey": RouteKey, "Target": Target}
        made |= {"AuthorizationType": "NONE", "OperationName": OperationName, **given}
        api["routes"][made["RouteId"]] = made
        return made

    def apigatewayv2_update_route(self, ApiId: str, RouteId: str, **given: Any) -> None:
        assert set(given) <= {"RouteKey", "Target", "AuthorizationType", "AuthorizerId"}
        api = self._http(ApiId)
        if "RouteKey" in given:
            self._free(api, given["RouteKey"], RouteId)
        route = api["routes"][RouteId]
        route.update(given)
        if route["AuthorizationType"] in ("NONE", "AWS_IAM"):
            route.pop("AuthorizerId", None)

    def apigatewayv2_delete_route(self, ApiId: str, RouteId: str) -> None:
        if self._http(ApiId)["routes"].pop(RouteId, None) is None:
            raise refuse("NotFoundException", "no such route")

    def apigatewayv2_create_deployment(self, ApiId: str, StageName: str = "") -> Any:
        """What the API is now, for the stage that is named, or is turned to it."""
        api = self._http(ApiId)
        made = number("d")
        api.setdefault("deployments", {})[made] = [r["RouteKey"] for r in api["routes"].values()]
        if StageName:
            api["stages"][StageName]["answers"] = api["deployments"][made]
        return {"DeploymentId": made}

    def apigatewayv2_tag_resource(self, ResourceArn: str, Tags: dict[str, str]) -> None:
        self._http(ResourceArn.rsplit("/", 1)[1])["Tags"].update(Tags)

    def apigatewayv2_untag_resource(self, ResourceArn: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self._http(ResourceArn.rsplit("/", 1)[1])["Tags"].pop(key, None)

    def apigatewayv2_delete_api(self, ApiId: str) -> None:
        self._http(ApiId)
        self._refuse_mapped(ApiId)
        del self.http_apis[ApiId]

    # domain names

    def _refuse_mapped(self, number: str) -> None:
        mapped = [m for mappings in self.domains.values() for m in mappings.values()]
        if any(mapping["ApiId"] == number for mapping in mapped):
            raise refuse("ConflictException", "the API has API mappings")

    def _domain(self, host: str) -> dict[str, dict[str, Any]]:
        if host not in self.domains:
            raise refuse("NotFoundException", "Invalid domain name identifier specified")
        return self.domains[host]

    def apigatewayv2_get_api_mappings(self, DomainName: str) -> Any:
        return {"Items": list(self._domain(DomainName).values())}

    def apigatewayv2_create_api_mapping(self, DomainName: str, ApiId: str, Stage: str) -> Any:
        mappings = self._domain(DomainName)
        if any(not mapping.get("ApiMappingKey") for mapping in mappings.values()):
            raise refuse("ConflictException", "ApiMapping key already exists")
        made = {"ApiMappingId": number("m"), "ApiId": ApiId, "Stage": Stage}
        mappings[made["ApiMappingId"]] = made
        return made

    def apigatewayv2_update_api_mapping(
        self, DomainName: str, ApiMappingId: str, ApiId: str, Stage: str
    ) -> None:
        self._domain(DomainName)[ApiMappingId].update({"ApiId": ApiId, "Stage": Stage})

    def apigatewayv2_delete_api_mapping(self, DomainName: str, ApiMappingId: str) -> None:
        del self._domain(DomainName)[ApiMappingId]
