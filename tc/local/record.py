"""engine.json: the engine that runs, or ran last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, field, replace
from pathlib import Path

from tc.local.home import write_private
from tc.records import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """`pid` is 0 once the engine was stopped; its `port` stays remembered.

    `born` tells the process from a later one with the same pid
    (`tc.local.process.birth`), `started` is a Unix time. `launcher` is the
    digest of the launcher and its hooks, `environment` the directory of the
    engine's Python environment, `runtimes` the interpreters handed to the
    engine (``{"python3.12": path, "ruby": path}``).
    """

    pid: int
    born: str
    port: int
    started: float
    engine: str
    launcher: str
    environment: str
    runtimes: Mapping[str, str] = field(default_factory=dict)

    def stopped(self) -> Record:
        return replace(self, pid=0, born="")


def read(path: Path) -> Record | None:
    """The record; None when there is none. ValueError when it can't be understood."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    try:
        record = Record(**data)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if not _well_typed(record):
        raise ValueError("a field has the wrong type")
    return record


def _well_typed(record: Record) -> bool:
    texts = (record.born, record.engine, record.launcher, record.environment)
    return (
        all(isinstance(text, str) for text in texts)
        and isinstance(record.pid, int)
        and isinstance(record.port, int)
        and isinstance(record.started, int | float)
        and isinstance(record.runtimes, dict)
    )


def write(path: Path, record: Record) -> None:
    write_private(path, json.dumps(asdict(record), indent=1) + "\n")
