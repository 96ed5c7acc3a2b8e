"""Which program of this machine runs a function of a runtime on the engine."""

from __future__ import annotations

from functools import cache

from tc.local.found import on_path
from tc.local.pythons import find, nearest

#: start of a runtime -> the program on PATH
_PROGRAMS = {"ruby": "ruby", "nodejs": "node"}


@cache
def host(runtime: str) -> str:
    """The path of the interpreter for `runtime`; what is started as it stands is run by
    ``this machine``."""
    pythons = find() if runtime.startswith("python") else {}
    name = nearest(runtime, pythons)
    if name:
        return pythons[name].path
    program = next((p for start, p in _PROGRAMS.items() if runtime.startswith(start)), "")
    return (on_path(program) if program else "") or "this machine"
