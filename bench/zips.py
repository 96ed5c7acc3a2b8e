"""Zipping 100 MB of installed packages: beside ``zip -9`` in time and size, and beside the bare
library that does the compressing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.report import Result
from tc.build.entry import Entry
from tc.build.zip_writer import compressor, write_zip

GROUP = "zips"
_SIZE = 100_000_000
_RUNS = 3
#: of the time of ``zip -9``, of its size, of the bare library's time
_FASTER, _LARGER, _BARE = 0.25, 1.15, 1.10


def measure(place: Path) -> Iterator[Result]:
    """Works below `place`, which may be empty; some 250 MB are written there."""
    entries = _entries(place / "site")
    ours = place / "ours.zip"
    took, bare = [], []
    for _ in range(_RUNS):
        took.append(_seconds(lambda: write_zip(ours, entries, stored=False)))
        bare.append(_seconds(lambda: _bare(entries, place / "bare")))
    best = place / "best.zip"
    nine = _seconds(lambda: _nine(place / "site", best))
    note = f"{sum(entry.size for entry in entries) / 1e6:.0f} MB, {_library()}"
    yield Result(GROUP, "zip, beside zip -9", min(took), "s wall", nine, _FASTER, True, note=note)
    size, least = ours.stat().st_size / 1e6, best.stat().st_size / 1e6
    yield Result(GROUP, "its size", size, "MB", least, _LARGER, True)
    yield Result(GROUP, "zip, beside the library", min(took), "s wall", min(bare), _BARE, True)


def _library() -> str:
    try:
        import isal  # noqa: F401
    except ImportError:
        return "zlib"
    return "isal"


def _entries(site: Path) -> list[Entry]:
    """100 MB of what is installed here, as often as it takes."""
    source = Path(next(path for path in sys.path if path.endswith("site-packages")))
    files = sorted(p for p in source.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    total = 0
    copy = 0
    while total < _SIZE:
        for path in files:
            target = site / str(copy) / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            total += target.stat().st_size
            if total >= _SIZE:
                break
        copy += 1
    found = sorted((p.relative_to(site).as_posix(), p) for p in site.rglob("*") if p.is_file())
    return [
        Entry(name, False, path.stat().st_size, partial(Path.read_bytes, path))
        for name, path in found
    ]


def _bare(entries: list[Entry], path: Path) -> None:
    """The least: every file read, compressed and written, one after the other."""
    compress = compressor()
    with path.open("wb") as out:
        for entry in entries:
            out.write(compress(entry.read()))


def _nine(site: Path, path: Path) -> None:
    """``zip -9``, or what it does where the machine has none."""
    program = shutil.which("zip")
    if program:
        subprocess.run([program, "-9", "-q", "-r", str(path), "."], cwd=site, check=True)
        return
    with path.open("wb") as out:
        for file in sorted(p for p in site.rglob("*") if p.is_file()):
            made = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
            out.write(made.compress(file.read_bytes()) + made.flush())


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
