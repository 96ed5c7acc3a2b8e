"""Assets: models and dependencies that functions read from a file system at a fixed path.

What is to be at a path is a `Manifest`: its files, each in parts by their SHA-256. Equal
manifests have equal digests, wherever their files are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from tc.records import dataclass
from tc.spec.finding import Address
from tc.spec.function import Function
from tc.spec.scope import Scope

#: bytes of a part; a file is cut at its multiples
PART = 8 * 1024 * 1024
#: bytes below which files travel together
SMALL = 1024 * 1024
#: of manifests; another number makes every version differ
_FORMAT = 1
#: keys of `assets` that are paths on a file system
MODEL, DEPS, BASE_DEPS = "MODEL_PATH", "DEPS_PATH", "BASE_DEPS_PATH"
PATHS = (MODEL, DEPS, BASE_DEPS)
#: the key that says what MODEL_PATH is published from
SOURCE = "ARTIFACTS_SOURCE"
_LOCAL_POINT = "access-point/fsap-00000000000000000"


@dataclass(frozen=True, slots=True)
class AssetFile:
    """A file: `path` is posix and relative, `size` in bytes, `parts` the SHA-256 (hex) of each
    `PART` bytes of it, of an empty file that of nothing. `source` is where it is now."""

    path: str
    size: int
    executable: bool
    parts: tuple[str, ...]
    source: Path

    @property
    def digest(self) -> str:
        """Its only part's; of several parts one over theirs."""
        if len(self.parts) == 1:
            return self.parts[0]
        return hashlib.sha256("".join(self.parts).encode()).hexdigest()

    @property
    def sizes(self) -> list[tuple[str, int]]:
        """The parts, each with its size in bytes."""
        left = [self.size - number * PART for number in range(len(self.parts))]
        return [(part, min(PART, size)) for part, size in zip(self.parts, left, strict=True)]


@dataclass(frozen=True)
class Manifest:
    """Everything that is to be at a path; `files` are sorted by their paths."""

    files: tuple[AssetFile, ...]

    @cached_property
    def body(self) -> bytes:
        """As JSON: ``files`` holds [path, size, executable, parts] of each."""
        files = [[one.path, one.size, one.executable, one.parts] for one in self.files]
        made = {"format": _FORMAT, "part": PART, "files": files}
        return json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode()

    @cached_property
    def digest(self) -> str:
        """The SHA-256 (hex) of `body`: the name of this version."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def size(self) -> int:
        return sum(one.size for one in self.files)


def asset_paths(function: Function) -> dict[str, str]:
    """What `function` says of `PATHS`."""
    return {key: function.assets[key] for key in PATHS if function.assets.get(key)}


def artifacts_dir(directory: Path, assets: Mapping[str, str]) -> Path | None:
    """The directory that a function in `directory` publishes at MODEL_PATH: the one it names,
    ``artifacts``, or a ``model`` that is no Python package; None for one on S3, and when there is
    none."""
    if not assets.get(MODEL):
        return None
    if written := assets.get(SOURCE):
        return None if written.startswith("s3://") else directory / written
    usual = [directory / "artifacts", directory / "model"]
    return next((one for one in usual if one.is_dir() and not (one / "__init__.py").exists()), None)


def asset_address(function: Function, key: str) -> Address:
    """Where `assets.KEY` stands."""
    return Address(function.address.file, (*function.address.path, "assets", key))


def access_point_arn(written: str, scope: Scope) -> str:
    """The ARN of an access point of EFS that was written by its id; any other text as it is."""
    if not written.startswith("fsap-"):
        return written
    return scope.arn("elasticfilesystem", f"access-point/{written}")


def local_point(scope: Scope) -> str:
    """The access point of ``-e local`` while nobody names one."""
    return scope.arn("elasticfilesystem", _LOCAL_POINT)
