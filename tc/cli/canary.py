"""The options of a canary: ``--canary 10% --for 10m --tolerate 1%``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tc.deploy.canary import Canary

Percent = Annotated[
    str | None,
    typer.Option(
        "--canary",
        metavar="PERCENT",
        help="Give this part of the calls to the new versions first, and all of them only when "
        "these did well: 10%.",
    ),
]
For = Annotated[
    str | None,
    typer.Option("--for", metavar="TIME", help="How long: 90s, 10m, 1h. [default: 10m]"),
]
Tolerate = Annotated[
    str | None,
    typer.Option(
        "--tolerate",
        metavar="PERCENT",
        help="How many of the calls of what is new may fail before all goes back. [default: 0%]",
    ),
]

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%?")
_TIME = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_DEFAULT = "10m"
#: a day; a canary is watched by the command that began it
_LONGEST = 86_400


def read_canary(percent: str | None, time: str | None, tolerate: str | None) -> Canary | None:
    """What the options mean, None without ``--canary``; UsageError with all that is wrong."""
    from tc.errors import UsageError

    if percent is None:
        alone = [name for name, said in (("--for", time), ("--tolerate", tolerate)) if said]
        if alone:
            raise UsageError(f"{' and '.join(alone)} without --canary", hint="add --canary 10%")
        return None
    part, seconds, failing = (
        _percent(percent),
        _seconds(time or _DEFAULT),
        _percent(tolerate or "0"),
    )
    wrong = []
    if part is None or part != int(part) or not 1 <= part <= 99:
        wrong.append(f"--canary `{percent}` is no whole percentage from 1% to 99%")
    if seconds is None or not 1 <= seconds <= _LONGEST:
        wrong.append(f"--for `{time}` is no time from 1s to 24h, such as 90s, 10m or 1h30m")
    if failing is None or failing > 100:
        wrong.append(f"--tolerate `{tolerate}` is no percentage, such as 1% or 0.5%")
    if wrong:
        raise UsageError("; ".join(wrong))
    from tc.deploy.canary import Canary

    assert part is not None
    assert seconds is not None
    assert failing is not None
    return Canary(int(part), seconds, failing)


def _percent(text: str) -> float | None:
    found = _PERCENT.fullmatch(text.strip())
    return float(found[1]) if found else None


def _seconds(text: str) -> int | None:
    """``10m``, ``1h30m``, ``90s``, or seconds."""
    found = _TIME.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds
