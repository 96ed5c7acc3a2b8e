from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tc.aws import wait
from tc.aws.operations import rates
from tc.aws.rates import Bucket, Limiter
from tc.aws.wait import Waiting, retrying, until
from tc.errors import AwsError, TcError
from tc.events import Event, silent


def refusal(code: str) -> AwsError:
    return AwsError(
        "The role cannot be assumed.", aws_code=code, operation="lambda.create_function"
    )


def test_until_hands_on_the_first_answer() -> None:
    states: list[object] = [None, Waiting("Pending"), "Active"]
    assert until("f", lambda: states.pop(0), deadline=5, emit=silent, every=0.01) == "Active"


def test_until_ends_with_the_last_state_seen() -> None:
    start = time.monotonic()
    with pytest.raises(TcError) as caught:
        until("function a", lambda: Waiting("Pending"), deadline=0.1, emit=silent, every=0.03)
    assert caught.value.message == "gave up waiting for function a after 0.1 s; last seen: Pending"
    assert 0.1 <= time.monotonic() - start < 1


def test_a_long_wait_is_said_once(monkeypatch: pytest.MonkeyPatch, told: list[Event]) -> None:
    monkeypatch.setattr(wait, "_SAY_AFTER", 0.02)
    with pytest.raises(TcError):
        until("function a", lambda: None, deadline=0.2, emit=told.append, every=0.02)
    assert [event.text for event in told] == ["Waiting for function a"]


def test_retrying_goes_on_while_the_error_is_the_expected_one() -> None:
    answers: list[AwsError | str] = [refusal("Early"), refusal("Early"), "made"]

    def call() -> str:
        answer = answers.pop(0)
        if isinstance(answer, AwsError):
            raise answer
        return answer

    def again(then: Callable[[], str]) -> str:
        return retrying(
            then,
            when=lambda error: error.aws_code == "Early",
            what="the role",
            deadline=0.2,
            emit=silent,
            every=0.01,
        )

    assert again(call) == "made"
    answers[:] = [refusal("Other")]
    with pytest.raises(AwsError) as caught:
        again(call)
    assert caught.value.message == "The role cannot be assumed."
    answers[:] = [refusal("Early")] * 1000
    with pytest.raises(AwsError) as caught:
        again(call)
    assert caught.value.message.endswith("(still so after 0.2 s of waiting for the role)")
    assert caught.value.aws_code == "Early"


def test_a_bucket_lets_a_burst_through_and_then_keeps_the_rate() -> None:
    (rate,) = rates("lambda", "create_function")
    bucket = Bucket(rate)
    delays = [bucket.reserve(now=100.0) for _ in range(8)]
    assert delays[:5] == pytest.approx([0] * 5)
    assert delays[5:] == pytest.approx([1 / 15, 2 / 15, 3 / 15])
    assert bucket.reserve(now=200.0) == 0


@pytest.mark.parametrize(
    ("service", "operation", "names"),
    [
        ("lambda", "invoke", []),
        ("lambda", "get_policy", []),
        ("lambda", "get_function", ["lambda.get_function"]),
        ("lambda", "add_permission", ["lambda"]),
        ("apigatewayv2", "create_route", ["apigateway"]),
        ("apigateway", "create_deployment", ["apigateway.create_deployment", "apigateway"]),
        ("iam", "create_role", []),
    ],
)
def test_which_limits_a_call_comes_under(service: str, operation: str, names: list[str]) -> None:
    assert [rate.name for rate in rates(service, operation)] == names


def test_the_limiter_makes_callers_wait() -> None:
    limiter = Limiter()
    start = time.monotonic()
    for _ in range(8):
        limiter.wait("lambda", "create_function")
    assert time.monotonic() - start >= 3 / 15 - 0.01
