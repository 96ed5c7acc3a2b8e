"""Flows that nobody wrote: a chain of functions becomes ASL.

``a: {function: b}`` runs b after a; ``b: {functions: [c, d]}`` runs c and d at
once; ``b: {map: $.items, function: c}`` runs c for each item; ``b: {choice: […]}``
goes where a rule says; ``d: {event: Done}`` puts d's result on the bus. The head is
the function that no other one targets. Branches that all go on with the same function
meet there, and it gets the list of their results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tc.compose.leaves import Things, leaf_state
from tc.compose.links import Link, Rule
from tc.records import dataclass
from tc.spec.finding import Finding
from tc.spec.function import Function
from tc.spec.names import shorten
from tc.spec.spec import Spec
from tc.spec.topology import Id

#: Lambda's own transient errors, as AWS advises to retry them
_TRANSIENT = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]

Links = Mapping[str, Link]


@dataclass(frozen=True, slots=True)
class Chain:
    """A generated flow: `head`, and the functions it runs."""

    head: str
    members: tuple[str, ...]
    definition: Mapping[str, Any]


def find_heads(spec: Spec, links: Links) -> tuple[list[str], list[Finding]]:
    """The head of each chain, and what is wrong with the chains (cycles)."""
    targeted = {name for link in links.values() for name in link.followers}
    heads = [
        name
        for name, function in spec.functions.items()
        if name in links
        and (function.root or (name not in targeted and function.root is not False))
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
    head: str, spec: Spec, links: Links, things: Things
) -> tuple[Chain | None, list[Finding]]:
    """The flow that starts at `head`."""
    writer = _Writer(links, things, spec.functions)
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


def _cycles(links: Links) -> list[list[str]]:
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> None:
        if name in trail:
            found.append([*trail[trail.index(name) :], name])
            return
        if name in done:
            return
        for target in links.get(name, Link()).followers:
            visit(target, [*trail, name])
        done.add(name)

    for name in links:
        visit(name, [])
    return found


def _state(name: str) -> str:
    """The name of a state (Step Functions: at most 80 characters)."""
    return shorten(name, 80)


class _Writer:
    """Writes states; every function becomes one state of its own name."""

    def __init__(self, links: Links, things: Things, functions: Mapping[str, Function]):
        self._links = links
        self._things = things
        self._functions = functions
        self.seen: list[str] = []
        self.clash: str | None = None

    def scope_of(self, first: str, stop: str | None) -> dict[str, Any]:
        """The states from `first` up to `stop`, which belongs to whoever called."""
        states: dict[str, Any] = {}
        pending = [first]
        if first == stop:
            self.clash = self.clash or first
        while pending:
            name = pending.pop(0)
            if name == stop or _state(name) in states:
                continue
            if name in self.seen:
                self.clash = self.clash or name
                continue
            self.seen.append(name)
            pending += self._add(states, name, stop)
        return {"States": states}

    def _add(self, states: dict[str, Any], name: str, stop: str | None) -> list[str]:
        """Adds the states of function `name`; returns the functions that follow."""
        link = self._links.get(name, Link())
        state = self._task(name)
        states[_state(name)] = state
        for leaf in link.leaves:
            label = _state(f"{name} to {leaf[1]}")
            state["Next"] = label
            states[label] = state = leaf_state(leaf, self._things)
        if link.rules:
            return self._choose(states, name, state, link, stop)
        if link.items or len(link.functions) > 1:
            return self._gather(states, name, state, link, stop)
        following = link.functions[0] if link.functions else None
        _go_on(state, following, stop)
        return [following] if following else []

    def _gather(
        self,
        states: dict[str, Any],
        name: str,
        state: dict[str, Any],
        link: Link,
        stop: str | None,
    ) -> list[str]:
        """A Map or a Parallel, and the function that gets the list of results."""
        after = link.then or (None if link.items else self._meeting(link.functions))
        branches = [
            {"StartAt": _state(branch), **self.scope_of(branch, after or stop)}
            for branch in link.functions
        ]
        gathering: dict[str, Any] = {"Type": "Parallel", "Branches": branches}
        if link.items:
            processor = {"ProcessorConfig": {"Mode": "INLINE"}, **branches[0]}
            at_once = {"MaxConcurrency": link.concurrency} if link.concurrency else {}
            gathering = {"Type": "Map", "ItemsPath": link.items, **at_once}
            gathering["ItemProcessor"] = processor
        label = _state(f"each of {name}" if link.items else f"after {name}")
        state["Next"] = label
        states[label] = gathering
        _go_on(gathering, after, stop)
        return [after] if after else []

    def _choose(
        self,
        states: dict[str, Any],
        name: str,
        state: dict[str, Any],
        link: Link,
        stop: str | None,
    ) -> list[str]:
        """A Choice; what fits no rule ends the chain."""
        label = _state(f"after {name}")
        state["Next"] = label
        rules: list[dict[str, Any]] = []
        choice: dict[str, Any] = {"Type": "Choice", "Choices": rules}
        states[label] = choice
        for rule in (*link.rules, Rule(None, None)):
            if "Default" in choice:
                break
            goal = self._goal(states, name, rule.target, stop)
            if rule.condition is None:
                choice["Default"] = goal
            else:
                rules.append({**rule.condition, "Next": goal})
        return list(link.followers)

    def _goal(self, states: dict[str, Any], name: str, target: Id | None, stop: str | None) -> str:
        """The state that a rule goes to; rules can't end a flow, so an end is a state."""
        if target is None or target == ("function", stop):
            label = _state(f"end after {name}")
            states[label] = {"Type": "Succeed"}
            return label
        if target[0] == "function":
            return _state(target[1])
        label = _state(f"{name} chooses {target[1]}")
        states[label] = {**leaf_state(target, self._things), "End": True}
        return label

    def _meeting(self, branches: tuple[str, ...]) -> str | None:
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
                queue += self._links.get(name, Link()).followers
        return order

    def _task(self, name: str) -> dict[str, Any]:
        scope = self._things.scope
        function = self._functions[name].full_name(scope)
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


def _go_on(state: dict[str, Any], following: str | None, stop: str | None) -> None:
    """The state's way: to `following`, or out of its scope."""
    if following is None or following == stop:
        state["End"] = True
    else:
        state["Next"] = _state(following)
