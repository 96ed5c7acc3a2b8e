"""What this machine has, looked up once: starting interpreters to ask their version is slow."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tc.local.home import private_dir, write_private
from tc.places import cache_place

#: one entry for each PATH seen lately
_KEPT = 24


def remembered(key: str, places: list[Path], look: Callable[[], dict[str, str]]) -> dict[str, str]:
    """`look()`, or what it said before if no modification time of `places` has changed."""
    stamp = [_changed(place) for place in places]
    file = cache_place() / "found.json"
    entries = _read(file)
    known = entries.get(key)
    if isinstance(known, dict) and known.get("stamp") == stamp:
        return dict(known["found"])
    found = look()
    entries.pop(key, None)
    entries[key] = {"stamp": stamp, "found": found}
    private_dir(file.parent)
    write_private(file, json.dumps(dict(list(entries.items())[-_KEPT:])))
    return found


def on_path(program: str) -> str:
    """The path of `program`, empty when there is none on PATH."""

    def look() -> dict[str, str]:
        import shutil

        return {"path": shutil.which(program) or ""}

    path = os.environ.get("PATH", "")
    places = [Path(place) for place in path.split(os.pathsep) if place]
    found = remembered(f"{program}\n{path}", places, look)["path"]
    return found if found and Path(found).exists() else ""


def _changed(place: Path) -> int:
    try:
        return place.stat().st_mtime_ns
    except OSError:
        return 0


def _read(file: Path) -> dict[str, Any]:
    try:
        entries = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}
