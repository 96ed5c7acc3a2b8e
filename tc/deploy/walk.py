"""Walks a plan: everything at once that doesn't wait for something else.

A failure makes impossible what needs the failed thing; that is skipped, the
rest is finished, and the outcome tells both. On an interrupt, and when the
credentials are over, nothing new starts, and what is in flight ends.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import Any

from tc.components import by_kind
from tc.components.protocol import Aws, Outputs
from tc.errors import AwsError, TcError
from tc.events import Emit, Event
from tc.plan.changes import compare, resolve
from tc.plan.ownership import Conflict
from tc.plan.resource import Action, Plan, Resource, Step

_WORKERS = 32
_VERBS = {
    Action.CREATE: "Creating",
    Action.UPDATE: "Updating",
    Action.REPLACE: "Replacing",
    Action.DELETE: "Deleting",
}


@dataclass(slots=True)
class Outcome:
    """How a walk ended: what was done, what failed and why, what was skipped because of it."""

    done: list[Step] = field(default_factory=list)
    failed: list[tuple[Step, TcError]] = field(default_factory=list)
    skipped: list[tuple[Step, Step]] = field(default_factory=list)
    outputs: dict[str, Outputs] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        return not (self.failed or self.skipped or self.interrupted)


def walk(plan: Plan, aws: Aws, emit: Emit) -> Outcome:
    """Does every step of `plan`; nothing is raised but bugs."""
    return _Walk(plan, aws, emit).run()


class _Walk:
    def __init__(self, plan: Plan, aws: Aws, emit: Emit):
        self._aws = aws
        self._emit = emit
        self._components = by_kind()
        self._steps = {step.key: step for step in plan.work}
        self._members: dict[str, list[Step]] = {}
        for step in plan.work:
            if step.within:
                self._members.setdefault(step.within, []).append(step)
        self._outcome = Outcome(outputs=dict(plan.outputs))
        self._bad: dict[str, Step] = {}
        #: the step that found the credentials over
        self._over: Step | None = None
        self._since: dict[str, float] = {}

    def run(self) -> Outcome:
        sorter = self._sorter()
        running: dict[Future[Outputs], Step] = {}
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="walk") as pool:
            try:
                while running or (sorter.is_active() and not self._over):
                    if not self._over:
                        self._start(sorter, pool, running)
                    if not running:
                        continue
                    ended, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in ended:
                        self._finish(running.pop(future), future)
                        sorter.done(self._key_of[future])
                if not self._over:
                    self._settle(pool)
            except KeyboardInterrupt:
                self._outcome.interrupted = True
                for future, step in running.items():
                    if not future.cancel():
                        self._finish(step, future)
        return self._outcome

    def _sorter(self) -> TopologicalSorter[str]:
        self._key_of: dict[Future[Outputs], str] = {}
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for step in self._steps.values():
            if not step.within:
                sorter.add(step.key, *self._leaders(step))
                for member in self._members.get(step.key, []):
                    sorter.add(step.key, *(k for k in self._leaders(member) if k != step.key))
        sorter.prepare()
        return sorter

    def _leaders(self, step: Step) -> list[str]:
        """The steps that `step` waits for, each by the one whose call does it."""
        waits = [self._steps[need] for need in step.needs if need in self._steps]
        return [need.within or need.key for need in waits]

    def _start(
        self,
        sorter: TopologicalSorter[str],
        pool: ThreadPoolExecutor,
        running: dict[Future[Outputs], Step],
    ) -> None:
        for key in sorter.get_ready():
            step = self._steps[key]
            cause = self._cause(step)
            if cause:
                self._skip(step, cause)
                sorter.done(key)
                continue
            for one in (step, *self._members.get(key, [])):
                self._since[one.key] = time.monotonic()
                self._emit(Event("step.started", "", _data(one)))
            future = pool.submit(self._do, step)
            self._key_of[future] = key
            running[future] = step

    def _cause(self, step: Step) -> Step | None:
        """The failed step that makes this one impossible."""
        for one in (step, *self._members.get(step.key, [])):
            for need in one.needs:
                if need in self._bad:
                    return self._bad[need]
        return None

    def _do(self, step: Step) -> Outputs:
        component = self._components[step.kind]
        if step.action is Action.DELETE:
            assert step.actual
            component.delete(self._aws, step.actual)
            return {}
        resource = self._ready(step)
        children = [self._filled(child) for child in step.children]
        if step.action is Action.UPDATE:
            assert step.actual
            return component.update(self._aws, resource, step.actual, step.changes, children)
        if step.action is Action.REPLACE:
            assert step.actual
            component.delete(self._aws, step.actual)
        try:
            return component.create(self._aws, resource, children)
        except AwsError as error:
            if not error.exists:
                raise
            return self._join(step, resource, error)

    def _join(self, step: Step, resource: Resource, error: AwsError) -> Outputs:
        """A thing appeared since it was read, perhaps by a call of ours whose answer
        was lost: ours is brought up to date, a foreign one is left alone."""
        component = self._components[step.kind]
        found = {actual.key: actual for actual in component.read(self._aws, [resource])}
        actual = found.get(resource.key)
        if actual is None:
            raise error
        if actual.owner != resource.owner:
            raise Conflict([replace(step, actual=actual)])
        changes = compare(resource, actual)
        if changes:
            return component.update(self._aws, resource, actual, changes, ())
        return actual.outputs

    def _ready(self, step: Step) -> Resource:
        assert step.resource
        return self._filled(step.resource)

    def _filled(self, resource: Resource) -> Resource:
        """The resource with what is known by now of the things it refers to."""
        payload = resource.payload
        if resource.parent:
            payload = {**(payload or {}), "parent": self._outcome.outputs.get(resource.parent, {})}
        props: Mapping[str, Any] = resolve(resource.props, self._outcome.outputs)
        return replace(resource, props=props, payload=payload)

    def _finish(self, step: Step, future: Future[Outputs]) -> None:
        error = future.exception()
        if isinstance(error, TcError):
            self._fail(step, error)
            return
        if error is not None:
            raise error
        self._outcome.outputs[step.key] = future.result()
        for one in (step, *self._members.get(step.key, [])):
            self._outcome.done.append(one)
            if one.action is Action.UPDATE and not one.changes:
                continue
            self._emit(Event("step.done", _sentence(one), {**_data(one), **self._seconds(one)}))

    def _fail(self, step: Step, error: TcError) -> None:
        if error.code == "credentials":
            if self._over:
                self._skip(step, self._over)
                return
            self._over = step
        self._bad[step.key] = step
        self._outcome.failed.append((step, error))
        self._emit(failure(step, error))
        for member in self._members.get(step.key, []):
            self._skip(member, step)

    def _skip(self, step: Step, cause: Step) -> None:
        for one in (step, *self._members.get(step.key, [])):
            self._bad[one.key] = cause
            self._outcome.skipped.append((one, cause))
            because = f"{cause.kind} {cause.title}"
            self._emit(
                Event(
                    "step.skipped",
                    f"{_sentence(one, done=False)}: skipped, {because} failed",
                    {**_data(one), "because": because},
                )
            )

    def _settle(self, pool: ThreadPoolExecutor) -> None:
        """Waits, for all at once, until what was made or changed can be used."""
        made = [s for s in self._outcome.done if s.resource and s.action is not Action.DELETE]
        futures = {
            pool.submit(self._components[s.kind].settle, self._aws, s.resource): s
            for s in made
            if s.resource
        }
        for future, step in futures.items():
            error = future.exception()
            if isinstance(error, TcError):
                self._outcome.done.remove(step)
                self._fail(step, error)
            elif error is not None:
                raise error

    def _seconds(self, step: Step) -> dict[str, float]:
        return {"seconds": round(time.monotonic() - self._since[step.key], 3)}


def failure(step: Step, error: TcError) -> Event:
    """That `step` failed, and why."""
    told = {"code": error.code, "message": error.message, "hint": error.hint}
    text = f"{_sentence(step, done=False)}: {error.message}"
    return Event("step.failed", text, {**_data(step), **told})


def _data(step: Step) -> dict[str, Any]:
    return {
        "action": step.action.name.lower(),
        "kind": step.kind,
        "key": step.key,
        "name": step.name,
        "title": step.title,
        "detail": detail(step),
    }


def detail(step: Step) -> str:
    """What stands in brackets behind a step: the size of a package, else OK."""
    if step.resource and step.resource.detail and step.action is not Action.DELETE:
        return step.resource.detail
    return "OK"


def _sentence(step: Step, *, done: bool = True) -> str:
    text = f"{_VERBS[step.action]} {step.kind} {step.title}"
    return f"{text} ({detail(step)})" if done else text
