"""What the options of a canary mean, and which mean nothing."""

from __future__ import annotations

import pytest

from tc.cli.canary import read_canary
from tc.errors import UsageError


@pytest.mark.parametrize(
    ("percent", "time", "tolerate", "expected"),
    [
        ("10%", None, None, (10, 600, 0)),
        ("10", "90s", "1%", (10, 90, 1)),
        ("99 %", "90", "0.5%", (99, 90, 0.5)),
        ("1%", "1h30m", "100", (1, 5400, 100)),
        ("50%", "24h", "0%", (50, 86_400, 0)),
    ],
)
def test_what_is_written_is_meant(
    percent: str, time: str | None, tolerate: str | None, expected: tuple[float, ...]
) -> None:
    made = read_canary(percent, time, tolerate)
    assert made is not None
    assert (made.percent, made.seconds, made.tolerate) == expected


def test_without_it_there_is_none() -> None:
    assert read_canary(None, None, None) is None


@pytest.mark.parametrize("percent", ["0%", "100%", "10.5%", "-1", "ten", "", "1e1"])
def test_what_is_no_percentage_is_refused(percent: str) -> None:
    with pytest.raises(UsageError, match="--canary"):
        read_canary(percent, None, None)


@pytest.mark.parametrize("time", ["0s", "25h", "10 min", "m", "1d", "-5m", "5m1h"])
def test_what_is_no_time_is_refused(time: str) -> None:
    with pytest.raises(UsageError, match="--for"):
        read_canary("10%", time, None)


@pytest.mark.parametrize("tolerate", ["101%", "some", "-1"])
def test_what_can_not_be_tolerated_is_refused(tolerate: str) -> None:
    with pytest.raises(UsageError, match="--tolerate"):
        read_canary("10%", None, tolerate)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(UsageError) as found:
        read_canary("x", "y", "z")
    assert [
        word for word in ("--canary", "--for", "--tolerate") if word in found.value.message
    ] == [
        "--canary",
        "--for",
        "--tolerate",
    ]


@pytest.mark.parametrize(("time", "tolerate"), [("9m", None), (None, "1%"), ("9m", "1%")])
def test_what_belongs_to_a_canary_is_refused_without_one(
    time: str | None, tolerate: str | None
) -> None:
    with pytest.raises(UsageError, match="without --canary"):
        read_canary(None, time, tolerate)
