"""An alias of a function chooses a version by its weights, and calls are counted by version.

Why: the engine calls the alias's own version every time, tells the function the version's ARN
where Lambda tells the alias's, and counts calls for the function alone.
"""

from __future__ import annotations

import contextvars
import random
from typing import Any

from .needs import need, replace

MODULE = "services.lambda_svc"
LATEST = "$LATEST"

#: while a function is read, an alias is its own version
_reading: contextvars.ContextVar[bool] = contextvars.ContextVar("tc_reading", default=False)
#: function and alias that a call named
_named: contextvars.ContextVar[tuple[str, str] | None] = contextvars.ContextVar(
    "tc_alias", default=None
)


def install() -> None:
    need(MODULE, "_functions")
    need(MODULE, "_func_arn", "name")
    need(MODULE, "_qp_first")
    need("services.cloudwatch", "record_metric", "namespace", "metric_name", "value", "unit")
    record = need(MODULE, "_effective_func_record_for_qualifier", "func", "qualifier")
    invoke = need(MODULE, "_invoke", "name", "event", "headers", "path_qualifier", "query_params")
    dispatch = need(
        MODULE, "_execute_function_dispatch", "func", "config", "event", "request_id", "started"
    )

    def weighed(func: Any, qualifier: str | None) -> Any:
        alias = ((func or {}).get("aliases") or {}).get(qualifier)
        if alias is None or _reading.get():
            return record(func, qualifier)
        found, config = record(func, choose(alias))
        return named(found, config, alias) if config else (found, config)

    async def invoke_weighed(
        name: str, event: Any, headers: Any, path_qualifier: Any = None, query_params: Any = None
    ) -> Any:
        from ministack.services import lambda_svc

        said = lambda_svc._qp_first
        asked = path_qualifier or said(query_params or {}, "Qualifier")
        asked = asked or said(headers, "x-amz-qualifier")
        alias = (lambda_svc._functions.get(name) or {}).get("aliases", {}).get(asked)
        if alias is None:
            return await invoke(name, event, headers, path_qualifier, query_params)
        token = _named.set((name, alias["AliasArn"]))
        try:
            return await invoke(name, event, headers, choose(alias), query_params)
        finally:
            _named.reset(token)

    def counted(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
        name, arn = _named.get() or ("", "")
        if arn and config.get("FunctionName") == name:
            config = {**config, "FunctionArn": arn}
            func = {**func, "config": config}
        token = _named.set(None)
        try:
            result = dispatch(func, config, event, request_id, started)
        finally:
            _named.reset(token)
        count(config, failed=bool(isinstance(result, dict) and result.get("error")))
        return result

    replace(MODULE, "_effective_func_record_for_qualifier", weighed)
    replace(MODULE, "_invoke", invoke_weighed)
    replace(MODULE, "_execute_function_dispatch", counted)
    for name in ("_get_function", "_get_function_config"):
        replace(MODULE, name, reading(need(MODULE, name, "name", "qualifier")))


def reading(read: Any) -> Any:
    def plain(name: str, qualifier: str | None = None) -> Any:
        token = _reading.set(True)
        try:
            return read(name, qualifier)
        finally:
            _reading.reset(token)

    return plain


def choose(alias: dict[str, Any]) -> str:
    """The version that this call of the alias goes to."""
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    rest = 1 - sum(weights.values())
    versions = [alias.get("FunctionVersion", LATEST), *weights]
    chosen = random.choices(versions, [max(rest, 0), *weights.values()])  # noqa: S311
    return str(chosen[0])


def named(found: dict[str, Any], config: dict[str, Any], alias: dict[str, Any]) -> Any:
    """The version as the alias calls it."""
    called = {**config, "FunctionArn": alias["AliasArn"]}
    return {**found, "config": called}, called


def count(config: dict[str, Any], *, failed: bool) -> None:
    """Lambda's metrics of a call by a version or an alias (of the function: the engine's own)."""
    from ministack.services import cloudwatch

    name, arn = config.get("FunctionName", ""), config.get("FunctionArn", "")
    qualifier = arn.split(":function:")[-1].partition(":")[2]
    if not qualifier:
        return
    version = str(config.get("Version") or LATEST)
    resource = {"FunctionName": name, "Resource": f"{name}:{qualifier}"}
    sets = [resource]
    if qualifier != version:
        sets.append({**resource, "ExecutedVersion": version})
    for dimensions in sets:
        cloudwatch.record_metric("AWS/Lambda", "Invocations", 1, "Count", dimensions)
        cloudwatch.record_metric("AWS/Lambda", "Errors", int(failed), "Count", dimensions)
