"""One field of a plan's step: from what to what, in as few lines as tell it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from tc.cli.render.text import CUT, Line, Span, cells, cut_middle, safe

_ARROW = " -> "
_MISSING = object()
#: characters of what two long values share that are shown beside what differs
_AROUND = 12
#: a terminal may be too narrow for anything; values never get less
_LEAST = 16


def change_lines(path: str, before: Any, after: Any, width: int) -> list[Line]:
    """``timeout: 10 -> 20``; what is long or has parts gets a line for each part that differs.

    A text of several lines is a diff of them. `None` is a field that is not there.
    """
    name = safe(path)
    if _is_text(before, after) and (rows := list(_text_diff(before or "", after or ""))):
        return [(Span(f"{name}:"),), *rows]
    old, new = _compact(before), _compact(after)
    if cells(name) + 2 + cells(old) + len(_ARROW) + cells(new) <= width:
        return [_one(name, old, new)]
    if _has_parts(before, after):
        return [(Span(f"{name}:"),), *_parts(before, after, width - 2)]
    return [_one(name, *_shortened(old, new, _room(name, width)))]


def _one(name: str, old: str, new: str) -> Line:
    return (Span(f"{name}: "), Span(old, "bad"), Span(_ARROW, "dim"), Span(new, "good"))


def _room(name: str, width: int) -> int:
    return max(width - cells(name) - 2 - len(_ARROW), 2 * _LEAST)


def _compact(value: Any) -> str:
    if value is None:
        return "none"
    said = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return safe(said)


def _has_parts(*values: Any) -> bool:
    return any(values) and all(value is None or isinstance(value, dict | list) for value in values)


def _parts(before: Any, after: Any, width: int) -> Iterator[Line]:
    """A line for each value inside that differs."""
    olds, news = dict(_leaves(before, "")), dict(_leaves(after, ""))
    for path in dict.fromkeys([*olds, *news]):
        old, new = olds.get(path, _MISSING), news.get(path, _MISSING)
        if old is new or (old == new and type(old) is type(new)):
            continue
        for line in change_lines(
            path, None if old is _MISSING else old, None if new is _MISSING else new, width
        ):
            yield (Span("  "), *line)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """``Statement[0].Action`` and its value, for all values that have no parts."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    elif path:
        yield path, value


def _shortened(old: str, new: str, room: int) -> tuple[str, str]:
    """Both values in `room` cells, with what differs in view."""
    half = max(room // 2, room - min(cells(old), cells(new)), _LEAST)
    start = _shared(old, new)
    end = _shared(old[start:][::-1], new[start:][::-1])
    return _window(old, start, end, half), _window(new, start, end, half)


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _window(text: str, start: int, end: int, room: int) -> str:
    """`text` in `room` cells around what is between its first `start` and last `end` characters."""
    if cells(text) <= room:
        return text
    around = max(min(_AROUND, (room - cells(text[start : len(text) - end])) // 2 - 1), 1)
    first = max(start - around, 0)
    last = min(len(text) - end + around, len(text))
    head, tail = CUT if first else "", CUT if last < len(text) else ""
    return head + cut_middle(text[first:last], room - len(head) - len(tail)) + tail


def _is_text(before: Any, after: Any) -> bool:
    texts = [value for value in (before, after) if value is not None]
    return all(isinstance(value, str) for value in texts) and any("\n" in value for value in texts)


def _text_diff(before: str, after: str) -> Iterator[Line]:
    rows = difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm="")
    for number, row in enumerate(rows):
        # the first two rows name files, and there are none
        if number > 1:
            style = {"+": "good", "-": "bad", "@": "dim"}.get(row[:1], "")
            yield (Span(f"  {safe(row, keep=chr(9))}", style),)
