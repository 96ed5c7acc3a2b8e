"""Old published versions of functions and flows: which stay, and which go after a deploy.

The newest stay, as many as config.yml says, and every version that something may still call:
what an alias names, what an execution runs, and of functions what a flow that stays names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tc.components import flow_version, version
from tc.components.protocol import Aws, Outputs
from tc.deploy.walk import Outcome
from tc.errors import TcError
from tc.events import Emit, Event
from tc.plan.resource import Action, Plan, Step

#: a version of a function in a definition: the function's name, and the number
_NAMED = re.compile(r"([A-Za-z0-9_-]+):(\d+)\Z")
#: executions in a page (ListExecutions)
_PAGE = 1000
#: the flow that is live and the one before stay, whatever is said
_FEWEST = 2


def prune(plan: Plan, outcome: Outcome, aws: Aws, emit: Emit, keep: int) -> None:
    """Deletes what is old now that `plan` is done: of each function and flow that a version
    was published of, all but the newest `keep` and those that may still be called.

    What can't be deleted is told as a warning; it is tried again after the next deploy.
    """
    published = [step for step in plan.work if step.action is Action.CREATE]
    try:
        old = _old_functions(published, aws, keep)
        flows = [step for step in published if step.kind == flow_version.KIND]
        if not old and not flows:
            return
        kept = _prune_flows(plan, outcome.outputs, flows, aws, keep, look=bool(old))
        gone = aws.map(lambda name: version.drop(aws, name, old[name] - kept.get(name, set())), old)
    except TcError as error:
        text = f"old versions are left: {error.message}"
        emit(Event("warning", text, {"code": error.code, "message": text, "hint": error.hint}))
        return
    if count := sum(gone):
        emit(Event("versions.pruned", f"Deleted {count} old versions", {"count": count}))


def _old_functions(steps: list[Step], aws: Aws, keep: int) -> dict[str, set[int]]:
    """By function of which a version was published, the numbers that are too old."""
    names = [step.name for step in steps if step.kind == version.KIND]
    listed = aws.map(lambda name: (name, version.published(aws, name)), names)
    return {name: set(numbers[:-keep]) for name, numbers in listed if len(numbers) > keep}


def _prune_flows(
    plan: Plan,
    outputs: Mapping[str, Outputs],
    published: list[Step],
    aws: Aws,
    keep: int,
    *,
    look: bool,
) -> dict[str, set[int]]:
    """Deletes old versions of the flows in `published`; with `look`, tells what versions of
    functions all the flows that stay name."""
    made = {step.key for step in published}
    flows = [step for step in plan.steps if step.kind == flow_version.KIND and step.resource]
    kept: dict[str, set[int]] = {}
    for step in flows if look else published:
        live = outputs[step.key]
        every = flow_version.published(aws, live["flow"])
        newest = every[: max(keep, _FEWEST)]
        if len(every) == len(newest) and not look:
            continue
        staying = {*newest, live["arn"], *_running(aws, live["flow"], plan)}
        for text in aws.map(lambda arn: _definition(aws, arn), sorted(staying & {*every})):
            for function, number in _named(text):
                kept.setdefault(function, set()).add(number)
        if step.key in made:
            flow_version.drop(aws, [arn for arn in every if arn not in staying])
    return kept


def _running(aws: Aws, flow: str, plan: Plan) -> Iterator[str]:
    """The versions that executions run now. Those of an Express flow end within five minutes
    (a quota), and are not listed: what it ran before is among the newest."""
    modes = {
        step.resource.payload["arn"]: step.resource.props["mode"]
        for step in plan.steps
        if step.kind == "flow" and step.resource
    }
    if modes.get(flow) != "Standard":
        return
    for one in aws.pages(
        "stepfunctions",
        "list_executions",
        "executions",
        stateMachineArn=flow,
        statusFilter="RUNNING",
        PaginationConfig={"PageSize": _PAGE},
    ):
        if arn := one.get("stateMachineVersionArn"):
            yield arn


def _definition(aws: Aws, arn: str) -> Any:
    props = flow_version.described(aws, arn)
    return props["definition"] if props else {}


def _named(value: Any) -> Iterator[tuple[str, int]]:
    """The versions of functions in a definition."""
    if isinstance(value, str):
        if match := _NAMED.search(value):
            yield match[1], int(match[2])
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _named(one)
    elif isinstance(value, list):
        for one in value:
            yield from _named(one)
