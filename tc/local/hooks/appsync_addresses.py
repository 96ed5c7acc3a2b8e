"""APIs of AppSync answer below `/_aws/appsync/ID`, and an Event API has all its parts.

Why: the engine knows an API by its host name only, which few machines resolve below
`localhost`; and of an Event API it keeps no data sources, changes no key and no tags.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import unquote

from .needs import need, replace

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

HANDLER = ("method", "path", "headers", "body", "query_params")
ADDRESS = re.compile(r"/_aws/appsync/([a-z0-9]+)(/event|/graphql)(/realtime)?\Z")
SOURCES = re.compile(r"/v1/apis/([^/]+)/datasources(?:/([^/]+))?/?\Z")
KEY = re.compile(r"/v1/apis/([^/]+)/apikeys/([^/]+)/?\Z")
CONFIGS = ("lambdaConfig", "eventBridgeConfig", "dynamodbConfig", "serviceRoleArn", "description")
#: where an Event API's record keeps its data sources, so that they are saved with it
KEPT = "tc_data_sources"


def install() -> None:
    for name in ("_apis", "_channel_namespaces", "_api_keys"):
        need("services.appsync_events", name)
    collectors: dict[str, Any] = need("services.tagging", "_COLLECTORS")
    collectors["appsync-events"] = tagged
    engine = need("app", "app", "scope", "receive", "send")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await engine(by_host(scope), receive, send)

    replace("app", "app", app)
    original = need("services.appsync", "handle_request", *HANDLER)

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        answer = of_event_api(method, path, body, query_params)
        return answer or await original(method, path, headers, body, query_params)

    replace("services.appsync", "handle_request", handle)


def by_host(scope: Scope) -> Scope:
    """A request to an address below `/_aws/appsync` as one to the API's own host name."""
    match = ADDRESS.match(scope.get("path", ""))
    if match is None:
        return scope
    api_id, kind, realtime = match.groups()
    word = "appsync-realtime-api" if realtime else "appsync-api"
    host = f"{api_id}.{word}.localhost".encode()
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
    path = kind + (realtime or "")
    return {
        **scope,
        "path": path,
        "raw_path": path.encode(),
        "headers": [(b"host", host), *headers],
    }


def event_apis() -> Any:
    return need("services.appsync_events", "_apis")


def sources_of(api_id: str) -> dict[str, Any]:
    """The data sources of an Event API by name."""
    kept: dict[str, Any] = event_apis()[api_id].setdefault(KEPT, {})
    return kept


def of_event_api(method: str, path: str, body: bytes, query: dict[str, Any]) -> Any:
    """The answer for a part of an Event API that the engine lacks; None for anything else."""
    if path.startswith("/v1/tags/"):
        found = tags_at(unquote(path.removeprefix("/v1/tags/")))
        return None if found is None else change_tags(found, method, body, query)
    match = SOURCES.match(path)
    if match and match[1] in event_apis():
        return source(method, match[1], match[2], json.loads(body or b"{}"))
    match = KEY.match(path)
    if match and method == "POST" and match[1] in event_apis():
        return prolong(match[1], match[2], json.loads(body or b"{}"))
    return None


def tags_at(arn: str) -> dict[str, str] | None:
    """The tags of an Event API or a channel."""
    parts = arn.partition(":apis/")[2].split("/")
    api = event_apis().get(parts[0])
    if api is None:
        return None
    record = api
    if len(parts) == 3:
        record = need("services.appsync_events", "_channel_namespaces").get(parts[0], {})[parts[2]]
    tags: dict[str, str] = record.setdefault("tags", {})
    return tags


def change_tags(tags: dict[str, str], method: str, body: bytes, query: dict[str, Any]) -> Any:
    if method == "POST":
        tags.update(json.loads(body)["tags"])
    elif method == "DELETE":
        keys = query.get("tagKeys") or []
        for key in [keys] if isinstance(keys, str) else keys:
            tags.pop(key, None)
    return answer({"tags": dict(tags)} if method == "GET" else {})


def tagged() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Event APIs and their tags, for GetResources."""
    for api in list(event_apis().values()):
        listed = [{"Key": key, "Value": value} for key, value in api.get("tags", {}).items()]
        yield api["apiArn"], listed


def source(method: str, api_id: str, name: str | None, data: dict[str, Any]) -> Any:
    """Create, list, get, change or delete a data source."""
    kept = sources_of(api_id)
    if method == "GET" and name is None:
        return answer({"dataSources": list(kept.values())})
    if method == "POST":
        if name is None and data["name"] in kept:
            return refusal("BadRequestException", f"Data source {data['name']} exists", 400)
        return answer({"dataSource": put(api_id, kept, name or data["name"], data)})
    if name not in kept:
        return refusal("NotFoundException", f"Data source {name} not found", 404)
    return answer({"dataSource": kept[name]} if method == "GET" else kept.pop(name) and {})


def put(api_id: str, kept: dict[str, Any], name: str, data: dict[str, Any]) -> dict[str, Any]:
    kept[name] = {
        "name": name,
        "type": data["type"],
        "dataSourceArn": f"{event_apis()[api_id]['apiArn']}/datasources/{name}",
        **{key: data[key] for key in CONFIGS if data.get(key)},
    }
    made: dict[str, Any] = kept[name]
    return made


def prolong(api_id: str, key_id: str, data: dict[str, Any]) -> Any:
    key = need("services.appsync_events", "_api_keys").get(api_id, {}).get(key_id)
    if key is None:
        return refusal("NotFoundException", f"API key {key_id} not found", 404)
    if "expires" in data:
        if not time.time() < int(data["expires"]) <= time.time() + 365 * 86_400:
            text = "API key must be valid for a minimum of 1 days, and a maximum of 365 days."
            return refusal("ApiKeyValidityOutOfBoundsException", text, 400)
        key["expires"] = int(data["expires"])
    if "description" in data:
        key["description"] = data["description"]
    return answer({"apiKey": {"id": key_id, **key}})


def answer(body: dict[str, Any]) -> Any:
    return need("core.responses", "json_response")(body)


def refusal(code: str, message: str, status: int) -> Any:
    return need("core.responses", "error_response_json")(code, message, status)
