"""tc changes and deletes only what is its own."""

from __future__ import annotations

from tc.errors import TcError
from tc.plan.resource import Action, Plan, Step


class Conflict(TcError):
    """Things of the right names belong to somebody else; nothing was changed."""

    def __init__(self, steps: list[Step]):
        lines = [f"{step.kind} {step.name}: {_whose(step)}" for step in steps]
        super().__init__(
            f"{len(steps)} thing{'s' if len(steps) != 1 else ''} of this sandbox's names "
            "exist and don't belong to it:\n  " + "\n  ".join(lines),
            code="not-owned",
            hint="choose another sandbox name, remove them, or take them over with `--adopt`",
        )


def refuse_foreign(plan: Plan) -> None:
    """Raises `Conflict` when the plan would touch what isn't the sandbox's.

    A thing that would stay as it is counts too: its name is taken.
    """
    foreign = [step for step in plan.steps if _foreign(step)]
    if foreign:
        raise Conflict(foreign)


def _foreign(step: Step) -> bool:
    if step.resource is None or step.actual is None or step.action is Action.CREATE:
        return False
    if not step.resource.owner:
        return any(change.path == "protocol" for change in step.changes)
    return step.actual.owner != step.resource.owner


def _whose(step: Step) -> str:
    if step.changes and step.resource and not step.resource.owner:
        change = step.changes[0]
        return f"its {change.path} is {change.before}, the topology needs {change.after}"
    owner = step.actual.owner if step.actual else ""
    return f"it belongs to {owner}" if owner else "it has no mark of tc"
