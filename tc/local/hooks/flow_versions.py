"""Executions of a version of a flow run that version, and an alias chooses one by its weights.

Why: the engine runs the flow as it is now whatever version is named, takes the heaviest version of
an alias every time, knows no alias in StartSyncExecution, and keeps the aliases of flows that were
deleted. ListExecutions and DescribeExecution don't tell the version, and Step Functions' metrics
are missing.
"""

from __future__ import annotations

import contextvars
import json
import random
import types
from typing import Any

from .needs import EngineMismatch, need, replace

MODULE = "services.stepfunctions"
#: where an execution keeps what it was started by
VERSION, ALIAS = "stateMachineVersionArn", "stateMachineAliasArn"
PAGE = 1000
ENDED = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}

_named: contextvars.ContextVar[dict[str, str] | None] = contextvars.ContextVar(
    "tc_flow_version", default=None
)


def install() -> None:
    for name in ("_state_machines", "_state_machine_versions", "_state_machine_aliases"):
        need(MODULE, name)
    need(MODULE, "_executions")
    need("services.cloudwatch", "record_metric", "namespace", "metric_name", "value", "unit")
    start = need(MODULE, "_start_execution", "data")
    start_sync = need(MODULE, "_start_sync_execution", "data")
    run = need(MODULE, "_run_execution", "exec_arn")
    if "_state_machines" not in run.__code__.co_names:
        raise EngineMismatch(f"{MODULE}._run_execution finds its flow elsewhere")
    describe = need(MODULE, "_describe_execution", "data")
    listed = need(MODULE, "_list_executions", "data")

    def run_version(exec_arn: str) -> None:
        from ministack.services import stepfunctions

        named = _named.get()
        execution = stepfunctions._executions.get(exec_arn)
        if named and execution:
            execution.update(named)
            of_version(run, execution)(exec_arn)
        else:
            run(exec_arn)
        if execution:
            count(execution)

    def describe_version(data: dict[str, Any]) -> Any:
        from ministack.services import stepfunctions

        execution = stepfunctions._executions.get(data.get("executionArn"))
        return with_fields(describe(data), told(execution))

    delete = need(MODULE, "_delete_state_machine", "data")
    replace(MODULE, "_delete_state_machine", lambda data: deleted(delete, data))
    replace(MODULE, "_start_execution", lambda data: started(start, data), "data")
    replace(MODULE, "_start_sync_execution", lambda data: started(start_sync, data), "data")
    replace(MODULE, "_run_execution", run_version)
    replace(MODULE, "_describe_execution", describe_version)
    replace(MODULE, "_list_executions", lambda data: list_executions(listed, data))


def deleted(delete: Any, data: dict[str, Any]) -> Any:
    """A flow goes with its versions and aliases."""
    from ministack.services import stepfunctions

    answer = delete(data)
    arn = data.get("stateMachineArn", "")
    if arn not in stepfunctions._state_machines:
        for kept in (stepfunctions._state_machine_versions, stepfunctions._state_machine_aliases):
            for key in [key for key in list(kept) if key.rpartition(":")[0] == arn]:
                kept.pop(key, None)
    return answer


def chosen(arn: str) -> dict[str, str]:
    """The version, and the alias, that an execution of `arn` is started by; empty for neither."""
    from ministack.services import stepfunctions

    if arn in stepfunctions._state_machine_versions:
        return {VERSION: arn}
    alias = stepfunctions._state_machine_aliases.get(arn)
    routes = (alias or {}).get("routingConfiguration") or []
    if not routes:
        return {}
    weights = [route.get("weight", 0) for route in routes]
    route = random.choices(routes, weights)[0]  # noqa: S311
    return {VERSION: route["stateMachineVersionArn"], ALIAS: arn}


def started(start: Any, data: dict[str, Any]) -> Any:
    """Starts the flow that a version or an alias belongs to, and keeps which one it was."""
    from ministack.services import stepfunctions

    named = chosen(data.get("stateMachineArn", ""))
    version = stepfunctions._state_machine_versions.get(named.get(VERSION, ""))
    token = _named.set(named if version else None)
    try:
        if version is None:
            return start(data)
        answer = start({**data, "stateMachineArn": version["stateMachineArn"]})
    finally:
        _named.reset(token)
    execution = stepfunctions._executions.get(json.loads(answer[2]).get("executionArn"))
    if execution:
        execution.update(named)
    return answer


def machine_of(execution: dict[str, Any]) -> dict[str, Any] | None:
    """What the execution runs: its version, else the flow as it is now."""
    from ministack.services import stepfunctions

    arn = execution.get(VERSION) or (_named.get() or {}).get(VERSION, "")
    machine = stepfunctions._state_machines.get(execution.get("stateMachineArn", ""))
    version = stepfunctions._state_machine_versions.get(arn)
    return {**machine, **version} if machine and version else machine


def of_version(run: Any, execution: dict[str, Any]) -> Any:
    """`run`, to which the execution's version is the flow: the engine's function looks its flow
    up by a name of its module."""
    machines = {execution["stateMachineArn"]: machine_of(execution)}
    return types.FunctionType(run.__code__, {**run.__globals__, "_state_machines": machines})


def told(execution: dict[str, Any] | None) -> dict[str, str]:
    return {name: one for name, one in (execution or {}).items() if name in (VERSION, ALIAS)}


def with_fields(answer: Any, more: dict[str, str]) -> Any:
    status, headers, body = answer
    if status != 200 or not more:
        return answer
    return status, headers, json.dumps({**json.loads(body), **more}).encode()


def list_executions(listed: Any, data: dict[str, Any]) -> Any:
    """ListExecutions, of a version or an alias too."""
    from ministack.services import stepfunctions

    arn = data.get("stateMachineArn", "")
    by = VERSION if arn in stepfunctions._state_machine_versions else ALIAS
    one = by == VERSION or arn in stepfunctions._state_machine_aliases
    whole = {**data, "stateMachineArn": arn.rpartition(":")[0], "maxResults": PAGE}
    status, headers, body = listed(whole if one else data)
    if status != 200:
        return status, headers, body
    answer = json.loads(body)
    answer["executions"] = [known(item) for item in answer["executions"]]
    if one:
        wanted = [item for item in answer["executions"] if item.get(by) == arn]
        answer = {"executions": wanted[: int(data.get("maxResults") or PAGE)]}
    return status, headers, json.dumps(answer).encode()


def known(item: dict[str, Any]) -> dict[str, Any]:
    from ministack.services import stepfunctions

    return {**item, **told(stepfunctions._executions.get(item["executionArn"]))}


def count(execution: dict[str, Any]) -> None:
    """Step Functions' metrics of an execution that has ended, of its version too."""
    from ministack.services import cloudwatch

    flow = {"StateMachineArn": execution["stateMachineArn"]}
    sets = [flow]
    if VERSION in execution:
        sets.append({**flow, "Version": execution[VERSION].rpartition(":")[2]})
    if ALIAS in execution:
        sets.append({**flow, "Alias": execution[ALIAS].rpartition(":")[2]})
    for dimensions in sets:
        cloudwatch.record_metric("AWS/States", "ExecutionsStarted", 1, "Count", dimensions)
        ended = ENDED.get(execution["status"])
        if ended:
            cloudwatch.record_metric("AWS/States", ended, 1, "Count", dimensions)
