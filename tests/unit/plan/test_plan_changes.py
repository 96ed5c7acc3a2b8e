"""What differs, field by field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tc.plan.changes import compare, resolve
from tc.plan.resource import Actual, Change, Ref, Resource


def wanted(props: dict[str, Any], owner: str = "") -> Resource:
    return Resource("function", "function/a", "a", "a", owner, props)


def live(props: dict[str, Any], owner: str = "") -> Actual:
    return Actual("function", "function/a", "a", "a", owner, props)


CASES: list[tuple[Any, Any, list[tuple[str, Any, Any]]]] = [
    ({"a": 1}, {"a": 1}, []),
    ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
    ({}, {"a": 2}, [("a", None, 2)]),
    ({"a": 1, "b": 2}, {"a": 1}, []),
    ({"a": {"x": 1, "y": 2}}, {"a": {"x": 1, "z": 3}}, [("a.y", 2, None), ("a.z", None, 3)]),
    ({"a": {"x": {"y": 1}}}, {"a": {"x": {"y": 2}}}, [("a.x.y", 1, 2)]),
    ({"a": {"x": 1}}, {"a": "text"}, [("a", {"x": 1}, "text")]),
    ({"a": [1, 2]}, {"a": [1, 3]}, [("a.1", 2, 3)]),
    ({"a": [{"x": 1}]}, {"a": [{"x": 2}]}, [("a.0.x", 1, 2)]),
    ({"a": [1]}, {"a": [1, 2]}, [("a", None, 2)]),
    ({"a": [1, 2]}, {"a": [2]}, [("a", 1, None)]),
    ({"a": [1, 2]}, {"a": [3]}, [("a", 1, None), ("a", 2, None), ("a", None, 3)]),
    ({"a": [1]}, {"a": [1, 1]}, [("a", [1], [1, 1])]),
    ({"a": []}, {"a": {}}, [("a", [], {})]),
    ({"a": {}}, {"a": {"x": None}}, [("a.x", None, "null")]),
    ({"a": {"x": None}}, {"a": {}}, [("a.x", "null", None)]),
    ({"a": {"x": None}}, {"a": {"x": 1}}, [("a.x", None, 1)]),
]


@pytest.mark.parametrize(("before", "after", "expected"), CASES)
def test_changes(before: Any, after: Any, expected: list[tuple[str, Any, Any]]) -> None:
    found = compare(wanted(after), live(before))
    assert [(c.path, c.before, c.after) for c in found] == expected


def test_only_the_chosen_fields_are_compared_but_always_the_owner() -> None:
    resource, actual = wanted({"a": 1, "b": 1}, "etl@bob"), live({"a": 2, "b": 2}, "etl@alice")
    assert compare(resource, actual, frozenset({"b"})) == (
        Change("owner", "etl@alice", "etl@bob"),
        Change("b", 2, 1),
    )
    assert compare(resource, live({"a": 1, "b": 1}))[0] == Change("owner", None, "etl@bob")


def test_nobody_s_thing_has_no_owner_to_differ() -> None:
    assert compare(wanted({}, ""), live({}, "etl@alice")) == ()


def test_references_are_filled_wherever_they_are() -> None:
    ref = Ref("api/etl", "id", "arn:", "/*")
    value = {"a": ref, "b": [ref, {"c": ref}], "d": "x"}
    filled = {"a": "arn:7/*", "b": ["arn:7/*", {"c": "arn:7/*"}], "d": "x"}
    assert resolve(value, {"api/etl": {"id": "7"}}) == filled
    assert resolve(value, {}) == value
    assert resolve(value, {"api/etl": {"url": "7"}}) == value
    assert str(ref) == "arn:(known after create)/*"


def test_a_reference_that_is_not_known_yet_is_a_change() -> None:
    ref = Ref("api/etl", "id")
    assert compare(wanted({"a": ref}), live({"a": "7"})) == (Change("a", "7", ref),)


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values, values)
def test_there_is_a_change_exactly_when_the_values_differ(before: Any, after: Any) -> None:
    changes = compare(wanted({"p": after}), live({"p": before}))
    assert bool(changes) == (before != after)
    assert all(c.path.split(".")[0] == "p" for c in changes)
    assert all(c.before != c.after for c in changes)
