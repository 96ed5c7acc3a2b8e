"""The flows that chains of functions mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from composing import Directory, codes

from tc.compose.asl.check import check


def outline(machine: Mapping[str, Any]) -> dict[str, Any]:
    """Each state's way on: its next, True at an end, and the branches of a Parallel."""
    found: dict[str, Any] = {}
    for name, state in machine["States"].items():
        way = state.get("Next", state.get("End"))
        branches = [
            {"start": branch["StartAt"], **outline(branch)} for branch in state.get("Branches", [])
        ]
        found[name] = (branches, way) if branches else way
    return found


def flow(directory: Directory, functions: str, events: str = "") -> Mapping[str, Any]:
    names = "a b c d e f"
    topology = directory.write(f"name: etl\nfunctions: {functions}\n{events}", names).topology()
    (only,) = topology.flows.values()
    assert check(only.definition, only.address, "Standard") == []
    return only.definition


def test_a_line(directory: Directory) -> None:
    machine = flow(directory, "{a: {function: b}, b: {function: c}}")
    assert machine["StartAt"] == "a"
    assert outline(machine) == {"a": "b", "b": "c", "c": True}
    assert machine["States"]["a"]["Parameters"] == {
        "FunctionName": "arn:aws:lambda:eu-west-1:111122223333:function:etl_a_bob",
        "Payload.$": "$",
    }
    assert machine["States"]["a"]["OutputPath"] == "$.Payload"


def test_branches_that_do_not_meet(directory: Directory) -> None:
    machine = flow(directory, "{a: {functions: [b, c]}, c: {function: d}}")
    branches = [{"start": "b", "b": True}, {"start": "c", "c": "d", "d": True}]
    assert outline(machine) == {"a": "after a", "after a": (branches, True)}


def test_branches_that_meet_go_on_as_one(directory: Directory) -> None:
    chain = "{a: {functions: [b, c]}, b: {function: d}, c: {function: e}, e: {function: d}}"
    branches = [{"start": "b", "b": True}, {"start": "c", "c": "e", "e": True}]
    assert outline(flow(directory, chain)) == {
        "a": "after a",
        "after a": (branches, "d"),
        "d": True,
    }


def test_branches_within_a_branch(directory: Directory) -> None:
    chain = "{a: {functions: [b, c]}, b: {functions: [d, e]}, d: {function: f}, e: {function: f}}"
    inner = [{"start": "d", "d": True}, {"start": "e", "e": True}]
    assert outline(flow(directory, chain)) == {
        "a": "after a",
        "after a": (
            [
                {"start": "b", "b": "after b", "after b": (inner, "f"), "f": True},
                {"start": "c", "c": True},
            ],
            True,
        ),
    }


def test_inner_and_outer_branches_that_meet_in_one_function(directory: Directory) -> None:
    chain = "{a: {functions: [b, c]}, b: {functions: [d, e]}, "
    chain += "d: {function: f}, e: {function: f}, c: {function: f}}"
    inner = [{"start": "d", "d": True}, {"start": "e", "e": True}]
    outer = [{"start": "b", "b": "after b", "after b": (inner, True)}, {"start": "c", "c": True}]
    assert outline(flow(directory, chain)) == {
        "a": "after a",
        "after a": (outer, "f"),
        "f": True,
    }


def test_a_result_is_put_on_the_bus_and_handed_on(directory: Directory) -> None:
    chain = "{a: {function: b, event: Done}, b: {event: Done}}"
    machine = flow(directory, chain, "events: {Done: {producer: me, bus: orders, function: c}}\n")
    assert outline(machine) == {
        "a": "a to Done",
        "a to Done": "b",
        "b": "b to Done",
        "b to Done": True,
    }
    put = machine["States"]["a to Done"]
    assert put["Parameters"]["Entries"] == [
        {
            "Source": "me",
            "DetailType": "Done",
            "EventBusName": "orders",
            "Detail.$": "$",
            "Resources": ["tc:sandbox:bob"],
        }
    ]
    assert put["ResultPath"] is None


def test_several_heads_are_several_flows(directory: Directory) -> None:
    text = "name: etl\nfunctions: {a: {function: b}, c: {function: b}}\n"
    flows = directory.write(text, "a b c").topology().flows
    assert {name: outline(f.definition) for name, f in flows.items()} == {
        "a": {"a": "b", "b": True},
        "c": {"c": "b", "b": True},
    }


def test_root_names_a_head_and_takes_one_away(directory: Directory) -> None:
    text = "name: etl\nfunctions: {a: {function: b, root: %s}, b: {function: c, root: %s}}\n"
    assert sorted(directory.write(text % ("true", "true"), "a b c").topology().flows) == ["a", "b"]
    assert sorted(directory.write(text % ("false", "true")).topology().flows) == ["b"]


@pytest.mark.parametrize(
    ("chain", "circle"),
    [
        ("{a: {function: a}}", "a -> a"),
        ("{a: {function: b}, b: {function: a}}", "a -> b -> a"),
        ("{a: {functions: [b, c]}, b: {function: d}, d: {function: b}}", "b -> d -> b"),
    ],
)
def test_a_circle_is_an_error_that_names_it(directory: Directory, chain: str, circle: str) -> None:
    (finding,) = directory.write(f"name: etl\nfunctions: {chain}\n", "a b c d").findings()
    assert finding.code == "cycle"
    assert circle in finding.message


@pytest.mark.parametrize(
    "chain",
    [
        "{a: {functions: [b, c]}, b: {function: c}}",
        "{a: {functions: [b, c]}, c: {function: d}, b: {functions: [d, e]}}",
        "{a: {functions: [b, c, d]}, b: {function: e}, c: {function: e}}",
        "{a: {functions: [b, b]}}",
    ],
)
def test_branches_that_meet_half_way_are_an_error(directory: Directory, chain: str) -> None:
    findings = directory.write(f"name: etl\nfunctions: {chain}\n", "a b c d e").findings()
    assert codes(findings) == ["chain-clash"]


def test_state_names_are_within_their_80_characters(directory: Directory) -> None:
    long, event = "n" * 90, "E" * 60
    chain = f"{{{long}: {{function: b}}, b: {{functions: [c, d], event: {event}}}}}"
    text = f"name: etl\nfunctions: {chain}\n"
    text += f"events: {{{event}: {{}}}}\n"
    topology = directory.write(text, f"{long} b c d").topology()
    (only,) = topology.flows.values()
    assert check(only.definition, only.address, "Standard") == []
    assert len(only.full_name) <= 80
