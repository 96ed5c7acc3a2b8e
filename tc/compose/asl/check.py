"""Whether CreateStateMachine would accept a definition, and if not, where and why.

The rules are those of the specification of the Amazon States Language
(states-language.net) and of the Step Functions developer guide ("State machine
structure", "Service quotas": definition of 1 MB, state names of 80 characters).
Where the two leave a doubt, a definition is accepted.

The order of the work: size and depth, then for every scope its own fields,
its graph (`tc.compose.asl.graph`) and its states (`tc.compose.asl.states`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from tc.compose.asl import maps
from tc.compose.asl.graph import check_graph
from tc.compose.asl.node import Checker, Node, anything, fields, has, integer, one_of, text
from tc.compose.asl.states import SECONDS_MAX, check_state, express_seconds
from tc.compose.asl.walk import (
    MAX_DEPTH,
    Language,
    Scope,
    TaskUse,
    key,
    language_of,
    resources,
    scopes,
    shown,
    sub_states,
)
from tc.spec.finding import Address, Finding

__all__ = ["TaskUse", "check", "resources", "sub_states"]

MAX_BYTES = 1_048_576
_NAME_MAX = 80


def _version(node: Node) -> None:
    if node.value != "1.0":
        hint = "put it in quotes" if node.value == 1 else ""
        node.fail(f"must be the text `1.0`, not {shown(node.value)}", hint=hint)


_SCOPE: Mapping[str, Checker] = {
    "Comment": text,
    "StartAt": anything,
    "States": anything,
    "TimeoutSeconds": integer(1, SECONDS_MAX),
    "Version": _version,
    "QueryLanguage": one_of("JSONPath", "JSONata"),
}
_PROCESSOR = {**_SCOPE, "ProcessorConfig": maps.processor_config}


def check(
    definition: Mapping[str, Any], address: Address, mode: Literal["Standard", "Express"]
) -> list[Finding]:
    """Every problem of a definition that stands at `address`, in a fixed order.

    Takes values of any shape and never raises. Templates (``{{account}}``) are
    taken for what they will be filled with.
    """
    refusal = _too_much(definition)
    if refusal:
        code, message = refusal
        return [Finding(code, message, address)]
    findings: list[Finding] = []
    seen: dict[str, str] = {}
    homes = {
        name: scope.label
        for scope in scopes(definition)
        for name in scope.states
        if isinstance(name, str)
    }
    for scope in scopes(definition):
        place = Address(address.file, (*address.path, *scope.path))
        node = Node(scope.value, place, scope.label, "JSONPath", findings)
        express = mode == "Express" or scope.express
        _check_scope(node, scope, express)
        _check_names(node, scope, seen)
        findings += check_graph(scope, place, homes)
        _check_states(node, scope, definition, express)
    findings += _labels(definition, address)
    return list(dict.fromkeys(findings))


def _check_scope(node: Node, scope: Scope, express: bool) -> None:
    inner = bool(scope.path)
    processor = inner and scope.path[-1] == "ItemProcessor"
    if not fields(node, _PROCESSOR if processor else _SCOPE):
        return
    if not has(node.value, "States", known=_PROCESSOR):
        node.fail("has no `States`", "missing-key", at="key")
    elif not isinstance(node.value.get("States", {}), Mapping):
        states = node.field("States")
        states.fail(f"must be a mapping, not {shown(states.value)}", "wrong-type")
    elif "States" in node.value and not node.value["States"]:
        node.field("States").fail("is empty", "missing-key", "a flow has at least one state", "key")
    if "TimeoutSeconds" in node.value:
        express_seconds(node.field("TimeoutSeconds"), express)


def _check_names(node: Node, scope: Scope, seen: dict[str, str]) -> None:
    """Names of states: text of 80 characters, used once in all of the definition."""
    for name in scope.states:
        at = node.address / "States" / key(name)
        message, code, hint = "", "invalid-name", ""
        if not isinstance(name, str):
            message, hint = f"the name of a state is text, not {shown(name)}", "put it in quotes"
        elif not name:
            message = "the name of a state is empty"
        elif len(name) > _NAME_MAX:
            message = f"the name of a state has {len(name)} characters; {_NAME_MAX} is the most"
        elif name in seen:
            message, code = f"the state `{name}` exists already, in {seen[name]}", "duplicate-state"
            hint = "names are unique in the whole definition, nested states included"
        else:
            seen[name] = scope.label
        if message:
            node.findings.append(Finding(code, message, at, hint, "key"))


def _labels(definition: Any, address: Address) -> Iterator[Finding]:
    """Labels of Map states that another one has."""
    owners: dict[str, str] = {}
    for path, name, state in sub_states(definition):
        label = state.get("Label")
        if not isinstance(label, str) or state.get("Type") != "Map":
            continue
        if owners.setdefault(label, name) != name:
            message = f"the label {shown(label)} is that of state {shown(owners[label])} already"
            at = Address(address.file, (*address.path, *path, "Label"))
            yield Finding("duplicate-label", message, at, "labels are unique in the definition")


def _check_states(node: Node, scope: Scope, definition: Any, express: bool) -> None:
    top = definition.get("QueryLanguage") if isinstance(definition, Mapping) else None
    for name, state in scope.states.items():
        language: Language = "JSONPath"
        if isinstance(state, Mapping):
            language = language_of(state, scope, definition)
        place = node.address / "States" / key(name)
        child = Node(state, place, f"state {shown(name)}", language, node.findings)
        if top == "JSONata" and language == "JSONPath" and isinstance(state, Mapping):
            child.field("QueryLanguage").fail(
                "is JSONPath, which a JSONata flow can't hold",
                "conflict",
                "set `QueryLanguage` on states only, and leave the flow's out",
            )
        check_state(child, express)


def _too_much(definition: Any) -> tuple[str, str] | None:
    """Code and message when a definition is too deep or too large to be looked at.

    Counts the bytes of its compact JSON, and stops at the quota: a definition
    that contains itself, or repeats one part a million times, ends there too.
    """
    size = 0
    pending: list[tuple[Any, int]] = [(definition, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > MAX_DEPTH:
            return "too-deep", f"the flow is nested more than {MAX_DEPTH} levels deep"
        children: list[Any] = []
        if isinstance(value, Mapping):
            children = [part for pair in value.items() for part in pair]
        elif isinstance(value, list | tuple):
            children = list(value)
        size += max(2, 2 * len(children)) if isinstance(value, Mapping | list) else _bytes(value)
        if size > MAX_BYTES:
            return "too-large", f"the flow has more than {MAX_BYTES:,} bytes, the most AWS takes"
        pending += [(child, depth + 1) for child in children]
    return None


def _bytes(value: object) -> int:
    """The bytes of a scalar as JSON."""
    if isinstance(value, str):
        return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    if isinstance(value, int) and not isinstance(value, bool):
        return max(1, value.bit_length() * 3 // 10)
    return 4
