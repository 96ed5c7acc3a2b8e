"""What each edge grants, to the letter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from composing import Directory

ARN = "arn:aws:{}:eu-west-1:111122223333:{}"
LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": [ARN.format("logs", "log-group:/aws/lambda/etl_one_bob:*")],
}


def granted(directory: Directory) -> dict[str, list[dict[str, Any]]]:
    """The statements of each role."""
    return {
        role.name: [statement.document() for statement in role.statements]
        for role in directory.topology().roles
    }


def allow(action: str | list[str], *resources: str) -> dict[str, Any]:
    actions = [action] if isinstance(action, str) else action
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


FLOW = "flow: {StartAt: s, States: {s: {Type: Succeed}}}\n"
EXPRESS = "mode: Express\nlogging: {level: 'OFF'}\n"
MACHINE = ARN.format("states", "stateMachine:etl_bob")
BUS = ARN.format("events", "event-bus/default")
ENTRIES = [
    # what is written, roles besides those of the function `one` and of the flow
    ("routes: {/a: {function: one}}", {}),
    (
        f"{FLOW}routes: {{/a: {{state: etl, async: true}}}}",
        {"api.etl": [allow("states:StartExecution", MACHINE)]},
    ),
    (
        f"{EXPRESS}{FLOW}routes: {{/a: {{state: etl}}}}",
        {"api.etl": [allow("states:StartSyncExecution", MACHINE)]},
    ),
    (
        f"{EXPRESS}{FLOW}routes: {{/a: {{state: etl}}, /b: {{state: etl, async: true}}}}",
        {
            "api.etl": [
                allow("states:StartSyncExecution", MACHINE),
                allow("states:StartExecution", MACHINE),
            ]
        },
    ),
    (
        "events: {E: {function: one}}\nroutes: {/a: {event: E}, /b: {event: E}}",
        {"api.etl": [allow("events:PutEvents", BUS)]},
    ),
    (
        "events: {E: {function: one, bus: x}}\nroutes: {/a: {gateway: shared, event: E}}",
        {"api.shared": [allow("events:PutEvents", ARN.format("events", "event-bus/x"))]},
    ),
    (
        "events: {E: {doc_only: true}}\nroutes: {/a: {event: E}}",
        {"api.etl": [allow("events:PutEvents", BUS)]},
    ),
    ("events: {E: {function: one}}", {}),
    (
        f"{FLOW}events: {{E: {{state: etl}}}}",
        {"event.E": [allow("states:StartExecution", MACHINE)]},
    ),
    # nothing is deployed for these, so nothing is granted
    (f"{FLOW}events: {{E: {{state: etl, doc_only: true}}}}", {}),
    (f"{FLOW}events: {{E: {{state: etl, sandboxes: [alice]}}}}", {}),
    (f"{FLOW}routes: {{/a: {{state: etl, doc_only: true}}}}", {}),
]


@pytest.mark.parametrize(("text", "expected"), ENTRIES)
def test_entries(directory: Directory, text: str, expected: dict[str, Any]) -> None:
    found = granted(directory.write(f"name: etl\n{text}\n", "one"))
    assert found.pop("one") == [LOGS]
    assert found.pop("flow.etl", []) == []
    assert found == expected


FUNCTION = ARN.format("lambda", "function:etl_one_bob")
TASKS = [
    ({"Resource": FUNCTION}, [allow("lambda:InvokeFunction", FUNCTION, f"{FUNCTION}:*")]),
    ({"Resource": f"{FUNCTION}:live"}, [allow("lambda:InvokeFunction", f"{FUNCTION}:live")]),
    (
        {
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "{{namespace}}_one_{{sandbox}}"},
        },
        [allow("lambda:InvokeFunction", FUNCTION, f"{FUNCTION}:*")],
    ),
    (
        {
            "Resource": "arn:aws:states:::events:putEvents",
            "Parameters": {
                "Entries": [
                    {"Detail": {}, "DetailType": "x", "Source": "y", "EventBusName": "z"},
                    {"Detail": {}, "DetailType": "x", "Source": "y"},
                ]
            },
        },
        [allow("events:PutEvents", BUS, ARN.format("events", "event-bus/z"))],
    ),
    (
        {
            "Resource": "arn:aws:states:::states:startExecution",
            "Parameters": {"StateMachineArn": MACHINE},
        },
        [allow("states:StartExecution", MACHINE)],
    ),
    (
        {
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {"StateMachineArn": MACHINE},
        },
        [
            allow("states:StartExecution", MACHINE),
            allow(
                ["states:DescribeExecution", "states:StopExecution"],
                ARN.format("states", "execution:etl_bob:*"),
            ),
            allow(
                ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
                ARN.format("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"),
            ),
        ],
    ),
    (
        {
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {
                "QueueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs",
                "MessageBody": "x",
            },
        },
        [allow("sqs:SendMessage", ARN.format("sqs", "jobs"))],
    ),
    (
        {
            "Resource": "arn:aws:states:::sns:publish",
            "Parameters": {"TopicArn": ARN.format("sns", "news"), "Message": "x"},
        },
        [allow("sns:Publish", ARN.format("sns", "news"))],
    ),
    *[
        (
            {
                "Resource": f"arn:aws:states:::dynamodb:{operation}",
                "Parameters": {"TableName": "runs", "Key": {}, "Item": {}},
            },
            [
                allow(
                    f"dynamodb:{operation[0].upper()}{operation[1:]}",
                    ARN.format("dynamodb", "table/runs"),
                )
            ],
        )
        for operation in ("getItem", "putItem", "updateItem", "deleteItem")
    ],
]


@pytest.mark.parametrize(("task", "expected"), TASKS)
def test_tasks_of_a_flow(directory: Directory, task: dict[str, Any], expected: Any) -> None:
    flow = {"StartAt": "s", "States": {"s": {"Type": "Task", **task, "End": True}}}
    text = f"name: etl\nflow: {json.dumps(flow)}\n"
    assert granted(directory.write(text, "one"))["flow.etl"] == expected


def test_the_same_call_twice_is_granted_once_and_in_branches_too(directory: Directory) -> None:
    task = {"Type": "Task", "Resource": FUNCTION, "End": True}
    branches = [{"StartAt": name, "States": {name: task}} for name in "xy"]
    flow = {
        "StartAt": "p",
        "States": {"p": {"Type": "Parallel", "Branches": branches, "End": True}},
    }
    text = f"name: etl\nflow: {json.dumps(flow)}\n"
    expected = [allow("lambda:InvokeFunction", FUNCTION, f"{FUNCTION}:*")]
    assert granted(directory.write(text, "one"))["flow.etl"] == expected


def test_a_chain_puts_its_events_with_the_flow_s_role(directory: Directory) -> None:
    text = "name: etl\nfunctions: {one: {event: E}}\nevents: {E: {}}\n"
    found = granted(directory.write(text, "one"))
    assert found["one"] == [LOGS]
    assert found["flow.one"] == [
        allow("lambda:InvokeFunction", FUNCTION, f"{FUNCTION}:*"),
        allow("events:PutEvents", BUS),
    ]


POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "NotAction": ["iam:*"],
            "Resource": "arn:aws:s3:::{{namespace}}-{{sandbox}}/*",
            "Condition": {"Bool": {"aws:SecureTransport": "true"}},
        }
    ],
}


@pytest.mark.parametrize(("inherit", "expected"), [(None, [LOGS]), (True, [LOGS]), (False, [])])
def test_a_written_policy_is_kept_whole(
    directory: Directory, inherit: bool | None, expected: list[Any]
) -> None:
    from tc.components.role import policy_of

    policy = POLICY if inherit is None else {**POLICY, "inherit": inherit}
    files = {"infrastructure/tc/etl/roles/one.json": json.dumps(policy)}
    (role,) = directory.write("name: etl\n", "one", files).topology().roles
    written = {**POLICY["Statement"][0], "Resource": "arn:aws:s3:::etl-bob/*"}  # type: ignore[dict-item]
    assert policy_of(role) == {"Version": "2012-10-17", "Statement": [*expected, written]}


def test_tracing_may_write_its_segments(directory: Directory) -> None:
    text = "name: etl\nfunctions: {one: {runtime: {tracing: true}}}\n"
    assert granted(directory.write(text, "one"))["one"] == [
        LOGS,
        allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),
    ]
