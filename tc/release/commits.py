"""The commits of a topology: those that touched its closure, each with the version it came with."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

from tc.records import dataclass
from tc.release.closure import Closure
from tc.release.git import Repo
from tc.release.text import printable
from tc.release.versions import Released, shallow

#: what a commit's first word says that it is, in the order in which it is told
#: (Conventional Commits 1.0.0; the words of its Angular convention)
KINDS = {
    "feat": "Features",
    "fix": "Fixes",
    "perf": "Performance",
    "revert": "Reverts",
    "refactor": "Refactoring",
    "docs": "Documentation",
    "test": "Tests",
    "build": "Build",
    "ci": "CI",
    "style": "Style",
    "chore": "Chores",
}
_SUBJECT = re.compile(
    r"(?P<kind>[A-Za-z]+)(?:\((?P<scope>[^()]*)\))?(?P<breaks>!)?:\s+(?P<text>.+)"
)
_RENAMED = re.compile(rb"\s*R\d+")
_BREAKS = re.compile(r"^BREAKING[ -]CHANGE:\s*(.*)", re.MULTILINE)
_FIELDS = ("%H", "%P", "%aN", "%ct", "%B")
#: what a user's settings may not change about the answers
_LOG = (
    "--full-history",
    "--cc",
    "--name-only",
    "--no-renames",
    "--no-show-signature",
    "--no-notes",
    "--ignore-submodules=none",
    "--encoding=UTF-8",
)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, free of control characters. `kind` is one of `KINDS`, empty when its subject
    doesn't say so; `text` is the subject without kind and scope. `breaking` is what it breaks,
    empty when nothing. `files` are those of the closure that it changed."""

    sha: str
    when: datetime
    author: str
    subject: str
    body: str
    text: str
    kind: str = ""
    scope: str = ""
    breaking: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """Every commit between two, with its parents: what came with which version is told by it."""

    parents: Mapping[str, tuple[str, ...]]

    def shares(self, versions: Iterable[Released]) -> dict[str, str]:
        """The tag that each commit came with: the lowest version that has it."""
        known: dict[str, str] = {}
        for version in sorted(versions, key=lambda one: one.version):
            waiting = [version.sha]
            while waiting:
                sha = waiting.pop()
                if sha in self.parents and sha not in known:
                    known[sha] = version.tag
                    waiting += self.parents[sha]
        return known


def moved(repo: Repo, closure: Closure, file: str) -> Closure:
    """`closure` with the directories that `file`, its topology's, was in before: those that are
    gone now, so that nothing else can be meant by them. Raises TcError ``no-commits``."""
    words = ["log", "-z", "--follow", "--find-renames=90%", "--diff-filter=R", "--name-status"]
    words += ["--no-show-signature", "--format="]
    said = repo.git(*words, repo.head(), "--", file).split(b"\0")
    names = [os.fsdecode(old) for mark, old in pairwise(said) if _RENAMED.fullmatch(mark)]
    places = {name.rpartition("/")[0] or "." for name in names}
    gone = sorted(place for place in places if not (repo.root / place).exists())
    return replace(closure, paths=(*closure.paths, *gone))


def history(repo: Repo, start: str, end: str, what: str) -> History:
    """The commits that `end` has and `start` has not; all of them when `start` is empty.

    Raises TcError ``shallow`` when this clone lacks some of them, which `what` needs.
    """
    excluded = [f"^{start}"] if start else []
    said = repo.git("rev-list", "--parents", end, *excluded, "--").decode()
    rows = (line.split() for line in said.splitlines())
    parents = {row[0]: tuple(row[1:]) for row in rows}
    if not repo.boundary.isdisjoint(parents):
        raise shallow(repo, what)
    return History(parents)


def commits(repo: Repo, closure: Closure, start: str, end: str) -> list[Commit]:
    """The commits of the closure that `end` has and `start` has not, the newest first.

    A merge is one only when it changed what none of its parents has.
    """
    mark = secrets.token_hex(16)
    form = "%x00".join((mark, *_FIELDS, ""))
    excluded = [f"^{start}"] if start else []
    words = ["log", "-z", f"--format={form}", *_LOG, end, *excluded]
    said = repo.git(*words, "--", *closure.watched)
    records = said.split(mark.encode() + b"\0")[1:]
    found = (_commit(record.split(b"\0"), closure) for record in records)
    return [commit for commit in found if commit]


def _commit(parts: Sequence[bytes], closure: Closure) -> Commit | None:
    sha, _, author, when, message = (
        part.decode("utf-8", "replace") for part in parts[: len(_FIELDS)]
    )
    named = [part for part in parts[len(_FIELDS) :] if part]
    # git ends the message with a line feed, which stands before the first name
    names = [part.removeprefix(b"\n") if part is named[0] else part for part in named]
    files = tuple(closure.only(os.fsdecode(name) for name in names))
    if not files:
        return None
    subject, _, body = printable(message).strip().partition("\n")
    return _classified(
        Commit(
            sha=sha,
            when=datetime.fromtimestamp(int(when), UTC),
            author=_line(author),
            subject=_line(subject),
            body=body.strip(),
            text=_line(subject),
            files=files,
        )
    )


def _line(text: str) -> str:
    return " ".join(printable(text).split())


def _classified(commit: Commit) -> Commit:
    footer = _BREAKS.search(commit.body)
    breaking = _line(footer.group(1)) or commit.subject if footer else ""
    said = _SUBJECT.fullmatch(commit.subject)
    if said is None or said["kind"].lower() not in KINDS:
        return replace(commit, breaking=breaking)
    return replace(
        commit,
        kind=said["kind"].lower(),
        scope=(said["scope"] or "").strip(),
        text=said["text"],
        breaking=breaking or (said["text"] if said["breaks"] else ""),
    )
