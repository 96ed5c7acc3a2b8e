"""GraphQL APIs of AppSync: functions that fail, events, items, rules that call them, subscriptions.

Why: the engine gives a failed function's error as its answer, puts no events, puts items where
DynamoDB's own calls don't find them, doesn't know AppSync as the target of a rule, and has
WebSockets for Event APIs only.
"""

from __future__ import annotations

import asyncio
import base64
import contextvars
import importlib
import json
import threading
from collections.abc import Iterator
from typing import Any

from .appsync_events import put_events
from .needs import need, replace

MODULE = "services.appsync"
RESOLVE = ("api_id", "resolver", "data_source", "args", "field_name", "identity")
WITH_SCHEMA = ("api_id", "sdl", "query", "variables", "operation_name", "request_headers")
SOCKET = ("scope", "receive", "send", "api_id")
PROTOCOL = "graphql-ws"
TIMEOUT_MS = 300_000
#: what EventBridge's own call looks like to the API: signed by the rule's role
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=events"}

_sessions: dict[int, Session] = {}


class Session:
    """A WebSocket: the loop that it lives in, what it waits to send, its subscriptions."""

    def __init__(self, api_id: str) -> None:
        self.api_id = api_id
        self.loop = asyncio.get_running_loop()
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        #: id -> the fields of the subscription that were asked for
        self.subscriptions: dict[str, list[Any]] = {}

    def push(self, message: dict[str, Any]) -> None:
        """From any thread."""
        self.loop.call_soon_threadsafe(self.outbox.put_nowait, message)


def install() -> None:
    for name in ("_apis", "_schemas"):
        need(MODULE, name)
    for name in ("_request_is_authenticated", "_invoke_lambda_with_event", "_execute_graphql"):
        need(MODULE, name)
    need(MODULE, "_resolve_lambda", *RESOLVE)
    need(MODULE, "_ddb_plain", "value")
    need("services.dynamodb", "handle_request", "method", "path", "headers", "body")
    handlers: dict[str, Any] = need(MODULE, "_DATA_SOURCE_HANDLERS")
    handlers["AMAZON_EVENTBRIDGE"] = put
    handlers["AMAZON_DYNAMODB"] = item
    need("services.eventbridge", "_apply_input_transformer", "transformer", "rule", "view")
    need("services.eventbridge", "_pattern_event_view", "event")
    replace(MODULE, "_resolve_lambda", call_function)
    run = need(MODULE, "_execute_with_schema", *WITH_SCHEMA)

    def with_schema(api_id: str, sdl: str, query: str, *rest: Any) -> Any:
        answer = run(api_id, sdl, query, *rest)
        tell(api_id, sdl, query, json.loads(answer[2]).get("data") or {})
        return answer

    replace(MODULE, "_execute_with_schema", with_schema)
    target = need("services.eventbridge", "_invoke_target", "target", "event", "rule", "view")

    def invoke(given: dict[str, Any], event: dict[str, Any], rule: Any, view: Any = None) -> None:
        if ":endpoints/graphql-api/" in given.get("Arn", ""):
            mutate(given, event, rule, view)
        else:
            target(given, event, rule, view)

    replace("services.eventbridge", "_invoke_target", invoke)
    socket = need("services.appsync_events", "handle_websocket", *SOCKET)

    async def connected(scope: Any, receive: Any, send: Any, api_id: str) -> None:
        if need(MODULE, "_select_api_region")(api_id):
            await serve(scope, receive, send, api_id)
        else:
            await socket(scope, receive, send, api_id)

    replace("services.appsync_events", "handle_websocket", connected)


# data sources


def call_function(**given: Any) -> Any:
    """A function gets AppSync's context; its failure is the field's error."""
    event = {
        "arguments": given["args"],
        "identity": given["identity"],
        "source": given["source"] or None,
        "request": {"headers": given["request_headers"], "domainName": None},
        "prev": None,
        "stash": {},
        "info": {
            "fieldName": given["field_name"],
            "parentTypeName": given["resolver"].get("typeName", "Query"),
            "variables": given.get("variables") or {},
        },
    }
    return need(MODULE, "_invoke_lambda_with_event")(given["data_source"], event)


def put(_: str, source: dict[str, Any], asked: dict[str, Any], __: Any) -> Any:
    return put_events(source["eventBridgeConfig"]["eventBusArn"], asked)


def item(_: str, source: dict[str, Any], asked: dict[str, Any], __: Any) -> Any:
    """PutItem and GetItem as DynamoDB itself does them."""
    action, key = asked["operation"], asked["key"]
    body: dict[str, Any] = {"TableName": source["dynamodbConfig"]["tableName"]}
    if action == "PutItem":
        body["Item"] = {**asked.get("attributeValues", {}), **key}
    elif action == "GetItem":
        body["Key"] = key
    else:
        raise need(MODULE, "_AppSyncResolverError")(f"{action} isn't known here", "NotImplemented")
    headers = {"x-amz-target": f"DynamoDB_20120810.{action}"}
    handle = need("services.dynamodb", "handle_request")
    status, _, text = asyncio.run(handle("POST", "/", headers, json.dumps(body).encode(), {}))
    told = json.loads(text)
    if status != 200:
        kind = str(told.get("__type", "")).rpartition("#")[2]
        raise need(MODULE, "_AppSyncResolverError")(str(told.get("message")), f"DynamoDB:{kind}")
    found = body.get("Item") or told.get("Item")
    return need(MODULE, "_ddb_plain")(found) if found else None


# rules


