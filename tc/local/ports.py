"""The port of the engine: it stays the same as long as it can, because addresses hold it."""

from __future__ import annotations

import os

from tc.errors import TcError, UsageError
from tc.events import Emit, Event
from tc.local import wire

FIRST_PORT = 4599
_PORTS = 100


def choose_port(remembered: int, emit: Emit) -> int:
    """The port to listen on: the forced one, the remembered one, else the first free one.

    `remembered` is 0 when there is none. Says when addresses change.
    """
    forced = forced_port()
    if forced:
        if wire.taken(forced):
            raise TcError(
                f"port {forced}, which TC_LOCAL_PORT names, is taken by another program",
                code="port-taken",
                hint="set TC_LOCAL_PORT to another port, or unset it",
            )
        if remembered and remembered != forced:
            _tell_moved(remembered, forced, "TC_LOCAL_PORT says so", emit)
        return forced
    if remembered and not wire.taken(remembered):
        return remembered
    for port in range(FIRST_PORT, FIRST_PORT + _PORTS):
        if port != remembered and not wire.taken(port):
            if remembered:
                _tell_moved(remembered, port, "another program took the old port", emit)
            return port
    raise TcError(
        f"no port between {FIRST_PORT} and {FIRST_PORT + _PORTS - 1} is free",
        code="port-taken",
        hint="set TC_LOCAL_PORT to a free port",
    )


def forced_port() -> int:
    """``TC_LOCAL_PORT``; 0 when it is not set."""
    text = os.environ.get("TC_LOCAL_PORT", "")
    if not text:
        return 0
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise UsageError(
            f"TC_LOCAL_PORT is `{text}`, which is no port",
            hint="set it to a number from 1 to 65535, or unset it",
        )
    return int(text)


def _tell_moved(before: int, after: int, why: str, emit: Emit) -> None:
    text = f"addresses change: the local engine moves from port {before} to {after}, as {why}"
    data = {"code": "local-port", "hint": "see the new addresses: tc list -e local"}
    emit(Event("warning", text, data))
