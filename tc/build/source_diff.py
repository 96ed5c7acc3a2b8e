"""What changed between two packages, file by file, as people read it."""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tc.build.entry import Entry
from tc.build.words import amount
from tc.build.zips import opened
from tc.errors import TcError

#: characters of a diff that are shown
LIMIT = 20_000
#: bytes; comparing longer files line by line takes too long
_COMPARED = 256 * 1024


def diff_zips(before: bytes, after: Path, limit: int = LIMIT) -> str:
    """The unified diff of two zips' text files, sorted by name; empty when nothing differs.

    Binary files are told by name and size, a changed x bit by a line of its own.
    It ends after `limit` characters, and says so. A deployed zip that can't be read
    is told in a line; TcError when `after` is no zip.
    """
    with opened(after) as new:
        try:
            with opened(io.BytesIO(before)) as old:
                return _cut(_lines(_named(old), _named(new), ("deployed", "here")), limit)
        except TcError as error:
            return f"the deployed package can't be compared: {error.message}\n"


def diff_entries(
    before: Sequence[Entry], after: Sequence[Entry], names: tuple[str, str], limit: int = LIMIT
) -> str:
    """As `diff_zips`, of files that are called after `names`."""
    return _cut(_lines(_named(before), _named(after), names), limit)


def _cut(lines: Iterator[str], limit: int) -> str:
    shown = ""
    for line in lines:
        if len(shown) + len(line) + 1 > limit:
            return f"{shown}… cut here: the diff is longer than {limit} characters\n"
        shown += f"{line}\n"
    return shown


def _named(entries: Sequence[Entry]) -> dict[str, Entry]:
    return {entry.name: entry for entry in entries}


def _lines(
    old: Mapping[str, Entry], new: Mapping[str, Entry], names: tuple[str, str]
) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if name not in new:
            yield f"removed {name} ({amount(old[name].size)})"
        elif name not in old:
            yield f"added {name} ({amount(new[name].size)})"
        else:
            yield from _file(old[name], new[name], names)


def _file(old: Entry, new: Entry, names: tuple[str, str]) -> Iterator[str]:
    if old.executable != new.executable:
        yield f"{new.name} is {'now' if new.executable else 'no longer'} executable"
    before, after = old.read(), new.read()
    if before == after:
        return
    sizes = f"({amount(old.size)}, now {amount(new.size)})"
    texts = _text(before), _text(after)
    if texts[0] is None or texts[1] is None:
        yield f"binary {new.name} differs {sizes}"
    elif max(len(before), len(after)) > _COMPARED:
        yield f"{new.name} differs {sizes}"
    else:
        labels = (f"{names[0]}/{new.name}", f"{names[1]}/{new.name}")
        for line in difflib.unified_diff(_split(texts[0]), _split(texts[1]), *labels):
            yield line.removesuffix("\n")
            if not line.endswith("\n"):
                yield "\\ No newline at end of file"


def _split(text: str) -> list[str]:
    """Lines with their ends; only LF ends one, so that nothing else is lost."""
    return [f"{line}\n" for line in text.split("\n")[:-1]] + [
        line for line in text.split("\n")[-1:] if line
    ]


def _text(content: bytes) -> str | None:
    """The content as text, None when it is binary."""
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None
