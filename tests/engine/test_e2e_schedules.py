"""Schedules really start things, on time and in their time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from e2e_support import Lab, copied, deployed

pytestmark = pytest.mark.engine


def soon(zone: str) -> str:
    """A single time, 15 seconds from now on the clocks of `zone`: it must lie after `create`."""
    when = datetime.now(ZoneInfo(zone)) + timedelta(seconds=15)
    return f"at({when:%Y-%m-%dT%H:%M:%S})"


def test_a_single_time_starts_a_function_and_a_flow_once(lab: Lab, tmp_path: Path) -> None:
    clock = copied(lab, "clock", tmp_path)
    at = f"  once: {{ expression: '{soon('Asia/Tokyo')}', timezone: Asia/Tokyo, function: tick,"
    flow = f"  run: {{ expression: '{soon('UTC')}', flow: flow }}\n"
    clock.edit(
        "topology.yml", "schedules:\n", f"schedules:\n{at} payload: {{ from: at }} }}\n{flow}"
    )
    with deployed(clock):
        lines = lab.wait_logged("clock_tick_bob", 2, within=30)
        assert sorted(lines) == ['tick {"from": "at"}', 'tick {"from": "flow"}']
        assert ":schedule/clock_bob/once" in clock.tc("list").out


def test_one_field_is_one_call_and_the_group_takes_all_along(lab: Lab, tmp_path: Path) -> None:
    clock = copied(lab, "clock", tmp_path, env="aws")
    with deployed(clock):
        scheduler = lab.client("scheduler")
        states = {s["Name"]: s["State"] for s in scheduler.list_schedules()["Schedules"]}
        assert states == {"minutely": "ENABLED", "nightly": "ENABLED", "never": "DISABLED"}
        for old, new, planned in (
            ("0 2 * * ? *", "0 3 * * ? *", "~ schedule nightly expression"),
            ("Europe/Paris", "Europe/Rome", "~ schedule nightly timezone"),
            ("window: 15", "window: 30", "~ schedule nightly window"),
            ("from: rate", "from: time", "~ schedule minutely target.input"),
        ):
            clock.edit("topology.yml", old, new)
            assert clock.plan() == [planned]
            with lab.proxy.counting() as calls:
                clock.tc("update", "-c", "schedules")
            name = planned.split()[2]
            assert [call.name for call in calls if call.writes] == [f"PUT /schedules/{name}"]
            clock.same()
    groups = scheduler.list_schedule_groups()["ScheduleGroups"]
    assert [group["Name"] for group in groups] == ["default"]
    assert scheduler.list_schedules()["Schedules"] == []


def test_a_rate_starts_again_and_again(lab: Lab, tmp_path: Path) -> None:
    """The one test that waits for a minute: nothing else can show a rate."""
    with deployed(copied(lab, "clock", tmp_path)):
        lines = lab.wait_logged("clock_tick_bob", 1, within=65)
        assert lines == ['tick {"from": "rate"}']


def test_what_can_not_be_started_goes_to_the_dead_letters(lab: Lab, tmp_path: Path) -> None:
    clock = copied(lab, "clock", tmp_path)
    once = f"  once: {{ expression: '{soon('UTC')}', function: tick, payload: late, dlq: true }}\n"
    clock.edit("topology.yml", "schedules:\n", f"schedules:\n{once}")
    with deployed(clock):
        lab.client("lambda").delete_function(FunctionName="clock_tick_bob")
        sqs = lab.client("sqs")
        url = sqs.get_queue_url(QueueName="clock_once-dlq_bob")["QueueUrl"]
        found: list[str] = []
        for _ in range(30):
            said = sqs.receive_message(
                QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"]
            )
            attributes = [one["MessageAttributes"] for one in said.get("Messages", [])]
            found += [one["ERROR_CODE"]["StringValue"] for one in attributes]
            if found:
                break
        assert found == ["NO_RESOURCE"]
        clock.create()
