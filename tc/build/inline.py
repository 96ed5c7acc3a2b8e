"""Inline code as a package of one file."""

from __future__ import annotations

from tc.build.entry import Entry
from tc.spec.function import Inline


def entries(inline: Inline) -> list[Entry]:
    """What a package of `inline` holds."""
    content = inline.text.encode()
    return [Entry(inline.file, False, len(content), lambda: content)]
