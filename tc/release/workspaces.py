"""Workspaces of uv, npm, yarn, pnpm, Go and Cargo: packages of one repository that name each other
without a path, with one lock file for all.

Sources: "Using workspaces", uv documentation; "workspaces", npm documentation; "Go Modules
Reference", go.work; "Workspaces", The Cargo Book.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

#: never looked into: what tools put there, not people
SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "target"})
#: bytes of a file in which names and paths are looked for
_READ = 1024 * 1024
#: what says that the packages below are one workspace, and the lock files beside it
_TOPS = {
    "pyproject.toml": (re.compile(r"^\[tool\.uv\.workspace\]", re.MULTILINE), ("uv.lock",)),
    "package.json": (
        re.compile(r'"workspaces"\s*:'),
        ("package-lock.json", "yarn.lock", "npm-shrinkwrap.json"),
    ),
    "pnpm-workspace.yaml": (re.compile(r"^packages\s*:", re.MULTILINE), ("pnpm-lock.yaml",)),
    "go.work": (re.compile(r"^use\b", re.MULTILINE), ("go.work.sum",)),
    "Cargo.toml": (re.compile(r"^\[workspace[\].]", re.MULTILINE), ("Cargo.lock",)),
}
#: how a manifest says its package's name
_NAMES = {
    "pyproject.toml": re.compile(r"""^name\s*=\s*["']([^"']+)""", re.MULTILINE),
    "Cargo.toml": re.compile(r"""^name\s*=\s*["']([^"']+)""", re.MULTILINE),
    "package.json": re.compile(r'"name"\s*:\s*"([^"]+)"'),
    "go.mod": re.compile(r"^module\s+(\S+)", re.MULTILINE),
}


class Workspaces:
    """The workspaces of the repository at `root`; each is looked through once."""

    def __init__(self, root: Path):
        self.root = root
        self._members: dict[Path, dict[tuple[str, str], Path]] = {}

    def around(self, directory: Path) -> Iterator[Path]:
        """What a package in `directory` has of the workspaces above it: their manifests, their
        lock files, and the directories of the members that it names."""
        tops = list(self._tops(directory))
        for top, files in tops:
            yield from (top / name for name in files if (top / name).is_file())
        if tops:
            yield from self._named(directory, [top for top, _ in tops])

    def _tops(self, directory: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
        for above in directory.parents:
            if not above.is_relative_to(self.root):
                return
            for name, (says, locks) in _TOPS.items():
                if says.search(text_of(above / name)):
                    yield above, (name, *locks)

    def _named(self, directory: Path, tops: list[Path]) -> Iterator[Path]:
        for name in _NAMES:
            said = _plain(text_of(directory / name))
            for top in tops if said else ():
                for (manifest, member), place in self._below(top).items():
                    used = rf"(?<![\w-]){re.escape(member)}(?![\w-])"
                    if manifest == name and place != directory and re.search(used, said):
                        yield place

    def _below(self, top: Path) -> dict[tuple[str, str], Path]:
        """The directories of the packages below `top`, by their manifest and their name."""
        if top not in self._members:
            found = {}
            for here, directories, files in os.walk(top):
                directories[:] = [
                    one for one in directories if one not in SKIPPED and one[0] != "."
                ]
                for name in _NAMES.keys() & set(files):
                    said = _NAMES[name].search(text_of(Path(here) / name))
                    if said:
                        found[name, _plain(said.group(1))] = Path(here)
            self._members[top] = found
        return self._members[top]


def _plain(name: str) -> str:
    """As names are compared by Python ("Names and normalization", packaging.python.org)."""
    return re.sub(r"[_.]", "-", name).lower()


def text_of(file: Path) -> str:
    """The text of a file, empty where there is none."""
    try:
        with file.open("rb") as stream:
            return stream.read(_READ).decode("utf-8", "replace")
    except OSError:
        return ""
