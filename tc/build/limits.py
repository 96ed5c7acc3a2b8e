"""What Lambda takes (quotas of deployment packages, AWS Lambda developer guide)."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from tc.build.entry import Entry
from tc.build.words import MB, amount, shown
from tc.errors import TcError
from tc.spec.function import Function

#: bytes; what a package and its layers may weigh unpacked
UNPACKED = 250 * MB
#: bytes; what may be uploaded directly
PACKED = 50 * MB
_LARGEST = 10


def check_unpacked(function: Function, entries: Sequence[Entry]) -> None:
    """Raises TcError when the contents are more than Lambda unpacks."""
    total = sum(entry.size for entry in entries)
    if total > UNPACKED:
        raise TcError(
            f"the package of `{function.name}` is {amount(total)} unpacked, Lambda takes "
            f"{amount(UNPACKED)}, layers included; the largest files:\n"
            + _largest([(entry.size, entry.name) for entry in entries]),
            code="too-large",
            where=shown(function.dir),
            hint="leave files out with .tcignore, or have the function read them from S3 or EFS",
        )


def check_packed(function: Function, package: Path) -> None:
    """Raises TcError when the zip is more than can be uploaded directly."""
    size = package.stat().st_size
    if size <= PACKED:
        return
    with zipfile.ZipFile(package) as archive:
        sizes = [(info.compress_size, info.filename) for info in archive.infolist()]
    raise TcError(
        f"the package of `{function.name}` is {amount(size)}, Lambda takes {amount(PACKED)} "
        f"in a direct upload; the largest files, packed:\n{_largest(sizes)}",
        code="too-large",
        where=shown(function.dir),
        hint="leave files out with .tcignore, or move dependencies to a layer",
    )


def _largest(sizes: Sequence[tuple[int, str]]) -> str:
    ordered = sorted(sizes, key=lambda item: (-item[0], item[1]))[:_LARGEST]
    return "\n".join(f"  {amount(size):>9}  {name}" for size, name in ordered)
