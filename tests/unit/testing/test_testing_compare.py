"""What counts as expected, and how a difference is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tc.spec.finding import Address
from tc.spec.test import Case, CaseEntry
from tc.testing.compare import difference

NOTHING = object()


def differs(answer: Any, expect: Any = NOTHING, condition: str = "includes") -> str:
    written = {} if expect is NOTHING else {"expect": expect}
    entry = CaseEntry(condition=condition, **written)
    case = Case("tests/t", "", {}, entry, Address(Path("topology.yml")))
    return difference(case, entry.expect, answer)


@pytest.mark.parametrize(
    ("condition", "expect", "answer", "is_right"),
    [
        ("includes", {"a": 1}, {"a": 1, "b": 2}, True),
        ("includes", {"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ("includes", {"a": 1}, {"a": 2}, False),
        ("includes", {"a": None}, {}, False),
        ("includes", {"a": None}, {"a": None}, True),
        ("includes", [2, {"a": 1}], [{"a": 1, "b": 2}, 2, 3], True),
        ("includes", [4], [1, 2], False),
        ("includes", "bo", "bob", True),
        ("includes", {"name": "bo"}, {"name": "bob"}, False),
        ("includes", {"body": {"id": 7}}, {"body": '{"id": 7, "n": 1}'}, True),
        ("includes", {"body": {"id": 7}}, {"body": "{no json"}, False),
        ("includes", 1, True, False),
        ("includes", 0, False, False),
        ("includes", 1, 1.0, True),
        ("includes", 1, "1", False),
        ("includes", None, None, True),
        ("includes", None, {}, False),
        ("matches", {"a": 1}, {"a": 1}, True),
        ("matches", {"a": 1}, {"a": 1, "b": 2}, False),
        ("matches", [1, 2], [2, 1], False),
        ("matches", {"a": [1, {"b": True}]}, {"a": [1, {"b": True}]}, True),
        ("matches", {"a": True}, {"a": 1}, False),
        ("matches", "bo", "bob", False),
        ("regex", r"^b.b$", "bob", True),
        ("regex", r"\d", "bob", False),
        ("regex", r'"a": 1', {"a": 1}, True),
        ("$.items[?@.id == 2].n", "b", {"items": [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}]}, True),
        ("$.a", {"b": 1}, {"a": {"b": 1, "c": 1}}, False),
        ("$.a", 1, {"b": 1}, False),
        ("$..id", [1, 2], [{"id": 1}, {"id": 2}], True),
        ("$..id", 2, [{"id": 1}, {"id": 2}], True),
        ("$.a", NOTHING, {"a": None}, True),
        ("$.a", NOTHING, {"b": 1}, False),
        ("$.a", 1, '{"a": 1}', True),
        ("$.a", 1, "text", False),
        ("includes", NOTHING, {"any": "thing"}, True),
    ],
)
def test_conditions(condition: str, expect: Any, answer: Any, is_right: bool) -> None:
    told = differs(answer, expect, condition)
    assert (told == "") is is_right, told
    if not is_right:
        assert told.startswith("--- expected\n+++ actual\n")


def test_a_difference_has_only_what_was_asked_for() -> None:
    told = differs({"a": 1, "secret": "x", "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 9}})
    assert told.splitlines()[2:] == [
        "@@ -1,6 +1,6 @@",
        " {",
        '   "a": 1,',
        '   "b": {',
        '-    "c": 9',
        '+    "c": 2',
        "   }",
        " }",
    ]


def test_a_text_and_what_looks_like_it_are_told_apart() -> None:
    assert '-1\n+"1"' in differs("1", 1)


def test_a_missing_key_is_a_line() -> None:
    told = differs({"a": 1}, {"a": 1, "b": 2})
    assert '-  "b": 2' in told


def test_what_a_path_does_not_lead_to_is_told_with_the_answer() -> None:
    told = differs({"b": 1}, 5, "$.a")
    assert "-5" in told
    assert "+nothing at $.a of" in told
    assert '+  "b": 1' in told


def test_a_long_difference_is_cut() -> None:
    told = differs(list(range(1000)), [-1], "matches").splitlines()
    assert len(told) == 81
    assert told[-1] == "… and 926 more"
