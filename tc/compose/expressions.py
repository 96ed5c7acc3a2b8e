"""Schedule expressions, checked offline as EventBridge Scheduler would.

Source: "Schedule types in EventBridge Scheduler", EventBridge Scheduler user guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache

_FORM = re.compile(r"(?P<form>cron|rate|at)\((?P<body>.*)\)\Z", re.DOTALL)
_RATE = re.compile(r"(?P<value>[0-9]+) +(?P<unit>minutes?|hours?|days?)\Z")
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\Z")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
#: field -> its name, lowest and highest number, names for the numbers
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minutes", 0, 59, ()),
    ("hours", 0, 23, ()),
    ("day-of-month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day-of-week", 1, 7, _DAYS),
    ("year", 1970, 2199, ()),
)
_DAY_OF_MONTH = re.compile(r"(L|LW|L-[0-9]{1,2}|[0-9]{1,2}W)\Z")
_DAY_OF_WEEK = re.compile(r"(?P<day>[A-Z0-9]+)(L|#[1-5])\Z")


def problems(expression: str) -> Iterator[str]:
    """What Scheduler would refuse of ``cron(…)``, ``rate(…)`` or ``at(…)``."""
    match = _FORM.match(expression)
    if match is None:
        yield f"`{expression}` is no schedule: write cron(…), rate(…) or at(…)"
        return
    body = match["body"]
    if match["form"] == "cron":
        yield from _cron(body)
    elif match["form"] == "rate":
        yield from _rate(body)
    else:
        yield from _at(body)


def moment(expression: str, zone: str) -> datetime | None:
    """When ``at(…)`` is, in the time zone `zone`; None for what comes again, or is wrong."""
    from zoneinfo import ZoneInfo

    match = _FORM.match(expression)
    if match is None or match["form"] != "at" or not _AT.match(match["body"]):
        return None
    try:
        return datetime.fromisoformat(match["body"]).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        return None


@cache
def zones() -> frozenset[str]:
    """The time zones that this machine knows; none where it has no list of them."""
    import zoneinfo

    return frozenset(zoneinfo.available_timezones())


def _at(body: str) -> Iterator[str]:
    try:
        good = bool(_AT.match(body)) and datetime.fromisoformat(body)
    except ValueError:
        good = False
    if not good:
        yield f"`{body}` is no date and time: write at(2030-12-31T23:59:59)"


def _rate(body: str) -> Iterator[str]:
    match = _RATE.match(body)
    if match is None:
        yield f"`{body}` is no rate: write a whole number of minutes, hours or days"
    elif int(match["value"]) == 0:
        yield "a rate is 1 minute or more"


def _cron(body: str) -> Iterator[str]:
    fields = body.split()
    if len(fields) != len(_FIELDS):
        names = ", ".join(name for name, *_ in _FIELDS)
        yield f"cron takes six fields ({names}), not {len(fields)}"
        return
    for written, (name, low, high, words) in zip(fields, _FIELDS, strict=True):
        yield from _field(written.upper(), name, low, high, words)
    if (fields[2] == "?") == (fields[4] == "?"):
        yield "one of day-of-month and day-of-week must be `?`, and the other one not"


def _field(written: str, name: str, low: int, high: int, words: tuple[str, ...]) -> Iterator[str]:
    is_day = name.startswith("day")
    if written == "*" or (written == "?" and is_day):
        return
    for part in written.split(","):
        if not _good_part(part, name, low, high, words):
            yield f"`{part}` is none of the {name}: {_takes(low, high, words)}"


def _takes(low: int, high: int, words: tuple[str, ...]) -> str:
    return f"{low}-{high} or {words[0]}-{words[-1]}" if words else f"{low}-{high}"


def _good_part(part: str, name: str, low: int, high: int, words: tuple[str, ...]) -> bool:
    if name == "day-of-month" and _DAY_OF_MONTH.match(part):
        number = re.sub(r"[^0-9]", "", part)
        return not number or low <= int(number) <= high
    if name == "day-of-week":
        match = _DAY_OF_WEEK.match(part)
        if part == "L" or (match and _number(match["day"], low, high, words) is not None):
            return True
    base, slash, step = part.partition("/")
    if slash and not (step.isascii() and step.isdigit() and 0 < int(step) <= high):
        return False
    if base == "*":
        return bool(slash)
    first, dash, last = base.partition("-")
    start = _number(first, low, high, words)
    end = _number(last, low, high, words) if dash else start
    return start is not None and end is not None and (bool(words) or start <= end)


def _number(text: str, low: int, high: int, words: tuple[str, ...]) -> int | None:
    """The number that `text` is or names; None when it is out of bounds."""
    if text in words:
        return words.index(text) + 1
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if low <= int(text) <= high else None
