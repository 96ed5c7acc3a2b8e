"""The engine's files: where they are, private, and locked while one tc changes them.

All of it is in ``local/`` below ``$TC_HOME``, else ``$XDG_STATE_HOME/tc``, else
``~/.local/state/tc``, a directory of its own because `tc local reset` empties it::

    engine.json   the engine that runs or ran last (`tc.local.record`)
    lock          held by the tc that starts or stops the engine
    running       held by the engine as long as it lives, so that no second one
                  ever opens the same state, whatever became of engine.json
    state/  s3/   what the engine knows, and its objects
    efs/          the file systems of functions, by their access points
    tmp/          its TMPDIR, emptied at every start
    log  log.1    its output
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tc.errors import TcError
from tc.events import Emit, Event
from tc.places import state_place
from tc.records import dataclass

#: seconds; the first start installs the engine while it holds the lock
LOCK_DEADLINE = 600.0
_LOCK_POLL = 0.1
_ELSEWHERE = "set TC_HOME and TC_CACHE_DIR to directories that you can write"


@dataclass(frozen=True, slots=True)
class Home:
    """The directory of the engine's files."""

    path: Path

    @property
    def record(self) -> Path:
        return self.path / "engine.json"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def running(self) -> Path:
        return self.path / "running"

    @property
    def state(self) -> Path:
        return self.path / "state"

    @property
    def s3(self) -> Path:
        return self.path / "s3"

    @property
    def file_systems(self) -> Path:
        return self.path / "efs"

    @property
    def tmp(self) -> Path:
        return self.path / "tmp"

    @property
    def log(self) -> Path:
        return self.path / "log"


def find_home() -> Home:
    """Where the engine's files are, made or not."""
    return Home(state_place() / "local")


def make_home() -> Home:
    """`find_home`, made where it is missing, readable by nobody else."""
    home = find_home()
    private_dir(home.path.parent)
    private_dir(home.path)
    with explained(home.path):
        if home.path.stat().st_mode & 0o077:
            home.path.chmod(0o700)
    return home


def private_dir(path: Path) -> Path:
    """`path`, made with mode 0700 where it is missing; parents as needed."""
    with explained(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """`text` in `path` (0600), whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with explained(path):
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "w") as file:
                file.write(text)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def reason(error: OSError) -> str:
    """What the system says, for the end of a sentence: ``permission denied``."""
    return error.strerror.lower() if error.strerror else str(error)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Tells an `OSError` on `path` as a sentence with a way out."""
    try:
        yield
    except OSError as error:
        raise TcError(
            f"tc can't write its files: {reason(error)}",
            code="local-home",
            where=str(path),
            hint=_ELSEWHERE,
        ) from None


@contextlib.contextmanager
def locked(home: Home, emit: Emit) -> Iterator[None]:
    """Nobody else starts or stops the engine meanwhile; raises after `LOCK_DEADLINE` seconds."""
    with explained(home.lock):
        fd = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with explained(home.lock):
            _take(fd, home.lock, emit)
        yield
    finally:
        os.close(fd)


def _take(fd: int, path: Path, emit: Emit) -> None:
    begun = time.monotonic()
    told = False
    while not take_lock(fd):
        waited = time.monotonic() - begun
        if waited > LOCK_DEADLINE:
            raise TcError(
                f"another tc has been starting or stopping the local engine for {waited:.0f} s",
                code="local-locked",
                where=str(path),
                hint="end that tc, then run this again",
            )
        if not told and waited > 0.5:
            told = True
            emit(Event("log", "Waiting for another tc that starts or stops the local engine"))
        time.sleep(_LOCK_POLL)


def take_lock(fd: int) -> bool:
    """Whether the lock on the open file `fd` is ours now."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
