"""Layers in the cache: their bodies in parts, and of what they were built.

::

    layers/{digest}-{MB}/   0.zip, 1.zip, … and manifest.json: a layer in parts of so many MB
    layers/names/{name}     of what the layer was built last: says why it is built again
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tc.build.cache import private, remove, replacing
from tc.build.entry import identity
from tc.build.wanted import Wanted
from tc.spec.layer import BuiltLayer, LayerPart, Package

#: of what is kept of a layer; another number makes all of them anew
_FORMAT = 1


def cached(
    one: Wanted, cache: Path, part_size: int, *, contained: bool = False
) -> BuiltLayer | None:
    """The layer as the cache has it, whole; else None. When it must be `contained`, only one
    that was built in a container."""
    return _read(_place(cache, one, part_size), one, contained=contained)


def keep(
    one: Wanted,
    cache: Path,
    part_size: int,
    parts: Sequence[LayerPart],
    packages: Sequence[Package],
    *,
    contained: bool = False,
) -> None:
    """Puts the zips `parts`, which lie in one directory by their numbers, into the cache, all at
    once; `contained` when they were built in a container. What is there and as good stays:
    somebody may be reading it."""
    body = parts[0].path.parent
    manifest = {
        "format": _FORMAT,
        "contained": contained,
        "parts": [[part.sha256, part.size, part.unpacked] for part in parts],
        "packages": [[package.name, package.version, package.size] for package in packages],
    }
    (body / "manifest.json").write_text(json.dumps(manifest))
    goal = _place(cache, one, part_size)
    private(goal.parent)
    if goal.exists() and _read(goal, one, contained=contained) is None:
        remove(goal)
    try:
        body.rename(goal)
    except OSError:
        # somebody else was faster
        if _read(goal, one, contained=contained) is None:
            raise


def _read(place: Path, one: Wanted, *, contained: bool) -> BuiltLayer | None:
    try:
        manifest = json.loads((place / "manifest.json").read_text())
        parts = tuple(
            LayerPart(place / f"{index}.zip", *said) for index, said in enumerate(manifest["parts"])
        )
        whole = manifest["format"] == _FORMAT and all(
            part.path.stat().st_size == part.size for part in parts
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None
    if not whole or (contained and not manifest.get("contained")):
        return None
    packages = tuple(
        Package(name, version, size, ()) for name, version, size in manifest["packages"]
    )
    return BuiltLayer(
        one.name,
        one.owner,
        one.digest,
        one.platform,
        parts,
        packages,
        cached=True,
        users=one.users,
    )


def _place(cache: Path, one: Wanted, part_size: int) -> Path:
    return cache / "layers" / f"{one.digest}-{part_size}"


def _traits(one: Wanted) -> dict[str, str]:
    """What a layer is built of, by the words in which a change of it is told."""
    file = hashlib.sha256(one.needs.file.read_bytes()).hexdigest() if one.needs else ""
    return {
        f"{one.source.name} changed": file,
        "the runtime or the CPU changed": str(one.platform),
        "files of its directories changed": identity(one.files),
        "what it depends on changed": one.digest,
    }


def why(one: Wanted, cache: Path) -> str:
    """What changed since the layer was built last, in words."""
    try:
        last: Mapping[str, str] = json.loads(_record(one, cache).read_text())
    except (OSError, ValueError):
        return "not built before"
    for words, value in _traits(one).items():
        if last.get(words) != value:
            return words
    return "the cache no longer had it"


def remember(one: Wanted, cache: Path) -> None:
    """Keeps what the layer was built of."""
    with replacing(_record(one, cache)) as temporary:
        temporary.write_text(json.dumps(_traits(one)))


def _record(one: Wanted, cache: Path) -> Path:
    return cache / "layers" / "names" / f"{one.owner} {one.name}.json"
