"""Rules and schedules keep to their retry policy, and what can't be delivered goes to its queue.

Why: the engine tries a target once, forgets what it couldn't deliver, and runs a function once,
where Lambda runs one that failed twice more.
"""

from __future__ import annotations

import contextvars
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .needs import need, replace

MODULE = "services.eventbridge"
#: seconds before the first retry, which double; AWS takes longer
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
#: what EventBridge does where a target says nothing (PutTargets)
RETRIES, MAX_AGE_S = 185, 86_400


@dataclass(frozen=True)
class Failure:
    code: str
    message: str
    again: bool


_failure: contextvars.ContextVar[Failure | None] = contextvars.ContextVar("failure", default=None)


def install() -> None:
    invoke = need(MODULE, "_invoke_target", "target", "event", "rule", "view")
    need(MODULE, "_pattern_event_view", "event")
    need("services.sqs", "_queue_by_arn", "arn")
    need("services.lambda_svc", "invoke_async_with_retry", "func", "event")
    need("services.lambda_svc", "_get_func_record_for_ref", "function_ref")
    need("services.stepfunctions", "_resolve_state_machine_arn", "arn")
    need("core.arn", "parse_arn", "value")
    send = need(MODULE, "_dispatch_to_sqs", "spec", "payload", "sqs_parameters")
    start = need(MODULE, "_dispatch_to_stepfunctions", "arn", "payload")

    def to_queue(spec: Any, payload: str, sqs_parameters: Any = None) -> None:
        watched(str(spec), queue_there(str(spec)), lambda: send(spec, payload, sqs_parameters))

    def to_flow(arn: str, payload: str) -> None:
        watched(arn, flow_there(arn), lambda: start(arn, payload))

    def deliver(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        failure = attempt(invoke, target, event, rule, view)
        if failure:
            shape = (target, event, rule, view)
            again = contextvars.copy_context().run
            work = (again, follow_up, invoke, send, failure, *shape)
            threading.Thread(target=work[0], args=work[1:], daemon=True).start()

    replace(MODULE, "_dispatch_to_lambda", to_function, "arn", "payload")
    replace(MODULE, "_dispatch_to_sqs", to_queue)
    replace(MODULE, "_dispatch_to_stepfunctions", to_flow)
    replace(MODULE, "_invoke_target", deliver)


def watched(arn: str, there: bool, call: Callable[[], None]) -> None:
    """Does `call`, and keeps what went wrong: the engine swallows it."""
    if not there:
        _failure.set(Failure("NO_RESOURCE", f"{arn} does not exist", again=False))
        return
    try:
        call()
    except Exception as error:
        _failure.set(Failure("INTERNAL_ERROR", f"{type(error).__name__}: {error}", again=True))


def to_function(arn: str, payload: str) -> None:
    from ministack.services import lambda_svc

    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    there = bool(function and config)

    def invoke() -> None:
        record = lambda_svc._execution_record_for_config(function, config)
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))

    watched(arn, there, invoke)


def queue_there(arn: str) -> bool:
    from ministack.services import sqs

    return bool(sqs._queue_by_arn(arn))


def flow_there(arn: str) -> bool:
    from ministack.services import stepfunctions

    return stepfunctions._resolve_state_machine_arn(arn) is not None


def attempt(invoke: Any, target: Any, event: Any, rule: Any, view: Any) -> Failure | None:
    _failure.set(None)
    invoke(target, event, rule, view)
    return _failure.get()


def follow_up(
    invoke: Any, send: Any, failure: Failure, target: Any, event: Any, rule: Any, view: Any
) -> None:
    """Tries again as long as that may help, then puts the event where its rule says."""
    policy = target.get("RetryPolicy") or {}
    retries = policy.get("MaximumRetryAttempts", RETRIES)
    end = time.monotonic() + policy.get("MaximumEventAgeInSeconds", MAX_AGE_S)
    tried, pause = 0, FIRST_PAUSE_S
    while failure.again and tried < retries and time.monotonic() + pause < end:
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)
        tried += 1
        found = attempt(invoke, target, event, rule, view)
        if found is None:
            return
        failure = found
    arn = (target.get("DeadLetterConfig") or {}).get("Arn")
    if arn and queue_there(arn):
        bury(send, arn, failure, tried, target, event, rule)


def bury(
    send: Any, arn: str, failure: Failure, tried: int, target: Any, event: Any, rule: Any
) -> None:
    """The event as a message, with what EventBridge tells of its failure as attributes."""
    from ministack.core.arn import parse_arn
    from ministack.services import eventbridge, sqs

    payload = json.dumps(eventbridge._pattern_event_view(event).event_with_detail())
    send(parse_arn(arn), payload)
    told = {
        "RULE_ARN": rule.get("Arn", ""),
        "TARGET_ARN": target.get("Arn", ""),
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": failure.message,
        "RETRY_ATTEMPTS": str(tried),
    }
    if failure.again:
        told["EXHAUSTED_RETRY_CONDITION"] = "MaximumRetryAttempts"
    message = sqs._queue_by_arn(arn)["messages"][-1]
    message["message_attributes"] = {
        name: {"DataType": "String", "StringValue": text} for name, text in told.items() if text
    }
