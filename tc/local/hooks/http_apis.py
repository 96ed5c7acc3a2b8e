"""HTTP APIs tell the tags that they have, and refuse a route key that another route has.

Why: the engine keeps what TagResource wrote where only GetTags finds it, so that an API's change
of tags would be planned for ever; and it takes the same route key twice, which API Gateway refuses.
"""

from __future__ import annotations

from typing import Any

from .needs import need, replace

MODULE = "services.apigateway"


def install() -> None:
    for name in ("_apis", "_routes", "_api_tags"):
        need(MODULE, name)
    need(MODULE, "_api_arn", "api_id")
    need(MODULE, "_apigw_error", "code", "message", "status")
    tag = need(MODULE, "_tag_resource", "resource_arn", "data")
    untag = need(MODULE, "_untag_resource", "resource_arn", "tag_keys")
    create = need(MODULE, "_create_route", "api_id", "data")
    update = need(MODULE, "_update_route", "api_id", "route_id", "data")

    def tag_resource(resource_arn: str, data: dict[str, Any]) -> Any:
        answer = tag(resource_arn, data)
        _tell_tags(resource_arn)
        return answer

    def untag_resource(resource_arn: str, tag_keys: list[str]) -> Any:
        answer = untag(resource_arn, tag_keys)
        _tell_tags(resource_arn)
        return answer

    def create_route(api_id: str, data: dict[str, Any]) -> Any:
        return _taken(api_id, "", data) or create(api_id, data)

    def update_route(api_id: str, route_id: str, data: dict[str, Any]) -> Any:
        return _taken(api_id, route_id, data) or update(api_id, route_id, data)

    replace(MODULE, "_tag_resource", tag_resource)
    replace(MODULE, "_untag_resource", untag_resource)
    replace(MODULE, "_create_route", create_route)
    replace(MODULE, "_update_route", update_route)


def _tell_tags(resource_arn: str) -> None:
    api = need(MODULE, "_apis").get(resource_arn.rpartition("/apis/")[2])
    if api is not None:
        known = need(MODULE, "_api_tags").get(need(MODULE, "_api_arn")(api["apiId"]), {})
        api["tags"] = dict(known)


def _taken(api_id: str, route_id: str, data: dict[str, Any]) -> Any:
    """The refusal of a key that another route of the API has, None where there is none."""
    key = data.get("routeKey")
    routes = need(MODULE, "_routes").get(api_id) or {}
    if not any(r["routeKey"] == key and known != route_id for known, r in routes.items()):
        return None
    message = f"Route with key {key} already exists for this API"
    return need(MODULE, "_apigw_error")("ConflictException", message, 409)
