"""One run as events, told by each printer, in a place and at a time that are always the same."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tc.cli.render import Printer, printer
from tc.events import Event

#: 2024-01-15T19:57:03.875Z, exact as a float
START = 1705348623.875


def step(what: str, action: str, kind: str, title: str, text: str = "", **more: Any) -> Event:
    """A ``step.*`` event."""
    data = {"action": action, "kind": kind, "key": f"{kind}/{title}", "title": title}
    return Event(f"step.{what}", text, {**data, "name": title, "detail": "OK", **more})


RUN = (
    Event("log", "Composing topology..."),
    Event("functor", "Initializing functor: etl@bob.dev/0.0.1", {"functor": "etl@bob.dev/0.0.1"}),
    Event("plan", "", {"create": 3, "update": 1, "replace": 0, "delete": 0, "keep": 12}),
    step("started", "create", "function", "etl_enhancer_bob", detail="214 B"),
    step("started", "create", "role", "tc_etl_loader_bob"),
    Event("wait", "", {"what": "the role to be usable", "state": "Pending", "seconds": 3.2}),
    Event("wait", "", {"what": "the role to be usable", "state": "Pending", "seconds": 4.2}),
    step(
        "done",
        "create",
        "function",
        "etl_enhancer_bob",
        "Creating function etl_enhancer_bob (214 B)",
        detail="214 B",
        seconds=0.42,
    ),
    Event("progress", "Uploading", {"what": "code", "done": 1024, "total": 20480, "unit": "B"}),
    Event("warning", "python3.10 ends in October", {"code": "old", "hint": "use python3.13"}),
    step(
        "failed",
        "create",
        "role",
        "tc_etl_loader_bob",
        code="aws",
        message="not allowed: iam:CreateRole",
        hint="ask for the permission",
    ),
    step("skipped", "create", "function", "etl_loader_bob", because="role tc_etl_loader_bob"),
    step("started", "update", "route", "/api/etl"),
    step("done", "update", "route", "/api/etl", seconds=63.4),
    Event("done", "", {"seconds": 64.1, "calls": 12, "wrote": 5, "failed": 1, "skipped": 1}),
)


class Told:
    """A printer with what it wrote; every look at its clock is 1/8 s after the one before."""

    def __init__(self, **options: Any) -> None:
        self.streams = io.StringIO(), io.StringIO()
        self._clock = _ticks()
        options = {"as_json": False, "terminal": False, **options}
        self.printer: Printer = printer(
            out=self.streams[0], err=self.streams[1], now=lambda: next(self._clock), **options
        )

    def tell(self, *events: Event) -> Told:
        """Emit the events."""
        for event in events:
            self.printer.emit(event)
        return self

    @property
    def out(self) -> str:
        return self.streams[0].getvalue()

    @property
    def err(self) -> str:
        return self.streams[1].getvalue()

    def __str__(self) -> str:
        return f"--- stdout\n{self.out}--- stderr\n{self.err}"


def _ticks() -> Iterator[float]:
    tick = 0
    while True:
        yield START + tick / 8
        tick += 1


@pytest.fixture(autouse=True)
def everywhere_alike(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in ("NO_COLOR", "TC_DEBUG", "FORCE_COLOR", "COLORTERM", "PYTHONUNBUFFERED"):
        monkeypatch.delenv(name, raising=False)
    values = {"TZ": "UTC", "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    for name, value in {**values, "TC_HOME": str(tmp_path / "tc-home")}.items():
        monkeypatch.setenv(name, value)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
