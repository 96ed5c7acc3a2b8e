"""One git repository, seen through git itself: every run of git is here.

git never asks anything, runs in a group of its own that Ctrl-C ends, and gets lists of words.
Output is read with NULs between its parts, so that any name survives.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from tc.errors import TcError
from tc.processes import GIT_ELSEWHERE, Program, Running
from tc.records import dataclass
from tc.release.text import readable, said_by_git, said_by_remote

#: seconds that git has for what is on this machine, and for what needs the network
LOCAL = 120
NETWORK = 300
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "SSH_ASKPASS_REQUIRE": "never",
    # reading takes no locks that a git of the user's would stumble over
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C",
}
#: who tags where nobody is configured: on machines that run jobs
_TAGGER = {"GIT_COMMITTER_NAME": "tc", "GIT_COMMITTER_EMAIL": "tc@localhost"}
_DIFFERS = re.compile(rb"^ ! \[rejected\]\s+(\S+)\s.*would clobber existing tag", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that leads to a commit: `sha`. `object` is the tag's own name, which differs from
    that where it is annotated; `when` is when it was made, or its commit."""

    name: str
    sha: str
    object: str
    when: datetime

    @property
    def annotated(self) -> bool:
        return self.object != self.sha


@dataclass(frozen=True)
class Repo:
    """A git repository with files; `root` is the top of its working tree, links followed.

    Every method raises TcError with code ``git`` when git refuses, and ``no-git`` when git isn't
    installed. Paths are relative to `root`, with slashes, and taken literally.
    """

    root: Path
    running: Running = field(default_factory=Running, compare=False, repr=False)

    @classmethod
    def find(cls, start: Path) -> Repo:
        """The repository around `start`; raises TcError ``no-git`` when there is none."""
        for directory in (start.resolve(), *start.resolve().parents):
            if (directory / ".git").exists():
                return cls(directory)
        raise TcError(
            "this is no git repository",
            code="no-git",
            where=str(start),
            hint="versions are tags of git: `git init`, or go to a checkout",
        )

    # --- what is there ---

    def tags(self, prefix: str = "", merged: str = "", contains: str = "") -> list[Tag]:
        """The tags that start with `prefix` and lead to commits, in the order of their names;
        only those in the history of `merged`, and that have `contains` in theirs, where these
        are given."""
        fields = "refname:strip=2 objectname objecttype *objectname *objecttype creatordate:unix"
        form = "".join(f"%({name})%00" for name in fields.split())
        # a glob's `*` stops at a slash, which no version has
        pattern = f"refs/tags/{prefix}*"
        asked = {"merged": merged, "contains": contains}
        only = [f"--{word}={self.sha_of(ref)}" for word, ref in asked.items() if ref]
        said = self.git("for-each-ref", f"--format={form}", *only, pattern).split(b"\0")[:-1]
        found = []
        for row in zip(*[iter(said)] * 6, strict=True):
            name, sha, kind, peeled, peeled_kind, when = (
                os.fsdecode(part).lstrip("\n") for part in row
            )
            if "commit" in (kind, peeled_kind):
                made = datetime.fromtimestamp(int(when or 0), UTC)
                found.append(Tag(name, peeled or sha, sha, made))
        return found

    def find_tag(self, name: str) -> Tag | None:
        return next((tag for tag in self.tags(name) if tag.name == name), None)

    def head(self) -> str:
        """The commit that is checked out (40 hexadecimal digits).

        Raises TcError ``no-commits`` where there is none yet.
        """
        sha = self._sha("HEAD")
        if sha is None:
            raise TcError(
                "there are no commits yet",
                code="no-commits",
                where=str(self.root),
                hint="git add -A && git commit",
            )
        return sha

    def sha_of(self, ref: str) -> str:
        """The commit that a tag, a branch or the beginning of a sha means.

        Raises TcError ``missing-ref`` when nothing is called that.
        """
        sha = self._sha(ref)
        if sha is None:
            hint = "git fetch --unshallow --tags" if self.shallow else "git fetch --tags"
            raise TcError(
                f"git knows no commit `{ref}`",
                code="missing-ref",
                where=str(self.root),
                hint=hint,
            )
        return sha

    def _sha(self, ref: str) -> str | None:
        words = ["rev-parse", "--quiet", "--verify", "--end-of-options", f"{ref}^{{commit}}"]
        code, said, errors = self._run(words)
        if code and errors:
            # it may be there: git doesn't look into what belongs to somebody else
            raise _refused("rev-parse", errors, self.root)
        return said.decode().strip() if code == 0 else None

    def has(self, commit: str) -> bool:
        """Whether the commit is here: a shallow clone, or a submodule, may lack it."""
        return self._run(["cat-file", "-e", f"{commit}^{{commit}}"])[0] == 0

    @property
    def branch(self) -> str:
        """The branch that is checked out, empty on a detached HEAD."""
        code, said, _ = self._run(["symbolic-ref", "--quiet", "--short", "HEAD"])
        return os.fsdecode(said).strip() if code == 0 else ""

    def dirty(self, paths: Iterable[str] = ()) -> list[str]:
        """Files below `paths` (all, when there are none) that differ from HEAD, and those that
        git neither knows nor ignores; also the pointers of submodules that moved."""
        words = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all"]
        words.append("--ignore-submodules=untracked")
        said = self.git(*words, "--", *paths).split(b"\0")
        return sorted(os.fsdecode(entry[3:]) for entry in said if entry)

    @cached_property
    def shallow(self) -> bool:
        """Whether history ends before its beginning: a clone with ``--depth``."""
        return self.git("rev-parse", "--is-shallow-repository").strip() == b"true"

    @cached_property
    def boundary(self) -> frozenset[str]:
        """The commits whose parents a shallow clone lacks."""
        if not self.shallow:
            return frozenset()
        place = self.git("rev-parse", "--git-path", "shallow")
        file = self.root / os.fsdecode(place.rstrip(b"\n"))
        with contextlib.suppress(FileNotFoundError):
            return frozenset(file.read_text().split())
        return frozenset()

    def contains(self, ref: str, commit: str) -> bool:
        """Whether `commit` is `ref` or one of its ancestors."""
        code, _, errors = self._run(["merge-base", "--is-ancestor", commit, ref])
        if code not in (0, 1):
            raise _refused("merge-base", errors, self.root)
        return code == 0

    def changed(self, start: str, end: str, paths: Sequence[str]) -> list[str]:
        """The files below `paths` that differ between two commits, renamed ones by both names;
        between a commit and the files here when `end` is empty."""
        words = ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff"]
        words += ["--ignore-submodules=untracked", start, *([end] if end else [])]
        said = self.git(*words, "--", *paths).split(b"\0")
        return [os.fsdecode(name) for name in said if name]

    # --- what is written ---

    def tag(self, name: str, message: str, sha: str) -> None:
        """Makes an annotated tag; `message` is kept as it stands, ``#`` at the start of lines
        too. Signed where the user's git says so (``tag.gpgSign``).

        A tag of that name on the same commit is left; on another one raises TcError
        ``tag-exists``.
        """
        known = self.find_tag(name)
        if known and known.sha == sha:
            return
        if known is None:
            with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
                file.write(message.rstrip("\n") + "\n")
                file.flush()
                words = ["tag", "--annotate", "--cleanup=verbatim", f"--file={file.name}"]
                code, _, errors = self._run([*words, "--", name, sha], more=self._tagger())
            if code == 0:
                return
            # another run may have been faster
            known = self.find_tag(name)
            if known is None:
                raise _refused("tag", errors, self.root)
            if known.sha == sha:
                return
        raise TcError(
            f"the tag `{name}` is there already, on commit {known.sha[:7]}",
            code="tag-exists",
            where=str(self.root),
            hint=f"git show {name}",
        )

    def delete_tag(self, name: str) -> None:
        """Takes the tag away here; no error when it isn't there."""
        if self.find_tag(name):
            self.git("tag", "--delete", "--", name)

    def _tagger(self) -> dict[str, str]:
        code, _, _ = self._run(["var", "GIT_COMMITTER_IDENT"])
        return {} if code == 0 else _TAGGER

    # --- the other end ---

    def remote(self) -> str:
        """The name of the remote that tags go to: the branch's own, else `origin`, else the
        only one. Raises TcError ``no-origin`` when there is none, or too many to choose."""
        names = os.fsdecode(self.git("remote")).split()
        if len(names) > 1 and (branch := self.branch):
            code, said, _ = self._run(["config", "--get", f"branch.{branch}.remote"])
            if code == 0 and (name := os.fsdecode(said).strip()) in names:
                return name
        if "origin" in names or len(names) == 1:
            return "origin" if "origin" in names else names[0]
        message = "this repository has no remote to push to"
        if names:
            message = f"none of the remotes is `origin`: {', '.join(names)}"
        raise TcError(
            message,
            code="no-origin",
            where=str(self.root),
            hint="git remote add origin URL",
        )

    def push(self, tag: str) -> None:
        """Brings the tag to the remote; the same tag there already is no error.

        Raises TcError ``tag-taken`` when the remote has another of that name, and ``no-push``
        when it can't be reached or refuses.
        """
        remote = self.remote()
        ref = f"refs/tags/{tag}"
        words = ["push", "--porcelain", "--no-follow-tags", "--", remote, f"{ref}:{ref}"]
        code, said, errors = self._run(words, seconds=NETWORK)
        if code == 0:
            return
        told = said.decode("utf-8", "replace")
        # what git says of a race differs from remote to remote, so the remote is asked
        if there := self._at(remote, ref):
            known = self.find_tag(tag)
            if known and known.object == there:
                return
            raise TcError(
                f"the remote `{remote}` has another tag `{tag}`: somebody else was faster",
                code="tag-taken",
                where=remote,
                hint=f"git tag -d {tag} && git fetch --tags, then run this again",
            )
        lines = [line[2:] for line in told.splitlines() if line.startswith("!\t")]
        why = readable(lines[0].split("\t")[-1]) if lines else said_by_git(errors)
        why += "".join(f"; {line}" for line in said_by_remote(errors))
        raise TcError(
            f"the tag `{tag}` can't be pushed to `{remote}`: {why}",
            code="no-push",
            where=remote,
            hint=f"git push {remote} {tag}",
        )

    def _at(self, remote: str, ref: str) -> str:
        """The object that a ref of the remote has; empty where it has none, or can't be asked."""
        words = ["ls-remote", "--quiet", "--refs", "--", remote, ref]
        code, said, _ = self._run(words, seconds=NETWORK)
        return said.split()[0].decode() if code == 0 and said.strip() else ""

    def fetch_tags(self) -> list[str]:
        """Brings the remote's tags here; those that differ here stay as they are, and are told.

        Raises TcError ``no-fetch`` when the remote can't be reached.
        """
        remote = self.remote()
        words = ["fetch", "--no-recurse-submodules", "--no-write-fetch-head"]
        # the user's fetch.prune would take away the tags that are only here
        words += ["--no-prune", "--no-prune-tags"]
        words += ["--", remote, "refs/tags/*:refs/tags/*"]
        code, _, errors = self._run(words, seconds=NETWORK)
        differ = [os.fsdecode(name) for name in _DIFFERS.findall(errors)]
        if code and not differ:
            raise TcError(
                f"the tags of `{remote}` can't be fetched: {said_by_git(errors)}",
                code="no-fetch",
                where=remote,
                hint=f"git fetch --tags {remote}",
            )
        return differ

    # --- the one place that starts git ---

    def git(self, *words: str, directory: Path | None = None, seconds: float = LOCAL) -> bytes:
        """What ``git WORDS`` prints; raises TcError ``git`` with what git said otherwise."""
        code, said, errors = self._run(words, directory=directory, seconds=seconds)
        if code:
            raise _refused(words[0], errors, directory or self.root)
        return said

    def _run(
        self,
        words: Sequence[str],
        *,
        directory: Path | None = None,
        seconds: float = LOCAL,
        more: dict[str, str] | None = None,
    ) -> tuple[int, bytes, bytes]:
        """The exit code of git, what it printed, and what it said besides."""
        program = Program(
            ["git", *words], directory or self.root, {**_environment(), **(more or {})}
        )
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            try:
                code = self.running.run(program, output.fileno(), errors.fileno(), seconds)
            except FileNotFoundError:
                raise _not_started(program.dir) from None
            except subprocess.TimeoutExpired:
                raise TcError(
                    f"`git {words[0]}` had no answer within {seconds:.0f} s",
                    code="git",
                    where=str(self.root),
                    hint="try the same by hand: it can't ask for passwords here",
                ) from None
            output.seek(0)
            errors.seek(0)
            return code, output.read(), errors.read()


def _refused(command: str, errors: bytes, where: Path) -> TcError:
    return TcError(
        f"`git {command}` failed: {said_by_git(errors)}",
        code="git",
        where=str(where),
        hint=_way_out(errors, where),
    )


def _way_out(errors: bytes, where: Path) -> str:
    if b"dubious ownership" in errors:
        return f"git config --global --add safe.directory {where}"
    return "run it by hand to see more"


def _not_started(directory: Path) -> TcError:
    if not directory.is_dir():
        return TcError(f"there is no directory {directory}", code="git")
    return TcError("git isn't installed", code="no-git", hint="install git")


def _environment() -> dict[str, str]:
    """The user's own, in which nothing asks and nothing leads elsewhere."""
    return {name: text for name, text in os.environ.items() if name not in GIT_ELSEWHERE} | _QUIET
