"""What `tc.build` hands on: the package of a function."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Artifact:
    """A function's zip on disk, in the user's cache.

    `sha256` is base64, as Lambda's CodeSha256; `digest` (hex) is of the inputs:
    contents and modes of the files, whatever zlib packed them. `stored` tells
    that the zip is uncompressed, so that equal inputs give equal bytes
    everywhere. Sizes in bytes.
    """

    path: Path
    sha256: str
    digest: str
    size: int
    unpacked: int
    stored: bool
    files: int
