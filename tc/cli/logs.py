"""``tc logs``"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.cli.run import Run, Target

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
#: seconds between two looks with --follow
_EVERY = 1.0
#: milliseconds that are looked at again: CloudWatch may list an event late
_OVERLAP = 10_000


def logs(
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    components: options.Components = None,
    since: Annotated[str, typer.Option("--since", help="How far back: 90s, 10m, 2h, 1d.")] = "10m",
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on until interrupted.")
    ] = False,
    service: options.Service = None,
    region: options.Region = None,
    as_json: options.Json = False,
) -> None:
    """Show what the functions of a sandbox logged.

    With -c functions/X, what that one logged.
    """
    from tc.cli.run import open_target, running
    from tc.events import Event

    with running(as_json=as_json, document=True) as run:
        start = int(time.time() * 1000) - _milliseconds(since)
        target = open_target(run, sandbox=sandbox, env=env, service=service, region=region)
        groups = _groups(target, components or [])
        seen: set[str] = set()
        while True:
            latest = _show(run, target, groups, start, seen)
            if not follow and not seen:
                functor = target.scope.functor
                run.emit(Event("logs.none", f"{functor} logged nothing in the last {since}"))
            if not follow or run.printer.gone:
                return
            start = max(start, latest - _OVERLAP)
            time.sleep(_EVERY)


def _milliseconds(written: str) -> int:
    from tc.errors import UsageError

    unit = _UNITS.get(written[-1:])
    if unit is None or not written[:-1].isdigit():
        raise UsageError(f"`{written}` is no time span", hint="write 90s, 10m, 2h or 1d")
    return int(written[:-1]) * unit * 1000


def _groups(target: Target, components: list[str]) -> dict[str, str]:
    """Log group -> function, for the functions that `components` select."""
    from tc.errors import UsageError

    names = {
        part.function_name(name): name
        for part in target.topology.family()
        for name in part.functions
    }
    wanted = {c.removeprefix("functions/") for c in components if c != "functions"}
    unknown = wanted - set(names.values())
    if unknown:
        raise UsageError(
            f"there is no function `{sorted(unknown)[0]}`",
            code="component",
            hint=f"there are: {', '.join(sorted(names.values()))}",
        )
    return {
        f"/aws/lambda/{full}": name for full, name in names.items() if not wanted or name in wanted
    }


def _show(run: Run, target: Target, groups: dict[str, str], start: int, seen: set[str]) -> int:
    """Tells the new events in the order of their times; returns the latest."""
    listings = target.aws.map(
        lambda group: [(groups[group], event) for event in _events(target, group, start)], groups
    )
    found = sorted(
        (pair for listing in listings for pair in listing), key=lambda pair: pair[1]["timestamp"]
    )
    for function, event in found:
        name = f"{event.get('logStreamName')} {event['timestamp']} {event['message']}"
        if event.get("eventId", name) not in seen:
            seen.add(event.get("eventId", name))
            _tell(run, function, event)
    return max([start, *(int(event["timestamp"]) for _, event in found)])


def _events(target: Target, group: str, start: int) -> list[dict[str, Any]]:
    from tc.errors import AwsError

    try:
        return list(
            target.aws.pages(
                "logs", "filter_log_events", "events", logGroupName=group, startTime=start
            )
        )
    except AwsError as error:
        if error.missing:
            return []
        raise


def _tell(run: Run, function: str, event: dict[str, Any]) -> None:
    moment = time.strftime("%H:%M:%S", time.localtime(event["timestamp"] / 1000))
    message = event["message"].rstrip()
    run.result(
        f"{moment} {function}: {message}",
        function=function,
        timestamp=event["timestamp"],
        message=message,
    )
