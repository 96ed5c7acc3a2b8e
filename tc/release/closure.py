"""What belongs to a topology in its repository: a change of that, and of nothing else, is a change
of the topology.

That is its directory with the nested topologies; the directories of its functions and libraries,
wherever they are; its overlays; every file that loading read (`!include`, flows, handlers);
`file:` values; and what any of these names by a path that starts with ``../``: a page's
directory, a script, a package that a pyproject.toml, package.json, Gemfile, go.mod or Cargo.toml
takes from beside it, and what that takes in turn. What `.tcignore` leaves out doesn't belong, nor
do other topologies below the directory. config.yml is the account's, not the topology's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from tc.errors import TcError
from tc.records import dataclass
from tc.release.workspaces import SKIPPED, Workspaces, text_of
from tc.spec.fetched import reference
from tc.spec.function import Function
from tc.spec.ignore import matcher
from tc.spec.spec import Spec

TOPOLOGY_FILES = frozenset({"topology.yml", "topology.yaml", "topology.json"})
_IGNORE = ".tcignore"
#: files of a directory that say what it takes from elsewhere
_MANIFESTS = frozenset(
    {
        "function.json",
        "function.yml",
        "function.yaml",
        "pyproject.toml",
        "requirements.txt",
        "Pipfile",
        "package.json",
        "Gemfile",
        "go.mod",
        "Cargo.toml",
        "Dockerfile",
        "tsconfig.json",
    }
)
#: what decides of a function what is built, whether it is in the package or not
_DECIDING = _MANIFESTS | {
    _IGNORE,
    "uv.lock",
    "poetry.lock",
    "Pipfile.lock",
    "Gemfile.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "go.sum",
    "Cargo.lock",
}
#: a path that leads out of where it is written
_UPWARD = re.compile(r"(?<![\w./])(?:\./)?(?:\.\./)+[\w.@+/-]*")
_TEMPLATE = re.compile(r"\{\{.*", re.DOTALL)


@dataclass(frozen=True)
class Closure:
    """Files and directories of a repository, from its root, with slashes; ``.`` is all of it.

    `without` are directories below them that belong to others; `rules` what .tcignore leaves out
    of the directories of topologies and functions: of those that hold a file the deepest decides.
    What was `read` to compose the topology is held whatever they say, as are the files that decide
    what is built: .tcignore keeps them out of packages only. `submodules` are those that some of
    `paths` lie in: the repository knows of these only at which commit they are.
    """

    paths: tuple[str, ...]
    without: tuple[str, ...] = ()
    rules: tuple[tuple[str, tuple[str, ...]], ...] = ()
    read: frozenset[str] = frozenset()
    submodules: tuple[str, ...] = ()

    @property
    def watched(self) -> tuple[str, ...]:
        """Where git is asked for changes."""
        return (*self.paths, *self.submodules)

    def holds(self, path: str) -> bool:
        """Whether the file belongs to it, there or not."""
        if path in self.submodules:
            return True
        mine = [_depth(one) for one in self.paths if _below(path, one)]
        if not mine:
            return False
        # what is named itself is in, though it lies in another's directory
        if any(_below(path, one) and _depth(one) > max(mine) for one in self.without):
            return False
        above = [one for one in self.rules if _below(path, one[0])]
        directory, rules = max(above, key=lambda one: _depth(one[0]), default=("", ()))
        if not rules or path in self.read:
            return True
        name = _from(path, directory)
        return name in _DECIDING or not matcher(rules)(name, False)

    def only(self, paths: Iterable[str]) -> list[str]:
        return [path for path in paths if self.holds(path)]


def closure_of(spec: Spec, root: Path) -> Closure:
    """The closure of `spec` in the repository whose top is `root`.

    Raises TcError ``outside-repository`` when the topology isn't in it.
    """
    return _Search(root.resolve()).of(spec)


def _below(path: str, directory: str) -> bool:
    return directory == "." or path == directory or path.startswith(f"{directory}/")


def _depth(path: str) -> int:
    return 0 if path == "." else path.count("/") + 1


def _from(path: str, directory: str) -> str:
    return path if directory == "." else path[len(directory) + 1 :]


class _Search:
    """`found` are the paths, links followed; `waiting` those that weren't looked into yet."""

    def __init__(self, root: Path):
        self.root = root
        self.found: set[Path] = set()
        self.waiting: list[Path] = []
        self.own: set[Path] = set()
        self.without: set[Path] = set()
        self.rules: dict[Path, tuple[str, ...]] = {}
        self.read_by_loading: set[Path] = set()
        self.workspaces = Workspaces(root)

    def of(self, spec: Spec) -> Closure:
        if not spec.dir.resolve().is_relative_to(self.root):
            raise TcError(
                f"the topology is not in the repository {self.root}",
                code="outside-repository",
                where=str(spec.dir),
                hint="go to the repository that it is in",
            )
        self.own = {part.dir.resolve() for part in spec.family()}
        self.rules = dict(_rules(spec))
        self.read_by_loading = {path.resolve() for path in spec.files}
        for path in _named(spec):
            self.add(path)
        while self.waiting:
            self.look(self.waiting.pop())
        self.others({part.name for part in spec.family()})
        without = {path for path in self.without if path not in self.found}
        return Closure(
            tuple(_shortest(self.shown(path) for path in self.found)),
            tuple(sorted(self.shown(path) for path in without)),
            tuple(sorted((self.shown(path), rules) for path, rules in self._inside())),
            frozenset(self.shown(path) for path in self.found if path in self.read_by_loading),
            tuple(sorted({self.shown(one) for path in self.found for one in self._around(path)})),
        )

    def _inside(self) -> Iterator[tuple[Path, tuple[str, ...]]]:
        for path, rules in self.rules.items():
            if path.is_relative_to(self.root):
                yield path, rules

    def _around(self, path: Path) -> Iterator[Path]:
        """The submodule of the repository that `path` lies in."""
        inside = [one for one in path.parents if one != self.root and self.root in one.parents]
        yield from [one for one in inside if (one / ".git").exists()][-1:]

    def add(self, path: Path) -> None:
        """Takes `path` in, the link itself and what it leads to, where that is in the
        repository."""
        written = Path(os.path.normpath(path))
        real = path.resolve()
        for one in (real, written.parent.resolve() / written.name):
            inside = one.is_relative_to(self.root) and ".git" not in one.parts
            if inside and one not in self.found:
                self.found.add(one)
                self.waiting.append(one)

    def look(self, path: Path) -> None:
        """What `path` leads to: links, and paths that are written in it."""
        if not path.is_dir():
            if path.is_file():
                self.read(path)
            return
        for here, directories, files in os.walk(path):
            directory = Path(here)
            self.leave(directory, directories)
            if TOPOLOGY_FILES.intersection(files) and self.foreign(directory, path):
                self.without.add(directory.resolve())
                directories.clear()
                continue
            self.directory(directory, directories, files)

    def others(self, names: set[str]) -> None:
        """Leaves config.yml and the overlays of other topologies out of one that has the whole
        repository."""
        place = self.root / "infrastructure" / "tc"
        if place.is_dir() and place not in self.found:
            self.without |= {path for path in place.iterdir() if path.name not in names}

    def foreign(self, directory: Path, start: Path) -> bool:
        return directory != start and directory.resolve() not in self.own

    def leave(self, directory: Path, directories: list[str]) -> None:
        """Takes out of `directories` what nobody writes by hand."""
        kept = [
            name
            for name in directories
            if name not in SKIPPED and name != ".git" and name != ".venv"
        ]
        for name in kept:
            if (directory / name).is_symlink():
                self.add(directory / name)
        directories[:] = kept

    def directory(self, directory: Path, directories: list[str], files: list[str]) -> None:
        for path in self.workspaces.around(directory) if _MANIFESTS & set(files) else ():
            self.add(path)
        for name in files:
            file = directory / name
            if name in _MANIFESTS or name in TOPOLOGY_FILES:
                self.read(file)
            if file.is_symlink():
                self.add(file)
        ignored = matcher(self.rules.get(directory.resolve(), ()))
        directories[:] = [name for name in directories if not ignored(name, True)]

    def read(self, file: Path) -> None:
        """Takes in what the paths in `file` lead to that start with ``../``; the directories
        above it are no parts of it."""
        for match in _UPWARD.finditer(text_of(file)):
            path = Path(os.path.normpath(file.parent.resolve() / match.group()))
            if path.exists() and not file.resolve().is_relative_to(path.resolve()):
                self.add(path)

    def shown(self, path: Path) -> str:
        return PurePosixPath(path.relative_to(self.root)).as_posix()


