"""Compilers and package managers: started by tc, never through a shell."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from tc.build.commands import masked, tail
from tc.build.words import reason, shown
from tc.errors import TcError
from tc.processes import Program, Running
from tc.records import dataclass

#: the way out when packages can't be fetched
UNREACHED = "look at the network, the proxy and the index, then run this again"
#: how npm, pnpm, yarn, bundler, go and cargo say so
_UNREACHED = re.compile(
    r"E(?:NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|HOSTUNREACH|NETUNREACH|SOCKETTIMEDOUT)\b"
    r"|Could not reach host|Could not fetch specs|Network error|dial tcp|no such host"
    r"|Couldn't resolve host|Could not resolve host|spurious network error|ERR_SOCKET_TIMEOUT"
)


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
            hint=UNREACHED if unreached(output) else work.hint,
        )


def unreached(output: str) -> bool:
    """Whether a program said that it couldn't reach where packages come from."""
    return bool(_UNREACHED.search(output))


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
