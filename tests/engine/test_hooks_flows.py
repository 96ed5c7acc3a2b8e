"""Flows call real functions and put real events; their catches match by the exception's type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hooks_support import Hooked, arn

pytestmark = pytest.mark.engine

CODE = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("no such order")
    return {"n": event.get("n", 0) + 1}
"""


def caught(resource: str, parameters: dict[str, Any]) -> dict[str, Any]:
    rules = [
        {"ErrorEquals": ["KeyError"], "Next": "wrong"},
        {"ErrorEquals": ["ValueError"], "ResultPath": "$.error", "Next": "right"},
    ]
    return {
        "call": {"Type": "Task", "Resource": resource, "Catch": rules, "End": True, **parameters},
        "wrong": {"Type": "Fail", "Error": "Wrong"},
        "right": {"Type": "Pass", "End": True},
    }


@pytest.mark.parametrize("direct", [True, False])
def test_a_catch_matches_the_exceptions_type(hooked: Hooked, direct: bool) -> None:
    name = hooked.python(CODE)
    parameters = {"Parameters": {"FunctionName": arn(name), "Payload.$": "$"}}
    resource = arn(name) if direct else "arn:aws:states:::lambda:invoke"
    flow = hooked.flow(caught(resource, {} if direct else parameters))
    got = hooked.run(flow, {"fail": True})
    assert got["status"] == "SUCCEEDED"
    error = json.loads(got["output"])["error"]
    assert error["Error"] == "ValueError"
    assert json.loads(error["Cause"])["errorMessage"] == "no such order"
    fine = json.loads(hooked.run(flow, {"n": 1})["output"])
    assert (fine if direct else fine["Payload"]) == {"n": 2}


def test_a_jsonata_flow_calls_a_function_and_puts_an_event(hooked: Hooked) -> None:
    url, queue = hooked.queue()
    events = hooked.client("events")
    events.put_rule(Name="flow-put", EventPattern=json.dumps({"source": ["flow-put"]}))
    events.put_targets(Rule="flow-put", Targets=[{"Id": "1", "Arn": queue}])
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": arn(hooked.python(CODE)), "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload %}",
        "Next": "put",
    }
    entry = {"Source": "flow-put", "DetailType": "Done", "Resources": ["tc:sandbox:bob"]}
    put = {
        "Type": "Task",
        "Resource": "arn:aws:states:::events:putEvents",
        "Arguments": {"Entries": [{**entry, "Detail": "{% $states.input %}"}]},
        "Output": "{% $states.result.FailedEntryCount %}",
        "End": True,
    }
    flow = hooked.flow({"call": call, "put": put}, QueryLanguage="JSONata")
    got = hooked.run(flow, {"n": 4})
    assert (got["status"], got.get("output")) == ("SUCCEEDED", "0")
    (event,) = map(json.loads, hooked.received(url, 1))
    assert (event["detail"], event["resources"]) == ({"n": 5}, ["tc:sandbox:bob"])


def test_a_jsonpath_flow_puts_an_event_with_its_input(hooked: Hooked) -> None:
    url, queue = hooked.queue()
    events = hooked.client("events")
    events.put_rule(Name="path-put", EventPattern=json.dumps({"source": ["path-put"]}))
    events.put_targets(Rule="path-put", Targets=[{"Id": "1", "Arn": queue}])
    entry = {"Source": "path-put", "DetailType": "Done", "Detail.$": "$"}
    put = {
        "Type": "Task",
        "Resource": "arn:aws:states:::events:putEvents",
        "Parameters": {"Entries": [{**entry, "Resources": ["tc:sandbox:bob"]}]},
        "ResultPath": "$.put",
        "End": True,
    }
    got = hooked.run(hooked.flow({"put": put}), {"n": 4})
    assert json.loads(got["output"])["put"]["FailedEntryCount"] == 0
    (event,) = map(json.loads, hooked.received(url, 1))
    assert (event["detail"], event["resources"]) == ({"n": 4}, ["tc:sandbox:bob"])


def test_a_standard_flow_is_not_run_synchronously(hooked: Hooked) -> None:
    flow = hooked.flow({"a": {"Type": "Pass", "End": True}}, "STANDARD")
    with pytest.raises(ClientError) as caught_error:
        hooked.run(flow, {})
    assert caught_error.value.response["Error"]["Code"] == "StateMachineTypeNotSupported"


def test_a_failed_flow_has_no_output(hooked: Hooked) -> None:
    got = hooked.run(hooked.flow({"a": {"Type": "Fail", "Error": "E", "Cause": "c"}}), {})
    assert (got["status"], got["error"], got["cause"]) == ("FAILED", "E", "c")
    assert "output" not in got


@pytest.mark.parametrize("action", ["start_execution", "start_sync_execution"])
def test_an_input_that_is_no_json_is_refused(hooked: Hooked, action: str) -> None:
    flow = hooked.flow({"a": {"Type": "Pass", "End": True}})
    start = getattr(hooked.client("stepfunctions"), action)
    with pytest.raises(ClientError) as caught_error:
        start(stateMachineArn=flow, input="{")
    assert caught_error.value.response["Error"]["Code"] == "InvalidExecutionInput"


def test_events_that_eventbridge_refuses_are_refused(hooked: Hooked) -> None:
    url, queue = hooked.queue()
    events = hooked.client("events")
    events.put_rule(Name="refused", EventPattern=json.dumps({"source": ["refused"]}))
    events.put_targets(Rule="refused", Targets=[{"Id": "1", "Arn": queue}])
    good = {"Source": "refused", "DetailType": "x", "Detail": '{"n": 1}'}
    bad = [{**good, "Detail": "n"}, {**good, "Detail": "[1]"}, {**good, "DetailType": ""}]
    got = events.put_events(Entries=[bad[0], good, *bad[1:]])
    assert got["FailedEntryCount"] == 3
    codes = [entry.get("ErrorCode") for entry in got["Entries"]]
    assert codes == ["MalformedDetail", None, "MalformedDetail", "InvalidArgument"]
    assert len(hooked.received(url, 2, seconds=1)) == 1


@pytest.mark.parametrize("name", ["ValueError", "States.TaskFailed", "States.ALL"])
def test_a_retry_matches_and_calls_again(hooked: Hooked, name: str) -> None:
    code = """
calls = 0
def handler(event, context):
    global calls
    calls += 1
    if calls < 3:
        raise ValueError("not yet")
    return calls
"""
    retry = [{"ErrorEquals": [name], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}]
    task = {"Type": "Task", "Resource": arn(hooked.python(code)), "Retry": retry, "End": True}
    got = hooked.run(hooked.flow({"call": task}), {})
    assert (got["status"], got.get("output")) == ("SUCCEEDED", "3")
