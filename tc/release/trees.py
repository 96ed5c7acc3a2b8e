"""The files of a commit as they were committed, whatever is checked out: a worktree for a while.

::

    worktrees/{name}/        the files
    worktrees/{name}.lock    held for as long as the run lives that made them

Submodules are worktrees of the repositories that are here; what is not here git fetches.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tc.errors import TcError
from tc.records import dataclass
from tc.release.git import NETWORK, Repo

#: files are as they were committed, whatever the user's settings say, and no hook runs
_AS_COMMITTED = ("-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null")
_LOCK = ".lock"


@contextlib.contextmanager
def checked_out(repo: Repo, sha: str, cache: Path) -> Iterator[Path]:
    """The files of commit `sha` in a directory below `cache` (worktrees/), which is gone
    afterwards.

    The directory has the name of the repository's, so that what goes by that (``{{repo}}``) is
    the same. Raises TcError when git refuses, ``cache`` when nothing can be written there.
    """
    places = cache / "worktrees"
    with _place(repo, places) as place:
        tree = place / repo.root.name
        made: list[_Worktree] = []
        try:
            _add(repo, sha, tree, made)
            yield tree
        finally:
            for worktree in reversed(made):
                worktree.remove()


@dataclass(frozen=True, slots=True)
class _Worktree:
    """`path` as one of `repo`'s working trees."""

    repo: Repo
    path: Path

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        # what is left is git's note of it; git itself clears that later
        with contextlib.suppress(TcError):
            self.repo.git("worktree", "remove", "--force", "--force", "--", str(self.path))


def _add(repo: Repo, sha: str, path: Path, made: list[_Worktree]) -> None:
    made.append(_Worktree(repo, path))
    words = ["worktree", "add", "--quiet", "--detach", "--", str(path), sha]
    repo.git(*_AS_COMMITTED, *words)
    for name, commit in _submodules(repo, sha):
        inner = Repo(repo.root / name, repo.running)
        if (inner.root / ".git").exists() and inner.has(commit):
            _add(inner, commit, path / name, made)
        else:
            words = ["submodule", "--quiet", "update", "--init", "--recursive", "--", name]
            repo.git(*_AS_COMMITTED, *words, directory=path, seconds=NETWORK)


def _submodules(repo: Repo, sha: str) -> list[tuple[str, str]]:
    """The paths of the submodules of a commit, and the commit of each."""
    if not repo.git("ls-tree", sha, "--", ".gitmodules"):
        return []
    entries = repo.git("ls-tree", "-r", "-z", "--full-tree", sha).split(b"\0")
    links = [entry.split(b"\t", 1) for entry in entries if entry.startswith(b"160000 ")]
    return [(os.fsdecode(name), head.split()[2].decode()) for head, name in links]


@contextlib.contextmanager
def _place(repo: Repo, places: Path) -> Iterator[Path]:
    """A new directory in `places`, which nobody sweeps away while this process lives."""
    with _writing(places):
        places.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _held(places / ".lock", fcntl.LOCK_EX):
            _sweep(places)
            _forget(repo, places)
            place = Path(tempfile.mkdtemp(dir=places))
            lock = place.with_name(place.name + _LOCK)
            handle = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        lock.unlink(missing_ok=True)
        os.close(handle)


def _sweep(places: Path) -> None:
    """Removes what runs left that were killed."""
    for lock in places.glob(f"*{_LOCK}"):
        if lock.name == _LOCK:
            continue
        # somebody else's is held
        with contextlib.suppress(BlockingIOError), _held(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(lock.with_name(lock.name.removesuffix(_LOCK)), ignore_errors=True)
            lock.unlink(missing_ok=True)


def _forget(repo: Repo, places: Path) -> None:
    """Clears git's notes of working trees that are gone: an interrupted run starts no more git
    to do that itself."""
    for entry in repo.git("worktree", "list", "--porcelain").split(b"\n"):
        path = Path(os.fsdecode(entry.removeprefix(b"worktree ")))
        if entry.startswith(b"worktree ") and path.is_relative_to(places) and not path.exists():
            _Worktree(repo, path).remove()


@contextlib.contextmanager
def _held(file: Path, how: int) -> Iterator[None]:
    handle = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _writing(places: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise TcError(
            f"tc can't write its cache {places}: {why}",
            code="cache",
            hint="set TC_CACHE_DIR to a directory that you can write",
        ) from None
