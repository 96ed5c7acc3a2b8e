"""What `tc local status` shows; apart from the engine, which every command imports."""

from __future__ import annotations

import json
from pathlib import Path

from tc.local import environment, wire
from tc.local.engine import (
    ANSWER,
    answers,
    engine_of,
    find_runtimes,
    misfit,
    read_anyway,
)
from tc.local.home import find_home
from tc.local.process import alive
from tc.records import dataclass


@dataclass(frozen=True)
class Status:
    """What `tc local status` shows.

    `port`, `pid`, `since` (Unix time) and `url` are those of the running engine,
    `port` otherwise the remembered one. `functions` is None when it was not
    cheap to know, `problem` says why an engine that runs is of no use.
    """

    running: bool
    version: str
    home: Path
    log: Path
    state_bytes: int
    url: str = ""
    pid: int = 0
    port: int = 0
    since: float = 0.0
    functions: int | None = None
    problem: str = ""


def look() -> Status:
    """What is there; starts and changes nothing."""
    home = find_home()
    record = read_anyway(home)
    size = sum(_tree_size(place) for place in (home.state, home.s3))
    port = record.port if record else 0
    if record is None or not alive(record.pid, record.born):
        return Status(False, environment.ENGINE, home.path, home.log, size, port=port)
    engine = engine_of(record)
    problem = misfit(record, find_runtimes())
    if problem:
        problem = f"the next command with -e local restarts it: {problem}"
    healthy = answers(record, ANSWER)
    return Status(
        running=healthy,
        version=record.engine,
        home=home.path,
        log=home.log,
        state_bytes=size,
        url=engine.url,
        pid=engine.pid,
        port=port,
        since=engine.started,
        functions=_functions(port) if healthy else None,
        problem=problem if healthy else f"the engine (pid {engine.pid}) doesn't answer",
    )


def _functions(port: int) -> int | None:
    try:
        code, body = wire.request("GET", port, "/2015-03-31/functions?MaxItems=10000", ANSWER)
        return len(json.loads(body)["Functions"]) if code == 200 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _tree_size(place: Path) -> int:
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
