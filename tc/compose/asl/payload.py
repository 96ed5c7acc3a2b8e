"""Payloads: what a state hands on, with paths, calls or JSONata inside.

Facts: states-language.net, sections "Payload Template", "JSONata" and
"Variables"; Step Functions developer guide, "Transforming data with JSONata":
a text that opens with ``{%`` must close with ``%}`` and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tc.compose.asl.node import Checker, Node
from tc.compose.asl.paths import path
from tc.compose.asl.walk import shown

_PATH_OR_CALL = path(call=True)


def is_expression(value: Any) -> bool:
    """Whether a value is a JSONata expression, in its delimiters."""
    return (
        isinstance(value, str)
        and value.startswith("{%")
        and value.endswith("%}")
        and (len(value) >= len("{%%}"))
    )


def expression_or(checker: Checker) -> Checker:
    """In a JSONata state an expression will do in place of what `checker` wants."""

    def check(node: Node) -> None:
        if node.language == "JSONata" and isinstance(node.value, str) and _delimited(node):
            return
        checker(node)

    return check


def _delimited(node: Node) -> bool:
    """Whether the text is an expression, or was meant to be one (then said here)."""
    value: str = node.value
    if is_expression(value):
        return True
    if value.startswith("{%") or value.endswith("%}"):
        node.fail(
            f"{shown(value)} is half an expression",
            "invalid-expression",
            "an expression starts with `{%` and ends with `%}`, with nothing outside them",
        )
        return True
    return False


def payload(node: Node) -> None:
    """Any value, its texts checked by the state's query language."""
    value = node.value
    if isinstance(value, Mapping):
        for name in value:
            child = node.field(name)
            if node.language == "JSONPath" and isinstance(name, str) and name.endswith(".$"):
                _PATH_OR_CALL(child)
            else:
                payload(child)
    elif isinstance(value, list):
        for child in node.items("item", of=node.label):
            payload(child)
    elif isinstance(value, str) and node.language == "JSONata":
        _delimited(node)


def template(node: Node) -> None:
    """A mapping (JSONPath's Parameters); in JSONata a mapping or an expression."""
    if isinstance(node.value, Mapping):
        payload(node)
    elif not (node.language == "JSONata" and isinstance(node.value, str) and _delimited(node)):
        wanted = "a mapping or an expression" if node.language == "JSONata" else "a mapping"
        node.fail(f"must be {wanted}, not {shown(node.value)}", "wrong-type")


def assign(node: Node) -> None:
    """Variables by name."""
    if node.language == "JSONata" and is_expression(node.value):
        return
    if not isinstance(node.value, Mapping):
        node.fail(f"must be a mapping, not {shown(node.value)}", "wrong-type")
        return
    for name in node.value:
        _variable(node, name)
    payload(node)


def _variable(node: Node, name: Any) -> None:
    bare = name.removesuffix(".$") if isinstance(name, str) else name
    if isinstance(bare, str) and "{{" in bare:
        return
    if not isinstance(bare, str) or not bare.isidentifier() or len(bare) > 80:
        reason = "a variable's name has letters, digits and `_`, at most 80"
    elif bare == "states":
        reason = "`states` is reserved"
    else:
        return
    node.field(name).fail(f"is no name for a variable: {reason}", "invalid-name", at="key")
