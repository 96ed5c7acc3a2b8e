"""Running tests: what is called, what is waited for and for how long, what is never shown."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from composing import Directory

from tc.components import sections
from tc.deploy import invoke
from tc.deploy.addresses import RouteAddress
from tc.deploy.invoke import Answer
from tc.errors import AwsError, TcError
from tc.events import silent
from tc.load.load import load
from tc.testing import run as running
from tc.testing import waiting
from tc.testing.run import Result, Test, run

FLOW = "flow: {StartAt: a, States: {a: {Type: Pass, End: true}}}\n"


class Fake:
    """A door to AWS: each operation is a function of what it was given."""

    account, region, partition, local, endpoint = "111122223333", "eu-west-1", "aws", False, None

    def __init__(self, **operations: Callable[..., Any]):
        self.operations = operations
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def call(self, service: str, operation: str, /, **given: Any) -> Any:
        self.calls.append((operation, given))
        return self.operations[operation](**given)

    def pages(self, service: str, operation: str, key: str, /, **given: Any) -> Iterator[Any]:
        yield from self.call(service, operation, **given)[key]

    def map(self, function: Callable[[Any], Any], items: Any) -> list[Any]:
        return [function(item) for item in items]

    def named(self, operation: str) -> list[dict[str, Any]]:
        return [given for name, given in self.calls if name == operation]


def made(directory: Directory, text: str, files: Mapping[str, str] | None = None) -> list[Test]:
    directory.write(f"name: etl\n{text}", "one", files)
    loaded = load(directory.root, sections())
    assert loaded.spec
    topology = directory.topology()
    return [Test(case.name, case, topology) for case in loaded.spec.cases]


def results(tests: list[Test], aws: Fake) -> list[Result]:
    return list(run(tests, aws, silent))  # type: ignore[arg-type]


def lambda_says(payload: Any, error: str = "") -> Callable[..., Any]:
    failed = {"FunctionError": error} if error else {}
    return lambda **_: {"Payload": json.dumps(payload).encode(), **failed}


def test_all_run_at_once_and_are_told_in_order(directory: Directory) -> None:
    together = threading.Barrier(3, timeout=10)

    def invoke(Payload: bytes, **_: Any) -> Any:  # noqa: N803
        together.wait()
        time.sleep(0.2 - json.loads(Payload) / 20)
        return {"Payload": Payload}

    tests = made(directory, "tests: {a: {payload: 1}, b: {payload: 2}, c: {payload: 3}}\n")
    found = results(tests, Fake(invoke=invoke))
    assert [(r.test.name, r.ok, r.answer) for r in found] == [
        ("tests/a", True, "1"),
        ("tests/b", True, "2"),
        ("tests/c", True, "3"),
    ]


def test_templates_are_filled_in_what_is_sent_and_expected(directory: Directory) -> None:
    text = "tests: {a: {payload: {s: '{{sandbox}}'}, expect: {s: '{{sandbox}}-{{account}}'}}}\n"
    aws = Fake(invoke=lambda_says({"s": "bob-111122223333"}))
    (found,) = results(made(directory, text), aws)
    assert found.ok, found
    assert json.loads(aws.named("invoke")[0]["Payload"]) == {"s": "bob"}


def test_a_handlers_error_has_its_stack(directory: Directory) -> None:
    stack = ['  File "a.py", line 1, in a\n    b()\n', '  File "b.py", line 2, in b\n']
    output = {"errorType": "KeyError", "errorMessage": "'id'", "stackTrace": stack}
    (found,) = results(
        made(directory, "tests: {a: {}}\n"), Fake(invoke=lambda_says(output, "Unhandled"))
    )
    assert found.message == "KeyError: 'id'"
    assert found.trace == ('  File "a.py", line 1, in a', "    b()", '  File "b.py", line 2, in b')


@pytest.mark.parametrize(
    ("payload", "error", "message"),
    [
        ({"errorType": "KeyError", "errorMessage": "'id'"}, "Unhandled", ""),
        ({"errorType": "ValueError", "errorMessage": "x"}, "Unhandled", "another error"),
        ({"fine": 1}, "", "it succeeded, and should fail with `KeyError`"),
    ],
)
def test_an_error_may_be_expected(
    directory: Directory, payload: Any, error: str, message: str
) -> None:
    tests = made(directory, "tests: {a: {error: KeyError}}\n")
    (found,) = results(tests, Fake(invoke=lambda_says(payload, error)))
    assert found.ok is (not message)
    assert message in found.message


def test_a_payload_may_lie_in_a_bucket(directory: Directory) -> None:
    aws = Fake(invoke=lambda_says(1), get_object=lambda **_: {"Body": b'{"a": 1}'})
    tests = made(directory, "tests: {a: {payload: 's3://b-{{sandbox}}/k.json'}}\n")
    assert results(tests, aws)[0].ok
    assert aws.named("get_object") == [{"Bucket": "b-bob", "Key": "k.json"}]
    assert json.loads(aws.named("invoke")[0]["Payload"]) == {"a": 1}
    aws = Fake(get_object=lambda **_: {"Body": b"no"})
    (found,) = results(tests, aws)
    assert (found.ok, found.broken) == (False, True)
    assert "s3://b-bob/k.json is no JSON" in found.message


def test_what_aws_refuses_is_told_and_the_others_run(directory: Directory) -> None:
    def invoke(Payload: bytes, **_: Any) -> Any:  # noqa: N803
        if Payload == b"1":
            raise AwsError("not yours", aws_code="AccessDeniedException", operation="lambda.invoke")
        if Payload == b"2":
            raise AwsError("gone", aws_code="ResourceNotFoundException", operation="lambda.invoke")
        return {"Payload": b"3"}

    tests = made(directory, "tests: {a: {payload: 1}, b: {payload: 2}, c: {payload: 3}}\n")
    denied, missing, right = results(tests, Fake(invoke=invoke))
    assert (denied.message, denied.missing) == ("not yours [AccessDeniedException]", False)
    assert missing.message == "the function `one` isn't deployed in sandbox `bob`"
    assert missing.missing
    assert right.ok


def test_no_credentials_stop_the_run(directory: Directory) -> None:
    def invoke(**_: Any) -> Any:
        raise TcError("the login has expired", code="credentials")

    with pytest.raises(TcError, match="has expired"):
        results(made(directory, "tests: {a: {}}\n"), Fake(invoke=invoke))


def execution(status: str, **more: Any) -> Callable[..., Any]:
    return lambda **_: {"status": status, **more}


def test_a_flow_that_takes_too_long_is_stopped(directory: Directory) -> None:
    aws = Fake(
        start_execution=lambda **_: {"executionArn": "arn:x"},
        describe_execution=execution("RUNNING"),
        stop_execution=lambda **_: {},
    )
    started = time.monotonic()
    (found,) = results(made(directory, f"{FLOW}tests: {{a: {{within: 1}}}}\n"), aws)
    assert found.message == "the flow didn't end: stopped after 1 s"
    assert aws.named("stop_execution")[0]["executionArn"] == "arn:x"
    assert time.monotonic() - started < 5


def test_an_interrupt_ends_what_is_waited_for(directory: Directory) -> None:
    looked = threading.Event()

    def describe(**_: Any) -> Any:
        looked.set()
        return {"status": "RUNNING"}

    aws = Fake(
        start_execution=lambda **_: {"executionArn": "arn:x"},
        describe_execution=describe,
        stop_execution=lambda **_: {},
        invoke=lambda_says(1),
    )
    tests = made(directory, f"{FLOW}tests: {{a: {{entity: functions/one}}, b: {{within: 900}}}}\n")
    started = time.monotonic()
    told = run(tests, aws, silent)  # type: ignore[arg-type]
    assert next(told).ok
    assert looked.wait(10)
    with pytest.raises(KeyboardInterrupt):
        told.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    assert time.monotonic() - started < 10
    assert aws.named("stop_execution")


def test_a_function_that_hangs_is_given_up(directory: Directory) -> None:
    ends = threading.Event()

    def hang(**_: Any) -> Any:
        ends.wait(30)
        return {"Payload": b"1"}

    started = time.monotonic()
    (found,) = results(made(directory, "tests: {a: {within: 1}}\n"), Fake(invoke=hang))
    ends.set()
    assert (found.ok, found.message) == (False, "no answer: given up after 1 s")
    assert time.monotonic() - started < 15


def test_an_interrupt_doesnt_wait_for_a_function_that_hangs(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_GRACE_S", 0.1)
    called, ends = threading.Event(), threading.Event()

    def hang(Payload: bytes, **_: Any) -> Any:  # noqa: N803
        if Payload == b"2":
            called.set()
            ends.wait(30)
        return {"Payload": Payload}

    told = run(
        made(directory, "tests: {a: {payload: 1}, b: {payload: 2}}\n"),
        Fake(invoke=hang),  # type: ignore[arg-type]
        silent,
    )
    started = time.monotonic()
    assert next(told).ok
    assert called.wait(10)
    with pytest.raises(KeyboardInterrupt):
        told.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    ends.set()
    assert time.monotonic() - started < 15


def test_a_failed_flow_tells_its_cause(directory: Directory) -> None:
    cause = json.dumps({"errorMessage": "no", "stackTrace": ["  File x"]})
    aws = Fake(
        start_execution=lambda **_: {"executionArn": "arn:x"},
        describe_execution=execution("FAILED", error="KeyError", cause=cause),
    )
    (found,) = results(made(directory, f"{FLOW}tests: {{a: {{}}}}\n"), aws)
    assert found.message == "KeyError: no"
    assert found.trace == ("  File x",)


EVENT = (
    "events: {Go: {producer: default, state: flow}, Start: {producer: default, function: one}}\n"
)


class Flows:
    """Executions by ARN: their input, and what DescribeExecution says of each."""

    def __init__(self, sent: Mapping[str, Any], **before: Any):
        self.there = dict(before)
        self.sent = sent

    def fake(self) -> Fake:
        return Fake(
            put_events=self.put,
            list_executions=lambda **_: {
                "executions": [{"executionArn": arn} for arn in reversed(self.there)]
            },
            describe_execution=lambda executionArn: {  # noqa: N803
                "input": json.dumps(self.there[executionArn]),
                "status": "SUCCEEDED",
                "output": json.dumps({"of": executionArn}),
            },
        )

    def put(self, **_: Any) -> Any:
        self.there.update(self.sent)
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}


def test_the_run_that_an_event_started_is_found(directory: Directory) -> None:
    test = "a: {entity: events/Go, payload: {k: 1}, reaches: flow, expect: {of: ours}, within: 1}"
    tests = made(directory, f"{FLOW}{EVENT}tests: {{{test}}}\n")
    # one of before with the same payload, one of now with another
    flows = Flows({"other": {"detail": {"k": 2}}, "ours": {"detail": {"k": 1}}}, old={"k": 1})
    (found,) = results(tests, flows.fake())
    assert found.ok, found
    # JSON in a text counts
    (found,) = results(tests, Flows({"ours": {"Records": [{"body": '{"k": 1}'}]}}).fake())
    assert found.ok, found
    flows = Flows({"other": {"detail": {"k": 2}}}, ours={"k": 1})
    (found,) = results(tests, flows.fake())
    assert found.message == "no run of the flow got it, after 1 s"


def logged(*after: str) -> Fake:
    lines = [{"eventId": "1", "timestamp": 1, "message": "got 'e1' before\n"}]

    def put(**_: Any) -> Any:
        for number, line in enumerate(after, 2):
            lines.append({"eventId": str(number), "timestamp": 2, "message": f"{line}\n"})
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}

    return Fake(put_events=put, filter_log_events=lambda **_: {"events": lines})


@pytest.mark.parametrize(
    ("condition", "expect", "lines", "message"),
    [
        ("includes", "'e1'", ["START", "got 'e1'"], ""),
        ("includes", "e.", ["got 'e1'"], "`one` logged no line that is expected, after 1 s"),
        ("regex", "e.", ["got 'e1'"], ""),
        ("includes", "'e1'", [], "`one` logged nothing, after 1 s"),
        ("includes", "Request", ["REPORT RequestId: 1"], "`one` logged nothing, after 1 s"),
    ],
)
def test_a_function_that_an_event_reaches_logs_something(
    directory: Directory, condition: str, expect: str, lines: list[str], message: str
) -> None:
    how = f'condition: {condition}, expect: "{expect}", within: 1'
    test = f"a: {{entity: events/Start, reaches: functions/one, {how}}}"
    tests = made(directory, f"{EVENT}{FLOW}tests: {{{test}}}\n")
    (found,) = results(tests, logged(*lines))
    assert found.message == message
    if "no line" in message:
        assert found.difference == "got 'e1'"


def test_a_refused_event_is_told(directory: Directory) -> None:
    entry = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
    aws = Fake(put_events=lambda **_: {"FailedEntryCount": 1, "Entries": [entry]})
    tests = made(directory, f"{FLOW}{EVENT}tests: {{a: {{entity: events/Go}}}}\n")
    (found,) = results(tests, aws)
    assert found.message == "try again [InternalFailure]"


@pytest.mark.parametrize("ok", [True, False])
def test_a_request_is_signed_and_the_token_that_signs_it_never_shown(
    directory: Directory, monkeypatch: pytest.MonkeyPatch, ok: bool
) -> None:
    """A handler behind an API gets the token among its headers, and may hand it back."""
    signed: list[tuple[Any, ...]] = []

    def sign(*request: Any) -> dict[str, str]:
        signed.append(request)
        return {"X-Amz-Security-Token": "hidden-token"}

    def ask(url: str, method: str, payload: Any, headers: Any, within: float, sign: Any) -> Answer:
        assert "Authorization" not in headers
        token = sign(method, url, b"", headers)["X-Amz-Security-Token"]
        output = {"token": token, "stackTrace": [f"  called with {token}"]}
        return Answer(ok, output, "" if ok else f"HTTP 500 {token}", {"status": 200 if ok else 500})

    there = RouteAddress("k", "/a", "a", "POST", "/a", "https://x.example.com/a")
    monkeypatch.setattr(running, "route_addresses", lambda *_: {"/a": [there]})
    monkeypatch.setattr(invoke, "call_route", ask)
    aws = Fake()
    aws.sign = sign  # type: ignore[attr-defined]
    aws.variables = lambda: {"AWS_SESSION_TOKEN": "hidden-token"}  # type: ignore[attr-defined]
    text = (
        "routes: {/a: {function: one, method: POST}}\ntests: {a: {entity: routes/a, auth: iam}}\n"
    )
    (found,) = results(made(directory, text), aws)
    assert found.ok is ok, found
    assert bool(found.trace) is bool(found.difference) is not ok
    assert [request[:2] for request in signed] == [("POST", "https://x.example.com/a")]
    assert "hidden-token" not in repr(found)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://127.0.0.1:9/a b", {}),
        ("http://127.0.0.1:9/é", {}),
        ("http://127.0.0.1:9/a", {"Authorization": "hidden\n"}),
        ("http://127.0.0.1:port/a", {}),
    ],
)
def test_a_request_that_is_no_http_is_told(url: str, headers: dict[str, str]) -> None:
    with pytest.raises(TcError, match="can't be asked") as caught:
        invoke.call_route(url, "GET", {}, headers)
    assert "hidden" not in caught.value.message
    assert caught.value.__suppress_context__
