"""What goes into a package, or into staging: a name, a mode, contents."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from tc.records import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A file; `name` is posix and relative, `size` in bytes.

    `link`, in staging only, is where a symbolic link points instead of contents.
    """

    name: str
    executable: bool
    size: int
    read: Callable[[], bytes]
    link: str = ""


class Identity:
    """The digest of names, x bits and contents; it must be fed in the order of the names."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()

    def add(self, entry: Entry, content: bytes) -> None:
        self.add_sum(entry, hashlib.sha256(content).digest())

    def add_sum(self, entry: Entry, content: bytes) -> None:
        """As `add`, where only the SHA-256 of the content is at hand."""
        kind = "l" if entry.link else "x" if entry.executable else "-"
        # Every part is of known length or ends in NUL, which no name holds.
        self._sum.update(entry.name.encode("utf-8", "surrogateescape") + b"\0" + kind.encode())
        self._sum.update(content)

    def hex(self) -> str:
        return self._sum.hexdigest()


def identity(entries: Iterable[Entry]) -> str:
    """The digest of `entries`, which are sorted by name; reads them all."""
    total = Identity()
    for entry in entries:
        total.add(entry, entry.read())
    return total.hex()
