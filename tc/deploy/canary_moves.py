"""The aliases that a switch moves, and what their weights are in the words of AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tc.components.protocol import Aws
from tc.plan.changes import resolve
from tc.plan.resource import Action, Plan, Step
from tc.records import dataclass
from tc.spec.function import ALIAS

#: kinds of aliases
FUNCTION, FLOW = "alias", "flow alias"


@dataclass(frozen=True, slots=True)
class Move:
    """An alias that goes from version `before` to `after`: numbers of a function's versions,
    ARNs of a flow's. `name` is the function's, or the ARN of the flow's alias; `arn` that of
    the function, or of the flow."""

    step: Step
    name: str
    arn: str
    before: str
    after: str

    @property
    def of_flow(self) -> bool:
        return self.step.kind == FLOW

    @property
    def title(self) -> str:
        """``flow etl_stable``, ``function etl_load_stable``"""
        kind = "flow" if self.of_flow else "function"
        return f"{kind} {self.step.title.removesuffix(f':{ALIAS}')}"

    def weights(self, percent: int) -> dict[str, float]:
        """What the alias says of the other version, as its `read` has it: a share of one
        (Lambda), or percent (Step Functions)."""
        return {self.after: percent if self.of_flow else percent / 100}


def moves_of(plan: Plan) -> list[Move]:
    """The aliases of `plan` that go from one version to another."""
    found = []
    for step in plan.work:
        if step.kind not in (FUNCTION, FLOW) or step.action is not Action.UPDATE:
            continue
        assert step.resource
        assert step.actual
        after = resolve(step.resource.props["version"], plan.outputs)
        before = str(step.actual.props["version"])
        if isinstance(after, str) and after != before:
            of_flow = step.kind == FLOW
            outputs = step.actual.outputs
            name = outputs["arn"] if of_flow else outputs["function"]
            arn = outputs["flow"] if of_flow else outputs["function_arn"]
            found.append(Move(step, name, arn, before, after))
    return found


def put_weight(aws: Aws, move: Move, percent: int) -> None:
    """`percent` of the calls to the new version."""
    _update(aws, move, weighted(move, percent))


def give_back(aws: Aws, move: Move) -> None:
    """Every call to the version before."""
    _update(aws, move, whole(move))


def weighted(move: Move, percent: int) -> dict[str, Any]:
    if not move.of_flow:
        return _function(move, {move.after: percent / 100})
    routes = [_route(move.before, 100 - percent), _route(move.after, percent)]
    return {"stateMachineAliasArn": move.name, "routingConfiguration": routes}


def whole(move: Move) -> dict[str, Any]:
    """The call that gives the alias back, as Lambda and Step Functions take it."""
    if not move.of_flow:
        return _function(move, {})
    routes = [_route(move.before, 100)]
    return {"stateMachineAliasArn": move.name, "routingConfiguration": routes}


def _function(move: Move, weights: Mapping[str, float]) -> dict[str, Any]:
    return {
        "FunctionName": move.name,
        "Name": ALIAS,
        "FunctionVersion": move.before,
        "RoutingConfig": {"AdditionalVersionWeights": dict(weights)},
    }


def _route(version: str, weight: int) -> dict[str, Any]:
    return {"stateMachineVersionArn": version, "weight": weight}


def _update(aws: Aws, move: Move, given: dict[str, Any]) -> None:
    service, operation = (
        ("stepfunctions", "update_state_machine_alias")
        if move.of_flow
        else ("lambda", "update_alias")
    )
    aws.insist(move.title, lambda: aws.call(service, operation, **given))
