"""Dependencies that are files of the project: where they may be, what they are called, what
they need of the project themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from tc.build.deps.python.shapes import read_project
from tc.build.entry import Entry, identity
from tc.build.files import project_of, sources
from tc.build.words import shown
from tc.errors import TcError
from tc.records import dataclass
from tc.spec.function import Function

#: what builds leave in a project's directory
_BUILT = ("/build/", "/dist/", "*.egg-info/", "node_modules/")
_SETUP_NAME = re.compile(r"""\bname\s*=\s*["']([A-Za-z0-9][\w.-]*)["']""")
_ARCHIVE = re.compile(r"(?P<name>.+?)-\d[^/]*\.(whl|tar\.gz|zip)\Z")


@dataclass(frozen=True, slots=True)
class Local:
    """A directory, wheel or archive of the project that is installed; `path` is real. With
    `built` false it isn't installed: others need it to be built (a workspace's root)."""

    name: str
    path: Path
    built: bool = True

    @property
    def is_wheel(self) -> bool:
        return self.path.suffix == ".whl"

    def entries(self) -> list[Entry]:
        """Its files, of a workspace's root only what says so."""
        if self.path.is_file():
            return [_file(self.path)]
        if not self.built:
            return [_file(self.path / "pyproject.toml")]
        return sources(self.path, _BUILT)

    def digest(self) -> str:
        return identity(self.entries())


class Places:
    """Where a function's local dependencies may be."""

    def __init__(self, function: Function):
        self._function = function
        self.dir = function.dir.resolve()

    @cached_property
    def top(self) -> Path:
        """The project, beyond which nothing is built in."""
        return Path(project_of(self.dir))

    def local(self, text: str, base: Path, file: Path, name: str = "") -> Local:
        """The dependency at the path `text` from `base`, which stands in `file`."""
        path = (base / text.removeprefix("file://")).resolve()
        if not path.exists():
            raise TcError(
                f"the dependency {text} leads nowhere: {shown(path)} doesn't exist",
                code="local-dependency",
                where=shown(file),
                hint="mend the path",
            )
        self._check(text, path, file)
        return Local(canonical(name or name_of(path)), path)

    def _check(self, text: str, path: Path, file: Path) -> None:
        name = self._function.name
        if not path.is_relative_to(self.top):
            raise TcError(
                f"the dependency {text} of `{name}` is outside of the project {self.top}",
                code="local-dependency",
                where=shown(file),
                hint="move it into the project, or publish it to a package index",
            )
        if not self._function.build.shared_context and not path.is_relative_to(self.dir):
            raise TcError(
                f"the dependency {text} of `{name}` is outside of its directory, and "
                "`build.shared_context` is false",
                code="local-dependency",
                where=shown(file),
                hint=f"move it into {shown(self.dir)}, or set `build.shared_context: true`",
            )


def canonical(name: str) -> str:
    """A package's name in its one spelling (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(path: Path) -> str:
    """What the package at `path` is called, as its own files say."""
    if path.is_file():
        match = _ARCHIVE.match(path.name)
        return match["name"] if match else path.name
    said = project_file(path)
    name = said.get("project", {}).get("name") or said.get("tool", {}).get("poetry", {}).get("name")
    return str(name or _setup_name(path) or path.name)


def project_file(path: Path) -> dict[str, Any]:
    """pyproject.toml of the directory `path`, empty when there is none."""
    file = path / "pyproject.toml"
    return read_project(file) if file.is_file() else {}


def _setup_name(path: Path) -> str:
    import configparser

    parser = configparser.RawConfigParser()
    if (path / "setup.cfg").is_file():
        parser.read(path / "setup.cfg", encoding="utf-8")
        if parser.has_option("metadata", "name"):
            return parser.get("metadata", "name")
    if (path / "setup.py").is_file():
        match = _SETUP_NAME.search((path / "setup.py").read_text("utf-8", "replace"))
        return match[1] if match else ""
    return ""


def closure(found: Iterable[Local], places: Places) -> tuple[Local, ...]:
    """`found` and what they need of the project themselves, each once, sorted by name."""
    known: dict[Path, Local] = {}
    todo = list(found)
    while todo:
        local = todo.pop()
        if local.path in known and known[local.path].built >= local.built:
            continue
        known[local.path] = local
        if local.path.is_dir() and local.built:
            todo += _needed_by(local, places)
    return tuple(sorted(known.values(), key=lambda one: (one.name, str(one.path))))


def _needed_by(local: Local, places: Places) -> Iterator[Local]:
    from tc.build.deps.python.sources import members, workspace_root

    said = project_file(local.path)
    file = local.path / "pyproject.toml"
    tool = said.get("tool", {})
    root = workspace_root(local.path, places.top, said)
    if root != local.path:
        yield Local("", root, built=False)
    named = members(root)
    for name, source in tool.get("uv", {}).get("sources", {}).items():
        for item in source if isinstance(source, list) else [source]:
            if "path" in item:
                yield places.local(item["path"], local.path, file, name)
            elif item.get("workspace") and canonical(name) in named:
                yield places.local(str(named[canonical(name)]), root, file, name)
    for name, entry in tool.get("poetry", {}).get("dependencies", {}).items():
        if isinstance(entry, dict) and "path" in entry:
            yield places.local(entry["path"], local.path, file, name)


def _file(path: Path) -> Entry:
    status = path.stat()
    return Entry(path.name, bool(status.st_mode & 0o111), status.st_size, path.read_bytes)
