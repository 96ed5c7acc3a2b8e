"""Running uv: for which platform, with which settings, and what its failures mean."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tc.build.deps.python.conflicts import PROJECT
from tc.build.deps.python.requirements import masked_address
from tc.build.runtimes import system_of
from tc.build.tools import Tools
from tc.build.words import shown
from tc.errors import TcError
from tc.events import Event
from tc.indexes import uv_arguments, uv_environment
from tc.processes import Program
from tc.records import dataclass
from tc.spec.layer import Platform

_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
#: manylinux platforms that uv knows, by minor version of glibc 2 (``uv pip install --help``)
_KNOWN = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)
#: uv tells of what it downloads when that is large
_DOWNLOADING = re.compile(r"\s*Downloading (\S+) \(([^)]+)\)")
_NO_EXTRA = re.compile(r"warning: The package (`[^`]+`) does not have an extra named `([^`]+)`")
_VARIABLE = re.compile(r"\$\{\w+\}")
_TAIL = 12


@dataclass(frozen=True, slots=True)
class Ended:
    """How uv ended: its exit code, and its words without passwords."""

    code: int
    output: str

    @property
    def tail(self) -> str:
        """The last lines, as they stand below an error's sentence."""
        lines = self.output.strip().splitlines()[-_TAIL:]
        return "".join(f"\n  {line}" for line in lines)


def manylinux(platform: Platform) -> list[str]:
    """uv's names for what `platform` can run, the best first.

    uv has no name for glibc 2.26, which Amazon Linux 2 has: 2.17 is the nearest below, so
    wheels that say 2.18 to 2.26 of themselves aren't seen at first. Where that leaves a
    package without any, the next name (2.28) is tried; `tc.build.deps.python.installed.unfit`
    then holds what each wheel says of itself against 2.26.
    """
    glibc = system_of(platform.runtime).glibc[1]
    machine = _MACHINES[platform.arch]
    below = max(minor for minor in _KNOWN if minor <= glibc)
    names = [below, *(minor for minor in _KNOWN if minor > glibc and below < glibc)][:2]
    return [f"{machine}-manylinux_2_{minor}" for minor in names]


def host_python() -> str:
    """The interpreter that tc runs on, outside of any virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)


def run_uv(
    words: Sequence[str],
    directory: Path,
    tools: Tools,
    what: str,
    environment: Mapping[str, str],
) -> Ended:
    """Runs uv in `directory`; `what` is being done, for the progress that is told;
    `environment` is added to uv's. Raises TcError
    when it is interrupted."""
    lines: list[str] = []

    def tell(line: str) -> None:
        if not line.startswith("Using "):
            lines.append(line)
        if match := _DOWNLOADING.match(line):
            text = f"{what}: {match[1]} ({match[2]})"
            tools.emit(Event("progress", text, {"what": what}))
        if match := _NO_EXTRA.match(line):
            text = f"{match[1]}, which is asked for, has no extra `{match[2]}`"
            tools.emit(Event("warning", text, {"code": "no-such-extra"}))

    program = _program(words, directory, tools)
    program = replace(program, environment={**program.environment, **environment})
    code = tools.running.stream(program, tell)
    if code in (-signal.SIGTERM, -signal.SIGINT):
        raise TcError("the commands were interrupted", code="interrupted")
    return Ended(code, masked_address("\n".join(lines)))


def read_uv(words: Sequence[str], lock: Path, tools: Tools, scratch: Path) -> str:
    """What uv prints of the `lock` in its directory; TcError with its words when it fails."""
    out, errors = scratch / "uv.out", scratch / "uv.err"
    with out.open("wb") as printed, errors.open("wb") as said:
        program = _program(words, lock.parent, tools)
        code = tools.running.run(program, printed.fileno(), said.fileno())
    if code:
        ended = Ended(code, masked_address(errors.read_text("utf-8", "replace")))
        raise TcError(
            f"uv can't read the lock:{ended.tail}",
            code="bad-file",
            where=shown(lock),
            hint="mend what uv says, or make the lock anew: uv lock",
        )
    return out.read_text("utf-8")


def _program(words: Sequence[str], directory: Path, tools: Tools) -> Program:
    import uv

    try:
        binary = uv.find_uv_bin()
    except FileNotFoundError:
        raise TcError(
            "the program uv, which installs dependencies, is missing",
            code="install-failed",
            hint="pip install uv",
        ) from None
    environment = uv_environment(os.environ, tools.cache / "uv")
    environment |= {
        # one message a line, whatever the width of a terminal
        "UV_NO_WRAP": "1",
        # members of a workspace would be links to where they lie
        "UV_NO_EDITABLE": "1",
        "PWD": str(directory),
    }
    options = ["--color", "never", "--no-progress"]
    no_index = uv_arguments(os.environ) if words[0] == "pip" else []
    return Program([binary, *words, *no_index, *options], directory, environment)


def settings_file(
    settings: Mapping[str, Any], pinned: Mapping[str, Any], lines: Sequence[str]
) -> str:
    """A pyproject.toml with `settings` as [tool.uv], variables in addresses filled; with what
    is `pinned` to an index also the requirements `lines`, which only then uv takes from it."""
    text = ""
    if pinned:
        text = f'[project]\nname = "{PROJECT}"\nversion = "0"\ndependencies = {_toml([*lines])}\n'
    text += "[tool.uv]\n"
    text += "".join(
        f"{key} = {_toml(_filled(value))}\n" for key, value in settings.items() if value
    )
    if pinned:
        text += "[tool.uv.sources]\n"
        text += "".join(f"{json.dumps(name)} = {_toml(value)}\n" for name, value in pinned.items())
    return text


def _filled(value: Any) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: os.path.expandvars(found[0]), value)
    if isinstance(value, list):
        return [_filled(item) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    return value


def _toml(value: Any) -> str:
    """A value of TOML; JSON's texts, numbers and booleans are TOML's."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool | int | float | str):
        return json.dumps(value)
    return json.dumps(str(value))
