"""How places and amounts read in messages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

#: bytes; AWS's own megabyte, in which Lambda's limits are given
MB = 1024 * 1024
GB = 1024 * MB


def shown(path: str | Path) -> str:
    """`path` from the current directory where it is below, else whole."""
    text = os.fspath(path)
    below = os.path.relpath(text)
    return text if below.startswith("..") else below


def amount(size: int) -> str:
    """Bytes for people: 214 B, 10.4 KB, 61.2 MB, 5.0 GB."""
    if size < 1024:
        return f"{size} B"
    if size < MB:
        return f"{size / 1024:.1f} KB"
    return f"{size / MB:.1f} MB" if size < GB else f"{size / GB:.1f} GB"


def reason(error: OSError) -> str:
    """What the system says, for the end of a sentence: ``permission denied``."""
    return error.strerror.lower() if error.strerror else str(error)


def few(names: Sequence[str], limit: int = 8) -> str:
    """The first names, and how many more."""
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")
