"""Output on a terminal: what is done scrolls by, what is running stays below it.

The view of what is running exists only while something is: between steps the
terminal is the user's (a question, a pager), and a command that only prints
never draws it.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from typing import IO, NamedTuple, cast

import rich.console
import rich.live
from rich.text import Text

from tc.cli.render import facts
from tc.cli.render.people import People
from tc.cli.render.sink import Clock, Sink
from tc.cli.render.text import Line, Span, block, plain, safe
from tc.cli.render.units import human_seconds
from tc.events import Event

_COLOURS = {"good": "green", "warn": "yellow", "bad": "red", "dim": "dim", "bold": "bold"}
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_ASCII = "|/-\\"
#: frames of the spinner a second
_RATE = 8
#: rows of the terminal that stay free of what is running
_SPARE = 4


_GOING_ON = frozenset({"step.started", "wait", "progress"})


class _Running(NamedTuple):
    line: Line
    since: float


class Live(People):
    """Facts above, what is running below with a spinner and its seconds."""

    ruled = False

    def __init__(self, out: Sink, err: Sink, now: Clock, verbose: bool) -> None:
        super().__init__(out, err, now, verbose)
        self._running: dict[str, _Running] = {}
        self._note: _Running | None = None
        self._view: rich.live.Live | None = None
        self._colours = {} if os.environ.get("NO_COLOR") else _COLOURS
        self._frames = _FRAMES if out.encoding.lower().startswith("utf") else _FRAMES_ASCII
        self._console = self._make_console(out)
        self._errors = self._make_console(err)

    def emit(self, event: Event) -> None:
        """See `Printer`."""
        with self._lock:
            self._tell(event)
            if event.name in _GOING_ON and self._view is None:
                self._draw()

    def _show(self, lines: Sequence[Line]) -> None:
        if self._note is not None:
            self._note = None
            self._draw()
        self._console.print(self._joined(lines), soft_wrap=True)

    def _result(self, text: str) -> None:
        if text:
            self._show([(Span(safe(text, keep="\n\t").removesuffix("\n")),)])

    def _warn(self, lines: Sequence[Line]) -> None:
        """Where stderr is a terminal too, above what is running."""
        if not self._err.terminal:
            self._err.write("".join(f"{plain(line)}\n" for line in lines))
            return
        console = self._console if self._view else self._errors
        console.print(self._joined(lines), soft_wrap=True)

    def _wait(self, event: Event) -> None:
        line = block(facts.waiting_text(event))[0]
        if self._note is None or self._note.line != line:
            self._note = _Running(line, self._now())

    def _step(self, event: Event) -> None:
        data = event.data
        if event.name == "step.started":
            line = (*facts.sign(data), Span(" "), *facts.thing(data))
            self._running[_key(event)] = _Running(line, self._now())
            return
        started = self._running.pop(_key(event), None)
        self._note = None
        self._draw()
        if event.name == "step.failed":
            first, *more = facts.failed_lines(event)
            self._show([(Span("! ", "bad"), *first), *((Span("  "), *line) for line in more)])
        elif event.name == "step.skipped":
            self._show(block(f"  {facts.fact_text(event)}", "dim", indent="    "))
        else:
            took = data.get("seconds", self._now() - started.since if started else 0)
            seconds = Span(f"  {human_seconds(float(took))}", "dim")
            self._show([(*facts.sign(data), Span(" "), *facts.thing(data), seconds)])

    def _fact(self, event: Event) -> None:
        if event.name == "done":
            # whatever did not tell its end has ended with the run
            self._running = {}
            self._draw()
        text = facts.fact_text(event)
        if text:
            self._show(block(text, "bold" if event.name == "done" else ""))

    def _draw(self) -> None:
        """Show what is running where something is, and only there."""
        if not self._running and self._note is None:
            self._stop()
        elif self._view is not None:
            self._view.refresh()
        else:
            self._view = rich.live.Live(
                console=self._console,
                get_renderable=self._rows,
                refresh_per_second=_RATE,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            # an exception that nobody catches must not leave the cursor hidden
            atexit.register(self._stop)
            self._view.start(refresh=True)

    def _stop(self) -> None:
        view, self._view = self._view, None
        self._running, self._note = {}, None
        if view is not None:
            view.stop()
            atexit.unregister(self._stop)

    def _rows(self) -> Text:
        """What is running, as much as fits. Rich's thread asks for it, so it takes no lock."""
        rows = list(self._running.values())
        note = self._note
        fit = max(self._console.height - _SPARE, 1)
        now = self._now()
        frame = self._frames[int(now * _RATE) % len(self._frames)]
        lines: list[Line] = [
            (
                Span(f"{frame} ", "dim"),
                *row.line,
                Span(f"  {human_seconds(max(now - row.since, 0))}", "dim"),
            )
            for row in [*rows[:fit], *([note] if note else [])]
        ]
        if len(rows) > fit:
            lines.append((Span(f"  and {len(rows) - fit} more", "dim"),))
        view = self._joined(lines)
        view.no_wrap, view.overflow = True, "ellipsis"
        return view

    def _joined(self, lines: Sequence[Line]) -> Text:
        return Text("\n").join(
            Text.assemble(*((text, self._colours.get(style, "")) for text, style in line))
            for line in lines
        )

    def _make_console(self, sink: Sink) -> rich.console.Console:
        return rich.console.Console(
            file=cast("IO[str]", sink),
            force_terminal=True,
            force_interactive=True,
            color_system="standard",
            no_color=not self._colours,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
        )


def _key(event: Event) -> str:
    data = event.data
    return str(data.get("key") or f"{data.get('kind')} {data.get('title')}")
