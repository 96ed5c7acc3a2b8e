"""Flows that nobody wrote: a chain of functions becomes ASL.

``a: {function: b}`` runs b after a; ``b: {functions: [c, d]}`` runs c and d at
once; ``d: {event: Done}`` puts d's result on the bus. The head is the function
that no other one targets. Branches that all go on with the same function meet
there, and it gets the list of their results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tc.spec.finding import Finding
from tc.spec.function import Function
from tc.spec.names import shorten
from tc.spec.scope import Scope
from tc.spec.spec import Spec
from tc.spec.topology import Id

#: Lambda's own transient errors, as AWS advises to retry them
_TRANSIENT = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]


@dataclass(frozen=True, slots=True)
class Chain:
    """A generated flow: `head`, the functions it runs, the events it puts."""

    head: str
    members: tuple[str, ...]
    definition: Mapping[str, Any]


@dataclass(slots=True)
class _Links:
    """Who is next: functions and events by function name."""

    functions: dict[str, list[str]] = field(default_factory=dict)
    events: dict[str, list[str]] = field(default_factory=dict)

    @property
    def linked(self) -> set[str]:
        return set(self.functions) | set(self.events)

    @property
    def targeted(self) -> set[str]:
        return {name for names in self.functions.values() for name in names}


def find_heads(spec: Spec, targets: Mapping[str, list[Id]]) -> tuple[list[str], list[Finding]]:
    """The head of each chain, and what is wrong with the chains (cycles)."""
    links = _links(targets)
    heads = [
        name
        for name, function in spec.functions.items()
        if name in links.linked
        and (function.root or (name not in links.targeted and function.root is not False))
    ]
    findings = [
        Finding(
            "cycle",
            f"the functions {' -> '.join(cycle)} run in a circle",
            spec.functions[cycle[0]].address,
            "a flow must end: take one of these targets out, or write the flow as ASL",
        )
        for cycle in _cycles(links)
    ]
    return ([] if findings else heads), findings


def generate(
    head: str, spec: Spec, targets: Mapping[str, list[Id]], scope: Scope, events: Mapping[str, Any]
) -> tuple[Chain | None, list[Finding]]:
    """The flow that starts at `head`; `events` gives each event's bus entry."""
    writer = _Writer(_links(targets), scope, events, spec.functions)
    states = writer.scope_of(head, stop=None)
    if writer.clash:
        name = writer.clash
        return None, [
            Finding(
                "chain-clash",
                f"the chain of `{head}` comes to `{name}` more than once",
                spec.functions[name].address,
                "branches may meet only in a function that follows all of them; "
                "otherwise write the flow as ASL",
            )
        ]
    comment = f"generated from the chain of {head}"
    definition = {"Comment": comment, "StartAt": _state(head), **states}
    return Chain(head, tuple(writer.seen), definition), []


def _links(targets: Mapping[str, list[Id]]) -> _Links:
    links = _Links()
    for name, ids in targets.items():
        for kind, target in ids:
            if kind == "function":
                links.functions.setdefault(name, []).append(target)
            elif kind == "event":
                links.events.setdefault(name, []).append(target)
    return links


def _cycles(links: _Links) -> list[list[str]]:
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> None:
        if name in trail:
            found.append([*trail[trail.index(name) :], name])
            return
        if name in done:
            return
        for target in links.functions.get(name, []):
            visit(target, [*trail, name])
        done.add(name)

    for name in links.functions:
        visit(name, [])
    return found


def _state(name: str) -> str:
    """The name of a state (Step Functions: at most 80 characters)."""
    return shorten(name, 80)


class _Writer:
    """Writes states; every function becomes one state of its own name."""

    def __init__(
        self,
        links: _Links,
        scope: Scope,
        events: Mapping[str, Any],
        functions: Mapping[str, Function],
    ):
        self._links = links
        self._scope = scope
        self._events = events
        self._functions = functions
        self.seen: list[str] = []
        self.clash: str | None = None

    def scope_of(self, first: str, stop: str | None) -> dict[str, Any]:
        """The states from `first` up to `stop`, which belongs to whoever called."""
        states: dict[str, Any] = {}
        name: str | None = first
        if first == stop:
            self.clash = self.clash or first
        while name is not None and name != stop:
            if name in self.seen:
                self.clash = self.clash or name
                break
            self.seen.append(name)
            name = self._add(states, name, stop)
        return {"States": states}

    def _add(self, states: dict[str, Any], name: str, stop: str | None) -> str | None:
        """Adds the states of function `name`; returns the function that follows."""
        state = self._task(name)
        states[_state(name)] = state
        for event in self._links.events.get(name, []):
            put = self._put_event(event)
            label = _state(f"{name} to {event}")
            state["Next"] = label
            states[label] = put
            state = put
        following = self._links.functions.get(name, [])
        if not following:
            state["End"] = True
            return None
        if len(following) == 1:
            if following[0] == stop:
                state["End"] = True
            else:
                state["Next"] = _state(following[0])
            return following[0]
        return self._fan_out(states, name, state, following, stop)

    def _fan_out(
        self,
        states: dict[str, Any],
        name: str,
        state: dict[str, Any],
        following: list[str],
        stop: str | None,
    ) -> str | None:
        meeting = self._meeting(following)
        label = _state(f"after {name}")
        branches = [
            {"StartAt": _state(branch), **self.scope_of(branch, meeting or stop)}
            for branch in following
        ]
        parallel: dict[str, Any] = {"Type": "Parallel", "Branches": branches}
        state["Next"] = label
        states[label] = parallel
        if meeting is None or meeting == stop:
            parallel["End"] = True
            return meeting
        parallel["Next"] = _state(meeting)
        return meeting

    def _meeting(self, branches: list[str]) -> str | None:
        """The first function that every branch comes to, if there is one."""
        reached = [self._reached(branch) for branch in branches]
        common = set(reached[0]).intersection(*map(set, reached[1:])) - set(branches)
        return next((name for name in reached[0] if name in common), None)

    def _reached(self, first: str) -> list[str]:
        order: list[str] = []
        queue = [first]
        while queue:
            name = queue.pop(0)
            if name not in order:
                order.append(name)
                queue += self._links.functions.get(name, [])
        return order

    def _task(self, name: str) -> dict[str, Any]:
        scope = self._scope
        function = scope.name(scope.namespace, name, scope.sandbox, limit=64)
        return {
            "Type": "Task",
            "Resource": f"arn:{scope.partition}:states:::lambda:invoke",
            "Parameters": {
                "FunctionName": scope.arn("lambda", f"function:{function}"),
                "Payload.$": "$",
            },
            "OutputPath": "$.Payload",
            "Retry": [
                {
                    "ErrorEquals": list(_TRANSIENT),
                    "IntervalSeconds": 1,
                    "MaxAttempts": 3,
                    "BackoffRate": 2,
                }
            ],
        }

    def _put_event(self, event: str) -> dict[str, Any]:
        """The result goes to the bus, and on unchanged to what follows."""
        return {
            "Type": "Task",
            "Resource": f"arn:{self._scope.partition}:states:::events:putEvents",
            "Parameters": {
                "Entries": [
                    {
                        **self._events.get(event, {}),
                        "Detail.$": "$",
                        "Resources": [self._scope.event_mark],
                    }
                ]
            },
            "ResultPath": None,
        }
