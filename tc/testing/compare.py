"""An answer against what was expected of it; pure."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any

from tc.spec.test import Case

#: lines of a difference that are told
_LINES = 80


def difference(case: Case, expected: Any, answer: Any) -> str:
    """How `answer` isn't what is `expected`, as a unified diff; empty when it is.

    `expected` is `expect` with its templates filled.
    """
    if not case.expects:
        return ""
    if case.is_path:
        return _at_path(case, expected, answer)
    if case.entry.condition == "regex":
        text = answer if isinstance(answer, str) else _compact(answer)
        found = re.search(expected, text)
        return "" if found else _diff(f"a text that fits {expected}", text)
    if case.entry.condition == "matches":
        return "" if same(expected, answer) else _diff(expected, answer)
    return "" if includes(expected, answer) else _diff(expected, seen(expected, answer))


def _at_path(case: Case, expected: Any, answer: Any) -> str:
    """What the path leads to is `expected`: one of them, where it leads to several; without
    `expect` it leads to something."""
    from jsonpath import findall

    found = findall(case.entry.condition, _read(answer))
    if "expect" not in case.entry.model_fields_set:
        return "" if found else _diff(f"something at {case.entry.condition}", answer)
    if any(same(expected, one) for one in found) or (found and same(expected, found)):
        return ""
    if not found:
        return _diff(expected, f"nothing at {case.entry.condition} of\n{pretty(answer)}")
    return _diff(expected, found[0] if len(found) == 1 else found)


def same(expected: Any, actual: Any) -> bool:
    """Whether both are the same JSON: 1 and 1.0 are, 1 and true aren't. JSON in a text is the
    same as what it says, where no text is expected."""
    if isinstance(expected, dict | list):
        actual = _read(actual)
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(
            same(value, actual[key]) for key, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    return _kind(expected) is _kind(actual) and bool(expected == actual)


def includes(expected: Any, actual: Any) -> bool:
    """Whether `actual` has `expected` in it: a mapping all its keys, a list all its items in
    any order, a text its part. What is inside of those must be the same, or be included again
    where it is a mapping or a list."""
    if isinstance(expected, str) and isinstance(actual, str):
        return expected in actual
    return _within(expected, actual)


def _within(expected: Any, actual: Any) -> bool:
    if isinstance(expected, dict | list):
        actual = _read(actual)
    if isinstance(expected, dict) and isinstance(actual, dict):
        return all(key in actual and _within(value, actual[key]) for key, value in expected.items())
    if isinstance(expected, list) and isinstance(actual, list):
        return all(any(_within(item, one) for one in actual) for item in expected)
    return same(expected, actual)


def seen(expected: Any, actual: Any) -> Any:
    """`actual` without the keys that nobody asked for, so that a diff has only what counts."""
    if isinstance(expected, dict | list):
        actual = _read(actual)
    if isinstance(expected, dict) and isinstance(actual, dict):
        found = {key: seen(value, actual[key]) for key, value in expected.items() if key in actual}
        return found if found or not actual else actual
    return actual


def _read(value: Any) -> Any:
    """What a text of JSON says: the `body` of a function behind a route is one."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _kind(value: Any) -> type:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return type(value)
    return float


def pretty(value: Any) -> str:
    """A text as it is, anything else as JSON in the order of its keys."""
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _diff(expected: Any, actual: Any) -> str:
    """Both, line by line. A text and what looks like it (`1` and `"1"`) are told apart."""
    before, after = pretty(expected), pretty(actual)
    if before == after:
        before, after = _compact(expected), _compact(actual)
    lines = list(
        difflib.unified_diff(
            before.splitlines(), after.splitlines(), "expected", "actual", lineterm=""
        )
    )
    left = len(lines) - _LINES
    kept = [*lines[:_LINES], f"… and {left} more"] if left > 0 else lines
    return "\n".join(kept)
