"""One cause, one finding: transitions, reachability and ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tc.compose.asl.check import check
from tc.spec.finding import Address

Expected = list[tuple[str, str, str]]


def found(states: dict[str, Any], start: str = "a") -> Expected:
    """(path inside States, code, hint) of each finding."""
    findings = check({"StartAt": start, "States": states}, Address(Path("f.yml")), "Standard")
    return [("/".join(map(str, f.address.path[1:])), f.code, f.hint) for f in findings]


def to(name: str) -> dict[str, Any]:
    return {"Type": "Pass", "Next": name}


END = {"Type": "Pass", "End": True}
LOST = {"Type": "Pass"}

CASES: dict[str, tuple[dict[str, Any], Expected]] = {
    "goes-to-itself": (
        {"a": to("b"), "b": to("b"), "c": END},
        [("b/Next", "unreachable-state", "`Next: c`")],
    ),
    "itself-with-a-long-rest": (
        {"a": to("a"), "b": to("c"), "c": to("d"), "d": END},
        [("a/Next", "unreachable-state", "`Next: b`")],
    ),
    "two-in-a-row-go-to-themselves": (
        {"a": to("a"), "b": to("b"), "c": END},
        [
            ("a/Next", "unreachable-state", "`Next: b`"),
            ("b/Next", "unreachable-state", "`Next: c`"),
        ],
    ),
    "alone-and-to-itself": ({"a": to("a")}, [("a/Next", "no-end", "`End: true` in its place")]),
    "circle-without-end": (
        {"a": to("b"), "b": to("a")},
        [("", "no-end", "give the last state `End: true`, or add a Succeed or a Fail")],
    ),
    "missing-next": ({"a": to("b"), "b": LOST, "c": END}, [("b", "missing-key", "`Next: c`")]),
    "missing-end": ({"a": to("b"), "b": LOST}, [("b", "missing-key", "`End: true`")]),
    "ends-too-early": (
        {"a": END, "b": END},
        [("b", "unreachable-state", "`a` ends before it: `Next: b` in place of `End: true`?")],
    ),
    "skipped": (
        {"a": to("c"), "b": to("c"), "c": END},
        [
            (
                "b",
                "unreachable-state",
                "name it in a `Next`, a rule, a `Default` or a `Catch`, or take it out",
            )
        ],
    ),
    "the-rest-after-it-comes-first": (
        {"a": to("c"), "b": to("d"), "c": to("c"), "d": END, "e": to("d")},
        [
            ("c/Next", "unreachable-state", "`Next: e`"),
            (
                "b",
                "unreachable-state",
                "name it in a `Next`, a rule, a `Default` or a `Catch`, or take it out",
            ),
        ],
    ),
    "island-is-told-where-it-starts": (
        {"a": END, "c": END, "b": {"Type": "Choice", "Default": "b", "Choices": [
            {"Variable": "$.a", "IsNull": True, "Next": "c"}]}},
        [
            (
                "b",
                "unreachable-state",
                "name it in a `Next`, a rule, a `Default` or a `Catch`, or take it out",
            )
        ],
    ),
    "misspelt-next": (
        {"start": to("loda"), "load": END},
        [("start/Next", "unknown-state", "did you mean `load`?")],
    ),
    "dangling-next": (
        {"a": to("zzz"), "b": END},
        [("a/Next", "unknown-state", "the states are `a`, `b`")],
    ),
    "misspelt-key": (
        {"a": {"Type": "Pass", "Nxt": "b"}, "b": END},
        [("a/Nxt", "unknown-key", "did you mean `Next`?")],
    ),
    "wrong-type-of-state-goes-on": (
        {"a": {"Type": "Pas", "Next": "b"}, "b": END},
        [("a/Type", "invalid-value", "did you mean `Pass`?")],
    ),
    "choice-without-rules-keeps-the-rest": (
        {"a": {"Type": "Choice", "Choices": 3}, "b": END},
        [("a/Choices", "wrong-type", "")],
    ),
    "choice-with-next": (
        {"a": {"Type": "Choice", "Choices": [
            {"Variable": "$.a", "IsNull": True, "Next": "b"}], "Next": "b"}, "b": END},
        [("a/Next", "unknown-key", "a Choice goes where its rules and `Default` say")],
    ),
    "default-and-catch-reach": (
        {"a": {"Type": "Choice", "Default": "c", "Choices": [
            {"Variable": "$.a", "IsNull": True, "Next": "b"}]}, "b": END, "c": END},
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_graph(name: str) -> None:
    states, expected = CASES[name]
    assert found(states, next(iter(states))) == expected


def test_nested_scopes_have_graphs_of_their_own() -> None:
    branch = {"StartAt": "x", "States": {"x": END, "y": END}}
    states = {"a": {"Type": "Parallel", "Branches": [branch], "End": True}}
    assert [path for path, *_ in found(states)] == ["a/Branches/0/States/y"]


def _invoke(function: str, **way: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "OutputPath": "$.Payload",
        "InputPath": "$",
        "Parameters": {
            "FunctionName": f"{{{{namespace}}}}_{function}_{{{{sandbox}}}}",
            "Payload": {"data.$": "$"},
        },
        **way,
    }


def test_etl_example_is_refused_with_the_hint_that_mends_it() -> None:
    states = {
        "enhance": _invoke("enhancer", Next="transform"),
        "transform": _invoke("transformer", Next="transform"),
        "load": _invoke("loader", End=True),
    }
    flow = {"Comment": "ETL", "StartAt": "enhance", "TimeoutSeconds": 1200, "States": states}
    at = Address(Path("topology.yml"), ("flow",))
    (finding,) = check(flow, at, "Standard")
    assert finding.address == at / "States" / "transform" / "Next"
    assert finding.hint == "`Next: load`"
    assert finding.message == "state `transform` goes to itself, so `load` is never reached"
    states["transform"]["Next"] = "load"
    assert check(flow, at, "Standard") == []
