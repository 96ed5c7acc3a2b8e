"""The user's build commands: where they run, what they see, what is told when they fail."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tc.build import zip_command
from tc.build.words import shown
from tc.errors import TcError
from tc.spec.function import Function

_TAIL_LINES = 30
#: bytes of output that the last lines are looked for in
_TAIL = 64 * 1024
#: seconds that commands have to end by themselves when tc is interrupted
_GRACE = 2.0
_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_KEY|PRIVATE", re.I)
_USERINFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")


@dataclass(frozen=True, slots=True)
class Commands:
    """`build.pre`, `build.command` or `tasks.build`, `build.post`; `main` may be empty."""

    pre: tuple[str, ...]
    main: str
    post: tuple[str, ...]

    @classmethod
    def of(cls, function: Function) -> Commands:
        main = (function.build.command or function.tasks.get("build") or "").strip()
        return cls(tuple(function.build.pre), main, tuple(function.build.post))

    @property
    def all(self) -> tuple[str, ...]:
        """In the order in which they run."""
        return (*self.pre, *([self.main] if self.main else []), *self.post)


class Running:
    """The commands that run now, so that an interrupt can end every one of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self, command: str, directory: Path, log: Path) -> int:
        """Runs `command` with the shell in a group of its own; its exit code.

        Whatever it leaves in the background is ended with it.
        """
        with log.open("ab") as output:
            tools = directory.parent / "bin"
            return self._finish(self._start(command, directory, output.fileno(), tools))

    def stream(
        self, command: str, directory: Path, tools: Path, tell: Callable[[str], None]
    ) -> int:
        """Runs `command` as `run` does, and tells each line of its output as it comes.

        `tools` is the directory for programs that tc brings along. `tell` is called
        in another thread.
        """
        reading, writing = os.pipe()
        reader = threading.Thread(target=_tell_lines, args=(reading, tell), daemon=True)
        try:
            process = self._start(command, directory, writing, tools)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        reader.start()
        try:
            return self._finish(process)
        finally:
            # what left the group may hold the pipe open for ever
            reader.join(_GRACE)

    def _finish(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait()
        finally:
            _end(process)
            with self._lock:
                self._processes.discard(process)

    def _start(
        self, command: str, directory: Path, output: int, tools: Path
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopped:
                raise TcError("the commands were interrupted", code="interrupted")
            process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                cwd=directory,
                env=_environment(directory, tools),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._processes.add(process)
        return process

    def stop(self) -> None:
        """Ends every command, and lets no new one start."""
        with self._lock:
            self._stopped = True
            processes = list(self._processes)
        for process in processes:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        while self._processes and time.monotonic() < deadline:
            time.sleep(0.02)
        for process in processes:
            if process.returncode is None:
                _signal(process, signal.SIGKILL)


def run_all(
    function: Function, commands: Commands, directory: Path, log: Path, running: Running
) -> None:
    """Runs the commands one after the other in `directory`; raises TcError at the first failure."""
    for command in commands.all:
        code = running.run(command, directory, log)
        if code:
            how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
            output = _tail(log)
            raise TcError(
                f"the build of `{function.name}` failed: `{masked(command)}` {how}"
                + (f"; its output ended:\n{output}" if output else " and printed nothing"),
                code="build-failed",
                where=shown(function.dir),
                hint="look at the command: it runs in a copy of the function's directory, without "
                "files outside it and what .tcignore names",
            )


def _tell_lines(descriptor: int, tell: Callable[[str], None]) -> None:
    with os.fdopen(descriptor, "rb") as output:
        while line := output.readline(_TAIL):
            tell(line.decode("utf-8", "replace").rstrip("\r\n"))


def _environment(directory: Path, tools: Path) -> dict[str, str]:
    """The user's own, with a `zip` behind its PATH where the machine has none."""
    environment = dict(os.environ)
    path = environment.get("PATH") or os.defpath
    # The shell keeps PWD when it fits; the user's own would name the wrong directory.
    environment["PWD"] = str(directory)
    if shutil.which("zip", path=path) is None:
        path = f"{path}{os.pathsep}{_with_zip(tools)}"
    environment["PATH"] = path
    return environment


def _with_zip(folder: Path) -> Path:
    """The directory with tc's own `zip` in it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    program = folder / "zip"
    script = shlex.join([sys.executable, "-I", str(Path(zip_command.__file__).absolute())])
    program.write_text(f'#!/bin/sh\nexec {script} "$@"\n')
    program.chmod(0o700)
    return folder


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the command's whole group: politely when it still runs, then for good."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The group may be gone, or have only zombies left (PermissionError on macOS).
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _tail(log: Path) -> str:
    """The last lines of the output, secrets masked."""
    with log.open("rb") as output:
        output.seek(max(0, log.stat().st_size - _TAIL))
        text = output.read().decode("utf-8", "replace")
    return "\n".join(
        f"  {line}".rstrip() for line in masked(text).rstrip().splitlines()[-_TAIL_LINES:]
    )


def masked(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """`text` without the values of variables named like secrets, and without URLs' users."""
    for value in sorted(set(secrets(environment).values()), key=len, reverse=True):
        text = text.replace(value, "***")
    return _USERINFO.sub("***", text)


def secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Those of the variables that are named like secrets."""
    return {k: v for k, v in environment.items() if len(v) >= 6 and _SECRET.search(k)}
