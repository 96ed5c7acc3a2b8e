"""HTTP APIs: service integrations, answers to failures, and the time limit.

Why: the engine takes every integration of an HTTP API for a Lambda function, forgets
`integrationSubtype` and `credentialsArn` when one is made, maps no parameters of what a function
gets, lets any number of requests through, and shows a failed function's error object to the caller
with status 502. AWS starts flows, puts events and sends messages, answers 500 `Internal Server
Error` to a failed function, and gives up after the integration's time limit.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import re
from dataclasses import dataclass
from typing import Any

from .needs import need, replace
from .service_calls import Answer, check, json_call, problem, send_message, text_of
from .vtl import follow

KEPT = ("integrationSubtype", "credentialsArn", "connectionId", "tlsConfig")
SELECTION = re.compile(r"\$\{([^}]+)\}")
XML = {"Content-Type": "text/xml"}
JSON = {"Content-Type": "application/json"}
FLOW = {"StateMachineArn": "stateMachineArn", "Name": "name", "Input": "input"}
FLOW["TraceHeader"] = "traceHeader"
ACTIONS = {
    "StepFunctions-StartExecution": "StartExecution",
    "StepFunctions-StartSyncExecution": "StartSyncExecution",
}

SHAPE = (
    *("integration", "api_id", "stage", "path", "method", "headers", "body", "query_params"),
    *("route_key", "path_params"),
)

_http: contextvars.ContextVar[bool] = contextvars.ContextVar("tc_http_api", default=False)


class Unresolved(Exception):
    """A parameter selects what the request doesn't have; `args[0]` is its name."""


@dataclass(frozen=True)
class Request:
    body: bytes
    headers: dict[str, str]
    query: dict[str, Any]
    path: str
    path_params: dict[str, str]
    context: dict[str, Any]
    stage_variables: dict[str, str]


def install() -> None:
    check()
    _keep_fields()
    need("services.apigateway", "_get_stage_variables", "api_id", "stage")
    need("services.apigateway", "_stages")
    need("services.apigateway", "_apply_request_parameter_mappings", "integration")
    need("services.apigateway_v1", "_take_token", "slot", "limits")
    original = need("services.apigateway", "_invoke_lambda_proxy", *SHAPE)

    async def invoke(integration: dict[str, Any], *rest: Any, **more: Any) -> Answer:
        limited = _limited(*rest[:2])
        if limited:
            return limited
        subtype = integration.get("integrationSubtype")
        seconds = float(integration.get("timeoutInMillis") or 30_000) / 1000
        _http.set(True)
        if subtype:
            work = serve(subtype, integration, request_of(rest, more))
        else:
            work = original(integration, *_mapped(integration, rest, more), **more)
        answer = await within(seconds, work)
        return answer or problem(503, "Service Unavailable")

    replace("services.apigateway", "_invoke_lambda_proxy", invoke)
    shaped = need(
        "services.lambda_svc", "lambda_execute_result_to_api_proxy_response", "exec_result"
    )

    def response(exec_result: dict[str, Any]) -> tuple[dict[str, Any], None]:
        if exec_result.get("error") and not exec_result.get("throttle"):
            if _http.get():
                text = json.dumps({"message": "Internal Server Error"})
                return {"statusCode": 500, "headers": JSON, "body": text}, None
            return {"statusCode": 502, "headers": JSON, "body": "Internal server error"}, None
        found, _ = shaped(exec_result)
        return found, None

    replace("services.lambda_svc", "lambda_execute_result_to_api_proxy_response", response)


def _limited(api_id: str, stage: str) -> Answer | None:
    """The refusal of a request above what the stage lets through."""
    stages = need("services.apigateway", "_stages").get(api_id) or {}
    said = (stages.get(stage) or {}).get("defaultRouteSettings") or {}
    limits = {
        "burstLimit": said.get("throttlingBurstLimit"),
        "rateLimit": said.get("throttlingRateLimit"),
    }
    take = need("services.apigateway_v1", "_take_token", "slot", "limits")
    return None if take(("http", api_id, stage), limits) else problem(429, "Too Many Requests")


def _mapped(integration: dict[str, Any], rest: tuple[Any, ...], more: dict[str, Any]) -> Any:
    """What the function gets where the integration appends, overwrites and removes."""
    if not integration.get("requestParameters"):
        return rest
    api_id, stage, path, method, headers, body, query, route_key, *params = rest
    found = request_of(rest, more)
    apply = need("services.apigateway", "_apply_request_parameter_mappings", "integration")
    headers, query, path = apply(
        integration,
        request_headers=headers,
        request_query=query or {},
        request_path=path,
        path_params=found.path_params,
        context_vars={
            **found.context,
            "authorizer.jwt.claims": found.context["authorizer"]["jwt"]["claims"],
            "authorizer.lambda": found.context["authorizer"]["lambda"],
        },
        stage_vars=found.stage_variables,
    )
    return api_id, stage, path, method, headers, body, query, route_key, *params


