"""Chains that say more than what is next: each item of a list, a choice, a leaf."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from composing import Directory, codes

from tc.compose.asl.check import check

STATES = "arn:aws:states:eu-west-1:111122223333:stateMachine:"


def definition(directory: Directory, functions: str, more: str = "") -> Mapping[str, Any]:
    """The only generated flow, which Step Functions accepts."""
    text = f"name: etl\nfunctions: {functions}\n{more}"
    flows = directory.write(text, "a b c d e f").topology().flows
    (only,) = [flow for flow in flows.values() if flow.generated]
    assert check(only.definition, only.address, "Express") == []
    return only.definition


def ways(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Each state's way on; True where the flow ends."""
    return {
        name: state.get("Next", state.get("End")) for name, state in definition["States"].items()
    }


def test_each_item_goes_through_the_rest_of_the_chain(directory: Directory) -> None:
    flow = definition(directory, "{a: {function: b, map: $.images}, b: {function: c}}")
    assert ways(flow) == {"a": "each of a", "each of a": True}
    each = flow["States"]["each of a"]
    assert (each["Type"], each["ItemsPath"]) == ("Map", "$.images")
    assert each["ItemProcessor"]["ProcessorConfig"] == {"Mode": "INLINE"}
    assert each["ItemProcessor"]["StartAt"] == "b"
    assert ways(each["ItemProcessor"]) == {"b": "c", "c": True}


def test_a_map_says_how_many_items_go_at_once(directory: Directory) -> None:
    hint = "{items: $.images, concurrency: 3}"
    flow = definition(directory, f"{{a: {{function: b, map: {hint}}}}}")
    each = flow["States"]["each of a"]
    assert (each["ItemsPath"], each["MaxConcurrency"]) == ("$.images", 3)
    wrong = directory.write("name: etl\nfunctions: {a: {function: b, map: {items: x}}}", "a b")
    assert codes(wrong.findings()) == ["invalid-value"]


def test_what_the_items_became_goes_on_as_a_list(directory: Directory) -> None:
    flow = definition(directory, "{a: {function: b, map: $, then: d}, b: {function: c}, d: {}}")
    assert ways(flow) == {"a": "each of a", "each of a": "d", "d": True}
    assert ways(flow["States"]["each of a"]["ItemProcessor"]) == {"b": "c", "c": True}


def test_then_follows_several_functions_too(directory: Directory) -> None:
    flow = definition(directory, "{a: {functions: [b, c], then: d}}")
    assert ways(flow) == {"a": "after a", "after a": "d", "d": True}


def test_a_map_in_a_branch_ends_where_the_branches_meet(directory: Directory) -> None:
    chain = "{a: {functions: [b, c]}, b: {function: e, map: $.x, then: d}, c: {function: d}}"
    flow = definition(directory, chain)
    assert ways(flow) == {"a": "after a", "after a": "d", "d": True}
    first, second = flow["States"]["after a"]["Branches"]
    assert ways(first) == {"b": "each of b", "each of b": True}
    assert ways(second) == {"c": True}


def test_items_whose_chain_comes_to_the_meeting_stop_before_it(directory: Directory) -> None:
    chain = "{a: {functions: [b, c]}, b: {function: e, map: $.x}, "
    chain += "e: {function: d}, c: {function: d}}"
    flow = definition(directory, chain)
    assert ways(flow) == {"a": "after a", "after a": "d", "d": True}
    first, _ = flow["States"]["after a"]["Branches"]
    assert ways(first) == {"b": "each of b", "each of b": True}
    assert ways(first["States"]["each of b"]["ItemProcessor"]) == {"e": True}


