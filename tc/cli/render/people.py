"""What the two printers for people share: which event is told where."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence

from tc.cli.render import facts
from tc.cli.render.explain import details, explain
from tc.cli.render.faults import fault_lines
from tc.cli.render.sink import Clock, Sink
from tc.cli.render.text import Line, block, safe
from tc.events import Event


class People(ABC):
    """A printer for people: what was asked for, what happens, and warnings, each in its way."""

    #: whether tables have rules
    ruled: bool

    def __init__(self, out: Sink, err: Sink, now: Clock, verbose: bool) -> None:
        self._out, self._err, self._now, self._verbose = out, err, now, verbose
        self._lock = threading.RLock()

    @property
    def gone(self) -> bool:
        """See `Printer`."""
        return self._out.gone

    def emit(self, event: Event) -> None:
        """See `Printer`."""
        with self._lock:
            self._tell(event)

    def error(self, error: BaseException) -> None:
        """See `Printer`."""
        known = explain(error, self._now)
        with self._lock:
            self._stop()
            if known is not None:
                self._warn(fault_lines(known, self._err.width))
            self._err.write(safe(details(error), keep="\n\t"))

    def close(self) -> None:
        """See `Printer`."""
        with self._lock:
            self._stop()
        lost = self._out.lost()
        if lost is not None:
            self.error(lost)
            raise SystemExit(lost.exit_code)

    def _tell(self, event: Event) -> None:
        data = event.data
        match event.name:
            case "plan":
                self._show(block(event.text or facts.plan_text(data), "bold"))
            case "plan.step":
                if self._verbose or data.get("action") != "keep":
                    self._show(facts.plan_step(data, self._out.width))
            case "plan.hook":
                self._show(block(event.text))
            case "table":
                self._show(facts.table_lines(data, ruled=self.ruled))
            case "result":
                self._result(event.text)
            case "warning":
                self._warn(facts.warning_lines(event))
            case "wait" | "progress":
                self._wait(event)
            case "step.started" | "step.done" | "step.failed" | "step.skipped":
                self._step(event)
            case _:
                self._fact(event)

    @abstractmethod
    def _show(self, lines: Sequence[Line]) -> None:
        """Print what was asked for."""

    @abstractmethod
    def _result(self, text: str) -> None:
        """Print what was asked for, as it is."""

    @abstractmethod
    def _warn(self, lines: Sequence[Line]) -> None:
        """Print on stderr."""

    @abstractmethod
    def _wait(self, event: Event) -> None:
        """Tell what is waited for."""

    @abstractmethod
    def _step(self, event: Event) -> None:
        """Tell what becomes of a step."""

    @abstractmethod
    def _fact(self, event: Event) -> None:
        """Tell anything else, by its text."""

    def _stop(self) -> None:  # noqa: B027
        """Give up what is drawn for the moment."""
