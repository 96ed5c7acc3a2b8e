"""The engine behind ``-e local``: found, started, mended, stopped.

One engine for each user serves all topologies. Every command calls `ensure`::

    a record that fits and a healthy answer  -> that engine, in a few milliseconds
    anything else                            -> under the lock: end what is there,
                                                keep its state, start anew
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from tc.errors import TcError
from tc.events import Emit, Event
from tc.local import environment, program, wire
from tc.local.found import on_path
from tc.local.home import Home, explained, find_home, locked, make_home, reason, take_lock
from tc.local.ports import choose_port, forced_port
from tc.local.process import alive, end
from tc.local.pythons import find as find_pythons
from tc.local.record import Record
from tc.local.record import read as read_record
from tc.local.record import write as write_record
from tc.records import dataclass

REGION = "us-east-1"
ACCOUNT = "000000000000"
#: seconds for a running engine to answer before it is looked at more closely
ANSWER = 2.0
#: seconds for a started engine that does not answer yet, at the least
_PATIENCE = 5.0
#: seconds to save and end after SIGTERM
_GRACE = 20.0
_SAVE_DEADLINE = 30.0
#: seconds in which a dead process lets go of its files
_EXIT = 2.0
_ATTEMPTS = 3


@dataclass(frozen=True)
class Engine:
    """The running engine; `started` is a Unix time."""

    url: str
    pid: int
    started: float


def ensure(emit: Emit) -> Engine:
    """The running, healthy engine of this version of tc, started or mended if need be."""
    home = make_home()
    runtimes = find_runtimes()
    record = read_anyway(home)
    if record and not misfit(record, runtimes) and answers(record, ANSWER):
        if _log_size(home) > program.LOG_LIMIT:
            with locked(home, emit):
                if _log_size(home) > program.LOG_LIMIT:
                    from tc.local.launch import rotate

                    rotate(home.log)
        return engine_of(record)
    with locked(home, emit):
        return engine_of(_mend(home, runtimes, emit))


def stop(emit: Emit) -> bool:
    """Whether an engine ran; its state is saved, its port remembered."""
    home = make_home()
    with locked(home, emit):
        record = _running(home, emit)
        if record is None:
            return False
        _end(home, record, emit)
        return True


def reset(emit: Emit) -> None:
    """Stops the engine and forgets all that it knows. Asks nothing."""
    import shutil

    home = make_home()
    with locked(home, emit):
        record = _running(home, emit)
        if record:
            _end(home, record, emit)
        for place in (home.state, home.s3, home.file_systems, home.tmp):
            with explained(place):
                if place.exists():
                    shutil.rmtree(place)
        for file in (home.record, home.log, home.log.with_name("log.1")):
            with explained(file):
                file.unlink(missing_ok=True)


def save(engine: Engine) -> None:
    """Has the engine write its state to disk, as after every command."""
    try:
        port = int(engine.url.rpartition(":")[2])
        code, body = wire.request("POST", port, "/_tc/save", _SAVE_DEADLINE)
        why = "" if code == 200 else body.decode(errors="replace")[:200] or f"status {code}"
    except OSError as error:
        why = reason(error)
    if why:
        raise TcError(
            f"the local engine didn't save its state: {why}",
            code="local-save",
            where=str(find_home().log),
            hint="check that it still runs: tc local status",
        )


def find_runtimes() -> dict[str, str]:
    """Runtime -> the interpreter of this machine: ``python3.12``, …, ``ruby``."""
    runtimes = {name: python.path for name, python in find_pythons().items()}
    runtimes["ruby"] = on_path("ruby")
    return {name: path for name, path in runtimes.items() if _is(path)}


def _mend(home: Home, runtimes: Mapping[str, str], emit: Emit) -> Record:
    """The record of a healthy engine; the caller holds the lock."""
    from tc.local import launch

    record = _running(home, emit)
    if record:
        why = misfit(record, runtimes)
        # Its start may have been interrupted a moment ago: it has the rest of its time.
        patience = max(record.started + launch.READY_DEADLINE - time.time(), _PATIENCE)
        if not why and launch.wait_ready(record, min(patience, launch.READY_DEADLINE), None):
            return record
        why = why or "it doesn't answer"
        emit(Event("log", f"Restarting the local engine: {why}"))
        _end(home, record, emit)
    before = record or read_anyway(home)
    place = environment.ensure(emit)
    kept = {name: path for name, path in (before.runtimes if before else {}).items() if _is(path)}
    begun = time.monotonic()
    started = _start(home, place, kept | dict(runtimes), before.port if before else 0, emit)
    seconds = time.monotonic() - begun
    data = {"url": engine_of(started).url, "pid": started.pid, "seconds": round(seconds, 3)}
    emit(Event("log", f"Started the local engine at {data['url']} ({seconds:.1f} s)", data))
    return started


def _start(
    home: Home,
    place: environment.Environment,
    runtimes: Mapping[str, str],
    remembered: int,
    emit: Emit,
) -> Record:
    """The engine on a port that nobody else takes in the same moment."""
    import contextlib

    from tc.local import launch

    for _ in range(_ATTEMPTS - 1):
        port = choose_port(remembered, emit)
        with contextlib.suppress(launch.PortTaken):
            return launch.start(home, place, runtimes, port)
    return launch.start(home, place, runtimes, choose_port(remembered, emit))


def misfit(record: Record, runtimes: Mapping[str, str]) -> str:
    """Why the recorded engine is not the one this command needs; empty when it is."""
    forced = forced_port()
    if forced and record.port != forced:
        return f"TC_LOCAL_PORT asks for port {forced}"
    if record.engine != environment.ENGINE:
        return f"its version is {record.engine}, this tc needs {environment.ENGINE}"
    if record.launcher != program.launcher_digest():
        return "it was started by another version of tc"
    if record.environment != str(environment.locate().path):
        return "tc runs on another Python now"
    if not environment.locate().complete():
        return "its Python environment is gone"
    # Two shells with different PATHs must not restart it in turns: what it knows
    # beyond this shell's interpreters is kept.
    new = sorted(runtimes.keys() - record.runtimes.keys())
    gone = sorted(name for name, path in record.runtimes.items() if not _is(path))
    if new or gone:
        return f"this machine's interpreters have changed ({', '.join(new + gone)})"
    return ""


def _running(home: Home, emit: Emit) -> Record | None:
    """The engine that runs on this state, also when engine.json is lost or wrong."""
    try:
        record = read_record(home.record)
    except ValueError:
        record = None
        text = f"{home.record} is damaged and is written anew"
        emit(Event("warning", text, {"code": "local-state", "hint": ""}))
    if record and alive(record.pid, record.born):
        return record
    deadline = time.monotonic() + _EXIT
    while True:
        with explained(home.running):
            words = _holder(home)
        if words is None:
            return None
        if lost := _lost(words):
            return lost
        # A process that ends holds its files a moment longer than it shows as alive.
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    raise TcError(
        "an engine that this tc can't see uses the same files: it runs in another container,"
        " or as another user",
        code="local-stranger",
        where=str(home.path),
        hint="stop it where it was started, or set TC_HOME to another directory",
    )


def _holder(home: Home) -> list[str] | None:
    """What the engine that holds `home.running` was noted as; None when nobody holds it."""
    fd = os.open(home.running, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if take_lock(fd):
            return None
        return os.pread(fd, 4096, 0).decode(errors="replace").split(" ", 2)
    finally:
        os.close(fd)


def _lost(words: list[str]) -> Record | None:
    """The engine named by ``pid port birth`` if it is one of ours; fits no version."""
    if len(words) != 3 or not words[0].isdecimal() or not words[1].isdecimal():
        return None
    pid, port, born = int(words[0]), int(words[1]), words[2]
    return Record(pid, born, port, 0.0, "unknown", "", "") if alive(pid, born) else None


def _end(home: Home, record: Record, emit: Emit) -> None:
    if not end(record.pid, record.born, _GRACE):
        text = (
            f"the local engine didn't end within {_GRACE:.0f} s and was killed:"
            " changes since the last tc command may be lost"
        )
        hint = "see what is left: tc list -e local"
        emit(Event("warning", text, {"code": "local-killed", "hint": hint}))
        _until_free(record.port)
    write_record(home.record, record.stopped())


def _until_free(port: int) -> None:
    """A process that was killed is gone before the last of its threads lets go of its port."""
    deadline = time.monotonic() + _PATIENCE
    while wire.taken(port) and time.monotonic() < deadline:
        time.sleep(0.02)


def answers(record: Record, seconds: float) -> bool:
    running = alive(record.pid, record.born)
    return running and wire.engine_at(record.port, seconds) == record.pid


def read_anyway(home: Home) -> Record | None:
    try:
        return read_record(home.record)
    except (OSError, ValueError):
        return None


def engine_of(record: Record) -> Engine:
    return Engine(f"http://{wire.HOST}:{record.port}", record.pid, record.started)


def _is(path: str) -> bool:
    return bool(path) and Path(path).exists()


def _log_size(home: Home) -> int:
    return home.log.stat().st_size if home.log.exists() else 0
