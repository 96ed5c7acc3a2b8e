"""What Lambda takes (quotas of deployment packages, AWS Lambda developer guide)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tc.build.entry import Entry
from tc.build.words import amount, shown
from tc.errors import TcError
from tc.spec.artifact import UNPACKED
from tc.spec.function import Function

_LARGEST = 10
WAYS_OUT = (
    "leave files out with .tcignore, move dependencies to a layer or, with `assets.DEPS_PATH`, to "
    "EFS, or make it an image (`package_type: image`: 10 GB)"
)


def check_unpacked(function: Function, entries: Sequence[Entry]) -> None:
    """Raises TcError when the contents are more than Lambda unpacks."""
    total = sum(entry.size for entry in entries)
    if total > UNPACKED:
        raise TcError(
            f"the package of `{function.name}` is {amount(total)} unpacked, Lambda takes "
            f"{amount(UNPACKED)}, layers included; the largest:\n" + told(largest(entries)),
            code="too-large",
            where=shown(function.dir),
            hint=WAYS_OUT,
        )


def largest(entries: Iterable[Entry]) -> tuple[tuple[str, int], ...]:
    """The largest directories and files at the top of a package, with their sizes in bytes."""
    sizes: Counter[str] = Counter()
    for entry in entries:
        top, slash, _ = entry.name.partition("/")
        sizes[top + slash] += entry.size
    return first(sizes.items())


def first(sizes: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """The ten largest, in the order of their sizes."""
    return tuple(sorted(sizes, key=lambda item: (-item[1], item[0]))[:_LARGEST])


def told(sizes: Iterable[tuple[str, int]]) -> str:
    """A line for each."""
    return "\n".join(f"  {amount(size):>9}  {name}" for name, size in sizes)
