"""Processes by pid and time of birth, so that a reused pid is never taken for the engine."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from tc.errors import TcError

_PROC = Path("/proc")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_POLL = 0.02


def birth(pid: int) -> str | None:
    """When process `pid` was born, as opaque text; None when there is none, or only its zombie."""
    if pid <= 0:
        return None
    # A child of ours that has ended stays a zombie until it is waited for.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return _birth_from_proc(pid) if sys.platform == "linux" else _birth_from_ps(pid)


def _birth_from_proc(pid: int) -> str | None:
    """Field 22 of /proc/PID/stat (clock ticks after boot, proc(5)) and which boot."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
        boot = _BOOT_ID.read_text().strip()
    except OSError:
        return None
    # The name, field 2, is in brackets and may hold spaces and brackets itself.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def _birth_from_ps(pid: int) -> str | None:
    import subprocess

    # A date as text: the same for every user's language and time zone.
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
        env={"PATH": "/bin:/usr/bin", "LC_ALL": "C", "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split(maxsplit=1)
    return None if len(shown) < 2 or shown[0].startswith("Z") else shown[1].strip()


def alive(pid: int, born: str) -> bool:
    """Whether `pid` is still the process that was born at `born`."""
    return bool(born) and birth(pid) == born


def end(pid: int, born: str, grace: float) -> bool:
    """Ends the session leader `pid` and all of its group.

    False when it had not ended by itself `grace` seconds after SIGTERM and was
    killed.
    """
    _signal(pid, signal.SIGTERM)
    by_itself = _gone(pid, born, grace)
    if not by_itself:
        _signal(pid, signal.SIGKILL, group=True)
        if not _gone(pid, born, 5.0):
            raise TcError(
                f"the local engine (pid {pid}) was killed and doesn't end",
                code="local-stuck",
                where="local",
                hint=f"wait until process {pid} is gone, then run this again",
            )
    # Handlers that outlived the engine are of no use to anybody.
    _signal(pid, signal.SIGKILL, group=True)
    return by_itself


def _signal(pid: int, number: signal.Signals, *, group: bool = False) -> None:
    try:
        if group:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        # macOS answers so for a group in which only zombies are left.
        if group:
            return
        raise TcError(
            f"the local engine (pid {pid}) belongs to another user",
            code="local-user",
            hint="stop it as that user: tc local stop",
        ) from None


def _gone(pid: int, born: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid, born):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True
