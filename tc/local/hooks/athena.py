"""Athena queries run on DuckDB or not at all, and flows can start them and wait.

Why: without DuckDB the engine makes results up, and its flows don't know
`athena:startQueryExecution`.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from typing import Any

from .needs import need, replace

HANDLER = ("method", "path", "headers", "body", "query_params")
RESOURCE = "arn:aws:states:::athena:startQueryExecution"
MISSING = "the local engine has no DuckDB, so it runs no queries; try this on AWS"
PAUSE = 0.1


def install() -> None:
    need("services.athena", "get_athena_engine")
    need("services.stepfunctions", "_ExecutionError")
    error = need("core.responses", "error_response_json")
    original = need("services.athena", "handle_request", *HANDLER)
    dispatch: dict[str, Any] = need("services.stepfunctions", "_SERVICE_DISPATCH")

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        from ministack.services import athena

        starts = headers.get("x-amz-target", "").endswith(".StartQueryExecution")
        if starts and athena.get_athena_engine() != "duckdb":
            return error("InvalidRequestException", MISSING, 400)
        return await original(method, path, headers, body, query_params)

    replace("services.athena", "handle_request", handle)
    dispatch[RESOURCE] = start


def start(resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The task's result: of the query with `.sync`, its id without."""
    if resource.endswith(".sync"):
        return asyncio.run(finish(arguments))
    started: list[dict[str, Any]] = []
    ready = threading.Event()
    scope = contextvars.copy_context()

    def run() -> None:
        asyncio.run(finish(arguments, started, ready))

    threading.Thread(target=scope.run, args=(run,), daemon=True).start()
    ready.wait()
    if "failed" in started[0]:
        fail(started[0]["failed"])
    return started[0]


async def finish(
    arguments: dict[str, Any],
    started: list[dict[str, Any]] | None = None,
    ready: threading.Event | None = None,
) -> dict[str, Any]:
    """Starts a query and stays until it has ended: it runs in this loop."""
    status, answer = await call("StartQueryExecution", arguments)
    if started is not None and ready is not None:
        started.append(answer if status == 200 else {"failed": answer.get("message", "")})
        ready.set()
        if status != 200:
            return answer
    elif status != 200:
        fail(answer.get("message", ""))
    asked = {"QueryExecutionId": answer["QueryExecutionId"]}
    while True:
        _, found = await call("GetQueryExecution", asked)
        state = found["QueryExecution"]["Status"]["State"]
        if state == "SUCCEEDED":
            return found
        if state in ("FAILED", "CANCELLED"):
            if started is None:
                fail(json.dumps(found["QueryExecution"]), "States.TaskFailed")
            return found
        await asyncio.sleep(PAUSE)


async def call(action: str, arguments: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    handler = need("services.athena", "handle_request")
    headers = {"x-amz-target": f"AmazonAthena.{action}"}
    status, _, body = await handler("POST", "/", headers, json.dumps(arguments).encode(), {})
    return status, json.loads(body)


def fail(cause: str, error: str = "Athena.InvalidRequestException") -> None:
    from ministack.services import stepfunctions

    raise stepfunctions._ExecutionError(error, cause)
