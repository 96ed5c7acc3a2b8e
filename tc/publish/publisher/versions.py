"""Versions of an asset: what they are to hold, what the whole ones have, their removal."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import uuid
from pathlib import Path

from .asset import Asset, Refused, at_once
from .files import identity, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: files that are removed at once
_REMOVALS = 32


def manifest(asset: Asset) -> list[Any]:
    """The files of the version; its manifest is kept beside what is begun."""
    kept = asset.new / "manifest.json.gz"
    try:
        body = gzip.decompress(kept.read_bytes())
    except FileNotFoundError:
        packed = asset.manifest()
        if packed is None:
            raise Refused("no-manifest", "the manifest isn't in the bucket") from None
        body = gzip.decompress(packed)
        if hashlib.sha256(body).hexdigest() != asset.version:
            raise Refused("no-manifest", "the manifest in the bucket is damaged") from None
        asset.new.mkdir(parents=True, exist_ok=True)
        put(asset, kept, packed)
    files: list[Any] = json.loads(body)["files"]
    return files


class Known:
    """What the whole versions have: `files` by mode and contents, `parts` by their SHA-256, each
    the place of a file and the part's number and length."""

    def __init__(self, asset: Asset) -> None:
        self.files: dict[tuple[bool, tuple[str, ...]], Path] = {}
        self.parts: dict[str, tuple[Path, int, int]] = {}
        for version in whole_versions(asset):
            # a version that is removed meanwhile knows nothing any more
            with contextlib.suppress(FileNotFoundError):
                packed = (asset.store / f"{version}.json.gz").read_bytes()
                manifest = json.loads(gzip.decompress(packed))
                for file in manifest["files"]:
                    self._add(asset.store / version / file[0], file, int(manifest["part"]))

    def _add(self, place: Path, file: list[Any], length: int) -> None:
        self.files.setdefault(identity(file), place)
        for number, digest in enumerate(file[3]):
            self.parts.setdefault(digest, (place, number, length))

    def part(self, digest: str) -> bytes | None:
        """The bytes of a part; None when its file is gone."""
        place, number, length = self.parts[digest]
        try:
            with place.open("rb") as file:
                file.seek(number * length)
                return file.read(length)
        except FileNotFoundError:
            return None


def whole_versions(asset: Asset) -> list[str]:
    """The names of the whole versions, the one used last first."""
    ages = {}
    for manifest in asset.store.glob("*.json.gz"):
        name = manifest.name.removesuffix(".json.gz")
        with contextlib.suppress(FileNotFoundError):
            if (asset.store / name).is_dir():
                ages[name] = manifest.stat().st_mtime_ns
    return sorted(ages, key=lambda name: ages[name], reverse=True)


def set_aside(place: Path) -> None:
    """What is removed is first out of the way, so that nobody takes half of it for whole."""
    with contextlib.suppress(FileNotFoundError):
        place.rename(place.with_name(f"old-{uuid.uuid4().hex}"))


def last_touched(place: Path) -> float:
    """When anything was last put into a version that was begun."""
    inside = [place, place / "files", place / "parts"]
    return max(one.stat().st_mtime for one in inside if one.is_dir())


def remove(asset: Asset, place: Path) -> bool:
    """Removes the directory, many files at once; whether there was time for all of it."""
    for folder, _, names in os.walk(place, topdown=False):
        paths = [Path(folder, name) for name in names]
        _, more = at_once(asset, lambda path: path.unlink(missing_ok=True), paths, _REMOVALS)
        if more:
            return False
        with contextlib.suppress(FileNotFoundError):
            Path(folder).rmdir()
    return True
