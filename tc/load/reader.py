"""Reading one file whole: its text, its macros, and nothing outside the project."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tc.load.json_text import parse_json
from tc.load.templates import check_templates
from tc.load.text import MAX_DEPTH, Position, is_dir, is_file, position, read_text
from tc.load.yaml_text import MISSING, Stop, parse_yaml
from tc.spec.finding import Address, Finding

if TYPE_CHECKING:
    from tc.load.remote import Checkout, RemoteError

#: files that macros may read in one run, and their size in all
MAX_INCLUDES = 1000
MAX_INCLUDED = 20 * 1024 * 1024


class Reader:
    """Reads the files of one project and collects what is wrong with them.

    `root` is the directory that no macro, path or link may lead out of.
    `incomplete` are the files in which a macro found nothing: its key is left out.
    `files` are those that were read.
    `checkouts` are the git repositories of this run by URL and ref, or why there is none.
    """

    def __init__(self, root: Path):
        self.root = root
        self.findings: list[Finding] = []
        self._open: list[Path] = []
        self.incomplete: set[Path] = set()
        self.files: set[Path] = set()
        self.checkouts: dict[tuple[str, str], Checkout | RemoteError] = {}
        self._macros = 0
        self._macro_text = 0

    def of(self, root: Path) -> Reader:
        """A reader of another project, whose problems are told with those of this one."""
        other = Reader(root.resolve())
        other.findings, other.incomplete = self.findings, self.incomplete
        other.files = self.files
        return other

    def read(self, file: Path, *, in_vars: bool = False) -> Any:
        """The plain data of `file`, or `MISSING` when it can't be had."""
        self.files.add(file)
        text = read_text(file, self.findings)
        if text is None:
            return MISSING
        macros = self._macros
        self._open.append(file.resolve())
        try:
            if file.suffix == ".json":
                data = parse_json(text, file, self.findings)
            else:
                data = parse_yaml(text, file, _Macros(self, file).run, self.findings)
        except Stop as stop:
            self.findings.append(_finding(stop, text, file))
            return MISSING
        finally:
            self._open.pop()
        if macros != self._macros and _depth(data) > MAX_DEPTH:
            message = f"is nested deeper than {MAX_DEPTH} levels with its includes"
            self.findings.append(Finding("too-deep", message, Address(file)))
            return MISSING
        if "{{" in text or macros != self._macros:
            self.findings += check_templates(data, Address(file), in_vars=in_vars)
        return data

    def read_mapping(
        self, file: Path, what: str, *, in_vars: bool = False
    ) -> dict[str, Any] | None:
        """`file`'s data when it is a mapping; `what` names the file's kind (`a topology`)."""
        data = self.read(file, in_vars=in_vars)
        if data is MISSING:
            return None
        if isinstance(data, dict):
            return data
        if data is None:
            self.findings.append(Finding("empty", "is empty", Address(file)))
            return None
        message = f"{what} is a mapping (`key: value`), not {kind_of(data)}"
        self.findings.append(Finding("wrong-type", message, Address(file)))
        return None

    def inside(self, path: Path) -> bool:
        """Whether `path`, links followed, is in the project."""
        try:
            return path.resolve().is_relative_to(self.root)
        except (OSError, RuntimeError, ValueError):
            return False

    def directory(self, base: Path, name: str, address: Address) -> Path | None:
        """The directory `name`, seen from `base`; a finding when it can't be used."""
        path = Path(os.path.normpath(base / name))
        if "\0" in name or not self.inside(path):
            hint = f"the project is {self.root}"
            finding = Finding("outside-project", f"`{name}` is outside the project", address, hint)
        elif not is_dir(path):
            finding = Finding("missing-file", f"there is no directory `{name}`", address)
        else:
            return path
        self.findings.append(finding)
        return None

    def is_open(self, file: Path) -> bool:
        return file.resolve() in self._open

    def may_include(self, file: Path) -> bool:
        """Counts `file`; False when macros read more than a person would write."""
        self._macros += 1
        self._macro_text += file.stat().st_size
        return self._macros <= MAX_INCLUDES and self._macro_text <= MAX_INCLUDED


