"""Definitions that CreateStateMachine refuses: where the finding is, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tc.compose.asl.check import check
from tc.spec.finding import Address

FILE = Path("topology.yml")
INVOKE = "arn:aws:states:::lambda:invoke"
SQS = "arn:aws:states:::sqs:sendMessage"
ARGUMENTS = {"FunctionName": "f"}
P = {"Type": "Pass", "End": True}
INNER = {"StartAt": "I", "States": {"I": P}}

Expected = tuple[str, str, str]


def found(definition: Any, mode: Any = "Standard") -> list[Expected]:
    """(path, code, message and hint) of each finding."""
    return [
        ("/".join(map(str, f.address.path)), f.code, f"{f.message} | {f.hint}")
        for f in check(definition, Address(FILE), mode)
    ]


def one(definition: Any, path: str, code: str, *words: str, mode: Any = "Standard") -> None:
    """Exactly one finding, there, with these words."""
    findings = found(definition, mode)
    assert [(f[0], f[1]) for f in findings] == [(path, code)], findings
    for word in words:
        assert word in findings[0][2]


def flow(state: Any, **top: Any) -> dict[str, Any]:
    return {"StartAt": "S", "States": {"S": state, **top}}


def task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": INVOKE, "Parameters": ARGUMENTS, "End": True, **fields}


TASK: list[tuple[dict[str, Any], str, str, str]] = [
    # what the task gets, path from the state, code, a part of what is said
    ({"Retri": []}, "Retri", "unknown-key", "did you mean `Retry`?"),
    ({"Comment": 3}, "Comment", "wrong-type", "`Comment` of state `S` must be text"),
    ({"Resource": 3}, "Resource", "wrong-type", "must be an ARN"),
    ({"Resource": "enhancer"}, "Resource", "invalid-resource", "`FunctionName: enhancer`"),
    ({"Resource": "{{namespace}}_f_{{sandbox}}"}, "Resource", "invalid-resource", "lambda:invoke"),
    ({"Resource": "arn:gcp:lambda:r:1:function:f"}, "Resource", "invalid-resource", "partition"),
    ({"Resource": "arn:aws:lambda:r:1:layer:f"}, "Resource", "invalid-resource", "a function"),
    ({"Resource": "arn:aws:sns:r:1:topic"}, "Resource", "invalid-resource", "aws-sdk:sns"),
    ({"Resource": "arn:aws:states:r:1:stateMachine:x"}, "Resource", "invalid-resource", "not an"),
    ({"Resource": "arn:aws:states:::lamda:invoke"}, "Resource", "invalid-resource", "`lambda`?"),
    ({"Resource": "arn:aws:states:::glue:startJob"}, "Resource", "invalid-resource",
     "`startJobRun`?"),
    ({"Resource": "arn:aws:states:::s3:getObject"}, "Resource", "invalid-resource",
     "`arn:aws:states:::aws-sdk:s3:getObject`"),
    ({"Resource": INVOKE + ".sync"}, "Resource", "invalid-resource", "`.waitForTaskToken`"),
    ({"Resource": "arn:aws:states:::aws-sdk:glue:startJobRun.sync"}, "Resource",
     "invalid-resource", "an AWS SDK integration"),
    ({"Resource": "arn:aws:states:::glue:startJobRun.waitForTaskToken",
      "Parameters": {"JobName": "j"}}, "Resource", "invalid-resource", "`.sync`"),
    ({"Parameters": {}}, "Parameters", "missing-key", "has no `FunctionName`"),
    ({"Parameters": []}, "Parameters", "wrong-type", "must be a mapping, not a list"),
    ({"Parameters": {**ARGUMENTS, "Payload": {"a.$": 3}}}, "Parameters/Payload/a.$", "wrong-type",
     "`a.$` of `Payload` of `Parameters` of state `S` must be a path"),
    ({"Parameters": {**ARGUMENTS, "a.$": "data"}}, "Parameters/a.$", "invalid-path", "`$.data`"),
    ({"Parameters": {**ARGUMENTS, "a.$": "$.x["}}, "Parameters/a.$", "invalid-path", "closes"),
    ({"Parameters": {**ARGUMENTS, "a.$": "$."}}, "Parameters/a.$", "invalid-path", "no name"),
    ({"Parameters": {**ARGUMENTS, "a.$": "States.Formt('{}', $.a)"}}, "Parameters/a.$",
     "invalid-path", "did you mean `States.Format`?"),
    ({"Parameters": {**ARGUMENTS, "a.$": "States.Format('{}', $.a"}}, "Parameters/a.$",
     "invalid-path", "no `,` or `)`"),
    ({"Parameters": {**ARGUMENTS, "a.$": 'States.Format("x")'}}, "Parameters/a.$",
     "invalid-path", "single quotes"),
    ({"Parameters": {**ARGUMENTS, "a.$": "States.UUID() x"}}, "Parameters/a.$", "invalid-path",
     "after the call"),
    ({"Parameters": {**ARGUMENTS, "a.$": "States.Array(" * 11 + ")" * 11}}, "Parameters/a.$",
     "invalid-path", "more than 10"),
    ({"InputPath": "payload.x"}, "InputPath", "invalid-path", "`$.payload.x`"),
    ({"InputPath": "States.UUID()"}, "InputPath", "invalid-path", "must start with `$`"),
    ({"OutputPath": 1}, "OutputPath", "wrong-type", "must be a path"),
    ({"ResultPath": "$.a[*]"}, "ResultPath", "invalid-path", "one value only"),
    ({"ResultPath": "$..a"}, "ResultPath", "invalid-path", "one value only"),
    ({"ResultPath": "$$.x"}, "ResultPath", "invalid-path", "context object"),
    ({"ResultSelector": "$"}, "ResultSelector", "wrong-type", "must be a mapping"),
    ({"Arguments": {}}, "Arguments", "unknown-key", "QueryLanguage: JSONata"),
    ({"TimeoutSeconds": 0}, "TimeoutSeconds", "invalid-value", "from 1"),
    ({"TimeoutSeconds": "60"}, "TimeoutSeconds", "wrong-type", "whole number"),
    ({"TimeoutSeconds": True}, "TimeoutSeconds", "wrong-type", "whole number"),
    ({"TimeoutSeconds": 9, "TimeoutSecondsPath": "$.t"}, "TimeoutSecondsPath", "conflict", "both"),
    ({"TimeoutSeconds": 9, "HeartbeatSeconds": 9}, "HeartbeatSeconds", "conflict", "not less"),
    ({"Retry": {}}, "Retry", "wrong-type", "must be a list"),
    ({"Retry": [{}]}, "Retry/0", "missing-key", "retrier 1 of state `S` has no `ErrorEquals`"),
    ({"Retry": [{"ErrorEquals": []}]}, "Retry/0/ErrorEquals", "invalid-value", "is empty"),
    ({"Retry": [{"ErrorEquals": "E"}]}, "Retry/0/ErrorEquals", "wrong-type", "list of error"),
    ({"Retry": [{"ErrorEquals": ["States.ALL", "E"]}]}, "Retry/0/ErrorEquals", "invalid-value",
     "stands alone"),
    ({"Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]},
     "Retry/0/ErrorEquals", "invalid-value", "put this retrier last"),
    ({"Retry": [{"ErrorEquals": ["E"], "MaxAttempts": -1}]}, "Retry/0/MaxAttempts",
     "invalid-value", "from 0"),
    ({"Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 0}]}, "Retry/0/IntervalSeconds",
     "invalid-value", "from 1"),
    ({"Retry": [{"ErrorEquals": ["E"], "BackoffRate": 0.5}]}, "Retry/0/BackoffRate",
     "invalid-value", "of 1 or more"),
    ({"Retry": [{"ErrorEquals": ["E"], "JitterStrategy": "full"}]}, "Retry/0/JitterStrategy",
     "invalid-value", "did you mean `FULL`?"),
    ({"Retry": [{"ErrorEquals": ["E"], "Next": "S"}]}, "Retry/0/Next", "unknown-key", "retrier 1"),
    ({"Catch": [{"ErrorEquals": ["E"]}]}, "Catch/0", "missing-key", "has no `Next`"),
    ({"Catch": [{"ErrorEquals": ["E"], "Next": "X"}]}, "Catch/0/Next", "unknown-state",
     "`Next` of catcher 1 of state `S`"),
    ({"Assign": {"states": 1}}, "Assign/states", "invalid-name", "reserved"),
    ({"Assign": {"a-b": 1}}, "Assign/a-b", "invalid-name", "letters"),
    ({"QueryLanguage": "jsonata"}, "QueryLanguage", "invalid-value", "did you mean `JSONata`?"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "path", "code", "words"), TASK)
def test_task(fields: dict[str, Any], path: str, code: str, words: str) -> None:
    one(flow(task(**fields)), f"States/S/{path}", code, words)


RULE: list[tuple[Any, str, str, str]] = [
    ({"Variable": "$.a"}, "", "missing-key", "compares nothing"),
    ({"StringEquals": "x"}, "", "missing-key", "has no `Variable`"),
    ({"Variable": "a", "StringEquals": "x"}, "/Variable", "invalid-path", "`$.a`"),
    ({"Variable": "$.a", "StringEqual": "x"}, "/StringEqual", "unknown-key", "`StringEquals`?"),
    ({"Variable": "$.a", "StringEquals": 1}, "/StringEquals", "wrong-type", "must be text"),
    ({"Variable": "$.a", "NumericEquals": "1"}, "/NumericEquals", "wrong-type", "a number"),
    ({"Variable": "$.a", "IsNull": "yes"}, "/IsNull", "wrong-type", "`true` or `false`"),
    ({"Variable": "$.a", "TimestampEquals": "today"}, "/TimestampEquals", "invalid-value", "Z"),
    ({"Variable": "$.a", "StringEqualsPath": "b"}, "/StringEqualsPath", "invalid-path", "`$.b`"),
    ({"Variable": "$.a", "IsNull": True, "IsPresent": True}, "", "conflict", "`And`"),
    ({"And": []}, "/And", "wrong-type", "one at least"),
    ({"And": [{"Variable": "$.a", "IsNull": True, "Next": "Done"}]}, "/And/0/Next", "unknown-key",
     "outermost"),
    ({"Not": {"Variable": "$.a"}}, "/Not", "missing-key", "compares nothing"),
    ({"Condition": "{% true %}"}, "/Condition", "unknown-key", "QueryLanguage: JSONata"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "code", "words"), RULE)
def test_choice_rule(rule: Any, path: str, code: str, words: str) -> None:
    choice = {"Type": "Choice", "Choices": [{**rule, "Next": "Done"}], "Default": "Done"}
    findings = found(flow(choice, Done={"Type": "Succeed"}))
    assert (f"States/S/Choices/0{path}", code) in [f[:2] for f in findings]
    assert any(words in f[2] for f in findings)
    assert len(findings) == (2 if "Condition" in rule else 1), findings


STATE: list[tuple[Any, str, str, str]] = [
    ("x", "", "wrong-type", "must be a mapping"),
    ({"End": True}, "", "missing-key", "has no `Type`"),
    ({"Type": "task", "End": True}, "/Type", "invalid-value", "did you mean `Task`?"),
    ({"Type": ["Task"], "End": True}, "/Type", "invalid-value", "a list"),
    ({"Type": "Task", "End": True}, "", "missing-key", "has no `Resource`"),
    ({"Type": "Task", "End": True, "Resorce": INVOKE}, "/Resorce", "unknown-key", "`Resource`?"),
    ({"Type": "Pass"}, "", "missing-key", "`End: true`"),
    ({"Type": "Pass", "end": True}, "/end", "unknown-key", "did you mean `End`?"),
    ({"Type": "Pass", "End": False}, "/End", "invalid-value", "must be `true`"),
    ({"Type": "Pass", "End": "true"}, "/End", "invalid-value", "must be `true`"),
    ({"Type": "Pass", "End": True, "Next": "S"}, "/End", "conflict", "both `Next` and `End`"),
    ({"Type": "Pass", "End": True, "Retry": []}, "/Retry", "unknown-key", "`Retry`"),
    ({"Type": "Succeed", "End": True}, "/End", "unknown-key", "always ends"),
    ({"Type": "Fail", "Error": "E", "ErrorPath": "$.e"}, "/ErrorPath", "conflict", "both"),
    ({"Type": "Fail", "Next": "S"}, "/Next", "unknown-key", "always ends"),
    ({"Type": "Wait", "End": True}, "", "missing-key", "how long"),
    ({"Type": "Wait", "End": True, "Seconds": 1, "SecondsPath": "$.s"}, "/SecondsPath",
     "conflict", "`Seconds` and `SecondsPath`"),
    ({"Type": "Wait", "End": True, "Seconds": -1}, "/Seconds", "invalid-value", "from 0"),
    ({"Type": "Wait", "End": True, "Timestamp": "noon"}, "/Timestamp", "invalid-value", "moment"),
    ({"Type": "Choice", "Choices": []}, "/Choices", "invalid-value", "has no rule"),
    ({"Type": "Choice", "Choices": {}}, "/Choices", "wrong-type", "must be a list"),
    ({"Type": "Choice"}, "", "missing-key", "has no `Choices`"),
    ({"Type": "Parallel", "End": True}, "", "missing-key", "has no `Branches`"),
    ({"Type": "Parallel", "End": True, "Branches": []}, "/Branches", "wrong-type", "one at least"),
    ({"Type": "Parallel", "End": True, "Branches": [INNER, 3]}, "/Branches/1", "wrong-type",
     "branch 2 of state `S` must be a mapping"),
    ({"Type": "Map", "End": True}, "", "missing-key", "has no `ItemProcessor`"),
    ({"Type": "Map", "End": True, "ItemProcessor": INNER, "MaxConcurrency": -1},
     "/MaxConcurrency", "invalid-value", "of 0 or more"),
    ({"Type": "Map", "End": True, "ItemProcessor": {**INNER, "ProcessorConfig": {
        "Mode": "DISTRIBUTED"}}}, "/ItemProcessor/ProcessorConfig", "missing-key",
     "no `ExecutionType`"),
    ({"Type": "Map", "End": True, "ItemProcessor": INNER, "ResultWriter": {
        "Resource": "arn:aws:states:::s3:putObject"}}, "/ResultWriter", "conflict", "distributed"),
    ({"Type": "Map", "End": True, "ItemProcessor": INNER, "Label": "a b"}, "/Label",
     "invalid-value", "40"),
    ({"Type": "Pass", "End": True, "QueryLanguage": "JSONata", "Parameters": {}}, "/Parameters",
     "unknown-key", "`Arguments` takes its place"),
    ({"Type": "Pass", "End": True, "QueryLanguage": "JSONata", "Output": {"a": ["{% 1"]}},
     "/Output/a/0", "invalid-expression", "half an expression"),
    ({"Type": "Pass", "End": True, "QueryLanguage": "JSONata", "Output": " {% 1 %}"},
     "/Output", "invalid-expression", "nothing outside"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "path", "code", "words"), STATE)
def test_state(state: Any, path: str, code: str, words: str) -> None:
    one(flow(state), f"States/S{path}", code, words)


TOP: list[tuple[Any, str, str, str]] = [
    ([], "", "wrong-type", "the flow must be a mapping"),
    ({"States": {"S": P}}, "", "missing-key", "`StartAt: S`"),
    ({"startAt": "S", "States": {"S": P}}, "startAt", "unknown-key", "`StartAt`?"),
    ({"StartAt": "S"}, "", "missing-key", "has no `States`"),
    ({"StartAt": "S", "States": {}}, "States", "missing-key", "is empty"),
    ({"StartAt": "S", "States": []}, "States", "wrong-type", "must be a mapping"),
    ({"StartAt": "T", "States": {"S": P}}, "StartAt", "unknown-state", "the states are `S`"),
    ({"StartAt": "stat", "States": {"start": P}}, "StartAt", "unknown-state", "mean `start`?"),
    ({"StartAt": 1, "States": {"S": P}}, "StartAt", "wrong-type", "must name a state"),
    ({**flow(P), "Version": 1.0}, "Version", "invalid-value", "put it in quotes"),
    ({**flow(P), "TimeoutSeconds": "x"}, "TimeoutSeconds", "wrong-type", "whole number"),
    ({**flow(P), "Foo": 1}, "Foo", "unknown-key", "`Foo` is not a key of the flow"),
    ({**flow(P), "QueryLanguage": "SQL"}, "QueryLanguage", "invalid-value", "`JSONata`"),
    ({"StartAt": "n" * 81, "States": {"n" * 81: P}}, "States/" + "n" * 81, "invalid-name", "81"),
    ({**flow({**P, "QueryLanguage": "JSONPath"}), "QueryLanguage": "JSONata"},
     "States/S/QueryLanguage", "conflict", "can't hold"),
    ({**flow(P), "Comment": "x" * 1_048_576}, "", "too-large", "1,048,576 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "path", "code", "words"), TOP)
def test_top(definition: Any, path: str, code: str, words: str) -> None:
    one(definition, path, code, words)


def test_state_names_are_unique_in_nested_scopes_too() -> None:
    nested = {"Type": "Parallel", "End": True, "Branches": [{"StartAt": "S", "States": {"S": P}}]}
    one(flow(nested), "States/S/Branches/0/States/S", "duplicate-state", "in the flow")


def test_transitions_stay_in_their_scope() -> None:
    branch = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Next": "Done"}}}
    definition = flow({"Type": "Parallel", "Branches": [branch], "Next": "Done"}, Done=P)
    one(definition, "States/S/Branches/0/States/I/Next", "unknown-state", "is in the flow")


def test_labels_are_unique() -> None:
    def labelled(name: str, **way: Any) -> dict[str, Any]:
        inside = {"StartAt": name, "States": {name: P}}
        return {"Type": "Map", "Label": "x", "ItemProcessor": inside, **way}

    definition = flow(labelled("I", Next="T"), T=labelled("J", End=True))
    one(definition, "States/T/Label", "duplicate-label", "state `S`")


EXPRESS: list[tuple[dict[str, Any], str, str]] = [
    (task(Resource="arn:aws:states:::glue:startJobRun.sync", Parameters={"JobName": "j"}),
     "States/S/Resource", "`Resource` of state `S` waits (`.sync`)"),
    (task(Resource=INVOKE + ".waitForTaskToken"), "States/S/Resource", "`.waitForTaskToken`"),
    (task(Resource="arn:aws:states:r:1:activity:a"), "States/S/Resource", "is an activity"),
    (task(TimeoutSeconds=301), "States/S/TimeoutSeconds", "state `S` is `301`"),
    ({"Type": "Map", "End": True, "ItemProcessor": {
        **INNER, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}},
     "States/S/ItemProcessor/ProcessorConfig/Mode", "state `S` is DISTRIBUTED"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "path", "words"), EXPRESS)
def test_express(state: dict[str, Any], path: str, words: str) -> None:
    assert found(flow(state)) == []
    one(flow(state), path, "express-limit", words, mode="Express")


def test_express_children_of_a_distributed_map() -> None:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    inside = {
        "StartAt": "I",
        "States": {"I": task(Resource=f"{SQS}.waitForTaskToken",
                             Parameters={"QueueUrl": "u", "MessageBody": "b"})},
        "ProcessorConfig": config,
    }  # fmt: skip
    definition = flow({"Type": "Map", "End": True, "ItemProcessor": inside})
    one(definition, "States/S/ItemProcessor/States/I/Resource", "express-limit")


def test_every_problem_in_one_pass_and_in_the_same_order() -> None:
    definition = {
        "StartAt": "A",
        "TimeoutSeconds": -1,
        "States": {
            "A": {"Type": "Pass", "Next": "Bee", "Foo": 1},
            "Be": {"Type": "Task", "End": True},
            "C": {"Type": "Succeed"},
        },
    }
    paths = [f[:2] for f in found(definition)]
    assert paths == [
        ("TimeoutSeconds", "invalid-value"),
        ("States/A/Next", "unknown-state"),
        ("States/C", "unreachable-state"),
        ("States/A/Foo", "unknown-key"),
        ("States/Be", "missing-key"),
    ]
    assert found(definition) == found(definition)
