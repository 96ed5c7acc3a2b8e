"""The syntax of JSONPath, reference paths and intrinsic functions.

Facts: states-language.net, sections "Paths", "Reference Paths", "Intrinsic
Functions". Functions that read a text return what is wrong with it, empty when
nothing is.
"""

from __future__ import annotations

import re

from tc.compose.asl.node import Checker, Node, closest
from tc.compose.asl.walk import shown

INTRINSICS = (
    "States.Array",
    "States.ArrayContains",
    "States.ArrayGetItem",
    "States.ArrayLength",
    "States.ArrayPartition",
    "States.ArrayRange",
    "States.ArrayUnique",
    "States.Base64Decode",
    "States.Base64Encode",
    "States.Format",
    "States.Hash",
    "States.JsonMerge",
    "States.JsonToString",
    "States.MathAdd",
    "States.MathRandom",
    "States.StringSplit",
    "States.StringToJson",
    "States.UUID",
)
#: how deep calls of intrinsic functions may nest
_MAX_CALLS = 10

_HEAD = re.compile(r"\$\$|\$[^\W\d]\w*|\$")
_NAME = re.compile(r"(?:\\.|[^.\[\]\\])+", re.DOTALL)
_REFERENCE_KEY = re.compile(r"\s*(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|-?\d+)\s*\Z", re.DOTALL)
_CALL = re.compile(r"(States\.\w+)\s*\(")
_LITERAL = re.compile(
    r"'(?:\\.|[^'\\])*'|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null", re.DOTALL
)


def path_problem(path: str, reference: bool = False) -> str:
    """What is wrong with a JSONPath; a reference path may name one value only."""
    head = _HEAD.match(path)
    if head is None:
        return "must start with `$`"
    at = head.end()
    while at < len(path):
        if path[at] == "[":
            at, problem = _bracket(path, at, reference)
        elif path[at] == ".":
            at, problem = _dots(path, at, reference)
        else:
            problem = f"has {shown(path[at])} where a `.` or `[` is due"
        if problem:
            return problem
    return ""


def _bracket(path: str, at: int, reference: bool) -> tuple[int, str]:
    """(where the path goes on, what is wrong) of ``[…]``."""
    end = _closing(path, at)
    inside = path[at + 1 : end]
    if end < 0:
        return at, "has a `[` that nothing closes"
    if not inside.strip():
        return at, "has an empty `[]`"
    if reference and not _REFERENCE_KEY.match(inside):
        return at, f"may name one value only, not `[{inside}]`"
    return end + 1, ""


def _dots(path: str, at: int, reference: bool) -> tuple[int, str]:
    """(where the path goes on, what is wrong) of ``.name`` and ``..name``."""
    deep = path.startswith("..", at)
    at += 2 if deep else 1
    if deep and reference:
        return at, "may name one value only, not `..`"
    if deep and path.startswith("[", at):
        return at, ""
    name = _NAME.match(path, at)
    if name is None:
        return at, "has a `.` with no name after it"
    if reference and name.group() == "*":
        return at, "may name one value only, not `*`"
    return name.end(), ""


def _closing(path: str, start: int) -> int:
    """Where the bracket opened at `start` closes, -1 when it does not."""
    depth, quote, at = 0, "", start
    while at < len(path):
        char = path[at]
        if char == "\\":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "[]":
            depth += 1 if char == "[" else -1
            if depth == 0:
                return at
        at += 1
    return -1


def intrinsic_problem(text: str) -> str:
    """What is wrong with a call of an intrinsic function."""
    try:
        end = _call(text, 0, 1)
    except _Wrong as wrong:
        return str(wrong)
    return f"has {shown(text[end:].strip())} after the call" if text[end:].strip() else ""


class _Wrong(Exception):
    """What is wrong with a call; never leaves this module."""


def _call(text: str, at: int, depth: int) -> int:
    """The end of the call that starts at `at`."""
    match = _CALL.match(text, at)
    if match is None:
        raise _Wrong("is neither a path nor a call such as `States.Format('{}', $.a)`")
    if match[1] not in INTRINSICS:
        guess = closest(match[1], INTRINSICS)
        meant = f"; did you mean `{guess}`?" if guess else ""
        raise _Wrong(f"calls `{match[1]}`, which is no intrinsic function{meant}")
    if depth > _MAX_CALLS:
        raise _Wrong(f"nests more than {_MAX_CALLS} calls")
    at = _blank(text, match.end())
    if text.startswith(")", at):
        return at + 1
    while True:
        at = _blank(text, _argument(text, at, depth))
        if text.startswith(")", at):
            return at + 1
        if not text.startswith(",", at):
            raise _Wrong(f"has no `,` or `)` after an argument of `{match[1]}`")
        at = _blank(text, at + 1)


def _argument(text: str, at: int, depth: int) -> int:
    if text.startswith("$", at):
        end = _path_end(text, at)
        problem = path_problem(text[at:end].rstrip())
        if problem:
            raise _Wrong(f"has the argument {shown(text[at:end].rstrip())}, which {problem}")
        return end
    if text.startswith("States.", at):
        return _call(text, at, depth + 1)
    literal = _LITERAL.match(text, at)
    if literal is None:
        raise _Wrong("has an argument that is no path, call, number or 'text' in single quotes")
    return literal.end()


def _path_end(text: str, at: int) -> int:
    calls = 0
    while at < len(text) and (calls or text[at] not in ",)"):
        if text[at] == "\\":
            at += 1
        elif text[at] in "()":
            calls += 1 if text[at] == "(" else -1
        elif text[at] == "[":
            closing = _closing(text, at)
            at = closing if closing >= 0 else len(text)
        at += 1
    return min(at, len(text))


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def path(*, null: bool = False, reference: bool = False, call: bool = False) -> Checker:
    """A JSONPath; `null` allows null, `call` an intrinsic function.

    A text that has a template is left alone: what will be there is not known.
    """

    def check(node: Node) -> None:
        value = node.value
        if (value is None and null) or (isinstance(value, str) and "{{" in value):
            return
        if not isinstance(value, str):
            node.fail(f"must be a path, not {shown(value)}", "wrong-type")
            return
        if call and value.startswith("States."):
            problem = intrinsic_problem(value)
        elif reference and value.startswith("$$"):
            problem = "can't write to the context object `$$`"
        else:
            problem = path_problem(value, reference)
        if problem:
            node.fail(problem, "invalid-path", hint=f"`$.{value}`" if _bare(value) else "")

    return check


def _bare(value: str) -> bool:
    """Whether only the `$.` is missing."""
    return re.fullmatch(r"[A-Za-z_]\w*(\.\w+)*", value) is not None
