"""What it takes to hand data to a thing: one statement for each kind of target.

The actions are those of the service authorization reference
(docs.aws.amazon.com/service-authorization).
"""

from __future__ import annotations

from collections.abc import Callable

from tc.compose.appsync import event_api, feed_arn, graphql_api
from tc.compose.permissions.parts import Parts
from tc.compose.things import (
    activity_arn,
    bucket_arn,
    job_arn,
    queue_arn,
    stream_arn,
    table_arn,
    workgroup_arn,
)
from tc.spec.topology import How, Id, Statement


def can_reach(target: Id) -> bool:
    """Whether it takes a permission at all: anybody may call a route."""
    return target[0] in _REACH


def reach(parts: Parts, target: Id, how: How, because: str) -> Statement:
    """The statement that lets a role hand data to `target`; see `Edge` for `how`."""
    kind, name = target
    return _REACH[kind](parts, name, how, because)


def _function(parts: Parts, name: str, _: How, because: str) -> Statement:
    arn = parts.scope.arn("lambda", f"function:{parts.function_name(name)}")
    return Statement(("lambda:InvokeFunction",), (arn, f"{arn}:*"), because)


def _flow(parts: Parts, name: str, how: How, because: str) -> Statement:
    flow = parts.flows[name]
    waits = how == "sync" and flow.mode == "Express"
    action = "states:StartSyncExecution" if waits else "states:StartExecution"
    return Statement((action,), flow.started_arns, because)


def _event(parts: Parts, name: str, _: How, because: str) -> Statement:
    bus = getattr(parts.entries["events"][name].model, "bus", None) or "default"
    return Statement(
        ("events:PutEvents",), (parts.scope.arn("events", f"event-bus/{bus}"),), because
    )


def _activity(parts: Parts, name: str, _: How, because: str) -> Statement:
    """To work on its tasks: to ask for one, and to answer."""
    actions = ("GetActivityTask", "SendTaskFailure", "SendTaskHeartbeat", "SendTaskSuccess")
    arn = activity_arn(parts.scope, name)
    return Statement(tuple(f"states:{action}" for action in actions), (arn,), because)


def _job(parts: Parts, name: str, _: How, because: str) -> Statement:
    actions = ("BatchStopJobRun", "GetJobRun", "GetJobRuns", "StartJobRun")
    arn = job_arn(parts.scope, name)
    return Statement(tuple(f"glue:{action}" for action in actions), (arn,), because)


def _workgroup(parts: Parts, name: str, _: How, because: str) -> Statement:
    actions = (
        "GetQueryExecution",
        "GetQueryResults",
        "StartQueryExecution",
        "StopQueryExecution",
    )
    arn = workgroup_arn(parts.scope, name)
    return Statement(tuple(f"athena:{action}" for action in actions), (arn,), because)


def _queue(parts: Parts, name: str, _: How, because: str) -> Statement:
    arn = queue_arn(parts.scope, parts.entries["queues"][name])
    return Statement(("sqs:SendMessage",), (arn,), because)


def _bucket(parts: Parts, name: str, _: How, because: str) -> Statement:
    arn = bucket_arn(parts.scope, name)
    actions = ("s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject")
    return Statement(actions, (arn, f"{arn}/*"), because)


def _table(parts: Parts, name: str, _: How, because: str) -> Statement:
    arn = table_arn(parts.scope, name)
    indexes = getattr(parts.entries["tables"][name].model, "indexes", {})
    return Statement(
        (
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:UpdateItem",
        ),
        (arn, *(f"{arn}/index/{index}" for index in indexes)),
        because,
    )


def _stream(parts: Parts, name: str, _: How, because: str) -> Statement:
    arn = stream_arn(parts.scope, name)
    return Statement(("firehose:PutRecord", "firehose:PutRecordBatch"), (arn,), because)


def _channel(parts: Parts, name: str, how: How, because: str) -> Statement:
    """To publish: by the channel's feed, or itself where it has the address."""
    if how != "uses":
        return Statement(("states:StartExecution",), (feed_arn(parts.scope, name),), because)
    return Statement(
        ("appsync:EventConnect", "appsync:EventPublish"),
        (
            event_api(parts.scope, "arn"),
            event_api(parts.scope, "arn", f"/channelNamespace/{name}"),
        ),
        because,
    )


def _mutation(parts: Parts, name: str, _: How, because: str) -> Statement:
    field = graphql_api(parts.scope, "arn", f"/types/Mutation/fields/{name}")
    return Statement(("appsync:GraphQL",), (field,), because)


_REACH: dict[str, Callable[[Parts, str, How, str], Statement]] = {
    "function": _function,
    "flow": _flow,
    "event": _event,
    "queue": _queue,
    "bucket": _bucket,
    "table": _table,
    "stream": _stream,
    "mutation": _mutation,
    "activity": _activity,
    "channel": _channel,
    "workgroup": _workgroup,
    "job": _job,
}
