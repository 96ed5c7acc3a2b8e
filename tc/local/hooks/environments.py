"""Functions run in environments of our own instead of the engine's workers.

Why: the engine's workers report every failure as `Runtime.HandlerError` (no `Catch: [ValueError]`
of a flow would ever match), throw the process away after each, run every Python on the engine's
own interpreter among the engine's packages, hand its whole environment to handlers, and don't run
Ruby. This hook keeps the engine's pool (leases, reaping, invalidation on new code) and replaces
what is in it: `Environment` has the attributes that the pool touches.
"""

from __future__ import annotations

import logging
from typing import Any

from .environment import LIVE, TREES, Environment
from .needs import need, replace
from .node_sdk import check_node_sdk

logger = logging.getLogger("tc.environments")


def install() -> None:
    for name in ("acquire_worker", "release_worker", "invalidate_worker", "kill_workers", "reset"):
        need("core.lambda_runtime", name)
    need("core.lambda_runtime", "execution_credentials", "config")
    need("core.lambda_runtime", "_account_region_from_function_config", "config")
    for name in ("_ensure_reaper_thread", "_durable_env_overlay", "_invoke_depth"):
        need("services.lambda_svc", name)
    need("services.lambda_svc", "_xray_trace_id_for_invocation", "config")
    need("services.lambda_svc", "_resolve_layer_zip", "attachment")
    check_node_sdk()
    original = need("core.lambda_runtime", "_worker_class_for", "config")

    def worker_class(config: dict[str, Any]) -> Any:
        own_binary = str(config.get("Runtime", "")).startswith("provided")
        return original(config) if own_binary else Environment

    replace("core.lambda_runtime", "_worker_class_for", worker_class, "config")
    shape = ("func", "event", "request_id")
    replace("services.lambda_svc", "_execute_function_warm", execute, *shape)
    docker = need("services.lambda_svc", "_execute_function_docker", *shape)

    def elsewhere(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        """The engine sends what isn't Python, Node.js or `provided` to containers."""
        config = func.get("config") or func
        if config.get("PackageType") == "Image":
            return dict(docker(func, event, request_id))
        return execute(func, event, request_id)

    replace("services.lambda_svc", "_execute_function_docker", elsewhere, *shape)
    old_depth = need("services.lambda_svc", "_inbound_invoke_depth", "headers")

    def depth(headers: dict[str, str]) -> int:
        return max(int(old_depth(headers)), lineage(headers.get("x-amzn-trace-id", "")))

    replace("services.lambda_svc", "_inbound_invoke_depth", depth, "headers")


def close() -> None:
    """End every environment and remove what they left on disk."""
    for environment in list(LIVE):
        environment.end()
    TREES.remove()


def lineage(trace: str) -> int:
    """How many functions called one another to get here: SDKs pass on the header they are given."""
    for field in trace.replace("%3B", ";").replace("%3D", "=").replace("%3A", ":").split(";"):
        key, _, value = field.partition("=")
        count = value.rpartition(":")[2]
        if key == "Lineage" and count.isdigit():
            return int(count)
    return 0


def execute(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
    """One invocation, in the shape that the engine's executors answer in."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    config = func.get("config") or func
    code = func.get("code_zip")
    if not code:
        return failure("Runtime.InvalidEntrypoint", "The function has no code.", request_id)
    name, version = config["FunctionName"], config.get("Version") or "$LATEST"
    lambda_svc._ensure_reaper_thread()
    worker, _ = lambda_runtime.acquire_worker(name, config, code, qualifier=version)
    try:
        return invoke(worker, config, event, request_id)
    except Exception as error:
        logger.exception("invocation of %s failed in the engine", name)
        account, region = lambda_runtime._account_region_from_function_config(config)
        lambda_runtime.invalidate_worker(name, qualifier=version, account=account, region=region)
        return failure("Runtime.Unknown", f"The engine failed: {error}", request_id)
    finally:
        lambda_runtime.release_worker(worker)


def invoke(
    worker: Environment, config: dict[str, Any], event: Any, request_id: str
) -> dict[str, Any]:
    from ministack.services import lambda_svc

    result = worker.invoke(
        event,
        request_id,
        trace_id=lambda_svc._xray_trace_id_for_invocation(config),
        invoked_function_arn=config.get("FunctionArn", ""),
        depth=lambda_svc._invoke_depth.get(),
        durable=lambda_svc._durable_env_overlay(),
    )
    if result["status"] == "ok":
        return {"body": result["result"], "log": result["log"]}
    return {"body": result["error_payload"], "error": True, "log": result["log"]}


def failure(kind: str, message: str, request_id: str) -> dict[str, Any]:
    body = {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {message}"}
    return {"body": body, "error": True, "log": ""}
