"""StartExecution and StartSyncExecution refuse and answer as Step Functions does, and whether
a flow is traced is remembered.

Why: the engine runs Standard flows with StartSyncExecution, which AWS refuses, takes an input that
isn't JSON, and gives a failed execution an output, so a route that passes on `output` would look
as if its flow had worked.
"""

from __future__ import annotations

import json
from typing import Any

from .needs import need, replace

TRACED = ("CreateStateMachine", "UpdateStateMachine")
PUBLISHES = "PublishStateMachineVersion"
HANDLER = ("method", "path", "headers", "body", "query_params")


def install() -> None:
    need("services.stepfunctions", "_state_machines")
    need("services.stepfunctions", "_state_machine_versions")
    need("services.stepfunctions", "_resolve_state_machine_arn", "arn")
    original = need("services.stepfunctions", "handle_request", *HANDLER)

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        sync = action == "StartSyncExecution"
        if sync or action == "StartExecution":
            refused = refuse(body, sync=sync)
            if refused is not None:
                return refused
        answer = await original(method, path, headers, body, query_params)
        if action in TRACED and answer[0] == 200:
            keep_tracing(body, answer[2])
        if action in ("DescribeStateMachine", *TRACED, PUBLISHES) and answer[0] == 200:
            return traced(*answer)
        return tidy(*answer) if sync else answer

    replace("services.stepfunctions", "handle_request", handle)


def keep_tracing(asked: bytes, answered: bytes) -> None:
    """DescribeStateMachine tells whether a flow is traced."""
    from ministack.services import stepfunctions

    given = json.loads(asked)
    arn = given.get("stateMachineArn") or json.loads(answered).get("stateMachineArn", "")
    if "tracingConfiguration" in given and arn in stepfunctions._state_machines:
        stepfunctions._state_machines[arn]["tracingConfiguration"] = given["tracingConfiguration"]


def traced(status: int, headers: Any, body: bytes) -> Any:
    """A version remembers whether the flow was traced when it was published, and tells it."""
    from ministack.services import stepfunctions

    answer = json.loads(body)
    versions = stepfunctions._state_machine_versions
    version = versions.get(answer.get("stateMachineVersionArn", ""))
    if version is not None:
        machine = stepfunctions._state_machines.get(version["stateMachineArn"]) or {}
        version["tracingConfiguration"] = dict(machine.get("tracingConfiguration") or {})
        return status, headers, body
    version = versions.get(answer.get("stateMachineArn", ""))
    if version is None or "tracingConfiguration" not in version:
        return status, headers, body
    told = {**answer, "tracingConfiguration": version["tracingConfiguration"]}
    return status, headers, json.dumps(told).encode()


def refuse(body: bytes, *, sync: bool) -> Any:
    """The error for what Step Functions refuses, None for what the engine may answer."""
    from ministack.services import stepfunctions

    error = need("core.responses", "error_response_json")
    try:
        asked = json.loads(body or b"{}")
    except ValueError:
        return error("SerializationException", "The request is not JSON", 400)
    try:
        json.loads(asked.get("input") or "{}")
    except ValueError as problem:
        text = f"Invalid State Machine Execution Input: '{problem}'"
        return error("InvalidExecutionInput", text, 400)
    base = stepfunctions._resolve_state_machine_arn(asked.get("stateMachineArn", ""))
    machine = stepfunctions._state_machines.get(base) if base else None
    if not sync or machine is None or machine.get("type", "STANDARD") == "EXPRESS":
        return None
    text = "This operation is not supported by this type of state machine"
    return error("StateMachineTypeNotSupported", text, 400)


def tidy(status: int, headers: Any, body: bytes) -> Any:
    answer = json.loads(body)
    if status == 200 and answer.get("status") != "SUCCEEDED":
        for name in ("output", "outputDetails"):
            answer.pop(name, None)
    return status, headers, json.dumps(answer).encode()
