"""The Resource of a Task: a function, an activity or a service integration.

Facts: Step Functions developer guide, "Integrating services" (the table of
optimised integrations and their patterns), "AWS SDK service integrations"
(no ``.sync``), "Activities", "Choosing workflow type" (what Express lacks).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tc.compose.asl.node import Node
from tc.compose.asl.walk import shown
from tc.spec.finding import Finding

_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
#: stands for a template while an ARN is taken apart
_HOLE = "\0"
_PARTITION = re.compile(r"aws(-[a-z]+)*\Z")
_SYNC = "sync"
_SYNC2 = "sync:2"
_CALLBACK = "waitForTaskToken"
_PATTERNS = (_SYNC, _SYNC2, _CALLBACK)

#: service -> patterns -> actions that know these patterns (the plain call always works)
_INTEGRATIONS: Mapping[str, Mapping[tuple[str, ...], str]] = {
    "apigateway": {(_CALLBACK,): "invoke"},
    "athena": {
        (_SYNC,): "startQueryExecution",
        (): "stopQueryExecution getQueryExecution getQueryResults",
    },
    "batch": {(_SYNC,): "submitJob"},
    "bedrock": {(_CALLBACK,): "invokeModel", (_SYNC, _CALLBACK): "createModelCustomizationJob"},
    "codebuild": {
        (_SYNC,): "startBuild startBuildBatch retryBuildBatch",
        (): "stopBuild batchDeleteBuilds batchGetReports stopBuildBatch deleteBuildBatch",
    },
    "databrew": {(_SYNC,): "startJobRun"},
    "dynamodb": {(): "getItem putItem updateItem deleteItem"},
    "ecs": {(_SYNC, _CALLBACK): "runTask"},
    "eks": {
        (_SYNC, _CALLBACK): "createCluster deleteCluster createFargateProfile "
        "deleteFargateProfile createNodegroup deleteNodegroup runJob",
        (_CALLBACK,): "call",
    },
    "elasticmapreduce": {
        (_SYNC,): "createCluster terminateCluster addStep",
        (): "cancelStep setClusterTerminationProtection modifyInstanceFleetByName "
        "modifyInstanceGroupByName",
    },
    "emr-containers": {
        (_SYNC,): "startJobRun createJobRun deleteVirtualCluster",
        (): "createVirtualCluster",
    },
    "emr-serverless": {
        (_SYNC,): "createApplication startApplication stopApplication deleteApplication "
        "startJobRun cancelJobRun"
    },
    "events": {(_CALLBACK,): "putEvents"},
    "glue": {(_SYNC,): "startJobRun"},
    "http": {(): "invoke"},
    "lambda": {(_CALLBACK,): "invoke"},
    "mediaconvert": {(_SYNC,): "createJob"},
    "sagemaker": {
        (_SYNC,): "createTrainingJob createTransformJob createProcessingJob createLabelingJob "
        "createHyperParameterTuningJob",
        (): "createModel createEndpoint createEndpointConfig updateEndpoint",
    },
    "sns": {(_CALLBACK,): "publish"},
    "sqs": {(_CALLBACK,): "sendMessage"},
    "states": {(_SYNC, _SYNC2, _CALLBACK): "startExecution"},
}

#: integration -> arguments that it can't do without
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "athena:startQueryExecution": ("QueryString",),
    "dynamodb:deleteItem": ("TableName", "Key"),
    "dynamodb:getItem": ("TableName", "Key"),
    "dynamodb:putItem": ("TableName", "Item"),
    "dynamodb:updateItem": ("TableName", "Key"),
    "events:putEvents": ("Entries",),
    "glue:startJobRun": ("JobName",),
    "lambda:invoke": ("FunctionName",),
    "sqs:sendMessage": ("QueueUrl", "MessageBody"),
    "states:startExecution": ("StateMachineArn",),
}


def actions(service: str) -> dict[str, tuple[str, ...]]:
    """The actions of an optimised integration, each with the patterns it knows."""
    table = _INTEGRATIONS.get(service, {})
    return {action: patterns for patterns, names in table.items() for action in names.split()}


def resource(node: Node, express: bool) -> None:
    """Check a Task's Resource; `express` adds the limits of an Express flow."""
    value = node.value
    if not isinstance(value, str):
        node.fail(f"must be an ARN, not {shown(value)}", "wrong-type")
        return
    if _TEMPLATE.fullmatch(value):
        return
    parts = _TEMPLATE.sub(_HOLE, value).split(":")
    if _HOLE in parts[0] and len(parts) > 1:
        return
    if parts[0] != "arn" or len(parts) < 6:
        _no_arn(node, value)
    elif not (_PARTITION.match(parts[1]) or _HOLE in parts[1]):
        node.fail(f"has the partition {shown(parts[1])}", "invalid-resource", "such as `aws`")
    elif parts[2] == "states" and parts[5] != "activity":
        _integration(node, parts, express)
    elif parts[2] == "states":
        _activity(node, parts, express)
    elif parts[2] == "lambda":
        _function(node, parts)
    elif _HOLE not in parts[2]:
        service = parts[2]
        hint = f"call the service: `arn:aws:states:::aws-sdk:{service}:…`, the ARN in its arguments"
        node.fail(
            f"is no function, activity or integration: {shown(value)}", "invalid-resource", hint
        )


