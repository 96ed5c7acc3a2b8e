"""How a stable sandbox goes live: prepare beside what runs, check, switch, clear away.

Aliases move and entry points change only when everything else is done whole, so a failure
before that leaves what runs as it is; removals wait until the switch is done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tc.components import by_kind
from tc.components.function_settings import wait_until_ready
from tc.components.protocol import Aws, Switch
from tc.components.role import POLICY_LIMIT
from tc.deploy.canary_guard import left_over, withdraw
from tc.deploy.canary_moves import moves_of
from tc.deploy.walk import Outcome, failure, walk
from tc.errors import TcError
from tc.events import Emit, Event
from tc.plan.resource import Action, Change, Plan, Step
from tc.records import dataclass

Walk = Callable[[Plan, Aws, Emit], Outcome]

#: seconds for what a role may do to be in force everywhere ("Changes that I make are not always
#: immediately visible", IAM user guide, names none; that is enough by far in most cases)
_SPREAD_S = 10.0
#: the field of roles and queues that says who may do what
_POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Phases:
    """A plan in three, each walked only when the one before has succeeded whole.

    `prepare` makes new things beside what runs, `switch` moves aliases and changes entry points
    (see `Traits.switch`), `after` takes away what is gone. What takes a part away of what it
    gives (a role's statements, see `Traits.gives`) is in `prepare` with the old and the new,
    and in `after` with the new alone.
    """

    prepare: Plan
    switch: Plan
    after: Plan

    @property
    def moves(self) -> tuple[Step, ...]:
        """The aliases that move; in their `changes` is from which version, and to which."""
        return tuple(
            step
            for step in self.switch.work
            if _way(step) == "alias" and step.action is Action.UPDATE
        )


def split(plan: Plan) -> Phases:
    """`plan` in its phases; nothing is lost, and some are done in two parts."""
    places = _places(plan)
    parts: dict[str, list[Step]] = {"prepare": [], "switch": [], "after": []}
    for step in plan.work:
        place = places[step.key]
        if place == "prepare" and step.action is Action.UPDATE:
            for where, part in _parts(step):
                parts[where].append(part)
        else:
            parts[place].append(step)
    prepare, switch, after = (Plan(tuple(steps), plan.outputs) for steps in parts.values())
    return Phases(prepare, switch, after)


def _places(plan: Plan) -> dict[str, str]:
    """The phase of each step by its key."""
    work = {step.key: step for step in plan.work}
    places = {key: _place(step) for key, step in work.items()}
    # what a canary that was killed has left would take the aliases back
    places |= dict.fromkeys(left_over(plan.work), "prepare")
    late = {key for key, step in work.items() if step.action is Action.REPLACE or _turned(step)}
    changed = True
    while changed:
        changed = False
        for step in work.values():
            for key, place in _moved(step, work, places, late):
                if places[key] != place:
                    places[key] = place
                    changed = True
                    if place == "switch":
                        late.add(key)
    return places


def _way(step: Step) -> Switch:
    return by_kind()[step.kind].TRAITS.switch


def _place(step: Step) -> str:
    if step.action is Action.DELETE:
        return "after"
    if step.action is Action.CREATE:
        return "switch" if _way(step) == "entry" else "prepare"
    beside = _way(step) == "beside" and step.action is Action.UPDATE
    return "prepare" if beside and not _turned(step) else "switch"


def _turned(step: Step) -> bool:
    """Whether it gives another thing in place of one that runs still uses: a table's stream."""
    gives = by_kind()[step.kind].TRAITS.gives
    return any(
        change.path in gives and isinstance(change.before, str) and change.before and change.after
        for change in step.changes
    )


def _moved(
    step: Step, work: Mapping[str, Step], places: Mapping[str, str], late: Container[str]
) -> Iterator[tuple[str, str]]:
    """What has to be done in another phase for the sake of `step`: itself, or what it needs.

    `late` are the keys of what can't be prepared, since it waits for what is made anew.
    """
    if step.within:
        yield step.key, places[step.within]
        return
    if places[step.key] != "prepare":
        return
    for key in step.needs:
        need = work[work[key].within or key]
        if places[need.key] != "switch" or (need.action is Action.UPDATE and need.key not in late):
            continue
        if need.key in late or _way(step) == "companion":
            yield step.key, "switch"
        else:
            yield need.key, "prepare"


def _parts(step: Step) -> Iterator[tuple[str, Step]]:
    """A change that is prepared, in two where it takes away what runs still uses: first the old
    and the new (`Traits.gives`), the new alone when the switch is done."""
    assert step.resource
    assert step.actual
    old, new = step.actual.props, step.resource.props
    gives = by_kind()[step.kind].TRAITS.gives & {_field(change) for change in step.changes}
    both = {field: _both(field, old.get(field), new.get(field)) for field in gives}
    if _too_long(both.get(_POLICY)):
        # both don't fit: the change is as late as it can be
        yield "switch", step
        return
    wide = {field: value for field, value in both.items() if value != new.get(field)}
    if not wide:
        yield "prepare", step
        return
    kept = {field for field, value in wide.items() if value == old.get(field)}
    first = tuple(change for change in step.changes if _field(change) not in kept)
    if first:
        resource = replace(step.resource, props={**new, **wide})
        yield "prepare", replace(step, resource=resource, changes=first)
    actual = replace(step.actual, props={**old, **new, **wide})
    last = tuple(change for change in step.changes if _field(change) in wide)
    yield "after", replace(step, actual=actual, changes=last, needs=())


def _field(change: Change) -> str:
    return change.path.split(".")[0]


def _both(field: str, old: Any, new: Any) -> Any:
    """What holds for who uses the old and for who uses the new."""
    if field == _POLICY:
        return _both_policies(old or {}, new or {})
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **new}
    return new or old


