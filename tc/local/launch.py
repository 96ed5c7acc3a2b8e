"""Starts the engine: what it is told, its process, and the wait until it answers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tc.errors import TcError
from tc.local import program, wire
from tc.local.environment import ENGINE, Environment
from tc.local.home import Home, explained, private_dir, take_lock
from tc.local.process import birth, end
from tc.local.pythons import interpreters
from tc.local.record import Record
from tc.local.record import write as write_record

if TYPE_CHECKING:
    import subprocess

#: seconds from the start to the first answer
READY_DEADLINE = 30.0
_POLL = 0.05
_TAIL = 15
#: the launcher's exit code for a port that is taken
_EXIT_TAKEN = 4
#: variables of the user's that reach the engine; all others stay out, credentials first of all
_PASSED = (
    "PATH",
    "HOME",
    "LANG",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)


class PortTaken(TcError):
    """Another program took the port between our look at it and the engine's."""


def start(home: Home, environment: Environment, runtimes: Mapping[str, str], port: int) -> Record:
    """The engine, started anew and answering. The caller holds the lock and none runs.

    The record is written before the engine answers, so that whoever comes after
    an interrupted tc finds the half-started engine.
    """
    _check_state(home)
    _prepare(home)
    begun = home.log.stat().st_size
    process, born = _spawn(home, environment, runtimes, port)
    record = Record(
        pid=process.pid,
        born=born,
        port=port,
        started=time.time(),
        engine=ENGINE,
        launcher=program.launcher_digest(),
        environment=str(environment.path),
        runtimes=dict(runtimes),
    )
    write_record(home.record, record)
    if not wait_ready(record, READY_DEADLINE, process):
        code = process.poll()
        if code is None:
            end(process.pid, born, 1.0)
        write_record(home.record, record.stopped())
        raise _not_started(home, begun, code)
    return record


def wait_ready(record: Record, seconds: float, process: subprocess.Popen[bytes] | None) -> bool:
    """Whether the engine answers before `seconds` are over or it has ended."""
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        ended = process.poll() is not None if process else birth(record.pid) != record.born
        if left <= 0 or ended:
            return False
        if wire.engine_at(record.port, min(left, 2.0)) == record.pid:
            return True
        time.sleep(_POLL)


def _spawn(
    home: Home, environment: Environment, runtimes: Mapping[str, str], port: int
) -> tuple[subprocess.Popen[bytes], str]:
    """(process, its birth). It inherits the lock on `home.running` and holds it until it ends."""
    import subprocess

    with explained(home.path):
        running = os.open(home.running, os.O_RDWR | os.O_CREAT, 0o600)
        log = os.open(home.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        take_lock(running)
        process = subprocess.Popen(
            [str(environment.python), str(program.LAUNCHER)],
            cwd=home.path,
            env=engine_environment(home, environment, runtimes, port),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,
            pass_fds=(running,),
        )
        born = birth(process.pid) or ""
        os.ftruncate(running, 0)
        os.pwrite(running, f"{process.pid} {port} {born}".encode(), 0)
    finally:
        os.close(running)
        os.close(log)
    return process, born


def engine_environment(
    home: Home, environment: Environment, runtimes: Mapping[str, str], port: int
) -> dict[str, str]:
    """All that the engine is told; nothing else of the user's environment reaches it."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED or name.startswith("LC_")
    }
    pythons = {name: path for name, path in runtimes.items() if name.startswith("python")}
    env |= {
        "BIND_HOST": wire.HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "localhost",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(home.state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(home.s3),
        "TC_FILE_SYSTEMS": str(home.file_systems),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(home.tmp),
        "TC_PYTHONS": json.dumps(interpreters(pythons)),
        "TC_HANDLER_SITE": str(environment.handlers),
        # The last words of an engine that dies must be in its log.
        "PYTHONUNBUFFERED": "1",
        # umask 077 would leave unreadable files beside an installed launcher.
        "PYTHONPYCACHEPREFIX": str(environment.path / "pycache"),
    }
    if "ruby" in runtimes:
        env["TC_RUBY"] = runtimes["ruby"]
    return env


def rotate(log: Path) -> None:
    """Moves a `log` over its limit to log.1; the engine goes on writing at its new end."""
    import shutil

    with explained(log):
        older = log.with_name("log.1")
        shutil.copyfile(log, older)
        older.chmod(0o600)
        os.truncate(log, 0)


def _prepare(home: Home) -> None:
    import shutil

    shutil.rmtree(home.tmp, ignore_errors=True)
    for place in (home.state, home.s3, home.tmp):
        private_dir(place)
    with explained(home.log):
        home.log.touch(mode=0o600)
        if home.log.stat().st_size > program.LOG_LIMIT:
            rotate(home.log)


def _check_state(home: Home) -> None:
    """The engine starts empty from a state file it can't read, and then overwrites it."""
    for file in sorted(home.state.glob("*.json")):
        try:
            json.loads(file.read_bytes())
        except (OSError, ValueError) as error:
            raise TcError(
                f"the saved state of the local engine is damaged: {error}",
                code="local-state",
                where=str(file),
                hint="forget all local sandboxes and start afresh: tc local reset",
            ) from None


def _not_started(home: Home, begun: int, code: int | None) -> TcError:
    what = f"didn't answer within {READY_DEADLINE:.0f} s of its start"
    if code is not None:
        what = f"ended with exit code {code} at its start"
    with home.log.open("rb") as log:
        log.seek(begun)
        lines = log.read().decode(errors="replace").splitlines()[-_TAIL:]
    shown = "\n".join(f"  {line}" for line in lines)
    said = f"; its last lines:\n{shown}" if lines else " and said nothing"
    kind = PortTaken if code == _EXIT_TAKEN else TcError
    return kind(
        f"the local engine {what}{said}",
        code="local-start",
        where=str(home.log),
        hint="run this again, or forget all local sandboxes and start afresh: tc local reset",
    )
