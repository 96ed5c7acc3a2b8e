"""Output that nobody watches: one line a fact, as in a log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tc.cli.render import facts
from tc.cli.render.people import People
from tc.cli.render.sink import Clock, Sink
from tc.cli.render.text import Line, block, plain, safe
from tc.events import Event

#: seconds between two lines about the same wait
_AGAIN = 10.0


class Lines(People):
    """``2024-01-15T19:57:04.431 Creating function etl_enhancer_bob (214 B)``

    The time is local. What was asked for (a plan, a table, a result) has no time;
    warnings and errors go to stderr.
    """

    ruled = True

    def __init__(self, out: Sink, err: Sink, now: Clock, verbose: bool) -> None:
        super().__init__(out, err, now, verbose)
        self._told: dict[str, float] = {}

    def _show(self, lines: Sequence[Line]) -> None:
        self._out.write("".join(f"{plain(line)}\n" for line in lines))

    def _warn(self, lines: Sequence[Line]) -> None:
        self._err.write("".join(f"{plain(line)}\n" for line in lines))

    def _result(self, text: str) -> None:
        """As it is: the reader may be a program. A terminal gets nothing that steers it."""
        if text:
            shown = safe(text, keep="\n\t") if self._out.terminal else text
            self._out.write(shown if shown.endswith("\n") else f"{shown}\n")

    def _wait(self, event: Event) -> None:
        data, now = event.data, self._now()
        what = str(data.get("what"))
        complete = data.get("done") is not None and data["done"] == data.get("total")
        if complete or now - self._told.get(what, -_AGAIN) >= _AGAIN:
            self._told[what] = now
            self._stamped(block(facts.waiting_text(event)))

    def _step(self, event: Event) -> None:
        if event.name == "step.failed":
            self._stamped(facts.failed_lines(event))
        elif event.name != "step.started" or self._verbose:
            self._fact(event)

    def _fact(self, event: Event) -> None:
        self._stamped(block(facts.fact_text(event)))

    def _stamped(self, lines: Sequence[Line]) -> None:
        text = "\n".join(map(plain, lines))
        if text:
            when = datetime.fromtimestamp(self._now()).isoformat(timespec="milliseconds")
            self._out.write(f"{when} {text}\n")
