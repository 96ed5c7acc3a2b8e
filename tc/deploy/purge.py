"""Things that hold data go only with ``--purge``."""

from __future__ import annotations

from dataclasses import replace

from tc.components import by_kind
from tc.components.protocol import Aws
from tc.errors import TcError
from tc.plan.resource import Action, Plan, Step


def spare_data(plan: Plan, aws: Aws, *, purge: bool) -> Plan:
    """`plan` with what holds data kept, and said so, or purged where that is asked for.

    Raises TcError when such a thing would have to be made anew, which loses its data.
    """
    components = by_kind()
    at_risk = [
        step
        for step in plan.steps
        if step.action in (Action.DELETE, Action.REPLACE) and components[step.kind].TRAITS.holds
    ]
    if not at_risk:
        return plan
    if purge:
        chosen = {step.key: _purged(step) for step in at_risk}
    else:
        found = aws.map(lambda step: (step, _held(aws, step)), at_risk)
        holding = [(step, what) for step, what in found if what]
        replaced = [(step, what) for step, what in holding if step.action is Action.REPLACE]
        if replaced:
            raise _would_lose(replaced)
        chosen = {step.key: replace(step, action=Action.KEEP, held=what) for step, what in holding}
    kept = {key for key, step in chosen.items() if step.action is Action.KEEP}
    steps = tuple(_alone(chosen.get(step.key, step), kept) for step in plan.steps)
    going = {step.key for step in steps if step.action is not Action.KEEP}
    return replace(plan, steps=tuple(_without(step, going) for step in _with_needed(steps, chosen)))


def _held(aws: Aws, step: Step) -> str:
    holds = by_kind()[step.kind].TRAITS.holds
    assert holds
    assert step.actual
    return holds(aws, step.actual)


def _purged(step: Step) -> Step:
    assert step.actual
    outputs = {**step.actual.outputs, "purge": "true"}
    return replace(step, actual=replace(step.actual, outputs=outputs))


def _with_needed(steps: tuple[Step, ...], kept: dict[str, Step]) -> list[Step]:
    """What a kept thing cannot be without (its role) stays with it."""
    needed = {
        need
        for step in kept.values()
        if step.action is Action.KEEP and step.actual
        for need in step.actual.needs
    }
    return [
        replace(step, action=Action.KEEP)
        if step.key in needed and step.action is Action.DELETE
        else step
        for step in steps
    ]


def _alone(step: Step, kept: set[str]) -> Step:
    """What would have gone with a thing that is kept goes by itself."""
    return replace(step, within=None) if step.within in kept else step


def _without(step: Step, going: set[str]) -> Step:
    """The step waits only for what is still done."""
    return replace(step, needs=tuple(need for need in step.needs if need in going))


def _would_lose(replaced: list[tuple[Step, str]]) -> TcError:
    lines = [
        f"{step.kind} {step.title} holds {what}; "
        f"`{step.changes[0].path if step.changes else 'this'}` can't be changed in place"
        for step, what in replaced
    ]
    return TcError(
        "data would be lost:\n  " + "\n  ".join(lines),
        code="holds-data",
        hint="keep the field as it is, or add `--purge` to lose the data",
    )
