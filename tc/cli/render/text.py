"""Text that is safe to print, measured in terminal cells, in pieces that have a style."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

#: control characters, lone surrogates, and those that reorder or break a line
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
CUT = "…"


class Span(NamedTuple):
    """A piece of a line; `style` is one of ``good warn bad dim bold`` or nothing."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


def plain(line: Line) -> str:
    """`line` without its styles."""
    return "".join(span.text for span in line)


def block(text: str, style: str = "", indent: str = "  ") -> list[Line]:
    """`text` as lines, all but the first indented, so that no value can pass for a fact."""
    first, *rest = safe(text, keep="\n").rstrip("\n").split("\n")
    return [(Span(first, style),), *((Span(indent + line, style),) for line in rest)]


def safe(text: str, keep: str = "") -> str:
    """`text` with what could steer a terminal written as escapes, but for the characters `keep`."""

    def escape(match: re.Match[str]) -> str:
        char = match.group()
        if char in keep:
            return char
        number = ord(char)
        return _NAMED.get(char) or (f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}")

    return _UNSAFE.sub(escape, text)


def cells(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def _cell(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def pad(text: str, width: int) -> str:
    """`text` with blanks up to `width` cells."""
    return text + " " * (width - cells(text))


def cut_middle(text: str, width: int) -> str:
    """`text` in `width` cells: its two ends where all of it is too long."""
    if cells(text) <= width:
        return text
    room = max(width - 1, 2)
    head = take(text, room - room // 2)
    tail = take(text[::-1], room // 2)[::-1]
    return head + CUT + tail


def take(text: str, width: int) -> str:
    """As much of the beginning of `text` as fits in `width` cells."""
    used = 0
    for index, char in enumerate(text):
        used += _cell(char)
        if used > width:
            return text[:index]
    return text
