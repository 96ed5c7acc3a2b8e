"""A problem before it has a line number.

Stages work on plain data and know only *which value* is wrong: a file and the
path of keys to it. `tc.load.locate` turns that into line and column, and reads
the file again only when there is something to report.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tc.errors import Severity
from tc.records import dataclass

Key = str | int
KeyPath = tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """A value in a file: the keys that lead to it from the top of the file."""

    file: Path
    path: KeyPath = ()

    def __truediv__(self, key: Key) -> Address:
        return Address(self.file, (*self.path, key))


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem: what is wrong at which address, and what to do about it.

    `at` tells whether the caret goes under the key or under the value.
    `position` (line, column, width; from 1) is given where no path of keys can
    lead: in a file that is not even YAML or JSON.
    """

    code: str
    message: str
    address: Address
    hint: str = ""
    at: Literal["key", "value"] = "value"
    severity: Severity = "error"
    position: tuple[int, int, int] | None = None
