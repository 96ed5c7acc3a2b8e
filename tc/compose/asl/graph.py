"""Where a scope's states go: targets that exist, states that are reached, an end.

Facts: states-language.net, sections "Transitions" and "Top-level fields";
CreateStateMachine's MISSING_TRANSITION_TARGET and MISSING_END_STATE.

One cause makes one finding. A transition to a name that is nearly another's
counts as one to the other; a state whose way on is unknown keeps the states
after it from being called unreachable; a state that goes to itself and leaves
the rest unreached is told once, where it goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tc.compose.asl.node import GUESSES, closest, has
from tc.compose.asl.states import FIELDS, GOING_ON, TYPES
from tc.compose.asl.walk import Scope, shown
from tc.spec.finding import Address, Finding, KeyPath

#: states that go to themselves, in one scope, before looking for more ends
_LOOPS = 50


@dataclass(slots=True)
class _Graph:
    """`links` has the targets of each state that are known or guessed.

    `lost` are the states whose way on is not known, `stops` those that can end
    the scope, `told` those whose going to themselves was told. `start` is empty
    when StartAt names no state.
    """

    states: Mapping[str, Any]
    place: Address
    label: str
    elsewhere: Mapping[str, str]
    findings: list[Finding]
    start: str = ""
    links: dict[str, list[str]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    stops: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    def fail(
        self,
        code: str,
        message: str,
        path: KeyPath,
        hint: str = "",
        at: Literal["key", "value"] = "value",
    ) -> None:
        address = Address(self.place.file, (*self.place.path, *path))
        self.findings.append(Finding(code, message, address, hint, at))


def check_graph(scope: Scope, place: Address, elsewhere: Mapping[str, str]) -> list[Finding]:
    """The findings of one scope; `elsewhere` has the scope of every state by name."""
    states = {name: state for name, state in scope.states.items() if isinstance(name, str)}
    if not isinstance(scope.value, Mapping):
        return []
    graph = _Graph(states, place, scope.label, elsewhere, [])
    _start(graph, scope.value)
    if not states:
        return graph.findings
    for name, state in states.items():
        _links(graph, name, state)
    if graph.start:
        _mend_loops(graph)
    _missing_ways(graph)
    if graph.start:
        _unreached(graph)
        _no_end(graph)
    return graph.findings


def _start(graph: _Graph, value: Mapping[Any, Any]) -> None:
    if "StartAt" not in value:
        if has(value, "StartAt", known=("States", "Comment")):
            return
        first = next(iter(graph.states), "")
        hint = f"`StartAt: {first}`" if first else ""
        graph.fail("missing-key", f"{graph.label} has no `StartAt`", (), hint, "key")
        return
    graph.start = _target(graph, value["StartAt"], ("StartAt",), f"`StartAt` of {graph.label}")


def _target(graph: _Graph, target: Any, path: KeyPath, label: str) -> str:
    """The state a transition goes to, by its name or by a near one; empty when unknown."""
    if isinstance(target, str) and target in graph.states:
        return target
    if not isinstance(target, str):
        graph.fail("wrong-type", f"{label} must name a state, not {shown(target)}", path)
        return ""
    if not graph.states:
        return ""
    guess = closest(target, graph.states) if len(graph.findings) < GUESSES else ""
    if target in graph.elsewhere:
        guess = ""
        hint = f"{shown(target)} is in {graph.elsewhere[target]}; transitions stay in their scope"
    elif guess:
        hint = f"did you mean `{guess}`?"
    else:
        hint = f"the states are {_list(graph.states)}"
    graph.fail("unknown-state", f"{label} names {shown(target)}, which does not exist", path, hint)
    return guess


def _list(names: Mapping[str, Any], most: int = 6) -> str:
    few = [f"`{name}`" for name in list(names)[:most]]
    return ", ".join(few) + (", …" if len(names) > most else "")


def _links(graph: _Graph, name: str, state: Any) -> None:
    """What one state goes to; findings for targets that are not there."""
    links = graph.links[name] = []
    if not isinstance(state, Mapping):
        graph.lost.add(name)
        return
    kind = state.get("Type")
    for path, target, label in _transitions(state):
        label = f"`{path[-1]}` of {label}state {shown(name)}"
        known = _target(graph, target, ("States", name, *path), label)
        if known:
            links.append(known)
        else:
            graph.lost.add(name)
    if kind in ("Succeed", "Fail") or state.get("End") is True:
        graph.stops.add(name)
    if not _way_is_known(state):
        graph.lost.add(name)
    if "Next" in state and "End" in state and kind in GOING_ON:
        hint = "leave out `Next` or `End`"
        message = f"state {shown(name)} has both `Next` and `End`"
        graph.fail("conflict", message, ("States", name, "End"), hint, "key")


def _way_is_known(state: Mapping[Any, Any]) -> bool:
    """Whether the state's fields tell all that it may go to."""
    kind = state.get("Type")
    if kind not in TYPES or ("End" in state and state["End"] is not True and "Next" not in state):
        return False
    if kind == "Choice" and not _listed(state, "Choices"):
        return False
    entries = [entry for name in ("Choices", "Catch") for entry in _listed(state, name)]
    return all(isinstance(entry, Mapping) and "Next" in entry for entry in entries)