def _both_policies(old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    """Nothing that runs loses a right before the switch, be it by a statement that goes or by one
    that denies; `old` or `new` itself where that is both."""
    before, after = _statements(old), _statements(new)
    gone = [
        one
        for one in before
        if not _denies(one) and not any(_covers(other, one) for other in after)
    ]
    now = [one for one in after if not _denies(one) or one in before]
    if not gone and now == after:
        return new
    denied = [one for one in before if _denies(one)]
    if all(one in after for one in denied) and all(
        any(_covers(other, one) for other in before) for one in now
    ):
        return old
    named = {one.get("Sid") for one in now}
    return {
        **new,
        "Version": "2012-10-17",
        "Statement": [*now, *(_unnamed(g, named) for g in gone)],
    }


def _unnamed(statement: Mapping[str, Any], named: Container[Any]) -> Mapping[str, Any]:
    """Without its `Sid` where another one has that: AWS takes each once in a policy."""
    if statement.get("Sid") not in named:
        return statement
    return {key: value for key, value in statement.items() if key != "Sid"}


def _too_long(policy: Any) -> bool:
    return len(json.dumps(policy, separators=(",", ":"), default=str)) > POLICY_LIMIT


def _about_policy(step: Step) -> bool:
    return any(_field(change) == _POLICY for change in step.changes)


def _denies(statement: Any) -> bool:
    return bool(statement.get("Effect") == "Deny")


def _covers(new: Any, old: Any) -> bool:
    """Whether a statement allows all that another does: the same, or the same of more."""
    if new == old or _denies(new):
        return bool(new == old)
    lists = ("Action", "Resource")
    rest = [{k: v for k, v in one.items() if k not in lists} for one in (new, old)]
    return (
        rest[0] == rest[1]
        and all(isinstance(one.get(key), list) for one in (new, old) for key in lists)
        and all(set(map(str, old[key])) <= set(map(str, new[key])) for key in lists)
    )


def _statements(policy: Mapping[str, Any]) -> list[Any]:
    found = policy.get("Statement") or []
    return list(found) if isinstance(found, list) else [found]


def carry_out(plan: Plan, aws: Aws, emit: Emit, go: Walk = walk) -> Outcome:
    """Does `plan` phase by phase; `go` does the switch. Nothing is raised but bugs.

    What stopped it is said in an event of its own: before the switch nothing that runs has
    changed, and to run again finishes what is left.
    """
    phases = split(plan)
    outcome = walk(phases.prepare, aws, emit)
    if outcome.ok:
        try:
            _check(phases.moves, outcome, aws, emit)
            _withdraw(phases.switch, outcome, aws, emit)
            _let_rights_spread(phases, aws, emit)
        except KeyboardInterrupt:
            outcome.interrupted = True
    if not outcome.ok:
        return _stopped(outcome, phases, emit)
    for part, how in ((phases.switch, go), (phases.after, walk)):
        outcome = _joined(outcome, how(replace(part, outputs=outcome.outputs), aws, emit))
        if not outcome.ok:
            break
    if part is phases.switch:
        _incomplete(outcome, phases, emit)
    return outcome


def _check(moves: tuple[Step, ...], outcome: Outcome, aws: Aws, emit: Emit) -> None:
    """That each version which is about to be called can be: those published in this run
    were waited for, the others were published once, and may have failed."""
    published = {step.key for step in outcome.done if step.kind == "version"}

    def problem(step: Step) -> TcError | None:
        assert step.resource
        function = step.resource.payload["function"]
        try:
            wait_until_ready(aws, function, str(step.resource.props["version"]), new=False)
        except TcError as error:
            return error
        return None

    reused = [
        step
        for step in moves
        if step.kind == "alias"
        and step.resource
        and step.resource.payload["version"] not in published
        if any(change.path == "version" for change in step.changes)
    ]
    for step, error in zip(reused, aws.map(problem, reused), strict=True):
        if error:
            outcome.failed.append((step, error))
            emit(failure(step, error))


def _withdraw(switch: Plan, outcome: Outcome, aws: Aws, emit: Emit) -> None:
    """Nothing that a canary left behind takes an alias back after it has moved."""
    moves = moves_of(replace(switch, outputs=outcome.outputs))
    try:
        withdraw(aws, moves)
    except TcError as error:
        outcome.failed.append((moves[0].step, error))
        emit(failure(moves[0].step, error))


def _let_rights_spread(phases: Phases, aws: Aws, emit: Emit) -> None:
    """Waits a little where roles of what runs were given more: IAM says that a change takes
    seconds to be in force, and has no call that tells when it is. Engines need no time."""
    widened = any(
        step.kind == "role" and step.action is Action.UPDATE and _about_policy(step)
        for step in phases.prepare.work
    )
    if widened and phases.switch.work and aws.endpoint is None:
        text = f"Waiting {_SPREAD_S:g} s until what roles may do now is known everywhere"
        emit(Event("wait", text, {"what": "roles", "deadline": _SPREAD_S}))
        aws.wait("roles", lambda: "", first=_SPREAD_S)


def _stopped(outcome: Outcome, phases: Phases, emit: Emit) -> Outcome:
    waiting = len(phases.switch.work) + len(phases.after.work)
    if waiting:
        text = "Nothing was switched: what runs is as it was"
        emit(Event("switch.stopped", text, {"switched": 0, "waiting": waiting}))
    return outcome


def _incomplete(outcome: Outcome, phases: Phases, emit: Emit) -> None:
    """Says what of the switch is done where it ended in the middle."""
    keys = {step.key for step in phases.switch.work}
    done = [step for step in outcome.done if step.key in keys]
    data = {"switched": len(done), "waiting": len(keys) - len(done)}
    text = f"The switch is incomplete: {len(done)} of {len(keys)} done; run it again at once"
    if not done:
        text = "Nothing was switched: what runs is as it was"
    emit(Event("switch.stopped", text, data))


def _joined(first: Outcome, second: Outcome) -> Outcome:
    """Both as one; what was done in two parts is done when the second is."""
    again = {step.key for step, _ in second.failed} | {step.key for step in second.done}
    again |= {step.key for step, _ in second.skipped}
    return Outcome(
        done=[*(step for step in first.done if step.key not in again), *second.done],
        failed=[*first.failed, *second.failed],
        skipped=[*first.skipped, *second.skipped],
        outputs={**first.outputs, **second.outputs},
        interrupted=first.interrupted or second.interrupted,
    )


def told(plan: Plan) -> list[str]:
    """What people should know of the switch before it: how many calls it takes, and what of
    it can't be done at once."""
    switch = split(plan).switch
    led = [step for step in switch.work if not step.within]
    if not any(step.actual for step in led):
        return []
    calls = sum(2 if step.kind == "api" else 1 for step in led)
    lines = [f"The switch takes {calls} call{'s' * (calls != 1)}, after all else is prepared"]
    for step in led:
        if reason := _not_at_once(step):
            lines.append(f"Can't be switched at once: {step.kind} {step.title}{reason}")
    return lines


def _not_at_once(step: Step) -> str:
    """Why a step of the switch leaves a moment in between; empty when it doesn't."""
    if step.action is Action.REPLACE:
        return ", which is made anew"
    if step.kind == "route" and step.resource:
        return f" of {(step.resource.parent or '').removeprefix('api/shared ')}"
    if _turned(step):
        return ", whose stream is made anew"
    if step.resource and step.actual and _about_policy(step):
        policies = (step.actual.props[_POLICY], step.resource.props[_POLICY])
        if not _too_long(_both(_POLICY, *policies)):
            return ""
        return ", whose old and new statements don't fit into one policy"
    return ""
