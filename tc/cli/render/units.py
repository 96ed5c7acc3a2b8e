"""Sizes, durations and ages in words."""

from __future__ import annotations

from datetime import UTC, datetime

_SIZES = ("KiB", "MiB", "GiB", "TiB")
_AGES = ((86400, "day", "days"), (3600, "h", "h"), (60, "min", "min"), (1, "s", "s"))


def human_bytes(n: int) -> str:
    """``214 B``, ``10 KiB``, ``1.4 MiB``; a unit is 1024 of the one before."""
    if n < 1024:
        return f"{n} B"
    value, unit = n / 1024, 0
    while round(value) >= 1024 and unit < len(_SIZES) - 1:
        value, unit = value / 1024, unit + 1
    rounded = f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
    return f"{rounded.removesuffix('.0')} {_SIZES[unit]}"


def human_seconds(s: float) -> str:
    """``40 ms``, ``0.4 s``, ``1 min 3 s``, ``2 h 5 min``."""
    if s < 0.0995:
        return f"{max(s, 0) * 1000:.0f} ms"
    if s < 59.95:
        return f"{s:.1f} s"
    minutes, seconds = divmod(round(s), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"


def ago(then: datetime, now: datetime | None = None) -> str:
    """``5 min ago``, in the largest unit that fits; a time without a zone is UTC."""
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    passed = ((now or datetime.now(UTC)) - then).total_seconds()
    for seconds, one, many in _AGES:
        count = int(passed // seconds)
        if count >= 1:
            return f"{count} {one if count == 1 else many} ago"
    return "just now"
