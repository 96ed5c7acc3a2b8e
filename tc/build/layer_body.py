"""The body of a layer: installed, checked, zipped in parts, and put into the cache whole.

Loaded only when a layer has to be made.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from tc.build.cache import private, staging
from tc.build.deps import language_of
from tc.build.elf import Elf, elves, parsed
from tc.build.entry import Entry
from tc.build.layer_cache import keep
from tc.build.limits import first, told
from tc.build.loadable import check_loadable
from tc.build.split import split
from tc.build.tools import Tools
from tc.build.wanted import Wanted, conflict
from tc.build.words import MB, amount, few, shown
from tc.build.zip_writer import copy_files, write_zip
from tc.errors import TcError
from tc.events import Event
from tc.spec.artifact import UNPACKED
from tc.spec.layer import LayerPart, Package


def make(group: Sequence[Wanted], tools: Tools, part_size: int) -> None:
    """Installs once, then zips each of the layers."""
    lead = group[0]
    users = [user for one in group for user in one.users]
    with staging(tools.cache) as place:
        directory = private(place / "layer")
        packages: tuple[Package, ...] = ()
        if lead.needs:
            language = language_of(lead.platform.runtime)
            assert language is not None
            text = f"Installing the dependencies of {few(users)}"
            tools.emit(Event("progress", text, {"what": f"dependencies of {few(users)}"}))
            packages = language.install(lead.needs, users, lead.platform, directory, tools)
        compiled = elves(directory)
        installed = list(_installed(directory))
        for number, one in enumerate({one.digest: one for one in group}.values()):
            _check_compiled(one, compiled, packages, tools)
            _pack(one, installed, packages, private(place / str(number)), tools, part_size)


def _check_compiled(
    one: Wanted, installed: Mapping[str, Elf], packages: Sequence[Package], tools: Tools
) -> None:
    """Refuses files that the runtime can't load, the function's own among them; warns of
    libraries that it lacks."""

    own = {entry.name: elf for entry in one.files if (elf := parsed(entry.read()))}
    what = f"the layer `{one.name}`"
    check_loadable(what, {**installed, **own}, one.platform, packages, tools, shown(one.source))


def _installed(directory: Path) -> Iterator[Entry]:
    for folder, folders, names in os.walk(directory):
        folders.sort()
        for name in names:
            path = Path(folder, name)
            if path.is_symlink() and not path.exists():
                continue
            status = path.stat()
            executable = bool(status.st_mode & 0o111)
            read = partial(Path.read_bytes, path)
            yield Entry(path.relative_to(directory).as_posix(), executable, status.st_size, read)


def _merged(one: Wanted, installed: Sequence[Entry]) -> list[Entry]:
    entries = {entry.name: entry for entry in installed}
    for entry in one.files:
        other = entries.setdefault(entry.name, entry)
        if other is not entry and other.read() != entry.read():
            source = shown(one.source)
            raise conflict(one.users[0], entry.name, source, "the function's own directories")
    return [entries[name] for name in sorted(entries)]


def _pack(
    one: Wanted,
    installed: Sequence[Entry],
    packages: Sequence[Package],
    place: Path,
    tools: Tools,
    part_size: int,
) -> None:
    """Writes the parts and what is told of them, then puts all of it into the cache at once."""
    entries = _merged(one, installed)
    if not entries:
        raise TcError(
            f"the layer `{one.name}` would be empty",
            code="empty-layer",
            where=shown(one.source),
            hint="take the file out, or write there what the function needs",
        )
    _check_unpacked(one, entries, packages)
    whole = place / "whole.zip"
    write_zip(whole, entries, stored=False)
    sizes = {entry.name: entry.size for entry in entries}
    body = private(place / "body")
    parts = []
    groups = split(whole, packages, part_size * MB)
    for index, names in enumerate(groups):
        path = body / f"{index}.zip"
        if len(groups) == 1:
            whole.rename(path)
        else:
            copy_files(whole, path, names)
        unpacked = sum(sizes[name] for name in names)
        parts.append(LayerPart(path, _sha256(path), path.stat().st_size, unpacked))
    keep(one, tools.cache, part_size, parts, packages, contained=tools.always)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return b64encode(hashlib.file_digest(file, "sha256").digest()).decode()


def _check_unpacked(one: Wanted, entries: Sequence[Entry], packages: Sequence[Package]) -> None:
    total = sum(entry.size for entry in entries)
    if total <= UNPACKED:
        return
    sizes = [(f"{package.name} {package.version}", package.size) for package in packages]
    raise TcError(
        f"the layer `{one.name}` of {few(one.users)} is {amount(total)} unpacked, Lambda takes "
        f"{amount(UNPACKED)}, a function's other layers and its code included; the largest:\n"
        + told(first(sizes or [(entry.name, entry.size) for entry in entries])),
        code="too-large",
        where=shown(one.source),
        hint="need less, have them on EFS (`assets.DEPS_PATH`), or make it an image "
        "(`package_type: image`: 10 GB)",
    )
