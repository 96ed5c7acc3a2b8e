"""Compilers and package managers: started by tc, never through a shell."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tc.build.commands import masked, tail
from tc.build.words import reason, shown
from tc.errors import TcError
from tc.processes import Program, Running


@dataclass(frozen=True, slots=True)
class Work:
    """`program` for `what` (``the dependencies of enhancer``), whose files are in `source`;
    `hint` is the way out when it fails."""

    what: str
    source: Path
    program: Program
    hint: str = ""


def run(work: Work, log: Path, running: Running) -> None:
    """Runs `work`; its output goes to the end of `log`. Raises TcError with the last lines when
    it fails."""
    words = work.program.words
    shown_command = masked(" ".join(words))
    try:
        with log.open("ab") as file:
            code = running.run(work.program, file.fileno())
    except FileNotFoundError as error:
        raise TcError(
            f"{work.what} can't be built: `{words[0]}` can't be started: {reason(error)}",
            code="no-tool",
            where=shown(work.source),
        ) from None
    if code:
        how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
        output = tail(log)
        raise TcError(
            f"{work.what} can't be built: `{shown_command}` {how}"
            + (f"; its output ended:\n{output}" if output else " and printed nothing"),
            code="build-failed",
            where=shown(work.source),
            hint=work.hint,
        )


def on_path(program: str, environment: Mapping[str, str] = os.environ) -> str:
    """The path of `program`, empty when this machine has none."""
    return shutil.which(program, path=environment.get("PATH") or os.defpath) or ""


def without(environment: Mapping[str, str], *names: str) -> dict[str, str]:
    """`environment` without the variables `names`; those that end in `*` mean a start."""
    starts = tuple(name[:-1] for name in names if name.endswith("*"))
    return {
        key: value
        for key, value in environment.items()
        if key not in names and not (starts and key.startswith(starts))
    }
