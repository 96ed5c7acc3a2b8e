"""Directories to manifests: every file of an asset, cut into parts with their SHA-256.

A file that hasn't changed isn't read again: by path, size, time of its last change and inode the
cache knows its parts::

    assets/digests/{directory}.json   {path: [size, mtime_ns, inode, [parts]]}
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tc.build.cache import replacing
from tc.build.words import reason, shown
from tc.errors import TcError
from tc.events import Emit, Event
from tc.records import dataclass
from tc.spec.asset import PART, AssetFile, Manifest

#: what file managers leave behind
_LITTER = frozenset({".DS_Store"})
#: nanoseconds; what changed that lately may change again without its time telling
_FRESH = 2 * 10**9
#: seconds between two saves of the digests, and two words on how far they are
_EVERY = 5.0
_WORKERS = 4
_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Found:
    """A file before it is read; `stamp` is its size, time of change and inode."""

    path: str
    source: Path
    executable: bool
    stamp: _Stamp


def manifest_of(directory: Path, cache: Path, emit: Emit, what: str) -> Manifest:
    """The manifest of all files in `directory`; `what` says whose it is, for messages.

    Links are followed as long as they stay in it. Raises TcError: there is no such directory,
    it is empty, a file can't be read or changes meanwhile, a link leads out.
    """
    found = sorted(_walk(directory, what), key=lambda one: one.path)
    if not found:
        raise TcError(
            f"{what} would be empty: this directory has no files",
            code="empty-asset",
            where=shown(directory),
            hint="put the files there that the function is to find",
        )
    known = _Known(cache, directory)
    counted = _Progress(emit, what, sum(one.stamp[0] for one in found))
    pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="digest")
    try:
        futures = [pool.submit(_file, one, known, counted) for one in found]
        files = tuple(future.result() for future in futures)
    except OSError as error:
        raise _unreadable(error, directory) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        known.save()
    known.save(whole=True)
    return Manifest(files)


def _walk(directory: Path, what: str) -> Iterator[_Found]:
    top = os.path.realpath(directory)
    if not Path(top).is_dir():
        raise TcError(
            f"{what} can't be published: there is no such directory",
            code="no-asset",
            where=shown(directory),
        )
    # (directory, its path in the asset, real paths from the top down to it)
    todo: list[tuple[str, str, tuple[str, ...]]] = [(top, "", (top,))]
    while todo:
        place, prefix, trail = todo.pop()
        try:
            with os.scandir(place) as items:
                for item in items:
                    if item.name in _LITTER:
                        continue
                    real = os.path.realpath(item.path)
                    if item.is_symlink():
                        _check_link(item.path, real, top, trail)
                    if item.is_dir():
                        todo.append((real, f"{prefix}{item.name}/", (*trail, real)))
                    else:
                        yield _found(f"{prefix}{item.name}", real)
        except OSError as error:
            raise _unreadable(error, Path(place)) from error


def _check_link(link: str, real: str, top: str, trail: Sequence[str]) -> None:
    code, why, hint = "", "", "copy the file there, or remove the link"
    if not (real == top or real.startswith(f"{top}/")):
        code, why = "link-outside", f"leads to {real}, outside of {shown(top)}"
    elif not os.path.lexists(real):
        code, why = "link-broken", f"leads nowhere: {shown(real)} doesn't exist"
    elif real in trail:
        code, why = "link-loop", f"leads back to {shown(real)}, a directory that it is in"
    if why:
        raise TcError(f"the link {why}", code=code, where=shown(link), hint=hint)


def _found(path: str, real: str) -> _Found:
    status = Path(real).stat()
    if not stat.S_ISREG(status.st_mode):
        raise TcError(
            "this is neither a file nor a directory",
            code="not-a-file",
            where=shown(real),
            hint="remove it",
        )
    try:
        path.encode()
    except UnicodeEncodeError:
        raise TcError(
            "the name of this file isn't UTF-8", code="file-name", where=ascii(real)
        ) from None
    return _Found(path, Path(real), bool(status.st_mode & 0o111), _stamp(status))


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _file(found: _Found, known: _Known, progress: _Progress) -> AssetFile:
    parts = known.get(found)
    if parts is None:
        parts = _digests(found, progress)
        known.add(found, parts)
    else:
        progress.add(found.stamp[0], read=False)
    return AssetFile(found.path, found.stamp[0], found.executable, parts, found.source)


def _digests(found: _Found, progress: _Progress) -> tuple[str, ...]:
    """The SHA-256 of each part of the file."""
    sums = []
    with found.source.open("rb") as file:
        while part := file.read(PART):
            sums.append(hashlib.sha256(part).hexdigest())
            progress.add(len(part))
        if _stamp(os.fstat(file.fileno())) != found.stamp:
            raise changed(found.source)
    return tuple(sums) or (hashlib.sha256(b"").hexdigest(),)


def changed(path: Path) -> TcError:
    """The error for a file of an asset that isn't any more what it was."""
    return TcError(
        "this file changed while it was read",
        code="changed-meanwhile",
        where=shown(path),
        hint="run this again when nothing writes it",
    )


def _unreadable(error: OSError, place: Path) -> TcError:
    return TcError(
        f"this can't be read: {reason(error)}",
        code="unreadable",
        where=shown(error.filename or place),
    )


class _Known:
    """The digests of a directory's files that were read before."""

    def __init__(self, cache: Path, directory: Path):
        name = hashlib.sha256(os.fsencode(os.path.realpath(directory))).hexdigest()[:32]
        self._path = cache / "assets" / "digests" / f"{name}.json"
        self._old = self._read()
        self._written = self._old
        self._new: dict[str, list[object]] = {}
        self._lock = threading.Lock()
        self._saved = time.monotonic()

    def _read(self) -> dict[str, list[object]]:
        try:
            found = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def get(self, found: _Found) -> tuple[str, ...] | None:
        """The parts of the file, when it is still the one that was read."""
        entry = self._old.get(str(found.source))
        if entry is None or entry[:3] != [*found.stamp]:
            return None
        parts = entry[3]
        self._remember(found, parts)
        return tuple(str(one) for one in parts) if isinstance(parts, list) else None

    def add(self, found: _Found, parts: tuple[str, ...]) -> None:
        if time.time_ns() - found.stamp[1] > _FRESH:
            self._remember(found, list(parts))
        if time.monotonic() - self._saved > _EVERY:
            self.save()

    def _remember(self, found: _Found, parts: object) -> None:
        with self._lock:
            self._new[str(found.source)] = [*found.stamp, parts]

    def save(self, *, whole: bool = False) -> None:
        """What is known now; unless that is the `whole` directory, of the other files what was
        known before."""
        with self._lock:
            self._saved = time.monotonic()
            entries = self._new if whole else {**self._old, **self._new}
            if entries == self._written:
                return
            self._written = dict(entries)
            text = json.dumps(entries)
        with replacing(self._path) as temporary:
            temporary.write_text(text)


class _Progress:
    """Tells from time to time how much of an asset was read."""

    def __init__(self, emit: Emit, what: str, total: int):
        self._emit = emit
        self._what = what
        self._total = total
        self._done = 0
        self._told = time.monotonic()
        self._lock = threading.Lock()

    def add(self, size: int, *, read: bool = True) -> None:
        with self._lock:
            self._done += size
            now = time.monotonic()
            if not read or now - self._told < _EVERY:
                return
            self._told = now
        data = {"what": self._what, "done": self._done, "total": self._total, "unit": "B"}
        self._emit(Event("progress", f"Reading {self._what}", data))