def test_a_choice_goes_where_the_first_rule_says(directory: Directory) -> None:
    rules = "{when: $.total > 100, function: b}, {when: $.kind == 'gift', function: c}"
    chain = f"{{a: {{choice: [{rules}, {{function: d}}]}}, b: {{function: e}}, c: {{function: e}}}}"
    flow = definition(directory, chain)
    assert ways(flow) == {
        "a": "after a",
        "after a": None,
        "b": "e",
        "c": "e",
        "d": True,
        "e": True,
    }
    choice = flow["States"]["after a"]
    assert choice["Choices"] == [
        {
            "And": [
                {"Variable": "$.total", "IsPresent": True},
                {"Variable": "$.total", "NumericGreaterThan": 100},
            ],
            "Next": "b",
        },
        {
            "And": [
                {"Variable": "$.kind", "IsPresent": True},
                {"Variable": "$.kind", "StringEquals": "gift"},
            ],
            "Next": "c",
        },
    ]
    assert choice["Default"] == "d"


def test_what_fits_no_rule_ends_the_chain(directory: Directory) -> None:
    flow = definition(directory, "{a: {choice: [{when: $.ok, function: b}]}}")
    assert flow["States"]["after a"]["Default"] == "end after a"
    assert flow["States"]["end after a"] == {"Type": "Succeed"}
    test = {"Variable": "$.ok", "BooleanEquals": True}
    assert flow["States"]["after a"]["Choices"][0]["And"][1] == test


def test_a_rule_may_be_one_of_a_choice_state(directory: Directory) -> None:
    rule = "{when: {Variable: $.name, StringMatches: 'a*'}, function: b}"
    flow = definition(directory, f"{{a: {{choice: [{rule}]}}}}")
    assert flow["States"]["after a"]["Choices"] == [
        {"Variable": "$.name", "StringMatches": "a*", "Next": "b"}
    ]


@pytest.mark.parametrize(
    ("when", "compared"),
    [
        ("$.n >= 1.5", {"Variable": "$.n", "NumericGreaterThanEquals": 1.5}),
        ("$.n<2", {"Variable": "$.n", "NumericLessThan": 2}),
        ("$.a.b[0] == true", {"Variable": "$.a.b[0]", "BooleanEquals": True}),
        ('$.s <= "m"', {"Variable": "$.s", "StringLessThanEquals": "m"}),
        ("$.s == null", {"Variable": "$.s", "IsNull": True}),
    ],
)
def test_a_condition_is_a_comparison(
    directory: Directory, when: str, compared: dict[str, Any]
) -> None:
    rule = json.dumps({"when": when, "function": "b"})
    flow = definition(directory, f"{{a: {{choice: [{rule}]}}}}")
    assert flow["States"]["after a"]["Choices"][0]["And"][1] == compared


def test_unequal_is_what_is_not_there_too(directory: Directory) -> None:
    flow = definition(directory, "{a: {choice: [{when: $.s != 'x', function: b}]}}")
    rule = flow["States"]["after a"]["Choices"][0]
    assert [*rule["Not"]["And"]][1] == {"Variable": "$.s", "StringEquals": "x"}


FLOW = "flow: {StartAt: s, States: {s: {Type: Succeed}}}\n"
URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/etl_jobs_bob"
LEAVES = [
    (
        "queue: jobs",
        "queues: {jobs: {}}\n",
        "sqs:sendMessage",
        {"QueueUrl": URL, "MessageBody.$": "$"},
        ("queue", "jobs"),
    ),
    (
        "queue: jobs",
        "queues: {jobs: {fifo: true}}\n",
        "sqs:sendMessage",
        {
            "QueueUrl": f"{URL}.fifo",
            "MessageBody.$": "$",
            "MessageGroupId.$": "$$.Execution.Name",
            "MessageDeduplicationId.$": "States.UUID()",
        },
        ("queue", "jobs"),
    ),
    (
        "state: flow",
        FLOW,
        "states:startExecution",
        {"StateMachineArn": f"{STATES}etl_bob", "Input.$": "$"},
        ("flow", "etl"),
    ),
    (
        "event: Done",
        "events: {Done: {}}\n",
        "events:putEvents",
        {
            "Entries": [
                {
                    "Source": "default",
                    "DetailType": "Done",
                    "EventBusName": "default",
                    "Detail.$": "$",
                    "Resources": ["tc:sandbox:bob"],
                }
            ]
        },
        ("event", "Done"),
    ),
]


