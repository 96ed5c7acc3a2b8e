"""The steps of publishing; each is one invocation."""

from __future__ import annotations

import contextlib
import errno
import os
import time
import uuid
from functools import partial
from pathlib import PurePosixPath

from .asset import FETCHES, Asset, Refused, at_once, packed
from .files import (
    first_of_each,
    identity,
    is_there,
    parts_there,
    put,
    put_together,
    take,
    write_pack,
    write_part,
)
from .versions import Known, last_touched, manifest, remove, set_aside, whole_versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: seconds before the end of an invocation in which nothing new is begun
_RESERVE = 20.0
_FULL = (errno.ENOSPC, errno.EDQUOT)
#: how often a step is begun when others are at work
_TURNS = 4
#: calls to the file system at once
_LINKS = 32
#: seconds after which a version that nobody goes on with is dropped
_ABANDONED = 7 * 24 * 3600


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Does one step; ``{"refused": [code, sentence]}`` when that can't be."""
    left = context.get_remaining_time_in_millis() / 1000
    deadline = time.monotonic() + left - min(_RESERVE, left / 2)
    try:
        return _step(_STEPS[event["do"]], Asset(event, deadline))
    except Refused as error:
        return {"refused": list(error.args)}
    except OSError as error:
        name = f" of {error.filename}" if error.filename else ""
        code = "disk-full" if error.errno in _FULL else "file-system"
        return {"refused": [code, f"the file system says{name}: {error.strerror}"]}


def _step(step: Callable[[Asset], dict[str, Any]], asset: Asset) -> dict[str, Any]:
    """The step; once more where somebody else has completed the version meanwhile, or removed
    another, and files are gone that were just there."""
    for _ in range(_TURNS - 1):
        with contextlib.suppress(FileNotFoundError):
            return step(asset)
    return step(asset)


def status(asset: Asset) -> dict[str, Any]:
    """``current``, and whether the asked version is ``whole``."""
    current = asset.current()
    return {"current": current, "whole": asset.whole.is_dir()}


def prepare(asset: Asset) -> dict[str, Any]:
    """Begins the version: what other versions have is taken from them; ``missing`` are the numbers
    of files that must be brought, each with the numbers of those of its parts that are there."""
    asset.current()
    if asset.whole.is_dir():
        return {"whole": True}
    files = manifest(asset)
    (asset.new / "files").mkdir(parents=True, exist_ok=True)
    known = Known(asset)

    def lacks(number: int) -> bool:
        path, size, _, _ = file = files[number]
        place = asset.new / "files" / path
        return not (
            is_there(place, size) or take(asset, known.files.get(identity(file)), place, size)
        )

    def copy(job: tuple[list[Any], int]) -> None:
        (path, size, executable, parts), number = job
        write_part(asset, path, size, executable, parts, number, known.part)

    first = list(first_of_each(files))
    done, more = at_once(asset, lambda number: number if lacks(number) else None, first, _LINKS)
    lacking = [number for number in done if number is not None]
    jobs = [
        (files[number], part)
        for number in lacking
        for part, digest in enumerate(files[number][3])
        if digest in known.parts
    ]
    more = at_once(asset, copy, jobs, FETCHES)[1] or more
    missing = {number: _progress(asset, files[number]) for number in lacking}
    missing = {number: there for number, there in missing.items() if there is not None}
    return {"more": more, "missing": packed(missing)}


def _progress(asset: Asset, file: list[Any]) -> list[int] | None:
    """The numbers of the parts of `file` that are there; None when it is in its place."""
    path, size, executable, parts = file
    place = asset.new / "files" / path
    # the last to write a part may have been stopped before it put the file in place
    if is_there(place, size) or put_together(asset, place, executable, parts):
        return None
    return parts_there(asset, executable, parts)


def write(asset: Asset) -> dict[str, Any]:
    """Writes parts of large files (``parts``: path, size, executable, all parts, numbers), and
    packs of small ones (``packs``: key, files). ``lacking`` are the parts and packs that the
    bucket doesn't have whole."""
    if asset.whole.is_dir():
        return {"more": False, "lacking": []}
    jobs: list[partial[str]] = []
    for path, size, executable, parts, numbers in asset.event["parts"]:
        file = (asset, path, size, executable, parts)
        jobs += [partial(write_part, *file, number, asset.part) for number in numbers]
    jobs += [partial(write_pack, asset, *pack) for pack in asset.event["packs"]]
    done, more = at_once(asset, lambda job: job(), jobs, FETCHES)
    return {"more": more, "lacking": sorted(filter(None, done))}


def finish(asset: Asset) -> dict[str, Any]:
    """Completes the version, and lets the path lead to it; ``missing`` when a file isn't there."""
    before = asset.current()
    if not asset.whole.is_dir():
        missing, more = _complete(asset)
        if missing or more:
            return {"missing": missing, "more": more}
    if before != asset.version:
        link = asset.store / f"link-{uuid.uuid4().hex}"
        link.symlink_to(PurePosixPath(".tc") / asset.path.name / asset.version)
        link.replace(asset.path)
    # the order in which versions are removed is that in which they were used last
    os.utime(asset.store / f"{asset.version}.json.gz")
    return {"before": before}


def prune(asset: Asset) -> dict[str, Any]:
    """Removes all but the newest ``keep`` versions; ``removed`` are their names."""
    current = asset.current()
    others = [one for one in whole_versions(asset) if one != current]
    removed = others[max(int(asset.event["keep"]) - 1, 0) :]
    for version in removed:
        set_aside(asset.store / version)
        (asset.store / f"{version}.json.gz").unlink(missing_ok=True)
    for place in asset.store.glob("new-*"):
        with contextlib.suppress(FileNotFoundError):
            if place.name == asset.new.name or time.time() - last_touched(place) > _ABANDONED:
                set_aside(place)
    for link in asset.store.glob("link-*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - link.lstat().st_mtime > _ABANDONED:
                link.unlink()
    more = not all(remove(asset, place) for place in sorted(asset.store.glob("old-*")))
    return {"removed": removed, "more": more}


def _complete(asset: Asset) -> tuple[int, bool]:
    """(how many files are missing, whether time is up); with (0, False) the version is whole."""
    files = manifest(asset)
    first = {identity(files[number]): files[number][0] for number in first_of_each(files)}
    top = asset.new / "files"

    def check(file: list[Any]) -> bool:
        path, size = file[0], file[1]
        source, place = top / first[identity(file)], top / path
        return is_there(place, size) or take(asset, source, place, size)

    done, more = at_once(asset, check, files, _LINKS)
    missing = done.count(False)
    if missing or more:
        return missing, more
    packed = (asset.new / "manifest.json.gz").read_bytes()
    put(asset, asset.store / f"{asset.version}.json.gz", packed)
    try:
        top.rename(asset.whole)
    except OSError:
        # another invocation was faster
        if not asset.whole.is_dir():
            raise
    return 0, False


_STEPS: dict[str, Callable[[Asset], dict[str, Any]]] = {
    "status": status,
    "prepare": prepare,
    "write": write,
    "finish": finish,
    "prune": prune,
}
