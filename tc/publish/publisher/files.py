"""Files of a version that is put together: linked, copied, or written from parts and packs."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import uuid
from pathlib import Path

from .asset import Asset, relative

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


def identity(file: list[Any]) -> tuple[bool, tuple[str, ...]]:
    """What two files have in common that can be one: mode and contents."""
    return bool(file[2]), tuple(file[3])


def first_of_each(files: list[Any]) -> Iterator[int]:
    """The numbers of the files, of equal ones the first."""
    seen = set()
    for number, file in enumerate(files):
        if identity(file) not in seen:
            seen.add(identity(file))
            yield number


def is_there(place: Path, size: int) -> bool:
    try:
        return place.stat().st_size == size
    except FileNotFoundError:
        return False


def take(asset: Asset, source: Path | None, place: Path, size: int) -> bool:
    """Makes `place` the same file as `source`; whether it could.

    A file of EFS has at most 177 links (Amazon EFS quotas): then it is copied.
    """
    if source is None or not is_there(source, size):
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, place)
    except FileExistsError:
        return True
    except FileNotFoundError:
        return False
    except OSError:
        with temporary(asset) as copy:
            shutil.copyfile(source, copy)
            shutil.copymode(source, copy)
            copy.replace(place)
    return True


def put(asset: Asset, place: Path, content: bytes, *, executable: bool = False) -> None:
    """A file with `content`, whole or not at all."""
    with temporary(asset) as made:
        made.write_bytes(content)
        made.chmod(0o755 if executable else 0o644)
        made.replace(place)


@contextlib.contextmanager
def temporary(asset: Asset) -> Iterator[Path]:
    """A name for what is put in its place when it is whole; outside of the version's files, of
    which a stop leaves nothing half."""
    path = asset.new / f"tmp-{uuid.uuid4().hex}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def write_part(
    asset: Asset,
    path: str,
    size: int,
    executable: bool,
    parts: list[str],
    number: int,
    get: Callable[[str], bytes | None],
) -> str:
    """One part of a file, that `get` has by its SHA-256; the file is put in place with its last
    one. Gives back the SHA-256 when there is no such part, or a damaged one."""
    place = asset.new / "files" / relative(path)
    pieces = place_of(asset, executable, parts)
    if is_there(place, size) or (pieces / str(number)).exists():
        return ""
    body = get(parts[number])
    if body is None or hashlib.sha256(body).hexdigest() != parts[number]:
        return parts[number]
    place.parent.mkdir(parents=True, exist_ok=True)
    if len(parts) == 1:
        put(asset, place, body, executable=executable)
        return ""
    _begin(pieces, size)
    # every part but the last is of one length, and the last one ends the file
    offset = size - len(body) if number == len(parts) - 1 else number * len(body)
    try:
        with (pieces / "data").open("r+b") as file:
            file.seek(offset)
            file.write(body)
        (pieces / str(number)).touch()
        put_together(asset, place, executable, parts)
    except FileNotFoundError:
        # another invocation has put it in place
        if not is_there(place, size):
            raise
    return ""


def put_together(asset: Asset, place: Path, executable: bool, parts: list[str]) -> bool:
    """Puts the file in place when all of its parts are written; whether it is there now."""
    if len(parts_there(asset, executable, parts)) < len(parts):
        return False
    data = place_of(asset, executable, parts) / "data"
    place.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):  # another invocation was faster
        data.chmod(0o755 if executable else 0o644)
        data.replace(place)
    return place.exists()


def place_of(asset: Asset, executable: bool, parts: list[str]) -> Path:
    """The directory of a file that comes in parts: ``data``, and an empty file for each part that
    is written."""
    words = "".join(["x" if executable else "-", *parts])
    return asset.new / "parts" / hashlib.sha256(words.encode()).hexdigest()


def _begin(pieces: Path, size: int) -> None:
    """Makes the directory of a file where it is missing. It appears whole, so that nobody takes a
    new one for one that is complete."""
    if pieces.is_dir():
        return
    made = pieces.with_name(f"tmp-{uuid.uuid4().hex}")
    made.mkdir(parents=True)
    with (made / "data").open("wb") as file:
        file.truncate(size)
    try:
        made.rename(pieces)
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        if not pieces.is_dir():
            raise


def parts_there(asset: Asset, executable: bool, parts: list[str]) -> list[int]:
    """The numbers of the parts of a file that were written."""
    if len(parts) == 1:
        return []
    try:
        names = [one.name for one in place_of(asset, executable, parts).iterdir()]
    except FileNotFoundError:
        return []
    return sorted(int(name) for name in names if name.isdigit())


def write_pack(asset: Asset, key: str, files: list[list[Any]]) -> str:
    """Small files, one behind the other in one object."""
    body = asset.part(key)
    if body is None or hashlib.sha256(body).hexdigest() != key:
        return key
    offset = 0
    for path, size, executable in files:
        place = asset.new / "files" / relative(path)
        if not is_there(place, size):
            place.parent.mkdir(parents=True, exist_ok=True)
            put(asset, place, body[offset : offset + size], executable=executable)
        offset += size
    return ""
