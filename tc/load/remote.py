"""Functions in other git repositories: a URL and a ref to a directory in the user's cache.

::

    git/{repository}/refs/{ref}       the commit that a ref was the last time
    git/{repository}/trees/{commit}/  its files, whole or not there

git itself fetches, with the user's own credentials and settings. It never asks anything.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tc.places import cache_place
from tc.processes import GIT_ELSEWHERE, Program, Running
from tc.records import dataclass

#: seconds that git has to name a ref's commit, and to fetch it
_ASK = 30
_FETCH = 300
#: repositories that are asked at once
_AT_ONCE = 8
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:|github\.com[:/]", re.IGNORECASE)
_URL = re.compile(r"(?:https|ssh|file)://[^-]|[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:[^-]")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_REF = re.compile(r"(?!.*(?:\.\.|//|@\{))[A-Za-z0-9_][\w./+@#=-]*\Z", re.ASCII)
_USERINFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")
#: what the user's settings may not change: files are as they were committed, no hook runs
_SETTINGS = ("core.autocrlf=false", "core.hooksPath=/dev/null", "credential.interactive=false")


@dataclass(frozen=True, slots=True)
class Remote:
    """A directory in a repository; `ref` is a branch, a tag or a whole commit, empty for
    the default branch."""

    url: str
    directory: str
    ref: str = ""

    @property
    def shown(self) -> str:
        """The URL, without who may read it."""
        return _USERINFO.sub("***", self.url)


@dataclass(frozen=True, slots=True)
class Checkout:
    """The files of a repository at a commit. `stale` is why they may not be the newest."""

    path: Path
    commit: str
    stale: str = ""


class RemoteError(Exception):
    """Why there are no files, and what to do about it."""

    def __init__(self, message: str, *, code: str, hint: str = ""):
        super().__init__(message)
        self.code = code
        self.hint = hint


def is_remote(uri: str) -> bool:
    return bool(_REMOTE.match(uri))


def parse(uri: str) -> Remote:
    """`URL//DIRECTORY?ref=REF`; raises RemoteError for what is none."""
    whole, _, query = uri.partition("?")
    if whole.lower().startswith("github.com"):
        whole = f"https://github.com/{whole[len('github.com/') :]}"
    start = whole.find("://") + 3 if "://" in whole else 0
    url, _, directory = whole[start:].partition("//")
    url = whole[:start] + url
    key, _, ref = query.partition("=")
    if not _URL.match(url) or "{{" in uri or any(c.isspace() or not c.isprintable() for c in uri):
        raise RemoteError(
            "this is no URL of a git repository",
            code="invalid-value",
            hint="write `https://HOST/REPO.git//DIRECTORY?ref=TAG`, `ssh://…` or `git@HOST:…`",
        )
    if query and (key != "ref" or not _REF.match(ref)):
        raise RemoteError(
            "after `?` stands what is fetched: `ref=` and a branch, a tag or a commit",
            code="invalid-value",
            hint="?ref=v1.0.0",
        )
    if ".." in directory.split("/"):
        raise RemoteError(f"`{directory}` is outside the repository", code="outside-project")
    return Remote(url, directory.strip("/"), ref)


def checkouts(remotes: Iterable[Remote]) -> Mapping[tuple[str, str], Checkout | RemoteError]:
    """The files of `remotes` by URL and ref, fetched all at once where the cache lacks
    their commit, and why there are none.

    A repository that can't be asked is no error while the cache has what its ref was the
    last time.
    """
    wanted = {(remote.url, remote.ref): remote for remote in remotes}
    if not wanted:
        return {}
    running = Running()
    pool = ThreadPoolExecutor(min(_AT_ONCE, len(wanted)), thread_name_prefix="git")
    try:
        made = list(pool.map(lambda remote: _checkout(remote, running), wanted.values()))
    except BaseException:
        running.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return dict(zip(wanted, made, strict=True))


def _checkout(remote: Remote, running: Running) -> Checkout | RemoteError:
    place = cache_place() / "git" / _short(remote.url)
    known = place / "refs" / _short(remote.ref)
    try:
        return _Repository(remote, place, running).checkout(known)
    except RemoteError as error:
        return error
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        message = f"tc can't write its cache {place}: {why}"
        hint = "set TC_CACHE_DIR to a directory that you can write"
        return RemoteError(message, code="cache", hint=hint)


@dataclass(frozen=True, slots=True)
class _Repository:
    """What `remote` is, seen through git; `place` is its part of the cache."""

    remote: Remote
    place: Path
    running: Running

    def checkout(self, known: Path) -> Checkout:
        """`known` is the file with the commit that the ref was the last time."""
        ref = self.remote.ref
        if _COMMIT.match(ref):
            return Checkout(self._tree(ref, ref), ref)
        try:
            name, commit = self._asked()
        except RemoteError as error:
            if error.code != "no-remote" or not known.exists():
                raise
            commit = known.read_text()
            tree = self.place / "trees" / commit
            if not tree.is_dir():
                raise
            return Checkout(tree, commit, str(error))
        tree = self._tree(name, commit)
        _private(known.parent)
        fresh = known.with_name(f"{known.name}.{os.getpid()}")
        fresh.write_text(tree.name)
        fresh.replace(known)
        return Checkout(tree, tree.name)

    def _asked(self) -> tuple[str, str]:
        """The whole name of the ref and its commit, as the repository tells them."""
        ref, shown = self.remote.ref, self.remote.shown
        tag, head = f"refs/tags/{ref}", f"refs/heads/{ref}"
        names = [f"{tag}^{{}}", tag, head, ref] if ref else ["HEAD"]
        told = self._git(["ls-remote", "--", self.remote.url, *names], _ASK)
        lines = [line.split("\t", 1) for line in told.splitlines() if "\t" in line]
        found = {name: commit for commit, name in lines}
        for name in names:
            if name in found:
                return name.removesuffix("^{}"), found[name]
        what = f"no branch or tag `{ref}`" if ref else "no commit"
        raise RemoteError(
            f"there is {what} in {shown}",
            code="missing-ref",
            hint=f"git ls-remote {shown} lists them; of a commit write all 40 characters",
        )

    def _tree(self, name: str, commit: str) -> Path:
        """The directory of `commit`, which `name` means; what is fetched tells which it
        really is."""
        tree = self.place / "trees" / commit
        if tree.is_dir():
            return tree
        _private(tree.parent)
        fresh = Path(tempfile.mkdtemp(dir=tree.parent, prefix=".new-"))
        try:
            self._git(["init", "--quiet", "--template=", str(fresh)], _ASK)
            within = ["-C", str(fresh)]
            fetch = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head"]
            what = f"+{name}:refs/tc/fetched"
            self._git([*within, *fetch, "--", self.remote.url, what], _FETCH)
            self._git([*within, "checkout", "--quiet", "--detach", "refs/tc/fetched"], _FETCH)
            got = self._git([*within, "rev-parse", "HEAD"], _ASK).strip()
            tree = self.place / "trees" / got
            with contextlib.suppress(OSError):
                # another tc may have been faster: its files are the same
                fresh.rename(tree)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return tree

    def _git(self, arguments: list[str], seconds: int) -> str:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        program = Program(["git", *settings, *arguments], Path.cwd(), _environment())
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            try:
                code = self.running.run(program, output.fileno(), errors.fileno(), seconds)
            except FileNotFoundError:
                message = f"git isn't installed, which fetches {self.remote.shown}"
                raise RemoteError(message, code="no-git", hint="install git") from None
            except subprocess.TimeoutExpired:
                why = f"git had no answer within {seconds} s"
                raise _unreachable(self.remote, why) from None
            output.seek(0)
            errors.seek(0)
            if code:
                raise _unreachable(self.remote, _said(errors.read()))
            return output.read().decode("utf-8", "surrogateescape")


def _unreachable(remote: Remote, why: str) -> RemoteError:
    return RemoteError(
        f"{remote.shown} can't be fetched: {why}",
        code="no-remote",
        hint=f"git ls-remote {remote.shown} {remote.ref}".rstrip(),
    )


def _said(stderr: bytes) -> str:
    """What git says is wrong, and what ssh said before it, without users and passwords of URLs."""
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    ends = [place for place, line in enumerate(lines) if line.startswith(("fatal: ", "error: "))]
    place = ends[0] if ends else 0
    said = [line.removeprefix("fatal: ") for line in lines[max(place - 1, 0) : place + 1]]
    return _USERINFO.sub("***", "; ".join(said).rstrip(". ") or "git said nothing")


def _environment() -> dict[str, str]:
    """The user's own, in which nothing asks and nothing leads elsewhere."""
    kept = {name: value for name, value in os.environ.items() if name not in GIT_ELSEWHERE}
    quiet = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GCM_INTERACTIVE": "never",
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
        "LC_ALL": "C",
    }
    if "GIT_SSH" not in kept or "GIT_SSH_COMMAND" in kept:
        quiet["GIT_SSH_COMMAND"] = f"{kept.get('GIT_SSH_COMMAND') or _own_ssh()} -o BatchMode=yes"
    return {**kept, **quiet}


def _own_ssh() -> str:
    """The user's `core.sshCommand`, which the variable would hide."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            ["git", "config", "--get", "core.sshCommand"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK,
            check=False,
        )
        return done.stdout.strip() or "ssh"
    return "ssh"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:20]


def _private(path: Path) -> None:
    """`path` and what is missing above it, for this user alone."""
    for part in (*reversed(path.parents), path):
        if not part.exists():
            part.mkdir(mode=0o700, exist_ok=True)
