"""Invoking what a sandbox has: its flow, a function, a route, an event."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Any
from urllib.parse import urlsplit

from tc.components.protocol import Aws
from tc.components.queue import TRAITS as QUEUES
from tc.deploy.web import opener
from tc.errors import AwsError, TcError
from tc.events import Emit, Event
from tc.records import dataclass
from tc.spec.topology import Flow, Topology

#: seconds between two looks at a running execution, growing from the first to the last
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.5, 3.0)
_HTTP_TIMEOUT_S = 35
#: from a request (method, URL, body, headers) to its headers with those that sign it
Sign = Callable[[str, str, bytes | None, Mapping[str, str]], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `ok` is False when the function or the flow failed;
    `output` is JSON where it is that, else text; `facts` go to scripts."""

    ok: bool
    output: Any
    error: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def invoke_function(aws: Aws, name: str, payload: Any) -> Answer:
    """Invokes the function `name` and waits for its answer."""
    answer = aws.call("lambda", "invoke", FunctionName=name, Payload=json.dumps(payload).encode())
    output = _parsed(answer.get("Payload", b""))
    failed = answer.get("FunctionError")
    error = f"{failed}: {output}" if failed else ""
    if failed and isinstance(output, dict):
        error = f"{output.get('errorType', failed)}: {output.get('errorMessage', '')}".strip()
    return Answer(not failed, output, error, {"function": name})


def start_flow(aws: Aws, flow: Flow, payload: Any) -> Answer:
    """Starts the flow and doesn't wait."""
    started = aws.call(
        "stepfunctions",
        "start_execution",
        stateMachineArn=flow.called_arn,
        input=json.dumps(payload),
    )
    arn = started["executionArn"]
    return Answer(True, {"executionArn": arn}, facts={"execution": arn})


def run_flow(aws: Aws, flow: Flow, payload: Any, emit: Emit) -> Answer:
    """Runs the flow to its end, telling each step as it ends."""
    if flow.mode == "Express":
        return _run_express(aws, flow, payload)
    started = aws.call(
        "stepfunctions",
        "start_execution",
        stateMachineArn=flow.called_arn,
        input=json.dumps(payload),
    )
    arn = started["executionArn"]
    told = _Steps(emit)
    turn = 0
    while True:
        ended = aws.call("stepfunctions", "describe_execution", executionArn=arn)
        told.tell(aws.pages("stepfunctions", "get_execution_history", "events", executionArn=arn))
        if ended["status"] not in ("RUNNING", "PENDING_REDRIVE"):
            break
        time.sleep(_PAUSES[min(turn, len(_PAUSES) - 1)])
        turn += 1
    return flow_answer(ended, {"execution": arn, "steps": told.steps})


def _run_express(aws: Aws, flow: Flow, payload: Any) -> Answer:
    """AWS keeps no history of Express executions: only the result is told."""
    ended = aws.call(
        "stepfunctions",
        "start_sync_execution",
        stateMachineArn=flow.called_arn,
        input=json.dumps(payload),
    )
    seconds = (ended["stopDate"] - ended["startDate"]).total_seconds()
    return flow_answer(ended, {"execution": ended["executionArn"], "seconds": round(seconds, 3)})


def flow_answer(ended: dict[str, Any], facts: dict[str, Any]) -> Answer:
    """What an execution that has ended came to, as DescribeExecution tells it."""
    facts["status"] = ended["status"]
    if ended["status"] == "SUCCEEDED":
        return Answer(True, _parsed(ended.get("output", "null")), facts=facts)
    cause = _parsed(ended.get("cause", ""))
    error = f"{ended.get('error', ended['status'])}"
    message = cause.get("errorMessage", "") if isinstance(cause, dict) else cause
    return Answer(False, cause or None, f"{error}: {message}" if message else error, facts)


