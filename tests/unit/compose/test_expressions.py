"""Schedule expressions: what Scheduler takes, and what it would refuse."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tc.compose.expressions import moment, problems, zones

GOOD = """
rate(1 minute)
rate(5 minutes)
rate(12 hours)
rate(30 days)
at(2030-12-31T23:59:59)
cron(0 6 * * ? *)
cron(0/15 8-17 ? * MON-FRI *)
cron(15,45 0 1,15 JAN,jul ? 2026-2030)
cron(0 0 L * ? *)
cron(0 0 L-3 * ? *)
cron(0 0 LW * ? *)
cron(0 0 15W * ? *)
cron(0 0 ? * 6L *)
cron(0 0 ? * L *)
cron(0 0 ? * TUE#2 *)
cron(*/5 * ? * FRI-MON *)
""".strip().splitlines()
BAD = """
every day
rate(0 minutes)
rate(5 seconds)
rate(1.5 hours)
rate(five minutes)
at(2030-12-31)
at(2030-13-31T00:00:00)
at(2030-12-31T00:00:00Z)
cron(0 6 * * *)
cron(0 6 * * * *)
cron(0 6 ? * ? *)
cron(60 6 * * ? *)
cron(0 24 * * ? *)
cron(0 6 32 * ? *)
cron(0 6 0 * ? *)
cron(0 6 * 13 ? *)
cron(0 6 ? * 8 *)
cron(0 6 ? * 0 *)
cron(0 6 ? * MON#6 *)
cron(0 6 * FOO ? *)
cron(0 6 * * ? 1969)
cron(5-1 6 * * ? *)
cron(0/0 6 * * ? *)
cron(? 6 * * ? *)
cron(0 6 * ? * *)
cron(0,  6 * * ? *)
cron(0 6 40W * ? *)
""".strip().splitlines()


@pytest.mark.parametrize("expression", GOOD)
def test_good(expression: str) -> None:
    assert list(problems(expression)) == []


@pytest.mark.parametrize("expression", BAD)
def test_bad(expression: str) -> None:
    assert list(problems(expression))


def test_the_moment_of_a_single_time_is_in_its_time_zone() -> None:
    expected = datetime(2030, 7, 1, 10, 0, tzinfo=UTC)
    assert moment("at(2030-07-01T12:00:00)", "Europe/Paris") == expected
    assert moment("rate(1 hour)", "UTC") is None
    assert moment("at(2030-02-31T12:00:00)", "UTC") is None
    assert {"UTC", "Europe/Paris"} <= zones()
