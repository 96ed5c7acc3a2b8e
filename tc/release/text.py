"""What others wrote, as it can be shown."""

from __future__ import annotations

import re

#: C0, DEL and C1 (ECMA-48) with the sequences that ESC begins; bidirectional controls (UAX #9)
_OBEYED = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_USERINFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")
#: lines of a remote that are told
_TOLD = 5


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


def said_by_git(errors: bytes) -> str:
    """What git says is wrong, in one line, without users and passwords of URLs."""
    lines = [line for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
    wrong = [line for line in lines if line.startswith(("fatal: ", "error: "))] or lines[-1:]
    text = re.sub(r"^(?:fatal|error): ", "", wrong[0]) if wrong else "git said nothing"
    return _USERINFO.sub("***", readable(text)).rstrip(". ")


def said_by_remote(errors: bytes) -> list[str]:
    """What hooks and rules of the remote say, without users and passwords of URLs."""
    lines = errors.decode("utf-8", "replace").splitlines()
    said = [readable(line[7:]).strip() for line in lines if line.startswith("remote:")]
    return [_USERINFO.sub("***", line) for line in said if line][:_TOLD]
