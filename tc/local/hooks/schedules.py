"""Schedules start within a second of their time, in their time zone, and once.

Why: the engine looks every 10 seconds, takes every time as UTC, and starts a single time again
after each restart.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import Any

from . import sdk_targets
from .needs import need, replace

MODULE = "services.scheduler"
EVENTS = "services.eventbridge"
EVERY_S = 1
#: where a schedule keeps when it last started something; updating it starts anew
FIRED = "TcLastFired"
logger = logging.getLogger("scheduler")
_started = time.time()


def install() -> None:
    for name in ("_schedules", "set_request_account_id", "set_request_region", "new_uuid"):
        need(MODULE, name)
    need(MODULE, "_to_epoch", "value")
    need(MODULE, "_tick_schedules")
    need(EVENTS, "_parse_rate_seconds", "expr")
    need(EVENTS, "_parse_cron_fields", "expr")
    need(EVENTS, "_cron_next_fire", "fields", "after_dt")
    need(EVENTS, "_invoke_target", "target", "event", "rule")
    replace(MODULE, "_SCHEDULE_TICK_INTERVAL", EVERY_S)
    replace(MODULE, "_tick_schedules", tick)


def tick() -> None:
    """Starts what is due, each in its own account and region."""
    from ministack.services import scheduler

    before = scheduler.get_account_id(), scheduler.get_region()
    try:
        for key, schedule in list(scheduler._schedules._data.items()):
            now = time.time()
            if runs(schedule, now) and is_due(schedule, now):
                schedule[FIRED] = now
                scheduler.set_request_account_id(key[0])
                scheduler.set_request_region(key[1])
                start(schedule, key[0], key[1])
                single = schedule["ScheduleExpression"].startswith("at(")
                if single and schedule.get("ActionAfterCompletion") == "DELETE":
                    scheduler._schedules._data.pop(key, None)
    finally:
        scheduler.set_request_account_id(before[0])
        scheduler.set_request_region(before[1])


def runs(schedule: dict[str, Any], now: float) -> bool:
    from ministack.services import scheduler

    first = scheduler._to_epoch(schedule.get("StartDate")) or 0
    last = scheduler._to_epoch(schedule.get("EndDate")) or now
    return schedule.get("State") == "ENABLED" and first <= now <= last


def is_due(schedule: dict[str, Any], now: float) -> bool:
    """Whether a start lies between the last one, or the last change, and `now`."""
    from ministack.services import eventbridge

    expression = schedule["ScheduleExpression"]
    since = schedule.get(FIRED) or schedule["LastModificationDate"]
    try:
        if expression.startswith("at("):
            when = datetime.fromisoformat(expression[3:-1]).replace(tzinfo=zone(schedule))
            return FIRED not in schedule and since <= when.timestamp() <= now
        interval = eventbridge._parse_rate_seconds(expression)
        if interval is not None:
            return bool(now - since >= interval)
        fields = eventbridge._parse_cron_fields(expression)
        after = datetime.fromtimestamp(max(since, _started), tz=zone(schedule))
        following = eventbridge._cron_next_fire(fields, after) if fields else None
        return following is not None and following.timestamp() <= now
    except (ValueError, LookupError) as error:
        logger.error("Schedule %s can't start: %s", schedule.get("Arn"), error)
        return False


def zone(schedule: dict[str, Any]) -> Any:
    from zoneinfo import ZoneInfo

    name = schedule.get("ScheduleExpressionTimezone") or "UTC"
    return UTC if name == "UTC" else ZoneInfo(name)


def start(schedule: dict[str, Any], account: str, region: str) -> None:
    """What Scheduler sends where the schedule has no input of its own."""
    from ministack.services import eventbridge, scheduler

    if schedule["Target"]["Arn"].startswith(sdk_targets.PREFIX):
        sdk_targets.call(schedule["Target"])
        return
    event = {
        "EventId": scheduler.new_uuid(),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": int(time.time()),
        "Resources": [schedule["Arn"]],
        "Account": account,
        "Region": region,
    }
    eventbridge._invoke_target(schedule["Target"], event, schedule)
