"""The tasks and states that other stages read from a flow."""

from __future__ import annotations

from typing import Any

from tc.compose.asl.check import TaskUse, resources, sub_states


def _task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True, **fields}


FLOW = {
    "StartAt": "top",
    "States": {
        "top": _task(Parameters={"FunctionName": "a"}),
        "both": {
            "Type": "Parallel",
            "Branches": [{"States": {"left": _task(QueryLanguage="JSONata", Arguments={"b": 1})}}],
        },
        "each": {
            "Type": "Map",
            "ItemProcessor": {"States": {"deep": _task(Parameters="no mapping")}},
        },
        "old": {"Type": "Map", "Iterator": {"States": {"item": {"Type": "Pass"}}}},
    },
}


def test_resources_finds_tasks_at_any_depth() -> None:
    invoke = "arn:aws:states:::lambda:invoke"
    assert list(resources(FLOW)) == [
        TaskUse("top", ("States", "top"), invoke, {"FunctionName": "a"}, "JSONPath"),
        TaskUse(
            "left",
            ("States", "both", "Branches", 0, "States", "left"),
            invoke,
            {"b": 1},
            "JSONata",
        ),
        TaskUse(
            "deep", ("States", "each", "ItemProcessor", "States", "deep"), invoke, {}, "JSONPath"
        ),
    ]


def test_sub_states_are_in_the_order_of_the_scopes() -> None:
    names = [name for _, name, _ in sub_states(FLOW)]
    assert names == ["top", "both", "each", "old", "left", "deep", "item"]


def test_paths_lead_to_the_states() -> None:
    for path, _, state in sub_states(FLOW):
        value: Any = FLOW
        for key in path:
            value = value[key]
        assert value is state
