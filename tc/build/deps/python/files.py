"""What a Python function says it depends on: which file counts, and what of it.

::

    uv.lock (beside pyproject.toml, or of the workspace above)   kind `uv`
    poetry.lock                                                  kind `poetry`
    Pipfile.lock                                                 kind `pipenv`
    pyproject.toml: PEP 621, else poetry's own tables            kind `open`
    requirements.txt                                             kind `open`

The first that is there and not empty, or that of `build.package_manager`. Files are read,
nothing is started, and only a Pipfile.lock is parsed of the locks: how long it takes
doesn't grow with a lock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from tc.build.deps.python.local import Local, Places, closure, project_file
from tc.build.deps.python.poetry import poetry_groups, poetry_lines, poetry_sources
from tc.build.deps.python.requirements import OFFERS, Lines, requirements_file
from tc.build.deps.python.shapes import read_pipfile_lock, read_toml, read_uv_toml
from tc.build.deps.python.sources import apply_sources, named_indexes, workspace_root
from tc.build.words import shown
from tc.errors import TcError
from tc.records import dataclass
from tc.spec.function import Function

Kind = Literal["uv", "poetry", "pipenv", "open"]
#: what of [tool.uv] says how packages are reached and chosen ("Settings", uv reference)
_SETTINGS = (
    *("index", "index-url", "extra-index-url", "find-links", "no-index", "index-strategy"),
    *("keyring-provider", "allow-insecure-host", "prerelease", "resolution", "exclude-newer"),
    *("exclude-newer-package", "constraint-dependencies", "override-dependencies"),
    *("no-build-isolation", "no-build-isolation-package", "config-settings"),
    *("dependency-metadata", "extra-build-dependencies"),
)
#: what of a Pipfile is no category of packages, or has another name in the lock
_PIPFILE_OWN = frozenset(
    {
        "source",
        "packages",
        "dev-packages",
        "requires",
        "scripts",
        "pipfile",
        "pipenv",
        "default",
        "develop",
    }
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be installed, as the user's files say it.

    `file` is the one that decides. `lines` are what the user asks for (PEP 508, and the options
    of a requirements file), local dependencies as ``name @ file:///…``; of a Pipfile.lock only
    names. `constraints` are of a requirements file. `root` is the directory of the lock,
    `member` the package of a uv workspace. `settings` are of [tool.uv]; `pinned_to` says which
    package comes from which named index. `python` is what the project says of the interpreter.
    `dev`: dependencies for development too. `made_of` is the hash of what a Pipfile.lock should
    be made of, and empty where there is no telling.
    """

    kind: Kind
    file: Path
    root: Path
    lines: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    locals: tuple[Local, ...] = ()
    from_source: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    pinned_to: Mapping[str, Any] = field(default_factory=dict)
    python: str = ""
    member: str = ""
    dev: bool = False
    made_of: str = ""

    @property
    def offered(self) -> list[Path]:
        """Directories of this machine whose wheels and archives count, as an index's do."""
        said = [line.removeprefix(OFFERS) for line in self.lines if line.startswith(OFFERS)]
        said += self.settings.get("find-links", [])
        return [Path(one) for one in said if "://" not in one]


def wanted(function: Function) -> Wanted | None:
    """What `function` depends on; None when nothing. Raises TcError for a file that can't be
    read, and for local dependencies that tc may not build in."""
    folder = _Folder(function)
    manager = function.build.package_manager
    readers = _readers(folder, manager or "")
    try:
        return next((found for reader in readers if (found := reader())), None)
    except OSError as error:
        raise TcError(
            f"this file can't be read: {(error.strerror or str(error)).lower()}",
            code="bad-file",
            where=shown(error.filename or function.dir),
        ) from None


def _readers(folder: _Folder, manager: str) -> list[Callable[[], Wanted | None]]:
    """Who looks for what, in order."""
    if not manager:
        return [folder.uv, folder.poetry, folder.pipenv, folder.project, folder.requirements]
    known: dict[str, list[Callable[[], Wanted | None]]] = {
        "uv": [folder.uv, folder.project],
        "poetry": [folder.poetry, folder.project],
        "pipenv": [folder.pipenv],
        "pip": [folder.requirements, folder.project],
    }
    if manager not in known:
        raise TcError(
            f"`build.package_manager` of `{folder.function.name}` is {manager}, which isn't for "
            "Python",
            code="bad-manager",
            where=shown(folder.dir),
            hint="say uv, poetry, pipenv or pip, or leave it out",
        )
    files = {"uv": "pyproject.toml", "poetry": "pyproject.toml", "pipenv": "Pipfile"}
    if not any((folder.dir / name).is_file() for name in _files_of(manager)):
        raise TcError(
            f"`build.package_manager` of `{folder.function.name}` is {manager}, and there is no "
            f"{files.get(manager, 'requirements.txt')}",
            code="bad-manager",
            where=shown(folder.dir),
            hint="write that file, or leave `build.package_manager` out",
        )
    return known[manager]


