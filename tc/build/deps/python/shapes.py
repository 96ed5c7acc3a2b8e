"""pyproject.toml and the locks, with values of the kinds that the rest relies on.

Sources: "pyproject.toml specification", Python Packaging User Guide; PEP 735; uv's and Poetry's
references of their tables.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tc.build.words import few, shown
from tc.errors import TcError

#: a kind of value: whether it is of that kind, and what people call it
_Kind = tuple[Callable[[Any], bool], str]


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _each(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(fits, value.values()))


def _or_list(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: fits(value) or _list_of(fits)(value)


_TABLE: _Kind = (_is_table, "a table")
_TEXT: _Kind = (_is_text, "text")
_TEXTS: _Kind = (_list_of(_is_text), "a list of texts")
_TABLES: _Kind = (_list_of(_is_table), "a list of tables")
_POETRY: _Kind = (
    _each(_or_list(lambda one: isinstance(one, str | dict))),
    "a table of versions (`six = \"^1.16\"`) or of tables",
)  # fmt: skip
_SOURCES: _Kind = (_each(_or_list(_is_table)), "a table of tables")
_PACKAGES: _Kind = (
    _list_of(lambda one: _is_table(one) and _is_text(one.get("name"))),
    "a list of tables with names",
)
#: path of keys -> what stands there; a part of the path comes before the whole
_PROJECT: Mapping[str, _Kind] = {
    "project": _TABLE,
    "project.name": _TEXT,
    "project.requires-python": _TEXT,
    "project.dependencies": _TEXTS,
    "project.dynamic": _TEXTS,
    "dependency-groups": (_each(lambda one: isinstance(one, list)), "a table of lists"),
    "tool": _TABLE,
    "tool.uv": _TABLE,
    "tool.uv.dev-dependencies": _TEXTS,
    "tool.uv.find-links": _TEXTS,
    "tool.uv.index": _TABLES,
    "tool.uv.sources": _SOURCES,
    "tool.uv.workspace": _TABLE,
    "tool.uv.workspace.members": _TEXTS,
    "tool.uv.workspace.exclude": _TEXTS,
    "tool.poetry": _TABLE,
    "tool.poetry.dependencies": _POETRY,
    "tool.poetry.dev-dependencies": _POETRY,
    "tool.poetry.group": (_each(_is_table), "a table of tables"),
    "tool.poetry.source": _TABLES,
    "tool.setuptools": _TABLE,
    "tool.setuptools.dynamic": _TABLE,
}
_UV: Mapping[str, _Kind] = {"find-links": _TEXTS, "index": _TABLES}
_PIPFILE: Mapping[str, _Kind] = {
    "_meta": _TABLE,
    "_meta.requires": _TABLE,
    "_meta.sources": _TABLES,
    "default": (_each(_is_table), "an object of objects"),
    "develop": (_each(_is_table), "an object of objects"),
}
_LOCK: Mapping[str, _Kind] = {"package": _PACKAGES, "metadata": _TABLE}


def read_toml(file: Path) -> dict[str, Any]:
    """A TOML file; TcError with line and column when it is none."""
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise bad_file(file, str(error)) from None


def read_project(file: Path) -> dict[str, Any]:
    """A pyproject.toml whose tables are those of its specification; TcError when not."""
    return _checked(read_toml(file), _PROJECT, file)


def read_uv_toml(file: Path) -> dict[str, Any]:
    """uv.toml, which says what [tool.uv] says."""
    return _checked(read_toml(file), _UV, file)


def read_lock(file: Path) -> dict[str, Any]:
    """uv.lock or poetry.lock."""
    return _checked(read_toml(file), _LOCK, file)


def read_pipfile_lock(file: Path) -> dict[str, Any]:
    """Pipfile.lock; a section that is null is as if it weren't there."""
    try:
        data = json.loads(file.read_bytes())
    except json.JSONDecodeError as error:
        place = f"(at line {error.lineno}, column {error.colno})"
        raise bad_file(file, f"it isn't JSON {place}") from None
    except UnicodeDecodeError:
        raise bad_file(file, "it isn't JSON") from None
    if not isinstance(data, dict):
        raise bad_file(file, "it isn't an object")
    sections = {key: value for key, value in data.items() if value is not None}
    return _checked(sections, _PIPFILE, file)


def bad_file(file: Path, said: str) -> TcError:
    """What is told of a file that its own format forbids; `said` may end with
    ``(at line 3, column 5)``."""
    text, _, place = said.partition(" (at ")
    numbers = "".join(f":{part}" for part in re.split(r"[^0-9]+", place) if part)
    return TcError(
        f"this file can't be read: {text[:1].lower()}{text[1:]}",
        code="bad-file",
        where=f"{shown(file)}{numbers}",
        hint="mend the file",
    )


def _checked(said: dict[str, Any], shapes: Mapping[str, _Kind], file: Path) -> dict[str, Any]:
    for path, (fits, words) in shapes.items():
        *above, key = path.split(".")
        table: Any = said
        for part in above:
            table = table.get(part, {})
        if key in table and not fits(table[key]):
            raise bad_file(file, f"`{path}` must be {words}{_place(file, key)}")
    return said


def stale_lock(lock: Path, file: str, names: Iterable[str], command: str) -> TcError:
    """What is told when `lock` was made for other `names` than `file` has by now."""
    listed = few(sorted(set(names)))
    other = f"other versions of {listed}" if listed else "another one"
    place = shown(lock.parent)
    return TcError(
        f"{shown(lock)} is older than {file}: it was made for {other}",
        code="stale-lock",
        where=shown(lock),
        hint=command if place == "." else f"cd {shlex.quote(place)} && {command}",
    )


def line_with(file: Path, text: str) -> str:
    """``:7``, the first line of `file` that has `text`; empty when none has."""
    lines = file.read_text("utf-8-sig").splitlines()
    found = next((number for number, line in enumerate(lines, 1) if text in line), 0)
    return f":{found}" if found else ""


def _place(file: Path, key: str) -> str:
    """Where `key` stands first in the file, as `bad_file` takes it."""
    written = re.compile(rf"\s*(?:\[+[^\]]*\b|[\"']?){re.escape(key)}[\"']?\s*[\]=:.]")
    lines = file.read_text("utf-8-sig").splitlines()
    found = next((number for number, line in enumerate(lines, 1) if written.match(line)), 0)
    return f" (at line {found})" if found else ""
