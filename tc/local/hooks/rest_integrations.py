"""REST APIs: service integrations, Lambda integrations with templates, and the time limit.

Why: the engine sends every non-proxy integration but SQS to Lambda, without its templates: no flow
can be started, no event put, no function called without waiting, and no answer mapped.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from urllib.parse import parse_qsl

from .http_integrations import within
from .needs import need, replace
from .service_calls import Answer, check, json_call, problem, send_message
from .vtl import BodyError, Mapping, follow, render
from .vtl_parse import TemplateError

JSON_TYPE = "application/json"
HEADER = "integration.request.header."
RESPONSE_HEADER = "method.response.header."
SHAPE = (
    *("integration", "api_id", "stage_name", "stage", "resource", "request_path", "method"),
    *("headers", "body", "query_params", "path_params"),
)


def install() -> None:
    check()
    replace("services.apigateway_v1", "_invoke_lambda_custom_v1", invoke, *SHAPE)
    proxy = need("services.apigateway_v1", "_invoke_lambda_proxy_v1", *SHAPE)

    async def limited(integration: dict[str, Any], *rest: Any, **more: Any) -> Any:
        answer = await within(limit(integration), proxy(integration, *rest, **more))
        return answer or problem(504, "Endpoint request timed out")

    replace("services.apigateway_v1", "_invoke_lambda_proxy_v1", limited)
    need("services.apigateway_v1", "_parse_service_integration_uri", "uri")
    need("services.apigateway_v1", "_extract_lambda_ref_from_integration_uri", "uri")
    need("services.apigateway_v1", "_call_lambda_raw", "function_ref", "event")
    need("services.lambda_svc", "invoke_async_with_retry", "func", "event")
    replace("services.apigateway_v1", "_invoke_sqs_v1", invoke, *SHAPE)
    need("services.sqs", "_queue_url_for_account", "account_id", "name")


def limit(integration: dict[str, Any]) -> float:
    return float(integration.get("timeoutInMillis") or 29_000) / 1000


async def invoke(
    integration: dict[str, Any],
    api_id: str,
    stage_name: str,
    stage: dict[str, Any],
    resource: dict[str, Any],
    request_path: str,
    method: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, Any],
    path_params: dict[str, str],
    **more: Any,
) -> Answer:
    """One request through an integration of type AWS."""
    query = {k: v[0] if isinstance(v, list) else v for k, v in (query_params or {}).items()}
    mapping = Mapping(
        (body or b"").decode(errors="replace"),
        {"path": path_params or {}, "querystring": query, "header": headers or {}},
        {
            "apiId": api_id,
            "accountId": more.get("owner_account_id"),
            "stage": stage_name,
            "path": f"/{stage_name}{request_path}",
            "httpMethod": method,
            "resourcePath": resource.get("path"),
            "requestId": need("core.responses", "new_uuid")(),
            "identity": {"sourceIp": "127.0.0.1", "userAgent": (headers or {}).get("user-agent")},
            "authorizer": more.get("authorizer_context") or {},
        },
        (stage or {}).get("variables") or {},
    )
    try:
        content_type = (headers or {}).get("content-type", JSON_TYPE).split(";")[0].strip()
        templates = integration.get("requestTemplates")
        template = _choose(templates, content_type)
        if template is None and _refuses(integration, templates):
            return problem(415, "Unsupported Media Type")
        sent = mapping.body if template is None else render(template, mapping)
        found = await within(limit(integration), backend(integration, sent, mapping, more))
        if found is None:
            return problem(504, "Endpoint request timed out")
        status, text, tried = found
        return answer(integration, status, text, tried, mapping)
    except BodyError as error:
        return problem(400, str(error))
    except TemplateError as error:
        return problem(500, f"Internal server error: the mapping template fails: {error}")


async def backend(
    integration: dict[str, Any], sent: str, mapping: Mapping, more: dict[str, Any]
) -> tuple[int, str, str]:
    """What the service answers: status, body, and the text that selection patterns are tried on."""
    uri = integration.get("uri", "")
    spec = need("services.apigateway_v1", "_parse_service_integration_uri")(uri)
    if spec is not None and spec[1] in ("states", "events") and spec[2] == "action":
        status, text = await json_call(spec[1], spec[3], sent)
        return status, text, str(status)
    if spec is not None and spec[1:3] == ("sqs", "path"):
        return await _queue(spec[3], sent)
    return await _function(integration, sent, mapping, more)


async def _queue(path: str, sent: str) -> tuple[int, str, str]:
    """A form for a queue: SQS answers API Gateway in JSON."""
    account, _, name = path.strip("/").rpartition("/")
    url = need("services.sqs", "_queue_url_for_account")(account, name)
    fields = dict(parse_qsl(sent, keep_blank_values=True))
    if fields.pop("Action", "") != "SendMessage":
        return 400, json.dumps({"message": "only SendMessage"}), "400"
    status, text = await send_message(url, fields)
    if status >= 300:
        return status, text, str(status)
    told = {key: _between(text, key) for key in ("MD5OfMessageBody", "MessageId")}
    said = {"SendMessageResponse": {"SendMessageResult": told}}
    return status, json.dumps(said), str(status)


def _between(text: str, tag: str) -> str:
    found = re.search(f"<{tag}>([^<]*)</{tag}>", text)
    return found[1] if found else ""


async def _function(
    integration: dict[str, Any], sent: str, mapping: Mapping, more: dict[str, Any]
) -> tuple[int, str, str]:
    owner = {"account_id": more.get("owner_account_id"), "region": more.get("owner_region")}
    uri = integration.get("uri", "")
    reference = need("services.apigateway_v1", "_extract_lambda_ref_from_integration_uri")(uri)
    try:
        event = json.loads(sent) if sent else {}
    except ValueError:
        text = json.dumps({"message": "Could not parse request body into json"})
        return 400, text, text
    if _request_header(integration, "x-amz-invocation-type", mapping) == "Event":
        from ministack.services import lambda_svc

        record, config, _ = lambda_svc._get_func_record_for_ref_in_scope(reference, **owner)
        if not record or not config:
            return 500, json.dumps({"message": "Internal server error"}), "Internal server error"
        kept = lambda_svc._execution_record_for_config(record, config)
        await asyncio.to_thread(lambda_svc.invoke_async_with_retry, kept, event)
        return 202, "", ""
    call = need("services.apigateway_v1", "_call_lambda_raw")
    result, missing = await call(reference, event, **owner)
    if missing or result.get("throttle"):
        return 500, json.dumps({"message": "Internal server error"}), "Internal server error"
    text = json.dumps(result.get("body"), ensure_ascii=False)
    failed = str((result.get("body") or {}).get("errorMessage", "")) if result.get("error") else ""
    return 200, text, failed


def _request_header(integration: dict[str, Any], name: str, mapping: Mapping) -> str:
    """A header that the integration sends: `'static'` or `method.request.header.x`."""
    for key, value in (integration.get("requestParameters") or {}).items():
        if key.lower() == HEADER + name:
            if value.startswith("'"):
                return str(value).strip("'")
            place, _, field = value.removeprefix("method.request.").partition(".")
            given = {k.lower(): v for k, v in mapping.params.get(place, {}).items()}
            return given.get(field.lower(), "")
    return ""


def answer(
    integration: dict[str, Any], status: int, text: str, tried: str, mapping: Mapping
) -> Answer:
    """The integration response that fits, with its template and headers."""
    chosen = _response(integration.get("integrationResponses") or {}, tried)
    if chosen is None:
        return problem(500, "Internal server error")
    sent = Mapping(text, mapping.params, mapping.context, mapping.stage)
    accepted = mapping.params["header"].get("accept", JSON_TYPE).split(",")[0].split(";")[0]
    template = _choose(chosen.get("responseTemplates"), accepted.strip(), fallback=True)
    body = text if template is None else render(template, sent)
    override = mapping.context.get("responseOverride") or {}
    headers = {"Content-Type": JSON_TYPE}
    for key, source in (chosen.get("responseParameters") or {}).items():
        value = _header_value(source, sent)
        if key.startswith(RESPONSE_HEADER) and value is not None:
            headers[key.removeprefix(RESPONSE_HEADER)] = value
    headers.update({str(k): str(v) for k, v in (override.get("header") or {}).items()})
    return int(override.get("status") or chosen.get("statusCode") or status), headers, body.encode()


def _response(responses: dict[str, Any], tried: str) -> dict[str, Any] | None:
    """By pattern on the status, or on a function's error message; else the one without pattern."""
    default = None
    for response in responses.values():
        pattern = response.get("selectionPattern")
        if not pattern:
            default = response
        elif tried and re.fullmatch(pattern, tried):
            return dict(response)
    return None if default is None else dict(default)


def _header_value(source: Any, sent: Mapping) -> str | None:
    written = str(source)
    if written.startswith("'"):
        return written.strip("'")
    if written.startswith("integration.response.body"):
        try:
            path = written.removeprefix("integration.response.body")
            found = follow(json.loads(sent.body), "$" + path)
        except ValueError:
            return None
        return None if found is None else str(found)
    if written.startswith("context."):
        found = follow(sent.context, "$." + written.removeprefix("context."))
        return None if found is None else str(found)
    return None


def _refuses(integration: dict[str, Any], templates: dict[str, str] | None) -> bool:
    """Whether a body of a type without a template is turned away instead of passed through."""
    behavior = integration.get("passthroughBehavior", "WHEN_NO_MATCH")
    return behavior == "NEVER" or (behavior == "WHEN_NO_TEMPLATES" and bool(templates))


def _choose(
    templates: dict[str, str] | None, content_type: str, fallback: bool = False
) -> str | None:
    """The template of a media type; an answer of another type falls back to the only one."""
    every = {key.split(";")[0].strip().lower(): value for key, value in (templates or {}).items()}
    only = next(iter(every.values())) if fallback and len(every) == 1 else None
    return every.get(content_type.lower(), only)
