"""``python -m bench [NAME…] [--json] [--check]``: what tc costs, beside the least that could.

Nothing here touches the user's sandboxes: the engine, its files and the AWS profile
are the benchmark's own, in a temporary directory.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator

from bench import account, assets, builds, releases, sandbox, startup, zips
from bench.lab import engine, lab
from bench.report import CallCount, Printer, Result

_STARTUP = ("version", "help", "validate")
_SANDBOX = ("create", "again", "update", "delete")
_LOCAL = ("local",)
_ACCOUNT = (account.GROUP,)
_BUILDS = (builds.GROUP, zips.GROUP)
_ASSETS = (assets.GROUP,)
_RELEASES = (releases.GROUP,)
_NAMES = (*_STARTUP, *_SANDBOX, *_LOCAL, *_ACCOUNT, *_BUILDS, *_ASSETS, *_RELEASES)


def main() -> int:
    """Exit code 1 when ``--check`` was given and a budget is passed, else 0."""
    given = _arguments()
    signal.signal(signal.SIGTERM, _end)
    chosen = set(given.names or _NAMES)
    printer = Printer(as_json=given.json)
    printer.machine()
    over = 0
    counted: list[list[CallCount]] = []
    for found in _measured(chosen, given.gb):
        if isinstance(found, list):
            counted.append(found)
        elif found.group in chosen:
            printer.result(found)
            over += not found.ok
    for counts in counted:
        if counts[0].command in chosen:
            printer.calls(counts)
    if over and given.check:
        print(f"{over} over budget", file=sys.stderr)
    return 1 if over and given.check else 0


def _end(*_: object) -> None:
    """Ends, stopping the engine on the way out; a second signal doesn't disturb that."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def _measured(chosen: set[str], gigabytes: float) -> Iterator[Result | list[CallCount]]:
    if chosen & {*_ACCOUNT}:
        yield from account.measure()
    with lab() as place:
        if chosen & {*_STARTUP}:
            yield from startup.measure(place)
        if builds.GROUP in chosen:
            yield from builds.measure(place)
        if zips.GROUP in chosen:
            yield from zips.measure(place.home)
        if chosen & {*_SANDBOX, *_LOCAL, *_ASSETS, *_RELEASES}:
            with engine(place) as running:
                if chosen & {*_ASSETS}:
                    yield from assets.measure(running.local, int(gigabytes * 1024**3))
                if chosen & {*_SANDBOX}:
                    yield from sandbox.measure(running)
                if chosen & {*_RELEASES}:
                    yield from releases.measure(running)
                if chosen & {*_LOCAL}:
                    yield from sandbox.measure_local(running.local)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures what tc costs beside the least that could do the same: CPU seconds "
        "(user and system, the whole process tree) and calls.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(_NAMES)}")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--check", action="store_true", help="exit with 1 when over a budget")
    parser.add_argument("--gb", type=float, default=0.5, help="size of the asset; 0.5")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in _NAMES]
    if unknown:
        parser.error(f"no measurement {unknown[0]}; there are: {', '.join(_NAMES)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
