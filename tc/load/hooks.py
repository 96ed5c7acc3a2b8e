"""`hooks` of a topology, and what operations add to a whole one: hooks.json, tags.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tc.load.overlays import check_tags, texts
from tc.load.reader import Reader, kind_of
from tc.load.text import exists
from tc.load.validate import validate
from tc.spec.finding import Address, Finding
from tc.spec.hooks import WHEN, Hook, HooksFile, When

HOOKS_FILE = "hooks.json"
TAGS_FILE = "tags.json"


def load_hooks(data: Any, directory: Path, address: Address, reader: Reader) -> tuple[Hook, ...]:
    """The hooks in `data`, the mapping at `address`; none when anything is wrong with them.

    `directory` is the topology's: where they run, and where `dir` is looked for.
    """
    checked = validate(HooksFile, data, address, "hooks")
    reader.findings += checked.findings
    dirs = {
        (when, index): reader.directory(directory, name, address / when / index / "dir")
        for when, index, name in _written_dirs(data)
    }
    if checked.findings or checked.model is None or None in dirs.values():
        return ()
    return tuple(
        Hook(
            when,
            entry.command,
            dirs.get((when, index)) or directory,
            entry.on_failure,
            address / when / index,
        )
        for when in WHEN
        for index, entry in enumerate(getattr(checked.model, when))
    )


def read_hooks(base: Path, directory: Path, reader: Reader) -> tuple[Hook, ...]:
    """The hooks of hooks.json in the overlays' directory `base`."""
    file = base / HOOKS_FILE
    data = _mapping(file, "hooks.json", reader)
    return () if data is None else load_hooks(data, directory, Address(file), reader)


def read_tags(base: Path, reader: Reader) -> dict[str, str]:
    """The tags of tags.json in the overlays' directory `base`, templates included."""
    file = base / TAGS_FILE
    tags = texts(_mapping(file, "tags.json", reader) or {})
    reader.findings += check_tags(tags, Address(file))
    for key, value in tags.items():
        if not isinstance(value, str):
            found = "empty" if value is None else kind_of(value)
            message = f"`{key}` must be text, not {found}"
            reader.findings.append(Finding("wrong-type", message, Address(file) / key))
    return {key: value for key, value in tags.items() if isinstance(value, str)}


def _mapping(file: Path, what: str, reader: Reader) -> dict[str, Any] | None:
    """What `file` says, when it is there and inside the project."""
    if not exists(file):
        return None
    if not reader.inside(file):
        message = "is outside the project, behind a link"
        reader.findings.append(Finding("outside-project", message, Address(file)))
        return None
    return reader.read_mapping(file, what)


def _written_dirs(data: Any) -> Iterator[tuple[When, int, str]]:
    """Each `dir` that is text, wherever the rest of its hook may be wrong."""
    for when in WHEN:
        entries = data.get(when) if isinstance(data, Mapping) else None
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, Mapping) and isinstance(entry.get("dir"), str):
                yield when, index, entry["dir"]
