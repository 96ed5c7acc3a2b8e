"""The programs that tc starts for the user: each in a group of its own, none outlives its run."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tc.errors import TcError
from tc.records import dataclass

#: seconds that a program has to end by itself when it is asked to
_GRACE = 2.0
#: bytes of a line that are told at once
_LINE = 64 * 1024
#: colours and cursor movements of a terminal (ECMA-48 control sequences)
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")

#: variables that would lead git to another repository (`git rev-parse --local-env-vars`)
GIT_ELSEWHERE = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)


@dataclass(frozen=True, slots=True)
class Program:
    """What is started: its words, where, and its whole environment."""

    words: Sequence[str]
    dir: Path
    environment: Mapping[str, str]


def shell(command: str, directory: Path, environment: Mapping[str, str]) -> Program:
    """A command of the user's, as a shell reads it."""
    # the shell keeps PWD when it fits; the user's own would name the wrong directory
    here = {**environment, "PWD": str(directory)}
    return Program(["/bin/sh", "-c", command], directory, here)


class Running:
    """The programs that run now, so that an interrupt can end every one of them.

    They can't ask anything: their input is empty. Whatever one leaves in the background
    is ended with it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._elsewhere: list[Callable[[], None]] = []
        self._stopped = False

    def run(
        self,
        program: Program,
        output: int,
        errors: int = subprocess.STDOUT,
        seconds: float | None = None,
    ) -> int:
        """Runs `program`, which writes to the files `output` and `errors`; its exit code,
        negative for a signal. Raises subprocess.TimeoutExpired after `seconds`."""
        return self._finish(self._start(program, output, errors), seconds)

    def stream(self, program: Program, tell: Callable[[str], None]) -> int:
        """Runs `program` and tells each line of its output as it comes; its exit code.

        `tell` is called in another thread.
        """
        reading, writing = os.pipe()
        reader = threading.Thread(target=_tell_lines, args=(reading, tell), daemon=True)
        try:
            process = self._start(program, writing, subprocess.STDOUT)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        reader.start()
        try:
            return self._finish(process, None)
        finally:
            # what left the group may hold the pipe open for ever
            reader.join(_GRACE)

    def stop(self) -> None:
        """Ends every program, and lets no new one start."""
        with self._lock:
            self._stopped = True
            processes = list(self._processes)
            elsewhere = list(self._elsewhere)
        try:
            for process in processes:
                _signal(process, signal.SIGTERM)
            for end in elsewhere:
                end()
            deadline = time.monotonic() + _GRACE
            while self._processes and time.monotonic() < deadline:
                time.sleep(0.02)
        finally:
            for process in processes:
                if process.returncode is None:
                    _signal(process, signal.SIGKILL)

    @contextlib.contextmanager
    def ended_by(self, end: Callable[[], None]) -> Iterator[None]:
        """Within it `stop` also calls `end`, which ends what runs elsewhere: in a container."""
        with self._lock:
            if self._stopped:
                raise TcError("the commands were interrupted", code="interrupted")
            self._elsewhere.append(end)
        try:
            yield
        finally:
            with self._lock:
                self._elsewhere.remove(end)

    def _start(self, program: Program, output: int, errors: int) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopped:
                raise TcError("the commands were interrupted", code="interrupted")
            process = subprocess.Popen(
                program.words,
                cwd=program.dir,
                env=program.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                # without a terminal, so that nothing can ask there either
                start_new_session=True,
            )
            self._processes.add(process)
        return process

    def _finish(self, process: subprocess.Popen[bytes], seconds: float | None) -> int:
        try:
            return process.wait(seconds)
        finally:
            _end(process)
            with self._lock:
                self._processes.discard(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the program's whole group: politely when it still runs, then for good."""
    try:
        if process.poll() is None:
            _signal(process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
    finally:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The group may be gone, or have only zombies left (PermissionError on macOS).
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _tell_lines(descriptor: int, tell: Callable[[str], None]) -> None:
    with os.fdopen(descriptor, "rb") as output:
        while raw := output.readline(_LINE):
            line = _CONTROL.sub("", raw.decode("utf-8", "replace")).rstrip("\r\n")
            # of what was written over itself, only what stays
            tell(line.rpartition("\r")[2])