@pytest.mark.parametrize(("key", "more", "call", "parameters", "target"), LEAVES)
def test_a_leaf_gets_the_result_and_hands_it_on(
    directory: Directory,
    key: str,
    more: str,
    call: str,
    parameters: dict[str, Any],
    target: tuple[str, str],
) -> None:
    flow = definition(directory, f"{{a: {{function: b, {key}}}}}", more)
    assert ways(flow) == {"a": f"a to {target[1]}", f"a to {target[1]}": "b", "b": True}
    assert flow["States"][f"a to {target[1]}"] == {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{call}",
        "Parameters": parameters,
        "ResultPath": None,
        "Next": "b",
    }
    edges = directory.topology().edges
    assert (("flow", "a"), target) in [(edge.source, edge.target) for edge in edges]


def test_a_rule_may_end_in_a_leaf(directory: Directory) -> None:
    rules = "[{when: $.ok, function: b}, {queue: jobs}]"
    flow = definition(directory, f"{{a: {{choice: {rules}}}}}", "queues: {jobs: {}}\n")
    assert flow["States"]["after a"]["Default"] == "a chooses jobs"
    assert flow["States"]["a chooses jobs"]["End"] is True


BAD = [
    ("{a: {map: $.x}}", "missing-key", ("functions", "a", "map")),
    ("{a: {map: $.x, functions: [b, c]}}", "missing-key", ("functions", "a", "map")),
    ("{a: {map: items, function: b}}", "invalid-value", ("functions", "a", "map")),
    ("{a: {then: c, function: b}}", "missing-key", ("functions", "a", "then")),
    ("{a: {map: $, function: b, then: x}}", "unknown-name", ("functions", "a", "then")),
    (
        "{a: {function: b, choice: [{when: $.x, function: c}]}}",
        "both",
        ("functions", "a", "choice"),
    ),
    ("{a: {choice: [{function: c}]}}", "missing-key", ("functions", "a", "choice")),
    (
        "{a: {choice: [{function: b}, {when: $.x, function: c}]}}",
        "missing-key",
        ("functions", "a", "choice", 0),
    ),
    (
        "{a: {choice: [{when: $.x, function: b, event: E}]}}",
        "targets",
        ("functions", "a", "choice", 0),
    ),
    (
        "{a: {choice: [{when: $.x, function: nobody}]}}",
        "unknown-name",
        ("functions", "a", "choice", 0, "function"),
    ),
    *[
        (
            f"{{a: {{choice: [{{when: {when}, function: b}}]}}}}",
            "invalid-expression",
            ("functions", "a", "choice", 0, "when"),
        )
        for when in ("total > 1", "$.x > true", "$.x == many", "'$.x > '", "'$..[ == 1'")
    ],
    (
        "{a: {choice: [{when: {Variable: $.x, NumericBigger: 1}, function: b}]}}",
        "unknown-key",
        ("functions", "a", "choice", 0, "when", "NumericBigger"),
    ),
    ("{a: {map: $.x, function: b}, b: {function: a}}", "cycle", ("functions", "a")),
]


@pytest.mark.parametrize(("functions", "code", "path"), BAD, ids=[case[0] for case in BAD])
def test_hints_that_mean_nothing(
    directory: Directory, functions: str, code: str, path: tuple[Any, ...]
) -> None:
    text = f"name: etl\nfunctions: {functions}\nevents: {{E: {{}}}}\n"
    findings = directory.write(text, "a b c").findings()
    assert code in codes(findings)
    found = next(finding for finding in findings if finding.code == code)
    assert found.address.path == path