class _Macros:
    """`!include` and `!read`, relative to the file they stand in."""

    def __init__(self, reader: Reader, file: Path):
        self.reader = reader
        self.file = file

    def run(self, tag: str, argument: Any, place: Position) -> Any:
        """The value that stands for the macro; `MISSING`, and a finding, when there is none."""
        value = self._value(tag, argument, place)
        if value is MISSING:
            self.reader.incomplete.add(self.file)
        return value

    def _value(self, tag: str, argument: Any, place: Position) -> Any:
        if tag == "!include" and isinstance(argument, str) and argument.strip():
            return self._include(argument.strip(), place)
        if tag in ("!read", "!mutations"):
            names = argument.split() if isinstance(argument, str) else argument
            if isinstance(names, list) and names and all(isinstance(n, str) for n in names):
                merge = tag == "!mutations"
                return self._merged(names, place) if merge else self._read(names, place)
        self._refuse(*_bad_macro(tag), place)
        return MISSING

    def _include(self, name: str, place: Position) -> Any:
        file = self._file(name, place)
        if file is None:
            return MISSING
        if self.reader.is_open(file):
            self._refuse("cycle", f"`{name}` includes itself", "", place)
            return MISSING
        return self.reader.read(file)

    def _merged(self, names: list[str], place: Position) -> Any:
        """The fragments in `names` as one: mappings in them are merged, names stay unique."""
        whole: dict[str, Any] = {}
        for name in names:
            part = self._include(name, place)
            if part is MISSING:
                return MISSING
            if not isinstance(part, dict):
                text = f"`{name}` must be a mapping, not {kind_of(part)}"
                self._refuse("wrong-type", text, "", place)
                return MISSING
            for key, value in part.items():
                known = whole.setdefault(key, {} if isinstance(value, dict) else value)
                if isinstance(value, dict) and isinstance(known, dict):
                    for twice in known.keys() & value.keys():
                        text = f"there are two `{key}.{twice}`; the second is in `{name}`"
                        self._refuse("duplicate-name", text, "take one out", place)
                    known.update(value)
                elif known != value:
                    text = f"`{key}` is said twice; the second is in `{name}`"
                    self._refuse("duplicate-key", text, "keep one", place)
        return whole

    def _read(self, names: list[str], place: Position) -> Any:
        texts = []
        for name in names:
            file = self._file(name, place)
            text = read_text(file, self.reader.findings) if file else None
            if text is None:
                return MISSING
            texts.append(text)
        return "".join(texts)

    def _file(self, name: str, place: Position) -> Path | None:
        if "\0" in name:
            self._refuse("missing-file", "a file's name can't hold a NUL", "", place)
            return None
        file = self.file.parent / name
        if not self.reader.inside(file):
            self._refuse(
                "outside-project",
                f"`{name}` is outside the project",
                f"the project is {self.reader.root}",
                place,
            )
            return None
        if not is_file(file):
            self._refuse("missing-file", f"there is no file `{name}`", "", place)
            return None
        if not self.reader.may_include(file):
            message = f"macros read more than {MAX_INCLUDES:,} files or {MAX_INCLUDED >> 20} MiB"
            self._refuse("too-large", message, "", place)
            return None
        self.reader.files.add(file)
        return file

    def _refuse(self, code: str, message: str, hint: str, place: Position) -> None:
        finding = Finding(code, message, Address(self.file), hint, position=place)
        self.reader.findings.append(finding)


_MACROS = "the macros are `!include`, `!read` and `!mutations`"


def _bad_macro(tag: str) -> tuple[str, str, str]:
    if tag in ("!include", "!read", "!mutations"):
        return "wrong-type", f"`{tag}` takes the name of a file", f"{tag} file.yml"
    shown = tag.replace("tag:yaml.org,2002:", "!!")
    return "unknown-tag", f"`{shown}` is no macro", _MACROS


def _finding(stop: Stop, text: str, file: Path) -> Finding:
    finding = Finding(stop.code, str(stop), Address(file), stop.hint)
    if stop.offset < 0:
        return finding
    return replace(finding, position=position(text, stop.offset))


def _depth(data: Any) -> int:
    """Levels of `data`, as far as is needed to know that there are too many."""
    level, depth = [data], 0
    seen: set[int] = set()
    while level and depth <= MAX_DEPTH + 1:
        depth += 1
        children: list[Any] = []
        for value in level:
            if isinstance(value, dict | list) and id(value) not in seen:
                seen.add(id(value))
                children += value.values() if isinstance(value, dict) else value
        level = children
    return depth - 1


def kind_of(value: Any) -> str:
    """What `value` is, in a user's words."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a mapping"
