"""The scopes, states and tasks of a definition, nested ones included.

A scope is a set of states among which transitions go: the definition itself,
each branch of a Parallel, the processor of a Map. Every walk is in the order of
the document, skips what has the wrong shape, and ends on a definition that
contains itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal

from tc.records import dataclass
from tc.spec.finding import Key, KeyPath

Language = Literal["JSONPath", "JSONata"]

#: levels of lists and mappings that a definition may have
MAX_DEPTH = 100
#: more scopes than a definition of 1 MB can hold
_MAX_SCOPES = 50_000
#: a JSONata state has at least one of these, or nothing that tells
_JSONATA_ONLY = ("Arguments", "Output", "Items")


@dataclass(frozen=True, slots=True)
class Scope:
    """`StartAt` and `States` at `path`.

    `label` is how an error calls it. `free` tells that a state around it sets its own query
    language, `express` that it is run as Express executions of a distributed Map.
    """

    path: KeyPath
    value: Any
    label: str
    free: bool = False
    express: bool = False

    @property
    def states(self) -> Mapping[Any, Any]:
        states = self.value.get("States") if isinstance(self.value, Mapping) else None
        return states if isinstance(states, Mapping) else {}


@dataclass(frozen=True, slots=True)
class TaskUse:
    """A Task state: what it calls, and with which arguments.

    `path` leads from the definition's top to the state. `arguments` are the
    state's Parameters or Arguments, empty when those are an expression.
    """

    name: str
    path: KeyPath
    resource: str
    arguments: Mapping[str, Any]
    query_language: Language


def scopes(definition: Any) -> Iterator[Scope]:
    """Every scope, the outer ones first."""
    yield from islice(_inside(Scope((), definition, "the flow")), _MAX_SCOPES)


def _inside(scope: Scope) -> Iterator[Scope]:
    yield scope
    if len(scope.path) > MAX_DEPTH:
        return
    for name, state in scope.states.items():
        if isinstance(state, Mapping):
            for child in _children(scope, (*scope.path, "States", key(name)), name, state):
                yield from _inside(child)


def _children(
    scope: Scope, path: KeyPath, name: object, state: Mapping[Any, Any]
) -> Iterator[Scope]:
    free = scope.free or "QueryLanguage" in state
    branches = state.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else ()):
        label = f"branch {index + 1} of state {shown(name)}"
        yield Scope((*path, "Branches", index), branch, label, free, scope.express)
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            express = scope.express or _express_children(state[field])
            yield Scope(
                (*path, field), state[field], f"`{field}` of state {shown(name)}", free, express
            )


def _express_children(processor: Any) -> bool:
    config = processor.get("ProcessorConfig") if isinstance(processor, Mapping) else None
    return isinstance(config, Mapping) and config.get("ExecutionType") == "EXPRESS"


def sub_states(definition: Any) -> Iterator[tuple[KeyPath, str, Mapping[str, Any]]]:
    """(path from the definition's top, name, state) of every state that is a mapping."""
    for scope in scopes(definition):
        for name, state in scope.states.items():
            if isinstance(name, str) and isinstance(state, Mapping):
                yield (*scope.path, "States", name), name, state


def resources(definition: Any) -> Iterator[TaskUse]:
    """Every Task whose Resource is text, nested ones included."""
    for scope in scopes(definition):
        for name, state in scope.states.items():
            if not isinstance(name, str) or not isinstance(state, Mapping):
                continue
            resource = state.get("Resource")
            if state.get("Type") == "Task" and isinstance(resource, str):
                language = language_of(state, scope, definition)
                given = state.get("Arguments" if language == "JSONata" else "Parameters")
                arguments = given if isinstance(given, Mapping) else {}
                path = (*scope.path, "States", name)
                yield TaskUse(name, path, resource, arguments, language)


def language_of(state: Mapping[Any, Any], scope: Scope, definition: Any) -> Language:
    """The query language of a state.

    Whether a state inherits the language of a Map or Parallel around it is not
    documented: there, the fields that it has decide.
    """
    own = state.get("QueryLanguage")
    if own in ("JSONPath", "JSONata"):
        return "JSONata" if own == "JSONata" else "JSONPath"
    top = definition.get("QueryLanguage") if isinstance(definition, Mapping) else None
    if top == "JSONata" or (scope.free and looks_jsonata(state)):
        return "JSONata"
    return "JSONPath"


def looks_jsonata(state: Mapping[Any, Any]) -> bool:
    """Whether a state has something that only JSONata states have."""
    if any(field in state for field in _JSONATA_ONLY):
        return True
    choices = state.get("Choices")
    rules = choices if isinstance(choices, list) else []
    if any(isinstance(rule, Mapping) and "Condition" in rule for rule in rules):
        return True
    assigned = state.get("Assign")
    values = [*state.values(), *(assigned.values() if isinstance(assigned, Mapping) else ())]
    return any(isinstance(value, str) and value.startswith("{%") for value in values)


def key(name: object) -> Key:
    """A mapping's key as an address has it."""
    return name if isinstance(name, str | int) and not isinstance(name, bool) else str(name)


def shown(value: object, limit: int = 60) -> str:
    """A value as an error shows it: short, whatever it is."""
    if isinstance(value, str):
        return f"`{value}`" if len(value) <= limit else f"`{value[:limit]}…`"
    if isinstance(value, bool) or value is None:
        return f"`{value}`".lower() if value is not None else "`null`"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a huge number"
    if isinstance(value, int | float):
        return f"`{value}`"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else f"a {type(value).__name__}"
