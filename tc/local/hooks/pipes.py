"""Pipes read queues too, keep to their settings, and wait for the flows that they should wait for.

Why: the engine's pipes know only the streams of tables, hand on whatever has come in one list,
forget their parameters, and start every flow without a look at how it ends.
"""

from __future__ import annotations

import contextvars
import json
import threading
from collections.abc import Callable
from typing import Any

from .needs import need, replace

MODULE = "services.pipes"
#: what a pipe keeps of its request, beside what the engine does
KEPT = ("SourceParameters", "TargetParameters")
#: where a pipe keeps how often its next records failed
FAILED = "TcFailed"
#: the pipes that are at work
_busy: set[str] = set()


def install() -> None:
    create = need(MODULE, "_create_pipe", "name", "body")
    update = need(MODULE, "_update_pipe", "name", "body")
    describe = need(MODULE, "_describe_response", "pipe")
    need(MODULE, "_dynamodb_stream_source", "stream_arn")
    need(MODULE, "_initial_position", "pipe")
    for name in ("_pipes", "_positions"):
        need(MODULE, name)
    for name in ("stream_start_position", "stream_end_position"):
        need("services.dynamodb", name, "table_name")
    need("services.dynamodb", "stream_records_since", "table_name")
    need("services.sqs", "_queue_by_arn", "arn")
    need("services.sqs", "_receive_messages_for_esm", "queue_url", "max_number")
    need("services.sqs", "_delete_messages_for_esm", "queue_url", "receipt_handles")
    need("services.lambda_svc", "_apply_filter_criteria", "records", "esm")
    need("services.stepfunctions", "_start_execution", "data")
    need("services.stepfunctions", "_start_sync_execution", "data")

    def keeping(write: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
        return lambda name, body: written(write, name, body)

    def described(pipe: dict[str, Any]) -> dict[str, Any]:
        return {**describe(pipe), **{key: pipe[key] for key in KEPT if key in pipe}}

    replace(MODULE, "_create_pipe", keeping(create))
    replace(MODULE, "_update_pipe", keeping(update))
    replace(MODULE, "_describe_response", described)
    replace(MODULE, "_poll_pipe", poll, "_ddb", "pipe", "pipe_account_id")


def written(write: Callable[[str, Any], Any], name: str, body: dict[str, Any]) -> Any:
    """Writes a pipe with its parameters; where a stream is read from is told at first only."""
    from ministack.services import pipes

    known = name in pipes._pipes
    answer = write(name, body)
    if answer[0] >= 400:
        return answer
    pipe = pipes._pipes[name]
    pipe.update({key: body[key] for key in KEPT if key in body})
    start = parameters(pipe).get("StartingPosition")
    if start and not known:
        pipe["StartingPosition"] = start
        pipes._positions[pipe["Arn"]] = pipes._initial_position(pipe)
    pipes._pipes[name] = pipe
    return answer


def parameters(pipe: dict[str, Any]) -> dict[str, Any]:
    """The parameters of the pipe's source."""
    given = pipe.get("SourceParameters") or {}
    return given.get("SqsQueueParameters") or given.get("DynamoDBStreamParameters") or {}


def poll(_ddb: Any, pipe: dict[str, Any], _account: str) -> None:
    """Each pipe works in a thread of its own: a flow may take its time."""
    arn = pipe["Arn"]
    if not runs(pipe) or arn in _busy:
        return
    hand_on = from_queue if ":sqs:" in pipe["Source"] else from_stream
    _busy.add(arn)

    def work() -> None:
        try:
            while runs(pipe) and hand_on(pipe):
                pass
        finally:
            _busy.discard(arn)

    threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()


def runs(pipe: dict[str, Any]) -> bool:
    from ministack.services import pipes

    return pipes._pipes.get(pipe["Name"]) is pipe and pipe.get("CurrentState") == "RUNNING"


def from_queue(pipe: dict[str, Any]) -> bool:
    """Hands on one batch; whether there may be more."""
    from ministack.services import sqs

    queue = sqs._queue_by_arn(pipe["Source"])
    if not queue:
        return False
    url = queue["url"]
    messages = sqs._receive_messages_for_esm(url, parameters(pipe).get("BatchSize", 10))
    if not messages:
        return False
    failed = start(pipe, [record(pipe["Source"], message) for message in messages])
    done = {m["receipt_handle"] for m in messages if failed is not None and m["id"] not in failed}
    sqs._delete_messages_for_esm(url, done)
    return True


def record(arn: str, message: dict[str, Any]) -> dict[str, Any]:
    """A message as Pipes hands it on ("Amazon SQS as a source")."""
    attributes = {
        "ApproximateReceiveCount": str(message.get("receive_count", 1)),
        "SentTimestamp": str(int(message["sent_at"] * 1000)),
        "SenderId": arn.split(":")[4],
    }
    if message.get("group_id"):
        attributes["MessageGroupId"] = message["group_id"]
    return {
        "messageId": message["id"],
        "receiptHandle": message["receipt_handle"],
        "body": message["body"],
        "attributes": attributes,
        "messageAttributes": message.get("message_attributes") or {},
        "md5OfBody": message.get("md5_body") or "",
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3],
    }


def from_stream(pipe: dict[str, Any]) -> bool:
    """Hands on one batch, or gives it up after its retries; whether there may be more."""
    from ministack.services import dynamodb, lambda_svc, pipes

    source = pipes._dynamodb_stream_source(pipe["Source"])
    if source is None:
        return False
    spec, table = source
    scope = {"account_id": spec.account_id, "region": spec.region}
    first = dynamodb.stream_start_position(table, **scope)
    place = max(int(pipes._positions.get(pipe["Arn"], 0)), first)
    size = parameters(pipe).get("BatchSize", 100)
    count = min(size, dynamodb.stream_end_position(table, **scope) - place)
    if count <= 0:
        return False
    found = dynamodb.stream_records_since(table, place, count, **scope)
    wanted = lambda_svc._apply_filter_criteria(found, pipe.get("SourceParameters") or {})
    failed = wanted and start(pipe, wanted) != []
    tries = pipe.get(FAILED, 0) + 1 if failed else 0
    allowed = parameters(pipe).get("MaximumRetryAttempts", -1)
    if failed and (allowed < 0 or tries <= allowed):
        pipe[FAILED] = tries
        return False
    pipe[FAILED] = 0
    pipes._positions[pipe["Arn"]] = place + len(found)
    return True


def start(pipe: dict[str, Any], records: list[Any]) -> list[str] | None:
    """Starts the flow; gives the ids of the records that failed, None for all of them."""
    from ministack.services import stepfunctions

    given = pipe.get("TargetParameters") or {}
    how = given.get("StepFunctionStateMachineParameters") or {}
    data = {"stateMachineArn": pipe["Target"], "input": json.dumps(records)}
    if how.get("InvocationType") == "FIRE_AND_FORGET":
        status, _, _ = stepfunctions._start_execution(data)
        return [] if status < 400 else None
    status, _, body = stepfunctions._start_sync_execution(data)
    answer = json.loads(body)
    if status >= 400 or answer.get("status") != "SUCCEEDED":
        return None
    output = json.loads(answer.get("output") or "null")
    failures = output.get("batchItemFailures") if isinstance(output, dict) else None
    return [str(one.get("itemIdentifier")) for one in failures or []]