def _rules(spec: Spec) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """What .tcignore leaves out of the directories that have rules of their own; what is
    published as an asset isn't in a package, and belongs to the topology all the same."""
    for part in spec.family():
        for function in (*part.functions.values(), *part.libraries.values()):
            own = _lines(function.dir / _IGNORE)
            ends = function.ignore[len(function.ignore) - len(own) :]
            yield function.dir.resolve(), function.ignore if ends == own else function.ignore[:-1]
    # a function without a directory of its own has that of its topology
    yield from ((part.dir.resolve(), _lines(part.dir / _IGNORE)) for part in spec.family())


def _named(spec: Spec) -> Iterator[Path]:
    """The directories and files that loading knows."""
    for part in spec.family():
        yield part.dir
        if part.infra:
            yield part.infra
        for function in (*part.functions.values(), *part.libraries.values()):
            yield function.dir
            yield from _files(function)
    yield from spec.files


def _files(function: Function) -> Iterator[Path]:
    """The files whose text is a variable of `function`; of a template the directory."""
    said = [entry.get("environment", {}) for entry in function.vars.values()]
    for environment in (function.environment, *said):
        for value in environment.values():
            found = reference(value)
            if found and found.scheme == "file" and found.root:
                name = _TEMPLATE.sub("", found.name)
                path = Path(found.root) / name
                yield path if name == found.name or name.endswith("/") else path.parent


def _shortest(paths: Iterable[str]) -> Iterator[str]:
    """`paths` without those below others."""
    kept: list[str] = []
    for path in sorted(paths, key=lambda one: (one != ".", one.split("/"))):
        if not (kept and _below(path, kept[-1])):
            kept.append(path)
    yield from kept


def _lines(file: Path) -> tuple[str, ...]:
    return tuple(
        line for line in text_of(file).splitlines() if line.strip() and not line.startswith("#")
    )
