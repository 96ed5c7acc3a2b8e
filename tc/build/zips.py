"""Zips, read with suspicion; `tc.build.zip_writer` writes them."""

from __future__ import annotations

import contextlib
import io
import posixpath
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from tc.build.entry import Entry
from tc.build.words import few, shown
from tc.build.zip_writer import write_zip as write_zip
from tc.errors import TcError

_ENCRYPTED = 0x1


@contextlib.contextmanager
def opened(source: Path | io.BytesIO, where: str = "") -> Iterator[list[Entry]]:
    """The files of a zip, sorted by name; their contents can be read inside the `with` only.

    Links are replaced by what they lead to. Raises TcError when it is no zip, is
    damaged or encrypted, or has names or links that lead out of it; `where` is its
    place in the user's words, else the path.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            infos = {info.filename: info for info in archive.infolist() if not info.is_dir()}
            for info in infos.values():
                _check(info)
            yield _entries(archive, infos)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        where = where or ("" if isinstance(source, io.BytesIO) else shown(source))
        raise TcError(
            f"this zip can't be a package: {error}",
            code="bad-zip",
            where=where,
            hint="look at the build command that makes it",
        ) from None


def _check(info: zipfile.ZipInfo) -> None:
    parts = info.filename.split("/")
    if info.filename.startswith("/") or ".." in parts or "\\" in info.filename:
        raise zipfile.BadZipFile(f"the name {info.filename!r} in it leads out of it")
    if info.flag_bits & _ENCRYPTED:
        raise zipfile.BadZipFile(f"{info.filename} in it is encrypted")


def _entries(archive: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo]) -> list[Entry]:
    files = {_clean(name): _entry(archive, name, info) for name, info in infos.items()}
    links = {_clean(name) for name, info in infos.items() if stat.S_ISLNK(_mode(info))}
    # A link may lead to a link: each round resolves those that lead to files alone.
    while links:
        solved = False
        for name in sorted(links):
            found = _targets(files, links, name)
            if found is not None:
                links.discard(name)
                del files[name]
                files.update(found)
                solved = True
        if not solved:
            names = few(sorted(links))
            raise zipfile.BadZipFile(f"links in it lead to nothing in it: {names}")
    return sorted(files.values(), key=lambda entry: entry.name)


def _targets(files: Mapping[str, Entry], links: set[str], name: str) -> dict[str, Entry] | None:
    """What stands in place of the link `name`; None while that isn't known."""
    to = files[name].read().decode("utf-8", "replace")
    to = posixpath.normpath(posixpath.join(posixpath.dirname(name), to))
    found = [other for other in files if other == to or other.startswith(f"{to}/")]
    if not found or not links.isdisjoint(found):
        return None
    return {
        name + other[len(to) :]: replace(files[other], name=name + other[len(to) :])
        for other in found
    }


def _entry(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> Entry:
    mode = _mode(info)
    # Zips of systems without modes can't say that it is a program.
    executable = bool(mode & 0o111) or (mode == 0 and _clean(name) == "bootstrap")
    return Entry(_clean(name), executable, info.file_size, partial(archive.read, info))


def _mode(info: zipfile.ZipInfo) -> int:
    return info.external_attr >> 16


def _clean(name: str) -> str:
    return posixpath.normpath(name)