class _Steps:
    """The states of an execution with their times, from its history."""

    def __init__(self, emit: Emit):
        self._emit = emit
        self._entered: dict[str, Any] = {}
        self._seen = 0
        self.steps: list[dict[str, Any]] = []

    def tell(self, history: Iterable[dict[str, Any]]) -> None:
        for event in history:
            if event["id"] <= self._seen:
                continue
            self._seen = event["id"]
            kind = event["type"]
            if kind.endswith("StateEntered"):
                self._entered[event["stateEnteredEventDetails"]["name"]] = event["timestamp"]
            elif kind.endswith("StateExited"):
                self._left(event["stateExitedEventDetails"]["name"], event["timestamp"])

    def _left(self, name: str, when: Any) -> None:
        since = self._entered.get(name)
        seconds = round((when - since).total_seconds(), 3) if since else 0.0
        step = {"state": name, "seconds": seconds}
        self.steps.append(step)
        told = f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
        self._emit(Event("flow.step", f"State {name} ({told})", step))


def send_event(aws: Aws, topology: Topology, name: str, payload: Any) -> Answer:
    """Puts the event on its bus with the sandbox's mark, as tc's own events have it."""
    entry = topology.entries["events"][name]
    bus: dict[str, str] = entry.model.bus_entry(name)  # type: ignore[attr-defined]
    answer = aws.call(
        "events",
        "put_events",
        Entries=[{**bus, "Detail": json.dumps(payload), "Resources": [topology.scope.event_mark]}],
    )
    sent = answer["Entries"][0]
    if answer.get("FailedEntryCount"):
        raise AwsError(
            str(sent.get("ErrorMessage", "EventBridge refused the event")),
            aws_code=str(sent.get("ErrorCode", "")),
            operation="events.put_events",
        )
    return Answer(True, {"eventId": sent["EventId"]}, facts={"event": name})


def send_message(aws: Aws, topology: Topology, name: str, payload: Any) -> Answer:
    """Sends a message to the queue `name`: text as it is, anything else as JSON."""
    full, url = (QUEUES.addresses[what](topology, name) for what in ("name", "url"))
    if not isinstance(url, str):
        url = aws.call("sqs", "get_queue_url", QueueName=full)["QueueUrl"]
    # a group of its own, so that it waits for no other, and no message counts as sent before
    once = {key: uuid.uuid4().hex for key in ("MessageGroupId", "MessageDeduplicationId")}
    sent = aws.call(
        "sqs",
        "send_message",
        QueueUrl=url,
        MessageBody=payload if isinstance(payload, str) else json.dumps(payload),
        **(once if str(full).endswith(".fifo") else {}),
    )
    return Answer(True, {"messageId": sent["MessageId"]}, facts={"queue": name})


def call_route(
    url: str,
    method: str,
    payload: Any,
    headers: Mapping[str, str] | None = None,
    timeout: float = _HTTP_TIMEOUT_S,
    sign: Sign | None = None,
) -> Answer:
    """Sends a request to a route; an answer of 400 and above is a failure, a redirect is one
    that isn't followed.

    `headers` go with it, and those that `sign` adds. Raises TcError ``no-answer`` when there is
    none in `timeout` seconds.
    """
    body = None if method in ("GET", "HEAD") else json.dumps(payload).encode()
    verb = "POST" if method == "ANY" else method
    sent = {"Content-Type": "application/json", **(headers or {})}
    sent = sign(verb, url, body, sent) if sign else sent
    try:
        request = urllib.request.Request(url, data=body, method=verb, headers=sent)  # noqa: S310
        with opener(urlsplit(url).hostname or "").open(request, timeout=timeout) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        why = getattr(reason, "strerror", None) or reason
        raise TcError(f"{url} doesn't answer: {why}", code="no-answer", where=url) from error
    except (ValueError, http.client.HTTPException):
        # what is wrong with it may be in a header that is a secret
        message = f"{url} can't be asked: its path, a header or its answer is no HTTP"
        raise TcError(message, code="no-answer", where=url) from None
    ok = status < 400
    return Answer(ok, _parsed(text), "" if ok else f"HTTP {status}", {"status": status, "url": url})


def _parsed(text: bytes | str) -> Any:
    """JSON as data, anything else as text."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