def _listed(state: Mapping[Any, Any], name: str) -> list[Any]:
    value = state.get(name)
    return value if isinstance(value, list) else []


def _transitions(state: Mapping[Any, Any]) -> Iterator[tuple[KeyPath, Any, str]]:
    """(path from the state, target, what it belongs to) of every transition."""
    if "Next" in state:
        yield ("Next",), state["Next"], ""
    for key, noun in (("Choices", "rule"), ("Catch", "catcher")):
        for index, entry in enumerate(_listed(state, key)):
            if isinstance(entry, Mapping) and "Next" in entry:
                yield (key, index, "Next"), entry["Next"], f"{noun} {index + 1} of "
    if "Default" in state:
        yield ("Default",), state["Default"], ""


def _reached(graph: _Graph) -> set[str]:
    """The states that StartAt leads to."""
    reached: set[str] = set()
    _follow(graph, graph.start, reached)
    return reached


def _follow(graph: _Graph, name: str, reached: set[str]) -> None:
    """Add to `reached` all that `name` leads to."""
    pending = [name]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += graph.links[name]


def _roots(graph: _Graph) -> list[str]:
    """The unreached states from which all unreached states are reached, as few as can be."""
    covered = _reached(graph)
    left = [name for name in graph.states if name not in covered]
    entered = {to for name in left for to in graph.links[name] if to != name}
    roots: set[str] = set()
    # First those that nothing enters; what then is left are circles.
    for name in [*(n for n in left if n not in entered), *left]:
        if name not in covered:
            roots.add(name)
            _follow(graph, name, covered)
    return [name for name in left if name in roots]


def _loops(graph: _Graph) -> list[str]:
    """The reached states that go to themselves, and were not told yet."""
    reached = _reached(graph) - graph.told
    return [
        name
        for name, state in graph.states.items()
        if name in reached
        and isinstance(state, Mapping)
        and state.get("Next") == name
        and state.get("Type") in GOING_ON
    ]


def _mend_loops(graph: _Graph) -> None:
    """Say of a state that goes to itself where it should go, as long as that is plain."""
    names = list(graph.states)
    for _ in range(_LOOPS):
        loops, roots = _loops(graph), _roots(graph)
        if len(loops) != 1 or not roots or _reached(graph) & graph.lost:
            return
        loop = loops[0]
        after = set(names[names.index(loop) :])
        root = next((name for name in roots if name in after), roots[0])
        graph.fail(
            "unreachable-state",
            f"state {shown(loop)} goes to itself, so {shown(root)} is never reached",
            ("States", loop, "Next"),
            f"`Next: {root}`",
        )
        graph.links[loop].append(root)
        graph.told.add(loop)


def _missing_ways(graph: _Graph) -> None:
    """States that have neither Next nor End; the hint is the state that is left over."""
    roots = _roots(graph) if graph.start else []
    names = list(graph.states)
    for index, name in enumerate(names):
        state = graph.states[name]
        if not isinstance(state, Mapping) or state.get("Type") not in GOING_ON:
            continue
        if "Next" in state or "End" in state:
            continue
        graph.lost.add(name)
        if has(state, "Next", "End", known=FIELDS):
            continue
        others = [root for root in roots[:3] if root != name]
        if len(others) == 1:
            hint = f"`Next: {others[0]}`"
        elif index == len(names) - 1:
            hint = "`End: true`"
        else:
            hint = f"`Next: {names[index + 1]}` or `End: true`"
        message = f"state {shown(name)} has neither `Next` nor `End`"
        graph.fail("missing-key", message, ("States", name), hint, "key")


def _unreached(graph: _Graph) -> None:
    """States that nothing leads to; each stands for those that only it leads to."""
    reached = _reached(graph)
    if reached & graph.lost:
        return
    before = dict(zip(list(graph.states)[1:], graph.states, strict=False))
    for root in _roots(graph):
        previous = before.get(root, "")
        hint = "name it in a `Next`, a rule, a `Default` or a `Catch`, or take it out"
        if previous in reached and graph.states[previous].get("End") is True:
            hint = f"{shown(previous)} ends before it: `Next: {root}` in place of `End: true`?"
        message = f"state {shown(root)} is never reached from `StartAt: {graph.start}`"
        graph.fail("unreachable-state", message, ("States", root), hint, "key")


def _no_end(graph: _Graph) -> None:
    """A scope in which nothing ends; silent where another finding is the cause."""
    if graph.stops or graph.lost or graph.told:
        return
    loops = _loops(graph)
    if len(loops) == 1:
        message = f"state {shown(loops[0])} goes to itself, so {graph.label} never ends"
        graph.fail("no-end", message, ("States", loops[0], "Next"), "`End: true` in its place")
        return
    hint = "give the last state `End: true`, or add a Succeed or a Fail"
    graph.fail("no-end", f"no state ends {graph.label}", ("States",), hint, "key")
