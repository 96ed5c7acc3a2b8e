"""Functions find their file systems: what a function has mounted is a directory of the engine's,
one for each access point.

Why: the engine keeps `FileSystemConfigs` and mounts nothing. Where the machine lets a process
have mounts of its own (Linux with user namespaces, or root) the handler sees the directory at the
path, as on Lambda. Elsewhere its variables that begin with the path are given the directory
instead, and its log says so.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .needs import need

HERE = Path(__file__).resolve().parent
#: [(directory of the engine's, path in the function)]
Mounts = list[tuple[str, str]]
_NAME = re.compile(r"[^A-Za-z0-9_.-]")
#: a program of a function's own, put aside for the one that mounts before it
_OWN = "bootstrap.tc-own"
_VARIABLE = "TC_MOUNTS"


def of(config: Mapping[str, Any]) -> Mounts:
    """What the function has mounted; the directories are there."""
    mounts = []
    for one in config.get("FileSystemConfigs") or []:
        name = _NAME.sub("_", str(one["Arn"]).rsplit("/", 1)[-1])
        place = Path(os.environ["TC_FILE_SYSTEMS"]) / name
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        mounts.append((str(place), str(one["LocalMountPath"])))
    return mounts


@functools.cache
def possible() -> bool:
    """Whether this machine lets a process have mounts of its own."""
    if not sys.platform.startswith("linux"):
        return False
    probe = _wrapped([(os.environ["TC_FILE_SYSTEMS"], "/mnt/tc-probe")], ["true"])
    Path(os.environ["TC_FILE_SYSTEMS"]).mkdir(mode=0o700, parents=True, exist_ok=True)
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def started(command: list[str], mounts: Mounts) -> list[str]:
    """The words that start `command` with `mounts` in place."""
    return _wrapped(mounts, command) if mounts and possible() else command


def _wrapped(mounts: Mounts, command: list[str]) -> list[str]:
    program = [sys.executable, "-I", "-S", str(HERE / "mount.py")]
    return [*program, json.dumps(mounts), *command]


def seen(environment: dict[str, str], mounts: Mounts) -> dict[str, str]:
    """The variables of a function: as they are where its paths are there, else with the
    directories in place of the paths."""
    if not mounts or possible():
        return environment
    return {name: _moved(value, mounts) for name, value in environment.items()}


def _moved(value: str, mounts: Mounts) -> str:
    for real, path in mounts:
        found = re.compile(rf"(?<![^:]){re.escape(path)}(?=/|:|\Z)")
        value = real.join(found.split(value))
    return value


def notice(mounts: Mounts) -> str:
    """What a function's log says when its paths are not there."""
    if not mounts or possible():
        return ""
    said = ", ".join(f"{path} is {real}" for real, path in mounts)
    return f"tc: this machine doesn't let a process mount; for this function {said}"


def install_before(code: Path, environment: dict[str, str], mounts: Mounts) -> dict[str, str]:
    """Has a program of a function's own (`bootstrap` in `code`, which functions may share) start
    with its mounts in place; the environment it needs for that."""
    if not mounts or not possible():
        return seen(environment, mounts)
    lock = need("services.lambda_svc", "_provided_code_lock")
    own, bootstrap = code / _OWN, code / "bootstrap"
    with lock:
        if not own.exists():
            script = code / "bootstrap.tc-new"
            python = shlex.join([sys.executable, "-I", "-S", str(HERE / "mount.py")])
            script.write_text(
                f'#!/bin/sh\nown="$0.tc-own"\n[ -n "${_VARIABLE}" ] || exec "$own" "$@"\n'
                f'mounts="${_VARIABLE}"; unset {_VARIABLE}\n'
                f'exec {python} "$mounts" "$own" "$@"\n'
            )
            script.chmod(0o700)
            own.hardlink_to(bootstrap)
            script.replace(bootstrap)
    return {**environment, _VARIABLE: json.dumps(mounts)}
