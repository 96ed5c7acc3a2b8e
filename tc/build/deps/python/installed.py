"""What was installed: made equal for equal inputs, and listed by package.

Sources: "Recording installed projects" and "Binary distribution format", Python Packaging
User Guide (RECORD, WHEEL, tags).
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from tc.build.cache import remove
from tc.spec.layer import Package

#: below a layer's root: where Lambda's Python looks
ROOT = "python"
#: what installers note of where, when and how; nothing at run time reads it
_NOTES = ("direct_url.json", "uv_cache.json", "uv_build.json", "REQUESTED", "INSTALLER", ".lock")
_MANYLINUX = re.compile(r"manylinux_2_(\d+)_")
#: old names of manylinux -> minor version of glibc 2 (PEP 513, 571, 599)
_OLD = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
OTHERS = "other files"
LIBRARIES = "shared libraries"


def tidy(site: Path) -> None:
    """Removes what makes two installs of the same packages differ, and what only the machine
    that installed them has: bytecode, notes, scripts with its interpreter's path."""
    for folder, names, files in os.walk(site, topdown=False):
        for name in names:
            if name == "__pycache__":
                remove(Path(folder, name))
        for name in files:
            if name.endswith((".pyc", ".pyo")):
                Path(folder, name).unlink()
    _without_scripts(site / "bin")
    (site / ".lock").unlink(missing_ok=True)
    for info in infos(site):
        for name in _NOTES:
            (info / name).unlink(missing_ok=True)
        _rewrite_record(site, info)


def _without_scripts(bin_: Path) -> None:
    if not bin_.is_dir():
        return
    for file in bin_.iterdir():
        if file.is_symlink() or (file.is_file() and _is_script(file)):
            file.unlink()
    if not any(bin_.iterdir()):
        bin_.rmdir()


def _is_script(file: Path) -> bool:
    """Whether it is started by an interpreter of this machine."""
    with file.open("rb") as opened:
        head = opened.read(256)
    first = head.partition(b"\n")[0]
    return head.startswith(b"#!") and (b"python" in first or b"'''exec'" in head)


def infos(site: Path) -> list[Path]:
    """The .dist-info directories, sorted."""
    return sorted(path for path in site.glob("*.dist-info") if path.is_dir())


def _rewrite_record(site: Path, info: Path) -> None:
    """RECORD without what is gone, sorted. A new file: the old one may be uv's own copy."""
    record = info / "RECORD"
    rows = sorted(
        row for row in _rows(record) if (place := _inside(row[0])) and (site / place).is_file()
    )
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    record.unlink(missing_ok=True)
    record.write_text(text.getvalue(), "utf-8")


def _rows(record: Path) -> list[list[str]]:
    if not record.is_file():
        return []
    with record.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file) if row]


def _inside(name: str) -> str:
    """The name below the site, empty when it is elsewhere; pip counts from its own layout."""
    path = os.path.normpath(name)
    while path.startswith("../"):
        path = path[3:]
    return "" if path.startswith("/") else path


def packages(site: Path) -> tuple[Package, ...]:
    """The packages in `site`, sorted by name, each file in exactly one of them; with the shared
    libraries that a container put into ``lib/`` beside it."""
    free = dict(_files(site))
    found = []
    for info in infos(site):
        name, version = _named(info)
        names = {place for row in _rows(info / "RECORD") if (place := _inside(row[0]))}
        names |= {file for file in free if file.startswith(f"{info.name}/")}
        own = sorted(names & free.keys())
        size = sum(free.pop(file) for file in own)
        found.append(Package(name, version, size, tuple(f"{ROOT}/{file}" for file in own)))
    if free:
        rest = tuple(f"{ROOT}/{file}" for file in sorted(free))
        found.append(Package(OTHERS, "", sum(free.values()), rest))
    if brought := dict(_files(site.parent / "lib")):
        rest = tuple(f"lib/{file}" for file in sorted(brought))
        found.append(Package(LIBRARIES, "", sum(brought.values()), rest))
    return tuple(sorted(found, key=lambda package: (package.name.lower(), package.version)))


def _files(site: Path) -> Iterator[tuple[str, int]]:
    """(name, size) of each file."""
    for folder, _, names in os.walk(site):
        for name in names:
            path = Path(folder, name)
            yield path.relative_to(site).as_posix(), path.stat().st_size


def _named(info: Path) -> tuple[str, str]:
    """Name and version, as the package itself writes them."""
    name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
    metadata = info / "METADATA"
    text = metadata.read_text("utf-8", "replace") if metadata.is_file() else ""
    said = dict(re.findall(r"^(Name|Version): *(.+?)\s*$", text.partition("\n\n")[0], re.M))
    return said.get("Name", name), said.get("Version", version)


def unfit(site: Path, built: Collection[str], glibc: int) -> dict[str, str]:
    """name -> version of packages that can't run on glibc 2.`glibc`, as their wheels say of
    themselves: those for a newer one, and those `built` (canonical names) on this machine that
    aren't pure."""
    from tc.build.deps.python.local import canonical

    found = {}
    for info in infos(site):
        name, version = _named(info)
        wheel = info / "WHEEL"
        text = wheel.read_text("utf-8", "replace") if wheel.is_file() else ""
        tags = re.findall(r"^Tag: *(\S+)", text, re.M)
        if canonical(name) in built:
            fits = all(tag.endswith("-any") for tag in tags)
        else:
            fits = not tags or any(_runs_on(tag.rpartition("-")[2], glibc) for tag in tags)
        if not fits:
            found[name] = version
    return found


def _runs_on(tag: str, glibc: int) -> bool:
    if match := _MANYLINUX.match(tag):
        return int(match[1]) <= glibc
    old = next((minor for start, minor in _OLD.items() if tag.startswith(start)), 0)
    return old <= glibc