def _keep_fields() -> None:
    need("services.apigateway", "_integrations")
    create = need("services.apigateway", "_create_integration", "api_id", "data")
    update = need("services.apigateway", "_update_integration", "api_id", "int_id", "data")

    def again(api_id: str, answer: tuple[int, Any, bytes], data: dict[str, Any]) -> Any:
        """The engine's answer with the fields it drops, which are kept with the integration."""
        if answer[0] >= 300:
            return answer
        stored = need("services.apigateway", "_integrations")[api_id]
        integration = stored[json.loads(answer[2])["integrationId"]]
        for name in KEPT:
            if data.get(name):
                integration[name] = data[name]
            elif name in data:
                integration.pop(name, None)
        if integration.get("integrationSubtype"):
            for name in ("integrationUri", "integrationMethod"):
                integration.pop(name, None)
        return answer[0], answer[1], json.dumps(integration).encode()

    def made(api_id: str, data: dict[str, Any]) -> Any:
        return again(api_id, create(api_id, data), data)

    def changed(api_id: str, int_id: str, data: dict[str, Any]) -> Any:
        return again(api_id, update(api_id, int_id, data), data)

    replace("services.apigateway", "_create_integration", made)
    replace("services.apigateway", "_update_integration", changed)


async def within(seconds: float, work: Any) -> Any:
    """The result, or None when it takes longer; the work itself goes on, as on AWS."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        _left_behind.add(task)
        task.add_done_callback(_left_behind.discard)
        return None
    return task.result()


_left_behind: set[asyncio.Future[Any]] = set()


def request_of(rest: tuple[Any, ...], more: dict[str, Any]) -> Request:
    """What the parameters of a service integration may select."""
    api_id, stage, path, method, headers, body, query, route_key = rest[:8]
    variables = need("services.apigateway", "_get_stage_variables")(api_id, stage)
    authorizer = {
        "jwt": {"claims": more.get("authorizer_claims") or {}},
        "lambda": more.get("authorizer_lambda_context") or {},
    }
    context = {
        "accountId": more.get("owner_account_id"),
        "apiId": api_id,
        "stage": stage,
        "path": path,
        "httpMethod": method,
        "routeKey": route_key,
        "requestId": need("core.responses", "new_uuid")(),
        "identity": {"sourceIp": "127.0.0.1", "userAgent": headers.get("user-agent", "")},
        "protocol": "HTTP/1.1",
        "authorizer": authorizer,
    }
    params = rest[8] if len(rest) > 8 else more.get("path_params")
    return Request(body or b"", headers, query or {}, path, params or {}, context, variables)


async def serve(subtype: str, integration: dict[str, Any], request: Request) -> Answer:
    try:
        fields = parameters(integration.get("requestParameters") or {}, request)
        return await call(subtype, fields)
    except Unresolved as error:
        return problem(400, f"Bad Request: {error.args[0]} selects nothing of this request")


async def call(subtype: str, fields: dict[str, str]) -> Answer:
    if subtype in ACTIONS:
        data = {FLOW[name]: value for name, value in fields.items() if name in FLOW}
        return _passed(*await json_call("states", ACTIONS[subtype], json.dumps(data)))
    if subtype == "EventBridge-PutEvents":
        entry: dict[str, Any] = {
            k: v for k, v in fields.items() if k not in ("Region", "Resources")
        }
        if "Resources" in fields:
            entry["Resources"] = _list(fields["Resources"])
        return _passed(*await json_call("events", "PutEvents", json.dumps({"Entries": [entry]})))
    if subtype == "SQS-SendMessage":
        url = fields.pop("QueueUrl", "")
        fields.pop("Region", None)
        status, text = await send_message(url, fields)
        return status, dict(XML), text.encode()
    return problem(500, f"Unsupported integration subtype: {subtype}")


def _passed(status: int, text: str) -> Answer:
    return status, dict(JSON), text.encode()


def _list(text: str) -> list[str]:
    return json.loads(text) if text.startswith("[") else [part.strip() for part in text.split(",")]


def parameters(written: dict[str, str], request: Request) -> dict[str, str]:
    """The values of a service call, selections resolved. Raises Unresolved."""
    made = {}
    for name, value in written.items():
        if not value:
            continue  # emptied: so an update takes a parameter out
        if "${" in value:
            made[name] = SELECTION.sub(lambda found: _inside(found[1], request), value)
        elif value.startswith("$"):
            found = select(value[1:], request)
            if found is None:
                raise Unresolved(name)
            made[name] = text_of(found)
        else:
            made[name] = value
    return made


def _inside(expression: str, request: Request) -> str:
    found = select(expression, request)
    return "" if found is None else text_of(found)


def select(expression: str, request: Request) -> Any:
    """`request.body.x`, `request.header.x`, `context.x`, …: None when the request lacks it."""
    root, _, rest = expression.partition(".")
    if root == "context":
        return follow(request.context, "$." + rest)
    if root == "stageVariables":
        return request.stage_variables.get(rest)
    place, _, name = rest.partition(".")
    if place == "body":
        return _body(request.body, name)
    if place == "header":
        return request.headers.get(name.lower())
    if place == "querystring":
        found = request.query.get(name)
        return ",".join(found) if isinstance(found, list) else found
    if place == "path":
        return request.path_params.get(name) if name else request.path
    return None


def _body(body: bytes, name: str) -> Any:
    text = body.decode(errors="replace")
    if not name:
        return text or None
    try:
        return follow(json.loads(text), "$." + name)
    except ValueError:
        return None
