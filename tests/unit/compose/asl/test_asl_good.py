"""Definitions that CreateStateMachine accepts: none may be refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from tc.compose.asl.check import check
from tc.spec.finding import Address

AT = Address(Path("topology.yml"), ("flow",))
INVOKE = "arn:aws:states:::lambda:invoke"
HERE = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


def alone(state: dict[str, Any], **top: Any) -> dict[str, Any]:
    """A flow of this state, its end added where the type has one."""
    ended = state if state["Type"] in ("Choice", "Succeed", "Fail") else {**state, "End": True}
    return {"StartAt": "S", "States": {"S": ended}, **top}


def before_done(state: dict[str, Any], **top: Any) -> dict[str, Any]:
    """A flow of this state and a Succeed called Done."""
    return {"StartAt": "S", "States": {"S": state, "Done": {"Type": "Succeed"}}, **top}


def task(resource: str, parameters: Any = None, **more: Any) -> dict[str, Any]:
    given = {} if parameters is None else {"Parameters": parameters}
    return alone({"Type": "Task", "Resource": resource, **given, **more})


def rule(**comparison: Any) -> dict[str, Any]:
    return before_done({"Type": "Choice", "Choices": [{**comparison, "Next": "Done"}]})


def inner(name: str = "I", **more: Any) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}, **more}


def nest(levels: int) -> dict[str, Any]:
    flow = inner("deepest")
    for level in range(levels):
        state = {"Type": "Parallel", "Branches": [flow], "End": True}
        flow = {"StartAt": f"P{level}", "States": {f"P{level}": state}}
    return flow


DISTRIBUTED: dict[str, Any] = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
}

GOOD: dict[str, dict[str, Any]] = {
    "pass": HERE,
    "top-level": {**HERE, "Comment": "c", "Version": "1.0", "TimeoutSeconds": 300,
                  "QueryLanguage": "JSONPath"},
    "task-function": task("arn:aws:lambda:us-east-1:123456789012:function:f"),
    "task-function-alias": task("arn:aws:lambda:us-east-1:123456789012:function:f:live"),
    "task-gov": task("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f"),
    "task-template": task(
        "arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{namespace}}_f_{{sandbox}}"),
    "task-whole-template": task("{{x}}"),
    "task-invoke": task(INVOKE, {"FunctionName": "f", "Payload.$": "$"}),
    "task-invoke-path": task(INVOKE, {"FunctionName.$": "$.name"}),
    "task-activity": task("arn:aws:states:us-east-1:123456789012:activity:a",
                          HeartbeatSeconds=60, TimeoutSeconds=61),
    "task-token": task("arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                       {"QueueUrl": "u", "MessageBody": {"token.$": "$$.Task.Token"}}),
    "task-sync": task("arn:aws:states:::glue:startJobRun.sync", {"JobName": "j"}),
    "task-sync-2": task("arn:aws:states:::states:startExecution.sync:2",
                        {"StateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:x",
                         "Input": {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$":
                                   "$$.Execution.Id"}}),
    "task-athena": task("arn:aws:states:::athena:startQueryExecution.sync",
                        {"QueryString": "SELECT 1", "WorkGroup": "primary"}),
    "task-ecs": task("arn:aws:states:::ecs:runTask.sync", {"TaskDefinition": "t"}),
    "task-http": task("arn:aws:states:::http:invoke", {"Method": "GET"}),
    "task-sdk": task("arn:aws:states:::aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k"}),
    "task-sdk-token": task("arn:aws:states:::aws-sdk:sfn:startExecution.waitForTaskToken"),
    "task-emr": task("arn:aws:states:::elasticmapreduce:addStep.sync"),
    "task-credentials": task(INVOKE, {"FunctionName": "f"},
                             Credentials={"RoleArn.$": "$.role"}),
    "task-timeout-path": task(INVOKE, {"FunctionName": "f"}, TimeoutSecondsPath="$.t",
                              HeartbeatSecondsPath="$$.Execution.Input.h"),
    "paths": task(INVOKE, {"FunctionName": "f"}, InputPath="$.a['b c'][0].d", OutputPath=None,
                  ResultPath="$.result.x[0]['y']",
                  ResultSelector={"n.$": "States.ArrayLength($.Payload[?(@.a == ']')].b)"}),
    "paths-wide": task(INVOKE, {"FunctionName": "f", "a.$": "$..b[*]['c','d'][1:-1:2]",
                                "v.$": "$name.x", "u.$": "$.größe"}, ResultPath=None),
    "intrinsics": task(INVOKE, {
        "FunctionName": "f",
        "a.$": "States.Format('it\\'s {} of {}', $.a[0], States.MathAdd(1, -2.5))",
        "b.$": "States.JsonMerge($.a, $.b, false)", "c.$": "States.UUID()",
        "d.$": "States.Array('a', null, true, 1, $$.Execution.Id, $x)",
        "e.$": "States.StringSplit( $.s , ',' )", "f.$": "States.Array($.a.length(), 1)"}),
    "literal-expression-in-jsonpath": task(INVOKE, {"FunctionName": "f", "x": "{% y"}),
    "retry": task(INVOKE, {"FunctionName": "f"}, Retry=[
        {"ErrorEquals": ["Lambda.TooManyRequestsException", "States.Timeout"],
         "IntervalSeconds": 1, "MaxAttempts": 0, "BackoffRate": 1.0, "MaxDelaySeconds": 3600,
         "JitterStrategy": "FULL"},
        {"ErrorEquals": ["States.ALL"], "Comment": "all"}]),
    "catch": before_done({
        "Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f"}, "End": True,
        "Catch": [{"ErrorEquals": ["ValueError"], "Next": "Done", "ResultPath": "$.e"},
                  {"ErrorEquals": ["States.ALL"], "Next": "Done", "Assign": {"e.$": "$.Error"}}]}),
    "loop-with-a-way-out": {"StartAt": "W", "States": {
        "W": {"Type": "Wait", "Seconds": 0, "Next": "C"},
        "C": {"Type": "Choice", "Default": "W", "Choices": [
            {"Variable": "$.s", "StringEquals": "x", "Next": "D"}]},
        "D": {"Type": "Fail", "Error": "E", "Cause": "c"}}},
    "task-again-until-caught": before_done({
        "Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f"}, "Next": "S",
        "Catch": [{"ErrorEquals": ["Stop"], "Next": "Done"}]}),
    "wait-timestamp": alone({"Type": "Wait", "Timestamp": "2026-03-14T01:59:00.5Z"}),
    "wait-path": alone({"Type": "Wait", "TimestampPath": "$.at"}),
    "wait-float": alone({"Type": "Wait", "Seconds": 10.0}),
    "fail-paths": alone({"Type": "Fail", "ErrorPath": "$.e",
                         "CausePath": "States.Format('{}', $.c)"}),
    "fail-bare": alone({"Type": "Fail"}),
    "pass-result": alone({"Type": "Pass", "Result": {"x.$": 3}, "ResultPath": "$.r"}),
    "assign": alone({"Type": "Pass", "Assign": {"a": 1, "b.$": "$.x", "Größe": 2}}),
    "choice-is": rule(Variable="$.a[0]", IsPresent=True),
    "choice-variable": rule(Variable="$v", NumericLessThanEquals=3.5),
    "choice-path": rule(Variable="$.a", TimestampGreaterThanEqualsPath="$.b"),
    "choice-matches": rule(Variable="$.a", StringMatches="log-*.txt", Comment="c"),
    "choice-logic": rule(And=[{"Variable": "$.a", "BooleanEquals": True},
                              {"Or": [{"Not": {"Variable": "$.b", "IsNull": True}}]}]),
    "parallel": alone({"Type": "Parallel", "Branches": [inner("I"), inner("J")],
                       "Parameters": {"a.$": "$"}, "ResultSelector": {"b.$": "$[0]"}}),
    "map": alone({"Type": "Map", "ItemProcessor": inner(ProcessorConfig={"Mode": "INLINE"}),
                  "ItemsPath": "$.items", "MaxConcurrency": 0,
                  "ItemSelector": {"v.$": "$$.Map.Item.Value"}}),
    "map-iterator": alone({"Type": "Map", "Iterator": inner(), "Parameters": {"v.$": "$"}}),
    "map-distributed": alone({
        "Type": "Map", "ItemProcessor": inner(**DISTRIBUTED), "Label": "csv",
        "ItemReader": {"Resource": "arn:aws:states:::s3:getObject",
                       "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW",
                                        "MaxItems": 10},
                       "Parameters": {"Bucket": "b", "Key.$": "$.key"}},
        "ItemBatcher": {"MaxItemsPerBatch": 10, "BatchInput": {"d.$": "$.d"}},
        "ResultWriter": {"Resource": "arn:{{partition}}:states:::s3:putObject",
                         "Parameters": {"Bucket": "b", "Prefix": "p"}},
        "ToleratedFailurePercentage": 5, "MaxConcurrency": 100}),
    "jsonata": before_done({
        "Type": "Task", "Resource": INVOKE, "Next": "Done",
        "Arguments": {"FunctionName": "f", "Payload": "{% $states.input %}"},
        "TimeoutSeconds": "{% $t %}", "Output": "{% $states.result.Payload %}",
        "Assign": {"x": "{% 1 %}"},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done", "Output": {"e": 1}}],
    }, QueryLanguage="JSONata"),
    "jsonata-choice": before_done({
        "Type": "Choice", "QueryLanguage": "JSONata", "Default": "Done",
        "Choices": [{"Condition": "{% $states.input.a > 1 %}", "Next": "Done",
                     "Assign": {"a": 1}, "Output": "{% 1 %}"},
                    {"Condition": True, "Next": "Done"}]}),
    "jsonata-map": alone({"Type": "Map", "Items": "{% $states.input.l %}",
                          "ItemSelector": "{% {'a': 1} %}", "ItemProcessor": inner(),
                          "MaxConcurrency": "{% 3 %}"}, QueryLanguage="JSONata"),
    "jsonata-wait": alone({"Type": "Wait", "Seconds": "{% $s %}"}, QueryLanguage="JSONata"),
    "jsonata-fail": alone({"Type": "Fail", "Error": "{% $e %}", "Cause": "plain"},
                          QueryLanguage="JSONata"),
    "jsonata-around-either": alone({
        "Type": "Parallel", "QueryLanguage": "JSONata", "Output": "{% $states.result %}",
        "Branches": [
            {"StartAt": "P", "States": {"P": {"Type": "Pass", "InputPath": "$.a", "End": True}}},
            {"StartAt": "Q", "States": {"Q": {"Type": "Pass", "Output": 1, "End": True}}}]}),
    "name-of-80": {"StartAt": "n" * 80, "States": {"n" * 80: {"Type": "Succeed"}}},
    "ten-calls-deep": task(INVOKE, {
        "FunctionName": "f", "x.$": "States.Array(" * 10 + "1" + ")" * 10}),
    "nested-ten-times": nest(10),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_accepts(name: str) -> None:
    assert check(GOOD[name], AT, "Standard") == []


EXPRESS_TOO = [
    name
    for name in GOOD
    if name not in ("task-activity", "task-token", "task-sync", "task-sync-2", "task-athena",
                    "task-ecs", "task-sdk-token", "task-emr", "map-distributed")
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_express_refuses_only_what_waits_or_distributes(name: str) -> None:
    mode: Literal["Standard", "Express"] = "Express"
    codes = {finding.code for finding in check(GOOD[name], AT, mode)}
    assert codes == (set() if name in EXPRESS_TOO else {"express-limit"})
