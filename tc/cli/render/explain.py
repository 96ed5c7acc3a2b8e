"""Any exception as an error for people. An unknown one is a bug of tc: its details go to a file."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from tc.cli.render.sink import Clock
from tc.cli.render.text import cut_middle
from tc.errors import TcError

_LONGEST = 300


def explain(error: BaseException, now: Clock) -> TcError | None:
    """`error` as one that can be told; None when there is nobody to tell it to."""
    if isinstance(error, TcError):
        return error
    if isinstance(error, BrokenPipeError):
        return None
    if isinstance(error, KeyboardInterrupt):
        return TcError("interrupted", code="interrupted")
    first, *_ = str(error).split("\n")
    said = f"{type(error).__name__}: {first}".rstrip(": ")
    message = f"tc has a bug: {cut_middle(said, _LONGEST)}"
    try:
        path = _record(error, now)
    except (TcError, OSError):
        return TcError(message, code="bug", hint="run it again with TC_DEBUG=1 for the details")
    return TcError(message, code="bug", where=str(path), hint="report it with that file")


def details(error: BaseException) -> str:
    """The traceback of an unknown exception where ``TC_DEBUG=1`` asks for it, else nothing."""
    known = isinstance(error, TcError | BrokenPipeError | KeyboardInterrupt)
    asked = os.environ.get("TC_DEBUG", "") not in ("", "0")
    return _traceback(error) if asked and not known else ""


def _record(error: BaseException, now: Clock) -> Path:
    """The file with the traceback, readable by this user alone."""
    import platform
    import sys
    from datetime import UTC, datetime

    from tc import __version__
    from tc.local.home import private_dir, write_private
    from tc.places import state_place

    directory = state_place() / "bugs"
    private_dir(directory.parent)
    private_dir(directory)
    when = datetime.fromtimestamp(now(), UTC)
    path = directory / f"{when:%Y-%m-%dT%H%M%S}-{os.getpid()}.txt"
    # no arguments of the command: a payload may be secret
    about = f"tc {__version__}, Python {sys.version.split()[0]}, {platform.platform()}, {when}\n\n"
    write_private(path, about + _traceback(error))
    return path


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