def _files_of(manager: str) -> tuple[str, ...]:
    if manager == "pipenv":
        return ("Pipfile", "Pipfile.lock")
    return ("pyproject.toml", *(["requirements.txt"] if manager == "pip" else []))


class _Folder:
    """A function's directory, whose files are read at most once."""

    def __init__(self, function: Function):
        self.function = function
        self.dir = function.dir.absolute()
        self.dev = not function.build.skip_dev_deps
        self.places = Places(function)
        self._pyproject: dict[str, Any] | None = None

    @property
    def pyproject(self) -> dict[str, Any]:
        """The whole file, empty when there is none."""
        if self._pyproject is None:
            self._pyproject = project_file(self.dir)
        return self._pyproject

    def table(self, *keys: str) -> dict[str, Any]:
        """A table of pyproject.toml, empty when it isn't there."""
        value: Any = self.pyproject
        for key in keys:
            value = value.get(key, {}) if isinstance(value, dict) else {}
        return value if isinstance(value, dict) else {}

    # the readers: None where the file isn't there or says nothing

    def uv(self) -> Wanted | None:
        if not (self.dir / "pyproject.toml").is_file():
            return None
        root = workspace_root(self.dir, self.places.top, self.pyproject)
        lock = root / "uv.lock"
        lines = self._declared()
        if not lock.is_file() or lines is None or not lines.lines:
            return None
        return Wanted(
            "uv",
            lock,
            root,
            locals=closure(lines.locals, self.places),
            lines=tuple(lines.lines),
            settings=self._settings(root, frozen=True),
            python=str(self.table("project").get("requires-python", "")),
            member=str(self.table("project").get("name", "")) if root != self.dir else "",
            dev=self.dev,
        )

    def poetry(self) -> Wanted | None:
        lock = self.dir / "poetry.lock"
        if not lock.is_file():
            return None
        lines = self._declared()
        if lines is None or not lines.lines:
            return None
        python = self.table("tool", "poetry", "dependencies").get("python")
        return Wanted(
            "poetry",
            lock,
            self.dir,
            lines=tuple(lines.lines),
            locals=closure(lines.locals, self.places),
            settings={"index": poetry_sources(self.pyproject)},
            python=str(self.table("project").get("requires-python") or python or ""),
            dev=self.dev,
        )

    def pipenv(self) -> Wanted | None:
        lock = self.dir / "Pipfile.lock"
        if not lock.is_file():
            self._refuse_unlocked()
            return None
        data = read_pipfile_lock(lock)
        sections = ["default", *(["develop"] if self.dev else [])]
        entries = {n: e for s in sections for n, e in (data.get(s) or {}).items()}
        if not entries:
            return None
        found = []
        for name, entry in entries.items():
            if (path := entry.get("path") or entry.get("file")) and "://" not in path:
                found.append(self.places.local(path, self.dir, lock, name))
        meta = data.get("_meta") or {}
        return Wanted(
            "pipenv",
            lock,
            self.dir,
            locals=closure(found, self.places),
            lines=tuple(sorted(entries)),
            settings={"index": named_indexes(meta.get("sources") or [])},
            python=_pipenv_python(meta.get("requires") or {}),
            dev=self.dev,
            made_of=_pipfile_hash(self.dir / "Pipfile", meta.get("sources") or []),
        )

    def project(self) -> Wanted | None:
        file = self.dir / "pyproject.toml"
        if not file.is_file():
            return None
        lines = self._declared()
        if lines is None or not lines.lines:
            return None
        settings = self._settings(workspace_root(self.dir, self.places.top, self.pyproject))
        if extra := poetry_sources(self.pyproject):
            settings = {"index": extra, **settings}
        return self._open(file, lines, settings)

    def requirements(self) -> Wanted | None:
        file = self.dir / "requirements.txt"
        if not file.is_file():
            return None
        lines = requirements_file(file, self.places, self._declared)
        if not lines.asks:
            return None
        return self._open(file, lines, {})

    def _open(self, file: Path, lines: Lines, settings: Mapping[str, Any]) -> Wanted:
        return Wanted(
            "open",
            file,
            self.dir,
            lines=tuple(lines.lines),
            constraints=tuple(lines.constraints),
            locals=closure(lines.locals, self.places),
            from_source=tuple(lines.from_source),
            settings=settings,
            pinned_to=dict(lines.pinned_to),
            python=str(self.table("project").get("requires-python", "")),
            dev=self.dev,
        )

    def _declared(self) -> Lines | None:
        """What pyproject.toml asks for; None when it says nothing of dependencies."""
        project = self.table("project")
        poetry = self.table("tool", "poetry")
        if "dependencies" in (project.get("dynamic") or []) and "dependencies" not in poetry:
            return self._dynamic()
        if "dependencies" not in project and "dependencies" not in poetry:
            return self._grown(Lines(), []) if self.dev else None
        asked = list(project.get("dependencies") or [])
        lines = Lines()
        if "dependencies" in poetry:
            poetry_lines(poetry["dependencies"], lines, self.places, self.dir)
        return self._grown(lines, asked)

    def _grown(self, lines: Lines, asked: list[str]) -> Lines:
        """`lines` with what is `asked` for in PEP 508's words, and with development's."""
        if self.dev:
            asked = [
                *asked,
                *self._group("dev", ()),
                *self.table("tool", "uv").get("dev-dependencies", []),
            ]
            for group in poetry_groups(self.table("tool", "poetry")):
                poetry_lines(group, lines, self.places, self.dir)
        root = workspace_root(self.dir, self.places.top, self.pyproject)
        apply_sources(asked, self.pyproject, self.dir, root, lines, self.places)
        return lines

    def _group(self, name: str, above: tuple[str, ...]) -> list[str]:
        """A group of [dependency-groups] (PEP 735), with those it includes."""
        found: list[str] = []
        for item in self.table("dependency-groups").get(name) or []:
            included = item.get("include-group") if isinstance(item, dict) else None
            if included and included not in above:
                found += self._group(included, (*above, name))
            elif isinstance(item, str):
                found.append(item)
        return found

    def _dynamic(self) -> Lines | None:
        """Dependencies that setuptools reads from files; None when requirements.txt says them."""
        said = self.table("tool", "setuptools", "dynamic").get("dependencies") or {}
        files = said.get("file", []) if isinstance(said, dict) else []
        lines = Lines()
        for name in [files] if isinstance(files, str) else files:
            lines.add(requirements_file(self.dir / name, self.places, Lines))
        if not files and not (self.dir / "requirements.txt").is_file():
            raise TcError(
                "its dependencies are dynamic: only a build of the project could tell them",
                code="bad-file",
                where=shown(self.dir / "pyproject.toml"),
                hint="list them under `project.dependencies`, or lock them: uv lock",
            )
        return self._grown(lines, []) if files else None

    def _refuse_unlocked(self) -> None:
        file = self.dir / "Pipfile"
        said = read_toml(file) if file.is_file() else {}
        if said.get("packages") or (self.dev and said.get("dev-packages")):
            raise TcError(
                "this Pipfile has no Pipfile.lock beside it",
                code="bad-file",
                where=shown(file),
                hint="pipenv lock",
            )

    def _settings(self, root: Path, *, frozen: bool = False) -> dict[str, Any]:
        """[tool.uv] of the project or its workspace, uv.toml over it."""
        said = self.pyproject if root == self.dir else project_file(root)
        settings = dict(said.get("tool", {}).get("uv", {}))
        if (root / "uv.toml").is_file():
            settings |= read_uv_toml(root / "uv.toml")
        kept = {key: settings[key] for key in _SETTINGS if key in settings}
        if frozen:
            # a lock has pins and hashes: any index may have them
            kept = {k: v for k, v in kept.items() if not k.endswith("-dependencies")}
            kept |= {"index-strategy": "unsafe-best-match"} if "index" in kept else {}
        return _absolute(kept, root, explicit=not frozen)


