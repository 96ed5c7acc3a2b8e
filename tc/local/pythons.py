"""The Pythons of this machine: on PATH, of pyenv, of uv. Nothing is downloaded."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tc.local.environment import own_python, own_version
from tc.local.found import remembered
from tc.records import dataclass

_RUNTIME = re.compile(r"python3\.(\d+)\Z")
_VERSION = re.compile(r"3\.\d+\.\d+")
#: minor versions that Lambda has, or had while topologies name them
_MINORS = range(8, 15)
_ASK = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
_DEADLINE = 10


@dataclass(frozen=True, slots=True)
class Python:
    version: str
    path: str


def find() -> dict[str, Python]:
    """``python3.12`` -> the interpreter for it; the one tc runs on is always there."""
    path = os.environ.get("PATH", "")
    roots = _roots()
    places = [Path(place) for place in path.split(os.pathsep) if place]
    key = "\n".join(["python", path, *map(str, roots)])
    found = remembered(key, [*places, *roots], lambda: _look(places, roots))
    pythons = {name: Python(*line.split(" ", 1)) for name, line in found.items()}
    own = Python(own_version(), own_python())
    return pythons | {f"python3.{sys.version_info.minor}": own}


def nearest(runtime: str, names: Iterable[str]) -> str | None:
    """The one of `names` that runs `runtime`: itself, else the nearest, of two the newer one.

    None when `runtime` is no Python or there are no `names`.
    """
    asked = minor(runtime)
    known = [(abs(other - asked), -other, name) for name in names if (other := minor(name))]
    return min(known)[2] if asked and known else None


def minor(runtime: str) -> int:
    """12 of ``python3.12``; 0 when it is no Python."""
    match = _RUNTIME.match(runtime)
    return int(match.group(1)) if match else 0


def interpreters(paths: Mapping[str, str]) -> dict[str, str]:
    """Every Python runtime of Lambda's -> the one of `paths` that runs it here."""
    names = (f"python3.{number}" for number in _MINORS)
    return {name: paths[found] for name in names if (found := nearest(name, paths))}


def _roots() -> list[Path]:
    """Where pyenv and uv keep theirs: one directory for each version."""
    env, home = os.environ, Path(os.environ.get("HOME") or "/")
    data = Path(env.get("XDG_DATA_HOME") or home / ".local/share")
    return [
        Path(env.get("PYENV_ROOT") or home / ".pyenv") / "versions",
        Path(env.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python"),
    ]


def _look(places: list[Path], roots: list[Path]) -> dict[str, str]:
    """name -> ``version path``; the newest patch of each minor version wins."""
    candidates = [file for place in places if place.name != "shims" for file in _pythons_in(place)]
    for root in roots:
        for installed in _children(root):
            candidates += _pythons_in(installed / "bin")
    best: dict[str, tuple[tuple[int, ...], str]] = {}
    for real in dict.fromkeys(os.path.realpath(file) for file in candidates):
        version = _version(real)
        if not version:
            continue
        numbers = tuple(int(part) for part in version.split("."))
        name = f"python{numbers[0]}.{numbers[1]}"
        if name not in best or best[name][0] < numbers:
            best[name] = (numbers, f"{version} {real}")
    return {name: line for name, (_, line) in sorted(best.items())}


def _pythons_in(place: Path) -> list[Path]:
    names = (place / f"python3.{number}" for number in _MINORS)
    return [file for file in names if file.is_file()]


def _children(place: Path) -> list[Path]:
    try:
        return sorted(place.iterdir())
    except OSError:
        return []


def _version(interpreter: str) -> str:
    """Its version, empty when it is none, or one of a virtual environment."""
    if Path(interpreter).parent.with_name("pyvenv.cfg").exists():
        return ""
    import subprocess

    try:
        ended = subprocess.run(
            [interpreter, "-I", "-S", "-c", _ASK],
            capture_output=True,
            text=True,
            timeout=_DEADLINE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    match = _VERSION.match(ended.stdout)
    return match.group() if match else ""
