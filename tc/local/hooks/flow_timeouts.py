"""`TimeoutSeconds` of a whole flow ends its executions.

Why: the engine keeps that of a state only.
"""

from __future__ import annotations

import contextvars
import json
import threading
from typing import Any

from .flow_versions import machine_of
from .needs import need, replace

MODULE = "services.stepfunctions"


def install() -> None:
    for name in ("_executions", "_state_machines"):
        need(MODULE, name)
    need(MODULE, "_emit_execution_status_event", "execution")
    need(MODULE, "_add_event", "execution", "event_type", "details")
    run = need(MODULE, "_run_execution", "exec_arn")
    fail = need(MODULE, "_fail_execution", "execution", "error", "cause")

    def run_in_time(exec_arn: str) -> None:
        seconds = timeout_of(exec_arn)
        if seconds is None:
            run(exec_arn)
            return
        scope = contextvars.copy_context()
        work = threading.Thread(target=scope.run, args=(run, exec_arn), daemon=True)
        work.start()
        work.join(seconds)
        if work.is_alive():
            time_out(exec_arn)

    def fail_in_time(execution: dict[str, Any], error: str, cause: str) -> None:
        """What fails after the end changes nothing."""
        if execution["status"] != "TIMED_OUT":
            fail(execution, error, cause)

    replace(MODULE, "_run_execution", run_in_time)
    replace(MODULE, "_fail_execution", fail_in_time)


def timeout_of(exec_arn: str) -> float | None:
    """The seconds that the execution may take; None where its flow says nothing."""
    from ministack.services import stepfunctions

    machine = machine_of(stepfunctions._executions.get(exec_arn) or {}) or {}
    try:
        seconds = json.loads(machine.get("definition", "{}")).get("TimeoutSeconds")
    except (ValueError, AttributeError):
        return None
    return seconds if isinstance(seconds, int | float) else None


def time_out(exec_arn: str) -> None:
    from ministack.core.responses import now_iso
    from ministack.services import stepfunctions

    execution = stepfunctions._executions.get(exec_arn)
    if execution is None or execution["status"] != "RUNNING":
        return
    execution["status"] = "TIMED_OUT"
    execution["error"] = "States.Timeout"
    execution["cause"] = "the flow's TimeoutSeconds have passed"
    execution["stopDate"] = now_iso()
    details = {"error": "States.Timeout", "cause": execution["cause"]}
    stepfunctions._add_event(
        execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": details}
    )
    stepfunctions._emit_execution_status_event(execution)
