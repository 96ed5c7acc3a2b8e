"""Layers: which one a function's dependencies go into, their parts, and what marks them.

A layer that is too large is split: its parts are layers of their own, ``{name}-0``,
``{name}-1``, …; a function lists ``{name}`` and gets all of them. Layer versions can't be
tagged, so the description says whose they are, what they were built of, which part of how
many this is and the bytes of all parts unpacked::

    tc:layer etl 3f1c…(64 hex) 1/3 150000000
"""

from __future__ import annotations

import re
from pathlib import Path

from tc.records import dataclass
from tc.spec.fetched import is_reference
from tc.spec.function import Arch, Function

_MARK = re.compile(
    r"tc:layer (?P<owner>\S+) (?P<digest>[0-9a-f]{64}) (?P<part>\d+)/(?P<of>\d+)"
    r"(?: (?P<unpacked>\d+))?\Z"
)
#: what the layers that sandboxes called `stable` use end in
STABLE = "-stable"
#: layers that a function may have (AWS Lambda quotas)
MOST_LAYERS = 5


@dataclass(frozen=True, slots=True)
class Platform:
    """What dependencies must run on: Lambda's `runtime` on a CPU of kind `arch`.

    `host` is for ``-e local``: the interpreter of this machine that runs the
    function, whatever its runtime says; empty for Lambda.
    """

    runtime: str
    arch: Arch
    host: str = ""


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package: its files, relative to the layer's root (``python/six.py``)."""

    name: str
    version: str
    size: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LayerPart:
    """A zip on disk, in the user's cache: `sha256` is base64, as Lambda's CodeSha256; sizes in
    bytes."""

    path: Path
    sha256: str
    size: int
    unpacked: int


@dataclass(frozen=True, slots=True)
class BuiltLayer:
    """A layer that can be published. `digest` (hex) is of what it was built of; `packages` are
    names, versions and sizes in bytes, without their files; `users` are the functions that
    need it. `why` says why it was built, where it wasn't `cached`."""

    name: str
    owner: str
    digest: str
    platform: Platform
    parts: tuple[LayerPart, ...]
    packages: tuple[Package, ...] = ()
    cached: bool = False
    why: str = ""
    users: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    @property
    def unpacked(self) -> int:
        return sum(part.unpacked for part in self.parts)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What the descriptions of its parts say."""
        count = len(self.parts)
        return tuple(
            Mark(self.owner, self.digest, part, count, self.unpacked) for part in range(count)
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """What the description of a published part says; `part` counts from 0, `unpacked` are the
    bytes of all parts."""

    owner: str
    digest: str
    part: int = 0
    of: int = 1
    unpacked: int = 0

    def __str__(self) -> str:
        return f"tc:layer {self.owner} {self.digest} {self.part}/{self.of} {self.unpacked}"


def mark_of(description: str) -> Mark | None:
    """The mark in a layer version's description; None for a layer that tc didn't make."""
    found = _MARK.match(description)
    if found is None:
        return None
    return Mark(
        found["owner"],
        found["digest"],
        int(found["part"]),
        int(found["of"]),
        int(found["unpacked"] or 0),
    )


def part_names(name: str, parts: int) -> tuple[str, ...]:
    """What the parts of the layer `name` are called: itself when there is one."""
    return (name,) if parts == 1 else tuple(f"{name}-{index}" for index in range(parts))


def own_layer(function: Function, namespace: str) -> str:
    """The name of the layer for the dependencies of `function`: ``{namespace}-{function}`` when
    it lists that or no layer by a name, else the first name it lists."""
    usual = f"{namespace}-{function.name}"
    count = len(function.layers) - len(function.extensions)
    listed = [
        layer.partition(":")[0]
        for layer in function.layers[:count]
        if not layer.startswith("arn:")
        and not is_reference(layer)
        and layer not in function.libraries
    ]
    return usual if usual in listed or not listed else listed[0]