def mutate(target: dict[str, Any], event: dict[str, Any], rule: Any, view: Any) -> None:
    """Runs the target's operation with what its transformer makes of the event."""
    bridge = "services.eventbridge"
    seen = view or need(bridge, "_pattern_event_view")(event)
    transformer = target.get("InputTransformer")
    text = (
        need(bridge, "_apply_input_transformer")(transformer, rule, seen) if transformer else "{}"
    )
    api_id = target["Arn"].rpartition("/")[2]
    data = {
        "query": target["AppSyncParameters"]["GraphQLOperation"],
        "variables": json.loads(text),
    }
    scope = contextvars.copy_context()
    execute = need(MODULE, "_execute_graphql")
    threading.Thread(
        target=scope.run, args=(execute, api_id, data, dict(SIGNED)), daemon=True
    ).start()


# subscriptions


def tell(api_id: str, sdl: str, query: str, data: dict[str, Any]) -> None:
    """Pushes what mutations gave to who subscribed to them."""
    sessions = [one for one in list(_sessions.values()) if one.api_id == api_id]
    if not sessions or not data:
        return
    of = {name: field for field, names in followed(sdl) for name in names}
    for field in chosen(query, "mutation"):
        value = data.get(field.alias.value if field.alias else field.name.value)
        heard = of.get(field.name.value)
        if heard is None or value is None:
            continue
        for session in sessions:
            for number, wanted in list(session.subscriptions.items()):
                deliver(session, number, wanted, heard, value)


def deliver(session: Session, number: str, wanted: list[Any], heard: str, value: Any) -> None:
    for one in wanted:
        if one.name.value == heard:
            key = one.alias.value if one.alias else heard
            data = {key: projected(value, one.selection_set)}
            session.push({"type": "data", "id": number, "payload": {"data": data}})


def projected(value: Any, selection: Any) -> Any:
    """The fields that were asked for; what the mutation didn't ask for is null, as on AWS."""
    if selection is None or value is None:
        return value
    if isinstance(value, list):
        return [projected(item, selection) for item in value]
    return {
        (one.alias.value if one.alias else one.name.value): projected(
            value.get(one.name.value), one.selection_set
        )
        for one in selection.selections
    }


def library() -> Any:
    """The engine's own GraphQL."""
    return importlib.import_module("graphql")


def chosen(query: str, operation: str) -> list[Any]:
    """The top fields of the document's operations of one sort."""
    found = []
    for definition in library().parse(query).definitions:
        if getattr(getattr(definition, "operation", None), "value", "") == operation:
            found += definition.selection_set.selections
    return found


def followed(sdl: str) -> Iterator[tuple[str, list[str]]]:
    """Each subscription of a schema, and the mutations it follows."""
    for definition in library().parse(sdl).definitions:
        if getattr(getattr(definition, "name", None), "value", "") != "Subscription":
            continue
        for field in definition.fields:
            for directive in field.directives:
                if directive.name.value == "aws_subscribe":
                    names = directive.arguments[0].value.values
                    yield field.name.value, [name.value for name in names]


async def serve(scope: Any, receive: Any, send: Any, api_id: str) -> None:
    """A session of the protocol ``graphql-ws`` as AppSync speaks it."""
    await receive()
    if not authenticated(api_id, said_in(scope)):
        await send({"type": "websocket.close", "code": 4401})
        return
    await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
    session = Session(api_id)
    _sessions[id(session)] = session
    sender = asyncio.create_task(drain(session, send))
    try:
        while (incoming := await receive())["type"] != "websocket.disconnect":
            if incoming.get("text"):
                answer(session, json.loads(incoming["text"]))
    finally:
        del _sessions[id(session)]
        sender.cancel()


async def drain(session: Session, send: Any) -> None:
    while True:
        await send({"type": "websocket.send", "text": json.dumps(await session.outbox.get())})


def said_in(scope: Any) -> dict[str, str]:
    """The authorization in the address: ``header`` is JSON in Base64."""
    from urllib.parse import parse_qs

    query = parse_qs(scope.get("query_string", b"").decode())
    try:
        text = base64.b64decode(query.get("header", [""])[0] + "==")
        return {str(k).lower(): str(v) for k, v in json.loads(text).items()}
    except ValueError:
        return {}


def authenticated(api_id: str, headers: dict[str, str]) -> bool:
    api = need(MODULE, "_apis").get(api_id, {})
    allowed: bool = need(MODULE, "_request_is_authenticated")(api_id, api, headers)
    return allowed


def answer(session: Session, message: dict[str, Any]) -> None:
    number = message.get("id", "")
    if message["type"] == "connection_init":
        payload = {"connectionTimeoutMs": TIMEOUT_MS}
        session.push({"type": "connection_ack", "payload": payload})
    elif message["type"] == "start":
        begin(session, number, message.get("payload") or {})
    elif message["type"] == "stop":
        session.subscriptions.pop(number, None)
        session.push({"type": "complete", "id": number})


def begin(session: Session, number: str, payload: dict[str, Any]) -> None:
    """Takes a subscription that the schema has; refuses any other document."""
    extensions = (payload.get("extensions") or {}).get("authorization") or {}
    headers = {str(k).lower(): str(v) for k, v in extensions.items()}
    sdl = (need(MODULE, "_schemas").get(session.api_id) or {}).get("definition", "")
    build = need("core.appsync_graphql", "build_api_schema")
    try:
        query = json.loads(payload["data"])["query"]
        document = library().parse(query)
        found = library().validate(build(session.api_id, sdl), document)
        problems = [str(one) for one in found]
    except (library().GraphQLError, KeyError, ValueError) as error:
        problems = [str(error)]
    if not problems and not authenticated(session.api_id, headers):
        problems = ["You are not authorized to make this call."]
    if problems:
        errors = {"errors": [{"message": problem} for problem in problems]}
        session.push({"type": "error", "id": number, "payload": errors})
        return
    session.subscriptions[number] = chosen(query, "subscription")
    session.push({"type": "start_ack", "id": number})
