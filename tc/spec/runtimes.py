"""The dates on which Lambda stops supporting runtimes.

Source: "Lambda runtimes", AWS Lambda developer guide, the table of supported
runtimes and the one of deprecated runtimes.
"""

from __future__ import annotations

from datetime import date

#: runtime -> the day of its deprecation: no more updates, no support
DEPRECATION = {
    "python3.10": date(2026, 10, 31),
    "python3.11": date(2027, 6, 30),
    "python3.12": date(2028, 10, 31),
    "python3.13": date(2029, 6, 30),
    "python3.14": date(2029, 6, 30),
    "ruby3.2": date(2026, 3, 31),
    "ruby3.3": date(2027, 3, 31),
    "ruby3.4": date(2028, 3, 31),
    "nodejs20.x": date(2026, 4, 30),
    "nodejs22.x": date(2027, 4, 30),
    "nodejs24.x": date(2028, 4, 30),
    "java21": date(2029, 6, 30),
    "provided.al2023": date(2029, 6, 30),
}
#: days before its date in which a runtime is spoken of
_NOTICE_DAYS = 180


def warning(runtime: str, today: date) -> str:
    """What to say of `runtime` on `today`; empty while its date is far off."""
    end = DEPRECATION.get(runtime)
    if end is None or (end - today).days > _NOTICE_DAYS:
        return ""
    if end <= today:
        return f"AWS has deprecated {runtime} on {end.isoformat()}"
    return f"AWS deprecates {runtime} on {end.isoformat()}"
