"""What an invocation answers, whatever came back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from composing import Directory

from tc.deploy import invoke
from tc.errors import AwsError, TcError
from tc.events import Event, silent
from tc.spec.finding import Address
from tc.spec.topology import Flow

START = datetime(2026, 1, 1, tzinfo=UTC)


class Answers:
    """A door to AWS that gives the answers it was told to, in order."""

    def __init__(self, **answers: Any):
        self._answers = answers
        self.given: list[tuple[str, dict[str, Any]]] = []

    def call(self, service: str, operation: str, /, **given: Any) -> Any:
        self.given.append((f"{service}.{operation}", given))
        answers = self._answers[operation]
        return answers.pop(0) if isinstance(answers, list) else answers

    def pages(self, service: str, operation: str, key: str, /, **given: Any) -> Iterator[Any]:
        yield from self.call(service, operation, **given)


def flow(mode: str = "Standard") -> Flow:
    at = Address(Path("topology.yml"))
    return Flow("etl", "etl_bob", {}, mode, False, at, arn="arn:flow")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("payload", "failed", "ok", "output", "error"),
    [
        (b'{"a": 1}', None, True, {"a": 1}, ""),
        (b"not json", None, True, "not json", ""),
        (b"", None, True, "", ""),
        (
            b'{"errorType": "ValueError", "errorMessage": "no"}',
            "Unhandled",
            False,
            {"errorType": "ValueError", "errorMessage": "no"},
            "ValueError: no",
        ),
        (
            b'{"errorMessage": "late"}',
            "Unhandled",
            False,
            {"errorMessage": "late"},
            "Unhandled: late",
        ),
        (b'"gone"', "Unhandled", False, "gone", "Unhandled: gone"),
    ],
)
def test_a_function(payload: bytes, failed: str | None, ok: bool, output: Any, error: str) -> None:
    answer = {"Payload": payload, **({"FunctionError": failed} if failed else {})}
    aws: Any = Answers(invoke=answer)
    found = invoke.invoke_function(aws, "etl_one_bob", {"x": 1})
    assert (found.ok, found.output, found.error) == (ok, output, error)
    assert aws.given == [("lambda.invoke", {"FunctionName": "etl_one_bob", "Payload": b'{"x": 1}'})]


def state(number: int, kind: str, name: str, seconds: float) -> dict[str, Any]:
    detail = "stateEnteredEventDetails" if kind == "Entered" else "stateExitedEventDetails"
    return {
        "id": number,
        "type": f"TaskState{kind}",
        "timestamp": START + timedelta(seconds=seconds),
        detail: {"name": name},
    }


def test_a_flow_tells_each_state_once_as_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoke, "_PAUSES", (0.0,))
    history = [
        state(1, "Entered", "a", 0),
        state(2, "Exited", "a", 0.25),
        state(3, "Entered", "b", 0.25),
        state(4, "Exited", "b", 2.25),
    ]
    aws: Any = Answers(
        start_execution={"executionArn": "arn:run"},
        describe_execution=[{"status": "RUNNING"}, {"status": "SUCCEEDED", "output": '{"x": 1}'}],
        get_execution_history=[history[:2], history],
    )
    told: list[Event] = []
    answer = invoke.run_flow(aws, flow(), {}, told.append)
    assert (answer.ok, answer.output) == (True, {"x": 1})
    assert [event.text for event in told] == ["State a (250 ms)", "State b (2.0 s)"]
    assert answer.facts["steps"] == [
        {"state": "a", "seconds": 0.25},
        {"state": "b", "seconds": 2.0},
    ]


@pytest.mark.parametrize(
    ("ended", "error"),
    [
        ({"status": "FAILED", "error": "E", "cause": '{"errorMessage": "why"}'}, "E: why"),
        ({"status": "FAILED", "error": "E", "cause": "text"}, "E: text"),
        ({"status": "FAILED", "error": "E", "cause": "[1]"}, "E: [1]"),
        ({"status": "TIMED_OUT"}, "TIMED_OUT"),
        ({"status": "ABORTED"}, "ABORTED"),
    ],
)
def test_a_flow_that_failed_says_why(ended: dict[str, Any], error: str) -> None:
    aws: Any = Answers(
        start_execution={"executionArn": "arn:run"},
        describe_execution=ended,
        get_execution_history=[[]],
    )
    answer = invoke.run_flow(aws, flow(), {}, silent)
    assert (answer.ok, answer.error) == (False, error)
    assert answer.facts["status"] == ended["status"]


def test_an_express_flow_answers_at_once() -> None:
    ended = {"status": "SUCCEEDED", "output": "5", "executionArn": "arn:run", "startDate": START}
    ended["stopDate"] = START + timedelta(seconds=1.5)
    aws: Any = Answers(start_sync_execution=ended)
    answer = invoke.run_flow(aws, flow("Express"), {"x": 1}, silent)
    assert (answer.ok, answer.output, answer.facts["seconds"]) == (True, 5, 1.5)
    given = {"stateMachineArn": "arn:flow", "input": '{"x": 1}'}
    assert aws.given == [("stepfunctions.start_sync_execution", given)]


def test_a_flow_that_is_only_started() -> None:
    aws: Any = Answers(start_execution={"executionArn": "arn:run"})
    assert invoke.start_flow(aws, flow(), {}).output == {"executionArn": "arn:run"}


def test_an_event_carries_its_sandbox_s_mark(directory: Directory) -> None:
    text = "name: etl\nevents: {E: {producers: [me, you], bus: orders}}\n"
    topology = directory.write(text).topology()
    aws: Any = Answers(put_events={"Entries": [{"EventId": "1"}], "FailedEntryCount": 0})
    assert invoke.send_event(aws, topology, "E", {"x": 1}).output == {"eventId": "1"}
    assert aws.given[0][1]["Entries"] == [
        {
            "Source": "me",
            "DetailType": "E",
            "EventBusName": "orders",
            "Detail": '{"x": 1}',
            "Resources": ["tc:sandbox:bob"],
        }
    ]


def test_an_event_that_was_refused_is_an_error(directory: Directory) -> None:
    topology = directory.write("name: etl\nevents: {E: {}}\n").topology()
    entry = {"ErrorCode": "InternalFailure", "ErrorMessage": "no such bus"}
    aws: Any = Answers(put_events={"Entries": [entry], "FailedEntryCount": 1})
    with pytest.raises(AwsError, match="no such bus"):
        invoke.send_event(aws, topology, "E", {})


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            text = json.dumps({"method": self.command, "body": body.decode()})
            self.send_response(418 if self.path == "/bad" else 200)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PUT = do_POST  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()


def test_a_route(server: str) -> None:
    posted = invoke.call_route(f"{server}/a", "POST", {"x": 1})
    assert posted.output == {"method": "POST", "body": '{"x": 1}'}
    assert invoke.call_route(f"{server}/a", "GET", {"x": 1}).output == {"method": "GET", "body": ""}
    assert invoke.call_route(f"{server}/a", "ANY", {}).output["method"] == "POST"
    bad = invoke.call_route(f"{server}/bad", "PUT", {})
    assert (bad.ok, bad.error, bad.facts["status"]) == (False, "HTTP 418", 418)
    assert bad.output["method"] == "PUT"


def test_a_route_where_nobody_answers() -> None:
    with pytest.raises(TcError, match="doesn't answer") as told:
        invoke.call_route("http://127.0.0.1:9/a", "POST", {})
    assert told.value.code == "no-answer"
