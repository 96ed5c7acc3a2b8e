"""From events and errors to output: the only place that writes to the terminal.

One stream of `tc.events.Event` has three printers: `Json` for scripts, `Lines` where
nobody watches (a pipe, CI), `Live` on a terminal. `facts` and `faults` say what is
told, the printers only how. Nothing here imports rich before a `Live` prints.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Protocol, TextIO

from tc.cli.render.sink import Clock, Sink
from tc.cli.render.units import ago, human_bytes, human_seconds
from tc.events import Event

__all__ = ["Printer", "ago", "human_bytes", "human_seconds", "printer"]

#: what terminals call themselves that can only append text
_DUMB = frozenset({"", "dumb", "unknown"})


class Printer(Protocol):
    """What a command talks to. Threads may share one."""

    @property
    def gone(self) -> bool:
        """Whether nobody reads stdout any more (``| head``): what follows without end may stop."""

    def emit(self, event: Event) -> None:
        """Tell a fact. Never raises because of the output."""

    def error(self, error: BaseException) -> None:
        """Tell why the command ends. An unknown exception is told as a bug of tc."""

    def close(self) -> None:
        """Leave the terminal as it was; may be called twice.

        When a part of the output could not be written (a full disk) it says so
        and raises SystemExit(1); a reader that went away is no error.
        """


def printer(
    *,
    as_json: bool,
    out: TextIO | None = None,
    err: TextIO | None = None,
    terminal: bool | None = None,
    verbose: bool = False,
    now: Clock = time.time,
) -> Printer:
    """The printer for these streams, stdout and stderr by default.

    `terminal` overrides the question whether `out` is one; a terminal that cannot
    move its cursor (``TERM=dumb``) gets lines. `verbose` also tells what starts and
    what stays as it is. `now` is in seconds since 1970.
    """
    to_out = Sink(sys.stdout if out is None else out, terminal)
    to_err = Sink(sys.stderr if err is None else err)
    if as_json:
        from tc.cli.render.objects import Json

        return Json(to_out, to_err, now)
    if to_out.terminal and os.environ.get("TERM", "") not in _DUMB:
        from tc.cli.render.live import Live

        return Live(to_out, to_err, now, verbose)
    from tc.cli.render.lines import Lines

    return Lines(to_out, to_err, now, verbose)
