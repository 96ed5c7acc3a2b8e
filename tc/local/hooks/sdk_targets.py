"""Schedules that call an API themselves: UpdateAlias of Lambda and of Step Functions.

Why: the engine starts what templated targets start, and nothing for `aws-sdk` ones.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from .needs import need

PREFIX = "arn:aws:scheduler:::aws-sdk:"
logger = logging.getLogger("scheduler")


def install() -> None:
    need("services.lambda_svc", "_update_alias", "func_name", "alias_name", "data")
    need("services.stepfunctions", "_update_state_machine_alias", "data")


def call(target: dict[str, Any]) -> None:
    """Does what the target says; a call that is refused is logged, as nobody waits for it."""
    from ministack.services import lambda_svc, stepfunctions

    action = target["Arn"].removeprefix(PREFIX)
    given = json.loads(target.get("Input") or "{}")
    if action == "lambda:updateAlias":
        name = given["FunctionName"].rpartition(":")[2]
        answer = lambda_svc._update_alias(name, given["Name"], given)
    elif action == "sfn:updateStateMachineAlias":
        answer = stepfunctions._update_state_machine_alias(lowered(given))
    else:
        logger.error("a schedule can't call %s here", action)
        return
    if answer[0] >= 400:
        logger.error("%s was refused: %s", action, answer[2])


def lowered(value: Any) -> Any:
    """Parameters as Step Functions takes them; Scheduler has every name with a capital."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: lowered(one) for name, one in value.items()}
    return [lowered(one) for one in value] if isinstance(value, list) else value
