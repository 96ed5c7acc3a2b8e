"""Which of a function's files count, and how links are read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tc.build.entry import Entry
from tc.build.words import shown
from tc.errors import TcError
from tc.spec.ignore import Ignored, matcher

#: never a source: what tools make and keep; `!` in .tcignore takes one back, as below
MADE = (
    ".git",
    ".hg",
    ".svn",
    "__pycache__/",
    "*.pyc",
    ".venv/",
    "venv/",
    ".tox/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".DS_Store",
    ".#*",
    "*.zip",
)
#: no code: what describes the function and its dependencies, and what is secret
_NO_CODE = (
    ".git*",
    ".tcignore",
    "/function.json",
    "/function.yml",
    "/function.yaml",
    "/pyproject.toml",
    "/requirements*.txt",
    "/uv.lock",
    "/poetry.lock",
    "/Pipfile",
    "/Pipfile.lock",
    "/Gemfile",
    "/Gemfile.lock",
    "/package-lock.json",
    "/npm-shrinkwrap.json",
    "/yarn.lock",
    "/pnpm-lock.yaml",
)
#: never in a package or a container
SECRET = (
    ".env",
    ".env.*",
    ".aws",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".ssh",
    ".docker",
    "id_rsa",
    "id_ecdsa",
    "id_ed25519",
    "*.pem",
    # the certificate authorities that HTTP libraries bring along
    "!cacert.pem",
    "/credentials",
    # a module may be called so
    "!/credentials/",
    "/credentials.json",
    "/credentials.csv",
)


def sources(directory: Path, ignore: Sequence[str]) -> list[Entry]:
    """What is copied to staging, sorted by name; links that stay in `directory` stay links."""
    return _collect(directory, matcher((*MADE, *ignore)), keep_links=True)


def code(directory: Path, ignore: Sequence[str]) -> list[Entry]:
    """What a package without a build command holds, sorted by name; links are followed."""
    return _collect(directory, matcher((*MADE, *_NO_CODE, *SECRET, *ignore)), keep_links=False)


def _collect(directory: Path, ignored: Ignored, *, keep_links: bool) -> list[Entry]:
    walk = _Walk(os.path.realpath(directory), ignored, keep_links)
    return sorted(walk.entries(), key=lambda entry: entry.name)


class _Walk:
    """One walk over a directory; `root` is its real path."""

    def __init__(self, root: str, ignored: Ignored, keep_links: bool):
        self._root = root
        self._ignored = ignored
        self._keep_links = keep_links
        self._project = ""

    def entries(self) -> Iterator[Entry]:
        # (path, name in the package with a slash at its end, real paths from the top down to it)
        todo: list[tuple[str, str, tuple[str, ...]]] = [(self._root, "", (self._root,))]
        while todo:
            path, prefix, trail = todo.pop()
            with os.scandir(path) as found:
                for item in found:
                    name = prefix + item.name
                    is_dir = item.is_dir()
                    if self._ignored(name, is_dir):
                        continue
                    real = f"{trail[-1]}/{item.name}"
                    if item.is_symlink():
                        real = self._follow(item.path, trail)
                        if self._keep_links and _below(real, self._root):
                            # From where the link will stand, when all is in one tree.
                            folder = Path(self._root, name).parent
                            yield _link(name, os.path.relpath(real, folder))
                            continue
                    if is_dir:
                        todo.append((item.path, f"{name}/", (*trail, real)))
                    else:
                        yield _file(name, item)

    def _follow(self, link: str, trail: tuple[str, ...]) -> str:
        """The real path behind `link`; an error when it is outside, nowhere, or above itself."""
        real = os.path.realpath(link)
        self._project = self._project or os.path.realpath(project_of(Path(self._root)))
        if not _below(real, self._project):
            raise TcError(
                f"the link leads to {real}, outside of the project {self._project}",
                code="link-outside",
                where=shown(link),
                hint="copy the file into the project, or name the link in .tcignore",
            )
        inside = self._keep_links and _below(real, self._root)
        if not inside and not os.path.lexists(real):
            raise TcError(
                f"the link leads nowhere: {shown(real)} doesn't exist",
                code="link-broken",
                where=shown(link),
                hint="remove the link, or name it in .tcignore",
            )
        if not inside and real in trail:
            raise TcError(
                f"the link leads back to {shown(real)}, a directory that it is in",
                code="link-loop",
                where=shown(link),
                hint="remove the link, or name it in .tcignore",
            )
        return real


def _file(name: str, item: os.DirEntry[str]) -> Entry:
    status = item.stat()
    if not stat.S_ISREG(status.st_mode):
        raise TcError(
            "this is neither a file nor a directory",
            code="not-a-file",
            where=shown(item.path),
            hint="remove it, or name it in .tcignore",
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise TcError(
            "the name of this file isn't UTF-8, as names in a package must be",
            code="file-name",
            where=ascii(item.path),
            hint="rename the file",
        ) from None
    read = partial(Path.read_bytes, Path(item.path))
    return Entry(name, bool(status.st_mode & 0o111), status.st_size, read)


def _link(name: str, target: str) -> Entry:
    return Entry(name, False, 0, partial(os.fsencode, target), link=target)


def _below(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top}/")


def project_of(directory: Path) -> Path:
    """The git work tree, else the highest directory that has a topology, else `directory`."""
    highest = directory
    for path in (directory, *directory.parents):
        if (path / ".git").exists():
            return path
        if (path / "topology.yml").exists() or (path / "topology.yaml").exists():
            highest = path
    return highest
