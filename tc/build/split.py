"""A layer that is too large as one zip: which of its files go into which part.

Whole packages are put into as few parts as take them, evenly; a package that is larger than a
part goes file by file, and a file that is larger stays whole in a part of its own. All parts
of a layer are unpacked to one tree, so it makes no difference to what is imported.
"""

from __future__ import annotations

import math
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tc.records import dataclass
from tc.spec.layer import Package

#: bytes of a zip besides its contents: for each file (two headers), and at the end
_FOR_FILE, _AT_END = 76, 22


@dataclass(frozen=True, slots=True)
class _Unit:
    """Files that stay together, and the bytes they take in a zip."""

    files: tuple[str, ...]
    size: int


def split(path: Path, packages: Sequence[Package], limit: int) -> list[list[str]]:
    """The names of the files of each part of the zip `path`, parts of at most `limit` bytes;
    one part when it is no larger. Equal zips are split equally."""
    with zipfile.ZipFile(path) as archive:
        sizes = {
            info.filename: info.compress_size + _FOR_FILE + 2 * len(info.filename.encode())
            for info in archive.infolist()
        }
    room = limit - _AT_END
    if sum(sizes.values()) <= room:
        return [sorted(sizes)]
    units = _units(sizes, packages, room)
    alone = [unit for unit in units if unit.size > room]
    others = [unit for unit in units if unit.size <= room]
    bins = [[unit] for unit in alone] + (_packed(others, room) if others else [])
    parts = [sorted(name for unit in one for name in unit.files) for one in bins]
    return sorted(parts)


def _units(sizes: Mapping[str, int], packages: Sequence[Package], room: int) -> list[_Unit]:
    """Packages, and of those that are too large the files; the largest first."""
    groups: dict[str, list[str]] = defaultdict(list)
    owners = {file: package.name for package in packages for file in package.files}
    for name in sorted(sizes):
        # what belongs to no package stays with its directory
        groups[owners.get(name) or name.rpartition("/")[0] + "/"].append(name)
    units = [_unit(files, sizes) for files in groups.values()]
    torn = [_unit([name], sizes) for unit in units if unit.size > room for name in unit.files]
    whole = [unit for unit in units if unit.size <= room]
    return sorted([*whole, *torn], key=lambda unit: (-unit.size, unit.files))


def _unit(files: Iterable[str], sizes: Mapping[str, int]) -> _Unit:
    names = tuple(files)
    return _Unit(names, sum(sizes[name] for name in names))


def _packed(units: Sequence[_Unit], room: int) -> list[list[_Unit]]:
    """As few bins as take the units, which come largest first: evenly where that fits, else
    each unit into the first bin with room for it."""
    count = math.ceil(sum(unit.size for unit in units) / room)
    while True:
        for even in (True, False):
            bins = _into(units, count, room, even=even)
            if bins is not None:
                return bins
        count += 1


def _into(units: Sequence[_Unit], count: int, room: int, *, even: bool) -> list[list[_Unit]] | None:
    bins: list[list[_Unit]] = [[] for _ in range(count)]
    filled = [0] * count
    for unit in units:
        fitting = [index for index in range(count) if filled[index] + unit.size <= room]
        if not fitting:
            return None
        index = min(fitting, key=lambda one: filled[one]) if even else fitting[0]
        bins[index].append(unit)
        filled[index] += unit.size
    return [one for one in bins if one]
