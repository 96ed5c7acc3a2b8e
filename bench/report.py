"""What was measured, as a table for people or one JSON object a line for scripts."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tc import __version__


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement beside the least that could do the same.

    `value` and `floor` are seconds of CPU (unit ``s``), of wall-clock time (``s
    wall``) or counts. Of times, `value` is the smallest, `floor` the floor's median,
    `paired` the ratio to the floor. A `budget` limits the ratio where `per_floor`,
    else the value. `group` is the NAME on the command line that selects it.
    """

    group: str
    name: str
    value: float
    unit: str
    floor: float | None = None
    budget: float | None = None
    per_floor: bool = False
    median: float | None = None
    paired: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        if self.paired is not None:
            return self.paired
        return self.value / self.floor if self.floor else None

    @property
    def ok(self) -> bool:
        if self.budget is None:
            return True
        measured = self.ratio if self.per_floor else self.value
        return measured is not None and measured <= self.budget


@dataclass(frozen=True, slots=True)
class CallCount:
    """How often a command called an operation, beside the least, and why that is the least."""

    command: str
    title: str
    operation: str
    calls: int
    least: int
    why: str


def timed(
    group: str,
    name: str,
    cpu: Sequence[float],
    floor: Sequence[float],
    budget: float | None = None,
) -> Result:
    """CPU seconds of a command and of its floor, run in turns.

    The ratio is the median of each run's to the floor's right after it: both met
    the same machine, whatever else it did.
    """
    return Result(
        group,
        name,
        min(cpu),
        "s",
        statistics.median(floor),
        budget,
        per_floor=True,
        median=statistics.median(cpu),
        paired=statistics.median(a / b for a, b in zip(cpu, floor, strict=True)),
    )


class Printer:
    """Tells results as they come."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._told = False

    def machine(self) -> None:
        facts = {
            "tc": __version__,
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "system": platform.system(),
        }
        if self._json:
            print(json.dumps({"event": "machine", **facts}), flush=True)
        else:
            print(", ".join(f"{key} {value}" for key, value in facts.items()), flush=True)

    def result(self, result: Result) -> None:
        if self._json:
            facts = {**asdict(result), "ratio": result.ratio, "ok": result.ok}
            del facts["paired"]
            print(json.dumps({"event": "result", **facts}), flush=True)
            return
        if not self._told:
            self._told = True
            print(f"\n{'':<40}{'min':>10}{'median':>10}{'floor':>10}{'ratio':>8}{'budget':>9}")
        print(_line(result), flush=True)

    def calls(self, counts: Sequence[CallCount]) -> None:
        if self._json:
            for count in counts:
                print(json.dumps({"event": "calls", **asdict(count)}), flush=True)
            return
        made, least = sum(c.calls for c in counts), sum(c.least for c in counts)
        print(f"\n{counts[0].title}: {made} calls, the least is {least}\n  made least")
        for count in counts:
            print(f"  {count.calls:>4}{count.least:>5}  {count.operation:<42} {count.why}")
        sys.stdout.flush()


def _line(result: Result) -> str:
    def shown(value: float | None) -> str:
        if value is None:
            return "-"
        return f"{value:.3f} s" if result.unit.startswith("s") else f"{value:g}"

    ratio = f"{result.ratio:.2f}" if result.ratio else "-"
    budget = "-" if result.budget is None else f"{'×' if result.per_floor else ''}{result.budget:g}"
    verdict = "" if result.budget is None else ("ok" if result.ok else "OVER")
    columns = f"{shown(result.value):>10}{shown(result.median):>10}{shown(result.floor):>10}"
    line = f"{result.name:<40}{columns}{ratio:>8}{budget:>9}  {verdict:<5}{result.note}"
    return line.rstrip()
