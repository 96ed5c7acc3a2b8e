"""A terminal as small as the live view needs it: what a person would see in the end."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """Rows of text, a cursor, and whether it shows; wide characters are not needed."""

    def __init__(self, written: str) -> None:
        self.rows = [""]
        self.cursor = True
        self.colours: set[str] = set()
        self._row = self._column = 0
        end = 0
        for match in _TOKEN.finditer(written):
            assert match.start() == end, f"not understood: {written[end : match.start()]!r}"
            end = match.end()
            self._take(*match.groups())
        assert end == len(written)

    def __str__(self) -> str:
        return "\n".join(row.rstrip() for row in self.rows)

    def _take(self, numbers: str | None, letter: str | None, move: str | None, text: str | None):
        if text:
            row = self.rows[self._row].ljust(self._column)
            self.rows[self._row] = row[: self._column] + text + row[self._column + len(text) :]
            self._column += len(text)
        elif move == "\r":
            self._column = 0
        elif move == "\n":
            self._row, self._column = self._row + 1, 0
            if self._row == len(self.rows):
                self.rows.append("")
        elif letter == "m":
            self.colours.add(numbers or "")
        elif letter == "A":
            self._row -= int(numbers or 1)
            assert self._row >= 0, "above the top"
        elif letter == "K":
            self.rows[self._row] = ""
        elif (numbers, letter) in (("?25", "l"), ("?25", "h")):
            self.cursor = letter == "h"
        else:
            raise AssertionError(f"not understood: {numbers}{letter}")
