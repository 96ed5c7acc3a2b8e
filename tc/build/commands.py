"""The user's build commands: where they run, what they see, what is told when they fail."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tc.build import zip_command
from tc.build.words import shown
from tc.errors import TcError
from tc.processes import Program, Running, shell
from tc.records import dataclass
from tc.spec.function import Function

_TAIL_LINES = 30
#: bytes of output that the last lines are looked for in
_TAIL = 64 * 1024
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


def run_all(
    function: Function, commands: Commands, directory: Path, log: Path, running: Running
) -> None:
    """Runs the function's commands in `directory`, a copy of its own."""
    run_commands(function.name, function.dir, commands.all, directory, log, running)


def run_commands(
    name: str,
    source: Path,
    commands: Sequence[str],
    directory: Path,
    log: Path,
    running: Running,
) -> None:
    """Runs the commands of `name`, whose files are in `source`, one after the other in
    `directory`; raises TcError at the first failure."""
    for command in commands:
        with log.open("ab") as file:
            made = program(command, directory, directory.parent / "bin")
            code = running.run(made, file.fileno())
        if code:
            how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
            output = tail(log)
            raise TcError(
                f"the build of `{name}` failed: `{masked(command)}` {how}"
                + (f"; its output ended:\n{output}" if output else " and printed nothing"),
                code="build-failed",
                where=shown(source),
                hint="look at the command: it runs in a copy of the directory, without "
                "files outside it and what .tcignore names",
            )


def program(command: str, directory: Path, tools: Path) -> Program:
    """`command` in `directory`; `tools` is the directory for programs that tc brings along."""
    return shell(command, directory, _environment(tools))


def _environment(tools: Path) -> dict[str, str]:
    """The user's own, with a `zip` behind its PATH where the machine has none."""
    environment = dict(os.environ)
    path = environment.get("PATH") or os.defpath
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


def tail(log: Path) -> str:
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
