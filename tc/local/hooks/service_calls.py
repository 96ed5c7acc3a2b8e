"""Calls of API Gateway's integrations into the engine's other services, as if over the network."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from .needs import need

Answer = tuple[int, dict[str, str], bytes]

TARGETS = {
    "states": ("services.stepfunctions", "AWSStepFunctions"),
    "events": ("services.eventbridge", "AWSEvents"),
}
HANDLER = ("method", "path", "headers", "body", "query_params")


def check() -> None:
    for module, _ in (*TARGETS.values(), ("services.sqs", "")):
        need(module, "handle_request", *HANDLER)
    need("services.lambda_svc", "_get_func_record_for_ref_in_scope", "function_ref")
    need("services.lambda_svc", "_execution_record_for_config", "func", "config")


async def json_call(service: str, action: str, body: str) -> tuple[int, str]:
    """An action of Step Functions ("states") or EventBridge ("events"): status and JSON text."""
    module, prefix = TARGETS[service]
    headers = {"x-amz-target": f"{prefix}.{action}", "content-type": "application/x-amz-json-1.0"}
    handle = need(module, "handle_request")
    status, _, answer = await handle("POST", "/", headers, body.encode(), {})
    return status, answer.decode()


async def send_message(url: str, fields: dict[str, str]) -> tuple[int, str]:
    """SQS SendMessage over its query protocol: status and XML text, which is what AWS passes on."""
    form = {"Action": "SendMessage", "Version": "2012-11-05", "QueueUrl": url, **fields}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    handle = need("services.sqs", "handle_request")
    status, _, answer = await handle("POST", "/", headers, urlencode(form).encode(), {})
    return status, answer.decode()


def problem(status: int, message: str) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode()


def text_of(value: Any) -> str:
    """A selected value as the parameter of a call: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
