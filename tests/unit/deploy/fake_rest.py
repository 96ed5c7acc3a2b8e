# ruff: noqa: N803  the parameters are named as AWS names them
"""API Gateway of the account in memory: REST APIs (v1)."""

from __future__ import annotations

import copy
import json
from typing import Any

from fake_gateway import AUTHORIZER, INTEGRATION, number, scheme_of, verb_of
from fake_services import Part, refuse

_AUTHORIZATION = {"request": "CUSTOM", "cognito_user_pools": "COGNITO_USER_POOLS"}


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
        api: dict[str, Any] = {"id": number("x"), "name": name, "tags": tags}
        api |= {"deployments": {}, "stages": {}, "answers": {}, "authorizers": {}}
        api["resources"] = {"/": _node("/")}
        self.rest_apis[api["id"]] = api
        return api

    def apigateway_put_rest_api(self, restApiId: str, mode: str, body: str) -> None:
        assert mode == "overwrite"
        api, document = self._rest(restApiId), json.loads(body)
        schemes = document.get("components", {}).get("securitySchemes", {})
        api["authorizers"] = {}
        numbers = {}
        for name, said in schemes.items():
            if AUTHORIZER in said:
                numbers[name] = self._imported(restApiId, name, said[AUTHORIZER])
        found: dict[str, Any] = {}
        for path, methods in document["paths"].items():
            node = found.setdefault(path, _node(path))
            for method, operation in methods.items():
                kind, name = scheme_of(operation, schemes)
                live = {
                    "operationName": operation["operationId"],
                    "authorizationType": _AUTHORIZATION.get(kind, kind or "NONE"),
                    "methodIntegration": _imported_integration(operation[INTEGRATION]),
                }
                if name:
                    live["authorizerId"] = numbers[name]
                node["resourceMethods"][verb_of(method)] = live
        api["resources"] = found
        api["own_answers"] = document.get("x-amazon-apigateway-gateway-responses", {})

    def _imported(self, api: str, name: str, said: dict[str, Any]) -> str:
        given = {key: value for key, value in said.items() if key != "type"}
        made = self.apigateway_create_authorizer(api, name, type=said["type"].upper(), **given)
        return str(made["id"])

    # stages and deployments

    def apigateway_create_deployment(
        self, restApiId: str, stageName: str, description: str
    ) -> None:
        api = self._rest(restApiId)
        if not any(node["resourceMethods"] for node in api["resources"].values()):
            raise refuse("BadRequestException", "The REST API doesn't contain any methods")
        made = number("d")
        summary = {
            path: {verb: {} for verb in node["resourceMethods"]}
            for path, node in api["resources"].items()
            if node["resourceMethods"]
        }
        api["deployments"][made] = {"description": description, "apiSummary": summary}
        api["stages"].setdefault(stageName, {"stageName": stageName})["deploymentId"] = made
        api["answers"] = copy.deepcopy(api["resources"])

    def apigateway_get_stages(self, restApiId: str) -> Any:
        return {"item": list(self._rest(restApiId)["stages"].values())}

    def apigateway_update_stage(
        self, restApiId: str, stageName: str, patchOperations: list[dict[str, str]]
    ) -> None:
        stage = self._rest(restApiId)["stages"][stageName]
        for patch in patchOperations:
            parts = patch["path"].split("/")[1:]
            if parts[0] == "variables":
                place, key = stage.setdefault("variables", {}), parts[1]
            elif len(parts) == 2:
                place, key = stage.setdefault("methodSettings", {}), "/".join(parts)
            else:
                settings = stage.setdefault("methodSettings", {})
                place = settings.setdefault("/".join(parts[:2]), {})
                key = f"throttling{parts[3][:1].upper()}{parts[3][1:]}"
            if patch["op"] == "remove":
                del place[key]
            else:
                place[key] = patch["value"] if parts[0] == "variables" else float(patch["value"])

    def apigateway_delete_stage(self, restApiId: str, stageName: str) -> None:
        del self._rest(restApiId)["stages"][stageName]

    def apigateway_get_deployment(self, restApiId: str, deploymentId: str, embed: list[str]) -> Any:
        assert embed == ["apisummary"]
        return self._rest(restApiId)["deployments"][deploymentId]

    # authorizers

    def apigateway_get_authorizers(self, restApiId: str) -> Any:
        return {"items": list(self._rest(restApiId)["authorizers"].values())}

    def apigateway_create_authorizer(self, restApiId: str, name: str, **given: Any) -> Any:
        made = {"id": number("a"), "name": name, **given}
        self._rest(restApiId)["authorizers"][made["id"]] = made
        return made

    def apigateway_update_authorizer(
        self, restApiId: str, authorizerId: str, patchOperations: list[dict[str, str]]
    ) -> None:
        live = self._rest(restApiId)["authorizers"][authorizerId]
        for patch in patchOperations:
            key = patch["path"].removeprefix("/")
            if patch["op"] == "replace":
                live[key] = patch["value"]
            elif patch["op"] == "add":
                live[key].append(patch["value"])
            else:
                live[key].remove(patch["value"])

    def apigateway_delete_authorizer(self, restApiId: str, authorizerId: str) -> None:
        api = self._rest(restApiId)
        for node in api["resources"].values():
            for method in node["resourceMethods"].values():
                if method.get("authorizerId") == authorizerId:
                    raise refuse("ConflictException", "a method refers to the authorizer")
        del api["authorizers"][authorizerId]

    # resources and methods

    def apigateway_get_resources(self, restApiId: str, **_: Any) -> Any:
        return {"items": list(self._rest(restApiId)["resources"].values())}

    def apigateway_create_resource(self, restApiId: str, parentId: str, pathPart: str) -> Any:
        resources = self._rest(restApiId)["resources"]
        above = next(node["path"] for node in resources.values() if node["id"] == parentId)
        path = f"{above.rstrip('/')}/{pathPart}"
        if path in resources:
            raise refuse("ConflictException", "Another resource has this name")
        resources[path] = _node(path)
        return resources[path]

    def apigateway_delete_resource(self, restApiId: str, resourceId: str) -> None:
        resources = self._rest(restApiId)["resources"]
        path = self._at(restApiId, resourceId)["path"]
        assert not any(other.startswith(f"{path}/") for other in resources)
        assert not resources[path]["resourceMethods"]
        del resources[path]

    def _at(self, api: str, resource: str) -> dict[str, Any]:
        for node in self._rest(api)["resources"].values():
            if node["id"] == resource:
                return dict(node)
        raise refuse("NotFoundException", "Invalid Resource identifier specified")

    def apigateway_put_method(
        self, restApiId: str, resourceId: str, httpMethod: str, **given: Any
    ) -> None:
        methods = self._at(restApiId, resourceId)["resourceMethods"]
        if httpMethod in methods:
            raise refuse("ConflictException", "Method already exists for this resource")
        methods[httpMethod] = {**given, "answers": {}}

    def apigateway_delete_method(self, restApiId: str, resourceId: str, httpMethod: str) -> None:
        methods = self._at(restApiId, resourceId)["resourceMethods"]
        if httpMethod not in methods:
            raise refuse("NotFoundException", "Invalid Method identifier specified")
        del methods[httpMethod]

    def apigateway_put_integration(
        self, restApiId: str, resourceId: str, httpMethod: str, **given: Any
    ) -> None:
        method = self._at(restApiId, resourceId)["resourceMethods"][httpMethod]
        for value in given.get("requestParameters", {}).values():
            assert not value.startswith("method.") or value in method["requestParameters"]
        method["methodIntegration"] = given

    def apigateway_put_method_response(
        self,
        restApiId: str,
        resourceId: str,
        httpMethod: str,
        statusCode: str,
        responseParameters: dict[str, bool],
    ) -> None:
        method = self._at(restApiId, resourceId)["resourceMethods"][httpMethod]
        method["answers"][statusCode] = responseParameters

    def apigateway_put_integration_response(
        self, restApiId: str, resourceId: str, httpMethod: str, statusCode: str, **given: Any
    ) -> None:
        method = self._at(restApiId, resourceId)["resourceMethods"][httpMethod]
        known = method["answers"]
        if statusCode not in known or set(given.get("responseParameters", {})) - set(
            known[statusCode]
        ):
            raise refuse("BadRequestException", "Invalid mapping expression specified")
        answers = method["methodIntegration"].setdefault("integrationResponses", {})
        answers[statusCode] = {"statusCode": statusCode, **given}

    def apigateway_tag_resource(self, resourceArn: str, tags: dict[str, str]) -> None:
        self._rest(resourceArn.rsplit("/", 1)[1])["tags"].update(tags)

    def apigateway_untag_resource(self, resourceArn: str, tagKeys: list[str]) -> None:
        for key in tagKeys:
            self._rest(resourceArn.rsplit("/", 1)[1])["tags"].pop(key, None)

    def apigateway_delete_rest_api(self, restApiId: str) -> None:
        self._rest(restApiId)
        self._refuse_mapped(restApiId)  # type: ignore[attr-defined]
        del self.rest_apis[restApiId]


def _node(path: str) -> dict[str, Any]:
    return {"id": number("n"), "path": path, "resourceMethods": {}}


def _imported_integration(given: dict[str, Any]) -> dict[str, Any]:
    live = {"type": given["type"].upper(), "timeoutInMillis": given["timeoutInMillis"]}
    for key in ("uri", "credentials", "requestParameters", "requestTemplates"):
        if key in given:
            live[key] = given[key]
    live["integrationResponses"] = {
        answer["statusCode"]: {
            **answer,
            **({} if said == "default" else {"selectionPattern": said}),
        }
        for said, answer in given.get("responses", {}).items()
    }
    return live
