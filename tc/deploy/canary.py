"""A part of the calls goes to the new versions first, and comes back by itself when they fail.

The aliases that move get a weight: Lambda and Step Functions choose by it for each call. While the
command watches, a schedule of EventBridge stands by for each alias, made before the first weight
and due a while after the end: when nobody is left to watch, it gives the alias back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta

from tc.components.protocol import Aws
from tc.deploy import canary_guard
from tc.deploy.canary_moves import Move, give_back, moves_of, put_weight
from tc.deploy.canary_watch import Seen, watched
from tc.deploy.walk import Outcome, failure, walk
from tc.errors import TcError
from tc.events import Emit, Event
from tc.plan.resource import Plan, Step
from tc.records import dataclass
from tc.spec.scope import Scope

#: seconds from the end of the watch to the schedules: until then the switch must have moved the
#: aliases. Scheduler starts within the minute after the time it is given.
GRACE = 300
#: seconds between two looks, at most; CloudWatch has a call within a minute or so
LOOK = 15.0
#: seconds between two lines about what was seen
TOLD = 60.0


@dataclass(frozen=True, slots=True)
class Canary:
    """`percent` of the calls (1 to 99) for `seconds`; of the calls of what is new, `tolerate`
    percent may fail. `clock` and `sleep` are the time's, for tests."""

    percent: int
    seconds: float
    tolerate: float = 0.0
    clock: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], None] = field(default=time.sleep)

    @property
    def text(self) -> str:
        """``10 % for 10 min``"""
        minutes, seconds = divmod(round(self.seconds), 60)
        parts = [f"{minutes} min"] * bool(minutes) + [f"{seconds} s"] * bool(seconds)
        return f"{self.percent} % for {' '.join(parts)}"


class Returned(TcError):
    """The new versions failed too often, and no call goes to them any more."""

    def __init__(self, seen: Sequence[Seen], tolerate: float):
        found = "; ".join(one.text for one in seen)
        above = f", more than {tolerate:g} %" if tolerate else ""
        super().__init__(
            f"the new versions failed{above}: {found}",
            code="canary",
            where=", ".join(one.title for one in seen),
            hint="`tc logs` tells what failed",
        )


def going(canary: Canary, scope: Scope) -> Callable[[Plan, Aws, Emit], Outcome]:
    """The walk of a switch by way of `canary`, as `tc.deploy.switch.carry_out` takes it."""

    def go(plan: Plan, aws: Aws, emit: Emit) -> Outcome:
        return switch(canary, scope, plan, aws, emit)

    return go


def switch(canary: Canary, scope: Scope, plan: Plan, aws: Aws, emit: Emit) -> Outcome:
    """Does the switch `plan`: a weight on each alias that moves, the watch, then the whole.

    What fails, and an interrupt, gives every alias back. Nothing is raised but bugs.
    """
    moves = moves_of(plan)
    _tell(canary, plan, moves, emit)
    if not moves:
        return walk(plan, aws, emit)
    tried = _Tried(canary, scope, plan, moves, aws, emit)
    try:
        tried.watch()
    except KeyboardInterrupt:
        return tried.given_back(None)
    except TcError as error:
        return tried.given_back(error)
    except BaseException:
        tried.given_back(None)
        raise
    return tried.finished()


