"""Which directories are functions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tc.load.find import TOPOLOGY_FILES
from tc.load.ignored import is_ignored
from tc.load.infer import FUNCTION_FILES, MARKERS
from tc.load.reader import Reader
from tc.records import dataclass
from tc.spec.finding import Address, Finding

_MARKS = frozenset((*MARKERS, *FUNCTION_FILES))


@dataclass(frozen=True, slots=True)
class Found:
    """A function's directory, and which of the files that tell so are in it."""

    dir: Path
    markers: tuple[str, ...]

    @property
    def function_files(self) -> tuple[str, ...]:
        return tuple(name for name in FUNCTION_FILES if name in self.markers)


def look_at(directory: Path) -> Found | None:
    """`directory` as a function, or None when it is a topology or can't be read."""
    try:
        with os.scandir(directory) as entries:
            names = frozenset(entry.name for entry in entries)
    except OSError:
        return None
    if not names.isdisjoint(TOPOLOGY_FILES):
        return None
    return Found(directory, tuple(sorted(names & _MARKS)))


def functions_below(directory: Path, ignore: tuple[str, ...], reader: Reader) -> Iterator[Found]:
    """The functions that are direct sub-directories of `directory`, by name.

    `ignore` has patterns relative to `directory`. A link out of the project is a finding.
    """
    for entry in _directories(directory):
        if entry.startswith(".") or is_ignored(entry, ignore):
            continue
        path = directory / entry
        found = look_at(path)
        if found is None or not found.markers:
            continue
        if reader.inside(path):
            yield found
        else:
            message = "is a function outside the project, behind a link"
            reader.findings.append(Finding("outside-project", message, Address(path)))


def _directories(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except OSError:
        return []
