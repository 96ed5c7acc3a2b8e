"""Whatever is in the file, the checker answers with findings, and soon."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tc.compose.asl.check import check, resources, sub_states
from tc.compose.asl.states import FIELDS, TYPES
from tc.compose.asl.walk import MAX_DEPTH
from tc.spec.finding import Address

AT = Address(Path("topology.yml"))

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**40)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        [
            "a",
            "b",
            *TYPES,
            "$.x",
            "$[",
            "{% x",
            "{% 1 %}",
            "States.Format('",
            "States.ALL",
            "JSONata",
        ]
    )
    | st.sampled_from(["arn:aws:states:::", "arn:::::::", "{{account}}", "DISTRIBUTED", "\ud800"])
)
_MORE = "StartAt States ProcessorConfig Mode ErrorEquals And Not Variable IsNull Condition Version"
NAMES = st.sampled_from([*sorted(FIELDS), *_MORE.split(), "ReaderConfig", "a", "b", "x.$"])
KEYS = NAMES | st.integers() | st.none() | st.text(max_size=4)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
STATES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.dictionaries(NAMES, VALUES, max_size=6).flatmap(
        lambda state: st.sampled_from(TYPES).map(lambda kind: {**state, "Type": kind})
    ),
    max_size=3,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_any_value(value: Any) -> None:
    check(value, AT, "Standard")
    list(resources(value))
    list(sub_states(value))


@settings(max_examples=300, deadline=None)
@given(STATES, VALUES)
def test_states_of_any_shape(states: Any, other: Any) -> None:
    definition = {"StartAt": "a", "States": states, "QueryLanguage": other}
    first = check(definition, AT, "Express")
    assert first == check(definition, AT, "Express")
    assert len(set(first)) == len(first)
    assert all(finding.message for finding in first)


def _codes(definition: Any) -> list[str]:
    return [finding.code for finding in check(definition, AT, "Standard")]


def test_a_number_too_long_to_print() -> None:
    state = {"Type": "Wait", "Seconds": 10**5000, "End": True}
    assert _codes({"StartAt": "a", "States": {"a": state}}) == ["invalid-value"]


def test_too_deep() -> None:
    value: Any = 1
    for _ in range(5000):
        value = {"x": value}
    assert _codes({"StartAt": "a", "States": value}) == ["too-deep"]


def test_deep_but_allowed() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH - 4):
        value = {"x": value}
    state = {"Type": "Pass", "Parameters": value, "End": True}
    assert _codes({"StartAt": "a", "States": {"a": state}}) == []


def test_a_definition_that_contains_itself() -> None:
    state: dict[str, Any] = {"Type": "Parallel", "End": True}
    definition = {"StartAt": "a", "States": {"a": state}}
    state["Branches"] = [definition]
    assert _codes(definition) == ["too-deep"]
    assert len(list(sub_states(definition))) < MAX_DEPTH


def test_a_bomb_of_aliases() -> None:
    value: Any = ["x"] * 9
    for _ in range(20):
        value = [value] * 9
    assert _codes({"StartAt": "a", "States": value}) == ["too-large"]


def test_large_and_wrong_everywhere_is_still_quick() -> None:
    loops = {f"s{i}": {"Type": "Pass", "Next": f"s{i}", "x": 1} for i in range(8000)}
    lost = {f"step-{i}": {"Type": "Pas", "Next": f"stop-{i}"} for i in range(8000)}
    for states in (loops, lost):
        definition = {"StartAt": next(iter(states)), "States": states}
        assert len(json.dumps(definition)) < 1_048_576
        start = time.process_time()
        assert len(_codes(definition)) > 8000
        assert time.process_time() - start < 4
