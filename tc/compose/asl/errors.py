"""Retry and Catch.

Facts: states-language.net, section "Errors"; Step Functions developer guide,
"Handling errors": the ranges.
"""

from __future__ import annotations

from collections.abc import Mapping

from tc.compose.asl.node import Checker, Node, anything, fields, integer, number, one_of, text
from tc.compose.asl.paths import path
from tc.compose.asl.payload import assign, payload
from tc.compose.asl.walk import shown

_ALL = "States.ALL"
_COUNT_MAX = 99_999_999
#: MaxDelaySeconds is below a leap year's seconds
_DELAY_MAX = 31_622_400


def _names(node: Node) -> None:
    value = node.value
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        node.fail("must be a list of error names", "wrong-type")
    elif not value:
        node.fail("is empty", hint=f"`[{_ALL}]` is every error")
    elif _ALL in value and len(value) > 1:
        node.fail(f"has `{_ALL}` beside other names", hint=f"`{_ALL}` stands alone")


_RETRIER: Mapping[str, Checker] = {
    "ErrorEquals": _names,
    "IntervalSeconds": integer(1, _COUNT_MAX),
    "MaxAttempts": integer(0, _COUNT_MAX),
    "BackoffRate": number(1),
    "MaxDelaySeconds": integer(1, _DELAY_MAX),
    "JitterStrategy": one_of("FULL", "NONE"),
    "Comment": text,
}
_CATCHER: Mapping[str, Checker] = {
    "ErrorEquals": _names,
    # The graph says where it goes.
    "Next": anything,
    "Assign": assign,
    "Comment": text,
}
_CATCHER_JSONPATH = {**_CATCHER, "ResultPath": path(null=True, reference=True)}
_CATCHER_JSONATA = {**_CATCHER, "Output": payload}


def retry(node: Node) -> None:
    _each(node, "retrier", _RETRIER, ("ErrorEquals",), {})


def catch(node: Node) -> None:
    jsonata = node.language == "JSONata"
    table = _CATCHER_JSONATA if jsonata else _CATCHER_JSONPATH
    foreign = (
        {"ResultPath": "a JSONata state has `Output` in its place"}
        if jsonata
        else {"Output": "a JSONPath state has `ResultPath` in its place"}
    )
    _each(node, "catcher", table, ("ErrorEquals", "Next"), foreign)


def _each(
    node: Node,
    noun: str,
    table: Mapping[str, Checker],
    required: tuple[str, ...],
    foreign: Mapping[str, str],
) -> None:
    if not isinstance(node.value, list):
        node.fail(f"must be a list, not {shown(node.value)}", "wrong-type")
        return
    entries = node.items(noun)
    for index, entry in enumerate(entries):
        if not fields(entry, table, required, foreign):
            continue
        names = entry.value.get("ErrorEquals")
        if isinstance(names, list) and _ALL in names and index < len(entries) - 1:
            entry.field("ErrorEquals").fail(
                f"has `{_ALL}` before the last {noun}: the ones after it are never used",
                hint=f"put this {noun} last",
            )
