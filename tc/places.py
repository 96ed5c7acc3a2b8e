"""Where tc's own files are: the one place that decides it. Nothing is made here."""

from __future__ import annotations

import os
from pathlib import Path

from tc.errors import TcError

_WAY_OUT = "set TC_HOME and TC_CACHE_DIR to directories that you can write"


def state_place() -> Path:
    """``$TC_HOME``, else ``$XDG_STATE_HOME/tc``, else ``~/.local/state/tc``."""
    return _below("TC_HOME", "XDG_STATE_HOME", ".local/state")


def cache_place() -> Path:
    """``$TC_CACHE_DIR``, else ``$XDG_CACHE_HOME/tc``, else ``~/.cache/tc``: all of it
    can be made again."""
    return _below("TC_CACHE_DIR", "XDG_CACHE_HOME", ".cache")


def _below(own: str, base: str, default: str) -> Path:
    if chosen := os.environ.get(own):
        return Path(chosen).expanduser().absolute()
    shared = os.environ.get(base, "")
    # a relative path there is to be ignored (XDG base directory specification)
    if shared.startswith("/"):
        return Path(shared) / "tc"
    try:
        return Path.home() / default / "tc"
    except RuntimeError:
        raise TcError(
            "this user has no home directory for tc's files", code="no-home", hint=_WAY_OUT
        ) from None


def templates_place() -> Path:
    """The files that tc fills in for users: beside the package's modules in an installation, at
    the top of a checkout."""
    inside = Path(__file__).with_name("templates")
    return inside if inside.is_dir() else Path(__file__).parents[1] / "templates"
