"""Channels ask who publishes and subscribes, and run their handlers; flows make HTTP calls.

Why: the engine lets everybody publish, never calls the handlers of a channel, and knows no
`http:invoke`, by which a flow publishes to a channel.
"""

from __future__ import annotations

import asyncio
import contextvars
import http.client
import json
import re
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from .appsync_addresses import sources_of
from .needs import need, replace

MODULE = "services.appsync_events"
AUTHORIZE = ("api_id", "channel", "operation", "auth", "request_headers")
HTTP_TASK = "arn:aws:states:::http:invoke"
#: the two words of the engine's own evaluation, for a handler of a channel
CALLS = """
function request(ctx) {{
  return typeof {word} === 'function' ? {word}(ctx) : {word}.request(ctx);
}}
function response(ctx) {{
  return {word}.response(ctx);
}}
"""


class Refused(Exception):
    """A handler's error; `args[0]` is its message."""


def install() -> None:
    for name in ("_channel_namespaces", "_api_keys", "_channel_namespace_for"):
        need(MODULE, name)
    need("core.appsync_js", "evaluate", "code", "fn", "ctx")
    need("services.lambda_svc", "_get_func_record_for_ref")
    need("services.lambda_svc", "_execution_record_for_config", "func", "config")
    need("services.lambda_svc", "_execute_function_with_config_scope")
    need("services.eventbridge", "_connections")
    need("services.eventbridge", "_put_events", "data", "allow_aws_source")
    authorize = need(MODULE, "_authorize_event_op", *AUTHORIZE)
    fan_out = need(MODULE, "_fanout_publish", "api_id", "channel", "events")

    async def authorized(
        api_id: str, channel: str | None, operation: str, auth: Any, request_headers: Any = None
    ) -> tuple[bool, str | None]:
        allowed = known(api_id, channel, operation, auth)
        if allowed is None:
            allowed, message = await authorize(api_id, channel, operation, auth, request_headers)
            if not allowed:
                return False, message
        if allowed and channel and operation == "EVENT_SUBSCRIBE":
            try:
                await asyncio.to_thread(run, "onSubscribe", api_id, channel, [])
            except Refused as error:
                return False, str(error)
        return allowed, None if allowed else "You are not authorized to make this call."

    async def published(
        api_id: str, channel: str, events: list[Any]
    ) -> tuple[list[Any], list[Any]]:
        try:
            events = await asyncio.to_thread(run, "onPublish", api_id, channel, events)
        except Refused as error:
            refused = {"code": 400, "errorMessage": str(error)}
            return [], [{"index": i, "identifier": "", **refused} for i in range(len(events))]
        sent: tuple[list[Any], list[Any]] = await fan_out(api_id, channel, events)
        return sent

    replace(MODULE, "_authorize_event_op", authorized)
    replace(MODULE, "_fanout_publish", published)
    need("services.stepfunctions", "_SERVICE_DISPATCH")[HTTP_TASK] = call_http


def space_of(api_id: str, channel: str) -> dict[str, Any]:
    name = need(MODULE, "_channel_namespace_for")(channel)
    found: dict[str, Any] = need(MODULE, "_channel_namespaces").get(api_id, {}).get(name, {})
    return found


def known(api_id: str, channel: str | None, operation: str, auth: Any) -> bool | None:
    """Whether a key or a signature lets the caller in; None when an authorizer has to say."""
    if not channel:
        return None
    word = "publishAuthModes" if operation == "EVENT_PUBLISH" else "subscribeAuthModes"
    modes = {mode["authType"] for mode in space_of(api_id, channel).get(word) or []}
    said = {str(name).lower(): str(value) for name, value in (auth or {}).items()}
    if "API_KEY" in modes:
        key = need(MODULE, "_api_keys").get(api_id, {}).get(said.get("x-api-key", ""))
        if key and key["expires"] > time.time():
            return True
    if "AWS_IAM" in modes and said.get("authorization", "").startswith("AWS4-HMAC-SHA256"):
        return True
    return None if "AWS_LAMBDA" in modes else False


# handlers


def run(word: str, api_id: str, channel: str, events: list[Any]) -> list[Any]:
    """The events that are left when the channel's handler has had them. Raises Refused."""
    space = space_of(api_id, channel)
    config = (space.get("handlerConfigs") or {}).get(word)
    code = space.get("codeHandlers") or ""
    context: dict[str, Any] = {
        "info": {
            "channel": {"path": channel, "segments": channel.strip("/").split("/")},
            "channelNamespace": {"name": need(MODULE, "_channel_namespace_for")(channel)},
            "operation": "PUBLISH" if word == "onPublish" else "SUBSCRIBE",
        },
        "identity": None,
        "request": {"headers": {}},
        "stash": {},
        "events": [{"id": str(i), "payload": parsed(text)} for i, text in enumerate(events)],
    }
    if config:
        return with_source(word, api_id, config, code, context, events)
    if re.search(rf"\b{word}\b", code):
        return texts(evaluated(code, word, "request", context), events)
    return events


def parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def texts(kept: Any, events: list[Any]) -> list[Any]:
    """The events that a handler gives back as they are published; of none, all."""
    if not isinstance(kept, list):
        return events
    return [json.dumps(event.get("payload", event)) for event in kept]


def evaluated(code: str, word: str, fn: str, context: dict[str, Any]) -> Any:
    evaluate = need("core.appsync_js", "evaluate")
    errors = need("core.appsync_js", "AppSyncJsError")
    try:
        return evaluate(code + CALLS.format(word=word), fn, context)[1]
    except errors as error:
        raise Refused(str(error)) from error


def with_source(
    word: str,
    api_id: str,
    config: dict[str, Any],
    code: str,
    context: dict[str, Any],
    events: list[Any],
) -> list[Any]:
    integration = config["integration"]
    source = sources_of(api_id).get(integration["dataSourceName"])
    if source is None:
        raise Refused(f"No data source {integration['dataSourceName']}")
    if source["type"] == "AMAZON_EVENTBRIDGE":
        asked = evaluated(code, word, "request", context)
        result = put_events(source["eventBridgeConfig"]["eventBusArn"], asked)
        return texts(evaluated(code, word, "response", {**context, "result": result}), events)
    function = source["lambdaConfig"]["lambdaFunctionArn"]
    if (integration.get("lambdaConfig") or {}).get("invokeType") == "EVENT":
        scope = contextvars.copy_context()
        threading.Thread(target=scope.run, args=(invoked, function, context), daemon=True).start()
        return events
    told = invoked(function, context)
    if isinstance(told, dict) and told.get("error"):
        raise Refused(str(told["error"]))
    return texts(told.get("events") if isinstance(told, dict) else None, events)


def invoked(arn: str, event: dict[str, Any]) -> Any:
    """What the function answers. Raises Refused when it fails."""
    lambdas = "services.lambda_svc"
    function, config, _ = need(lambdas, "_get_func_record_for_ref")(arn)
    if not function:
        raise Refused(f"No function {arn}")
    record = need(lambdas, "_execution_record_for_config")(function, config)
    result = need(lambdas, "_execute_function_with_config_scope")(record, event)
    body = parsed(result.get("body"))
    if result.get("error"):
        message = body.get("errorMessage") if isinstance(body, dict) else None
        raise Refused(message or "the function failed")
    return body


def put_events(bus_arn: str, asked: dict[str, Any]) -> Any:
    """What AppSync's data source for EventBridge does with a request."""
    entries = [
        {
            "Source": event["source"],
            "DetailType": event["detailType"],
            "Detail": json.dumps(event["detail"]),
            "Resources": event.get("resources") or [],
            "EventBusName": bus_arn.rpartition("/")[2],
        }
        for event in asked["events"]
    ]
    _, _, body = need("services.eventbridge", "_put_events")({"Entries": entries})
    return json.loads(body)


# http:invoke


def call_http(_: str, asked: dict[str, Any]) -> dict[str, Any]:
    """An HTTP task of a flow: the answer, or the error that AWS names after its status."""
    fail = need("services.stepfunctions", "_ExecutionError")
    name = asked["Authentication"]["ConnectionArn"].partition(":connection/")[2].split("/")[0]
    connection = need("services.eventbridge", "_connections").get(name)
    if connection is None:
        raise fail("States.Runtime", f"The connection {name} does not exist")
    key = connection["AuthParameters"]["ApiKeyAuthParameters"]
    headers = {"content-type": "application/json", key["ApiKeyName"]: key["ApiKeyValue"]}
    try:
        status, text = asked_over_http(asked, headers)
    except OSError as error:
        raise fail("States.Http.Socket", str(error)) from error
    if status >= 300:
        raise fail(f"States.Http.StatusCode.{status}", text)
    return {"StatusCode": status, "ResponseBody": parsed(text)}


def asked_over_http(asked: dict[str, Any], headers: dict[str, str]) -> tuple[int, str]:
    parts = urlsplit(asked["ApiEndpoint"])
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=60)
    body = json.dumps(asked.get("RequestBody"))
    connection.request(asked["Method"], parts.path or "/", body, headers)
    got = connection.getresponse()
    return got.status, got.read().decode()
