"""What `tc.build` hands on: the package of a function."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

from tc.records import dataclass

#: bytes; what Lambda takes in a call, more comes from a bucket ("Lambda quotas")
DIRECT = 50 * 1024 * 1024
#: bytes; what a package and its layers may weigh unpacked
UNPACKED = 250 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Artifact:
    """A function's zip on disk, in the user's cache.

    `sha256` is base64, as Lambda's CodeSha256; `digest` (hex) is of the inputs:
    contents and modes of the files, whatever zlib packed them. `stored` tells
    that the zip is uncompressed, so that equal inputs give equal bytes
    everywhere. Sizes in bytes; `largest` are the ten largest directories and files at the
    top of it, with their sizes unpacked, where it `is_large`. One that is `in_bucket` already, as
    a version that was deployed before, has no file here.
    """

    path: Path
    sha256: str
    digest: str
    size: int
    unpacked: int
    stored: bool
    files: int
    largest: tuple[tuple[str, int], ...] = ()
    in_bucket: bool = False

    @property
    def is_large(self) -> bool:
        """Whether it is too large for a call."""
        return self.size > DIRECT

    @property
    def from_bucket(self) -> bool:
        """Whether Lambda gets it from the artifact bucket."""
        return self.is_large or self.in_bucket

    @property
    def key(self) -> str:
        """What it is called in the artifact bucket: by its bytes, which may differ for equal
        inputs where another zlib packed them."""
        return f"packages/{b64decode(self.sha256).hex()}.zip"