@dataclass(slots=True)
class _Tried:
    """A canary under way; `group` says that the schedules' group was made for it."""

    canary: Canary
    scope: Scope
    plan: Plan
    moves: Sequence[Move]
    aws: Aws
    emit: Emit
    group: bool = False

    def watch(self) -> None:
        """Puts the weights, and looks until the time is over; raises `Returned` before that
        when too much fails."""
        canary = self.canary
        due = datetime.now(UTC) + timedelta(seconds=canary.seconds + GRACE)
        self.group = canary_guard.stand_by(self.aws, self.scope, self.moves, due)
        since = datetime.now(UTC)
        self.aws.map(lambda move: put_weight(self.aws, move, canary.percent), self.moves)
        began = told = canary.clock()
        while True:
            left = canary.seconds - (canary.clock() - began)
            canary.sleep(max(0.0, min(LOOK, canary.seconds / 10, left)))
            seen = watched(self.aws, self.moves, since)
            bad = [one for one in seen if one.errors > one.calls * canary.tolerate / 100]
            if bad:
                raise Returned(bad, canary.tolerate)
            now = canary.clock()
            if now - began >= canary.seconds:
                _tell_seen(seen, self.emit, "canary.passed")
                return
            if now - told >= TOLD:
                told = now
                _tell_seen(seen, self.emit, "canary.watched")

    def finished(self) -> Outcome:
        """The switch itself: the aliases, then nothing stands by any more, then the rest."""
        moving = {move.step.key: move for move in self.moves}
        aliases = [self._weighted(moving[s.key]) for s in self.plan.steps if s.key in moving]
        first = walk(replace(self.plan, steps=tuple(aliases)), self.aws, self.emit)
        if not first.ok:
            # the schedules stay: they give back what is left between two versions
            return first
        self._stand_down()
        rest = tuple(step for step in self.plan.steps if step.key not in moving)
        then = walk(replace(self.plan, steps=rest, outputs=first.outputs), self.aws, self.emit)
        return replace(then, done=[*first.done, *then.done])

    def _weighted(self, move: Move) -> Step:
        """The alias as it is by now, so that its weights are taken away with the move."""
        actual = move.step.actual
        assert actual
        props = {**actual.props, "weights": move.weights(self.canary.percent)}
        return replace(move.step, actual=replace(actual, props=props))

    def given_back(self, why: TcError | None) -> Outcome:
        """Gives every alias back, `why` None for an interrupt. What can't be given back now,
        the schedules give back later."""
        outcome = Outcome(interrupted=why is None, outputs=dict(self.plan.outputs))
        if why:
            step = next((m.step for m in self.moves if m.title in why.where), self.moves[0].step)
            outcome.failed.append((step, why))
            self.emit(failure(step, why))
        lost = [error for error in self.aws.map(self._give_back, self.moves) if error]
        if lost:
            text = f"not every alias could be given back ({lost[0].message}): a schedule does it"
            self._warn(lost[0], text)
            return outcome
        text = "Every call goes to what ran before"
        titles = [move.title for move in self.moves]
        self.emit(Event("canary.returned", text, {"aliases": titles}))
        self._stand_down()
        return outcome

    def _give_back(self, move: Move) -> TcError | None:
        try:
            give_back(self.aws, move)
        except TcError as error:
            return error
        return None

    def _stand_down(self) -> None:
        try:
            canary_guard.stand_down(self.aws, self.scope, self.moves, group=self.group)
        except TcError as error:
            # all that is left is done already, and what is left over the next deploy removes
            self._warn(error, f"what stood by for the canary could not be removed: {error.message}")

    def _warn(self, error: TcError, text: str) -> None:
        data = {"code": error.code, "message": text, "hint": error.hint}
        self.emit(Event("warning", text, data))


def _tell(canary: Canary, plan: Plan, moves: Sequence[Move], emit: Emit) -> None:
    """What goes by weight, and what can't."""
    if not moves:
        text = "No alias moves: nothing can go by weight, all is switched at once"
        emit(Event("canary.none", text, {"aliases": []}))
        return
    titles = [move.title for move in moves]
    text = f"Canary {canary.text}: {', '.join(titles)}"
    emit(Event("canary.started", text, {"percent": canary.percent, "aliases": titles}))
    for title in _unweighted(plan, moves):
        emit(Event("canary.later", f"{title} comes with the switch", {"title": title}))


def _unweighted(plan: Plan, moves: Sequence[Move]) -> Iterator[str]:
    keys = {move.step.key for move in moves}
    for step in plan.work:
        if step.key not in keys and (step.changes or step.actual is None):
            yield f"{step.kind} {step.title}"


def _tell_seen(seen: Sequence[Seen], emit: Emit, name: str) -> None:
    calls, errors = sum(one.calls for one in seen), sum(one.errors for one in seen)
    text = f"Canary: {calls} call{'s' * (calls != 1)} of what is new, {errors} failed"
    if name == "canary.passed" and not calls:
        text = "Canary: what is new wasn't called at all, so nothing is known of it"
    emit(Event(name, text, {"calls": calls, "errors": errors}))
