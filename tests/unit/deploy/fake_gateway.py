# ruff: noqa: N803  the parameters are named as AWS names them
"""API Gateway of the account in memory: HTTP APIs (v2) and REST APIs (v1)."""

from __future__ import annotations

import itertools
import json
from typing import Any

from fake_services import Part, refuse

_numbers = itertools.count(1)
_ANY = "x-amazon-apigateway-any-method"


def _number(prefix: str) -> str:
    return f"{prefix}{next(_numbers):04d}"


class HttpApis(Part):
    def start(self) -> None:
        self.http_apis: dict[str, dict[str, Any]] = {}

    def _http(self, number: str) -> dict[str, Any]:
        if number not in self.http_apis:
            raise refuse("NotFoundException", "Invalid API identifier specified")
        return self.http_apis[number]

    def _new_http(self, name: str, tags: dict[str, str]) -> dict[str, Any]:
        api = {"ApiId": _number("h"), "Name": name, "ProtocolType": "HTTP", "Tags": tags}
        api |= {"routes": {}, "integrations": {}, "stages": {}}
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
        api = self._new_http(body["info"]["title"], tags)
        for path, methods in body["paths"].items():
            for method, operation in methods.items():
                given = operation["x-amazon-apigateway-integration"]
                live = {"PayloadFormatVersion": given["payloadFormatVersion"]}
                live["TimeoutInMillis"] = given["timeoutInMillis"]
                for key, name in (
                    ("uri", "IntegrationUri"),
                    ("integrationSubtype", "IntegrationSubtype"),
                    ("credentials", "CredentialsArn"),
                    ("requestParameters", "RequestParameters"),
                ):
                    if key in given:
                        live[name] = given[key]
                number = self.apigatewayv2_create_integration(api["ApiId"], **live)["IntegrationId"]
                verb = "ANY" if method == _ANY else method.upper()
                self.apigatewayv2_create_route(
                    api["ApiId"],
                    f"{verb} {path}",
                    f"integrations/{number}",
                    operation["operationId"],
                )
        return api

    def apigatewayv2_create_stage(self, ApiId: str, StageName: str, AutoDeploy: bool) -> None:
        stages = self._http(ApiId)["stages"]
        if StageName in stages:
            raise refuse("ConflictException", "Stage already exists")
        stages[StageName] = {"StageName": StageName, "AutoDeploy": AutoDeploy}

    def apigatewayv2_get_stages(self, ApiId: str) -> Any:
        return {"Items": list(self._http(ApiId)["stages"].values())}

    def apigatewayv2_get_routes(self, ApiId: str) -> Any:
        return {"Items": list(self._http(ApiId)["routes"].values())}

    def apigatewayv2_get_integrations(self, ApiId: str) -> Any:
        return {"Items": list(self._http(ApiId)["integrations"].values())}

    def apigatewayv2_create_integration(self, ApiId: str, **given: Any) -> Any:
        made = {"IntegrationId": _number("i"), **given}
        self._http(ApiId)["integrations"][made["IntegrationId"]] = made
        return made

    def apigatewayv2_update_integration(self, ApiId: str, IntegrationId: str, **given: Any) -> None:
        live = self._http(ApiId)["integrations"][IntegrationId]
        live.update(given)
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
        self, ApiId: str, RouteKey: str, Target: str, OperationName: str
    ) -> Any:
        api = self._http(ApiId)
        assert len(OperationName) <= 64
        self._free(api, RouteKey)
        made = {"RouteId": _number("r"), "RouteKey": RouteKey, "Target": Target}
        made["OperationName"] = OperationName
        api["routes"][made["RouteId"]] = made
        return made

    def apigatewayv2_update_route(self, ApiId: str, RouteId: str, **given: Any) -> None:
        assert set(given) <= {"RouteKey", "Target"}
        api = self._http(ApiId)
        if "RouteKey" in given:
            self._free(api, given["RouteKey"], RouteId)
        api["routes"][RouteId].update(given)

    def apigatewayv2_delete_route(self, ApiId: str, RouteId: str) -> None:
        if self._http(ApiId)["routes"].pop(RouteId, None) is None:
            raise refuse("NotFoundException", "no such route")

    def apigatewayv2_create_deployment(self, ApiId: str, StageName: str) -> None:
        api = self._http(ApiId)
        api["stages"][StageName]["answers"] = [r["RouteKey"] for r in api["routes"].values()]

    def apigatewayv2_tag_resource(self, ResourceArn: str, Tags: dict[str, str]) -> None:
        self._http(ResourceArn.rsplit("/", 1)[1])["Tags"].update(Tags)

    def apigatewayv2_untag_resource(self, ResourceArn: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self._http(ResourceArn.rsplit("/", 1)[1])["Tags"].pop(key, None)

    def apigatewayv2_delete_api(self, ApiId: str) -> None:
        self._http(ApiId)
        del self.http_apis[ApiId]


class RestApis(Part):
    def start(self) -> None:
        self.rest_apis: dict[str, dict[str, Any]] = {}

    def _rest(self, number: str) -> dict[str, Any]:
        if number not in self.rest_apis:
            raise refuse("NotFoundException", "Invalid API identifier specified")
        return self.rest_apis[number]

    def apigateway_get_rest_apis(self) -> Any:
        return {"items": list(self.rest_apis.values())}

    def apigateway_get_rest_api(self, restApiId: str) -> Any:
        return self._rest(restApiId)

    def apigateway_create_rest_api(self, name: str, tags: dict[str, str], **_: Any) -> Any:
        api = {"id": _number("x"), "name": name, "tags": tags, "resources": {}}
        api |= {"deployments": {}, "stages": {}, "answers": {}}
        self.rest_apis[api["id"]] = api
        return api

    def apigateway_put_rest_api(self, restApiId: str, mode: str, body: str) -> None:
        assert mode == "overwrite"
        found: dict[str, Any] = {}
        for path, methods in json.loads(body)["paths"].items():
            for method, operation in methods.items():
                given = operation["x-amazon-apigateway-integration"]
                live = {
                    "type": given["type"].upper(),
                    "uri": given["uri"],
                    "timeoutInMillis": given["timeoutInMillis"],
                }
                for key in ("credentials", "requestParameters", "requestTemplates"):
                    if key in given:
                        live[key] = given[key]
                live["integrationResponses"] = {
                    answer["statusCode"]: answer for answer in given.get("responses", {}).values()
                }
                verb = "ANY" if method == _ANY else method.upper()
                found.setdefault(path, {})[verb] = {
                    "operationName": operation["operationId"],
                    "methodIntegration": live,
                }
        self._rest(restApiId)["resources"] = found

    def apigateway_create_deployment(
        self, restApiId: str, stageName: str, description: str
    ) -> None:
        api = self._rest(restApiId)
        if not api["resources"]:
            raise refuse("BadRequestException", "The REST API doesn't contain any methods")
        number = _number("d")
        api["deployments"][number] = description
        api["stages"][stageName] = number
        api["answers"] = api["resources"]

    def apigateway_get_stages(self, restApiId: str) -> Any:
        stages = self._rest(restApiId)["stages"]
        return {"item": [{"stageName": k, "deploymentId": v} for k, v in stages.items()]}

    def apigateway_get_deployment(self, restApiId: str, deploymentId: str) -> Any:
        return {"description": self._rest(restApiId)["deployments"][deploymentId]}

    def apigateway_get_resources(self, restApiId: str, **_: Any) -> Any:
        resources = self._rest(restApiId)["resources"]
        return {"items": [{"path": k, "resourceMethods": v} for k, v in resources.items()]}

    def apigateway_tag_resource(self, resourceArn: str, tags: dict[str, str]) -> None:
        self._rest(resourceArn.rsplit("/", 1)[1])["tags"].update(tags)

    def apigateway_untag_resource(self, resourceArn: str, tagKeys: list[str]) -> None:
        for key in tagKeys:
            self._rest(resourceArn.rsplit("/", 1)[1])["tags"].pop(key, None)

    def apigateway_delete_rest_api(self, restApiId: str) -> None:
        self._rest(restApiId)
        del self.rest_apis[restApiId]
