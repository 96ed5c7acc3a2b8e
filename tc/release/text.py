"""What others wrote, as it can be shown."""

from __future__ import annotations

import re

#: C0, DEL and C1 (ECMA-48) with the sequences that ESC begins; bidirectional controls (UAX #9)
_OBEYED = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def printable(text: str) -> str:
    """`text` without what a terminal would obey: control characters, and those that turn the
    direction of reading; tabs and line feeds stay."""
    return _OBEYED.sub("", text)


def encodable(name: str) -> str:
    """A file's name as text that has an encoding: bytes that are no UTF-8 as ``\\xNN``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def readable(name: str) -> str:
    """A file's name or a sentence as one line of text that can be printed."""
    return printable(encodable(name).replace("\n", " "))
