"""Shared libraries that a container copied in since Lambda lacks them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from tc.spec.layer import Package

NAME = "shared libraries"


def brought(found: Path, directory: Path) -> Iterator[Package]:
    """Moves the libraries in `found`, where there are any, to ``lib/`` of the layer in
    `directory` (/opt/lib, which Lambda's loader searches); they are a package of their own."""
    files = sorted(path for path in found.glob("*") if path.is_file())
    if not files:
        return
    to = directory / "lib"
    to.mkdir()
    moved = [Path(shutil.move(file, to / file.name)) for file in files]
    size = sum(file.stat().st_size for file in moved)
    yield Package(NAME, "", size, tuple(f"lib/{file.name}" for file in moved))