def _no_arn(node: Node, value: str) -> None:
    hint = ""
    if value and ":" not in value:
        hint = f"`Resource: arn:aws:states:::lambda:invoke` with `FunctionName: {value}`"
    node.fail(f"must be an ARN, not {shown(value)}", "invalid-resource", hint)


def _function(node: Node, parts: list[str]) -> None:
    if not (parts[3] and parts[4] and parts[5] == "function" and len(parts) in (7, 8) and parts[6]):
        wanted = "`arn:aws:lambda:REGION:ACCOUNT:function:NAME`"
        node.fail(f"is not the ARN of a function: {shown(node.value)}", "invalid-resource", wanted)


def _activity(node: Node, parts: list[str], express: bool) -> None:
    if len(parts) != 7 or not all(parts[3:]):
        wanted = "`arn:aws:states:REGION:ACCOUNT:activity:NAME`"
        node.fail(f"is not the ARN of an activity: {shown(node.value)}", "invalid-resource", wanted)
    elif express:
        _express(node, "is an activity")


def _express(node: Node, what: str) -> None:
    node.fail(f"{what}, which an Express flow can't do", "express-limit", "`mode: Standard` can")


def _integration(node: Node, parts: list[str], express: bool) -> None:
    """`parts`: arn, partition, states, '', '', service, action[.pattern], …"""
    sdk = parts[5] == "aws-sdk"
    rest = parts[6:] if not sdk else parts[7:]
    service = parts[6] if sdk and len(parts) > 6 else parts[5]
    if any(parts[3:5]) or not rest or not service:
        wanted = "`arn:aws:states:::SERVICE:ACTION`, or the ARN of an activity"
        node.fail(f"is not an integration: {shown(node.value)}", "invalid-resource", wanted)
        return
    action, _, pattern = ":".join(rest).partition(".")
    if _HOLE in service + action:
        known: tuple[str, ...] = _PATTERNS
    elif sdk:
        known = (_CALLBACK,)
    else:
        found = _known_patterns(node, service, action)
        if found is None:
            return
        known = found
    if pattern not in ("", *known):
        _bad_pattern(node, f"{service}:{action}", pattern, known, sdk)
    elif pattern and express:
        _express(node, f"waits (`.{pattern}`)")


def _known_patterns(node: Node, service: str, action: str) -> tuple[str, ...] | None:
    """The patterns of an optimised integration; None after saying that it is none."""
    table = actions(service)
    if action in table:
        return table[action]
    hint = node.suggest(service if not table else action, table or _INTEGRATIONS)
    sdk = f"`arn:aws:states:::aws-sdk:{service}:{action}`"
    node.fail(
        f"`{service}:{action}` is no integration of Step Functions",
        "invalid-resource",
        hint or f"{sdk} calls any action of the AWS SDK",
    )
    return None


def _bad_pattern(node: Node, call: str, pattern: str, known: tuple[str, ...], sdk: bool) -> None:
    hint = node.suggest(f".{pattern}", [f".{name}" for name in known])
    if not hint and known:
        hint = f"it can {' or '.join(f'`.{name}`' for name in known)}"
    what = "an AWS SDK integration" if sdk else f"`{call}`"
    node.fail(f"ends in `.{pattern}`, which {what} can't do", "invalid-resource", hint)


def required_arguments(state: Node) -> None:
    """Say which arguments a well-known integration lacks."""
    value = state.value.get("Resource")
    _, _, call = value.partition(":states:::") if isinstance(value, str) else ("", "", "")
    wanted = _REQUIRED.get(call.split(".")[0], ())
    name = "Arguments" if state.language == "JSONata" else "Parameters"
    given = state.value.get(name, {})
    if not isinstance(given, Mapping):
        return
    for argument in wanted:
        if argument not in given and f"{argument}.$" not in given:
            message = f"`{name}` of {state.label} has no `{argument}`"
            hint = f"`{call}` needs it"
            address = state.address / name if name in state.value else state.address
            state.findings.append(Finding("missing-key", message, address, hint, "key"))