def _pipfile_hash(file: Path, sources: list[dict[str, Any]]) -> str:
    """What ``_meta.hash.sha256`` of a lock of `file` is ("Pipfile.lock", pipenv's documentation);
    `sources` are those of the lock, which has pipenv's own where the file names none."""
    if not file.is_file():
        return ""
    said = read_toml(file)
    decides = {
        "_meta": {"sources": said.get("source") or sources, "requires": said.get("requires") or {}},
        "default": said.get("packages") or {},
        "develop": said.get("dev-packages") or {},
    }
    rest = said.keys() - _PIPFILE_OWN
    text = json.dumps(
        decides | {key: said[key] for key in rest},
        sort_keys=True,
        separators=(",", ":"),
        default=str,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _absolute(settings: dict[str, Any], root: Path, *, explicit: bool) -> dict[str, Any]:
    """`settings` that mean the same in any directory."""
    found = dict(settings)
    if "find-links" in found:
        found["find-links"] = [_place(link, root) for link in found["find-links"]]
    if "index" in found:
        indexes = []
        for index in found["index"]:
            kept = {**index, "url": _place(index.get("url", ""), root)}
            indexes.append(kept if explicit else {k: v for k, v in kept.items() if k != "explicit"})
        found["index"] = indexes
    return found


def _place(text: str, root: Path) -> str:
    return text if "://" in text else str((root / text).resolve())


def _pipenv_python(requires: Mapping[str, str]) -> str:
    version = requires.get("python_full_version") or requires.get("python_version") or ""
    return f"=={version}.*" if version.count(".") == 1 else ""
