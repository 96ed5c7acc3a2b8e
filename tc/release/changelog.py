"""What changed from version to version, as text, Markdown and plain data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tc.errors import UsageError
from tc.records import dataclass
from tc.release.closure import Closure
from tc.release.commits import KINDS, Commit, commits, history
from tc.release.git import Repo
from tc.release.text import encodable
from tc.release.versions import Released, find_version, parse, versions_of

#: the heading of commits that don't say what they are
_OTHERS = "Other changes"
_BREAKING = "Breaking changes"
_UNRELEASED = "Unreleased"
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~])")


@dataclass(frozen=True, slots=True)
class Section:
    """What came with one version; `version` is empty for what isn't released."""

    version: str
    tag: str
    when: datetime | None
    commits: tuple[Commit, ...]

    @property
    def title(self) -> str:
        return self.version or _UNRELEASED

    def groups(self) -> list[tuple[str, list[Commit]]]:
        """The commits by what they are, what breaks something first; one group without a title
        when none says what it is."""
        breaking = [commit for commit in self.commits if commit.breaking]
        rest = [commit for commit in self.commits if not commit.breaking]
        if not any(commit.kind or commit.breaking for commit in self.commits):
            return [("", list(self.commits))] if self.commits else []
        found = [(_BREAKING, breaking)]
        found += [(title, [c for c in rest if c.kind == kind]) for kind, title in KINDS.items()]
        found.append((_OTHERS, [commit for commit in rest if not commit.kind]))
        return [(title, group) for title, group in found if group]


@dataclass(frozen=True, slots=True)
class Changelog:
    """The sections of a topology, what isn't released first, then the newest version.

    `older` is the number of versions that are left out.
    """

    namespace: str
    sections: tuple[Section, ...]
    older: int = 0

    def text(self) -> str:
        parts = ["\n".join(_text_lines(section, self.namespace)) for section in self.sections]
        return "\n\n".join(parts)

    def markdown(self) -> str:
        parts = ["\n".join(_markdown_lines(section)) for section in self.sections]
        return "\n\n".join([f"# {self.namespace}", *parts])

    def data(self) -> list[dict[str, Any]]:
        """A mapping for each section, JSON values only."""
        return [_data(section) for section in self.sections]


@dataclass(frozen=True, slots=True)
class Range:
    """What `A..B` means: `start` and `end` are commits, `start` is empty for the beginning.
    Where nothing stands behind the dots it is `open`: it ends at HEAD, or at the files here."""

    start: str
    end: str
    start_name: str
    end_name: str
    open: bool = False

    def goes_back(self, repo: Repo) -> bool:
        """Whether the end is older than the start."""
        return (
            self.start not in ("", self.end)
            and not repo.contains(self.end, self.start)
            and repo.contains(self.start, self.end)
        )


def range_of(repo: Repo, namespace: str, between: str) -> Range:
    """`A..B`, of which each is a version, a tag, or anything that git knows as a commit.

    ``A..`` and ``A`` end at HEAD, ``..B`` starts at the beginning. Raises UsageError when it is
    none, TcError when git knows no such version or commit.
    """
    first, dots, second = between.partition("..")
    if second.startswith(".") or not (first or second):
        raise UsageError(
            f"`{between}` is no range",
            code="range",
            hint="write FROM..TO with versions, as in 0.1.3..0.1.4; FROM.. ends at HEAD",
        )
    start = _commit_of(repo, namespace, first) if first else ""
    end_name = second if dots and second else "HEAD"
    end = _commit_of(repo, namespace, end_name)
    return Range(start, end, first, end_name, open=not second)


def _commit_of(repo: Repo, namespace: str, name: str) -> str:
    version = name.removeprefix(f"{namespace}-")
    if re.match(r"\d+\.\d+\.\d+", version):
        parse(version)
        return find_version(repo, namespace, version).sha
    return repo.sha_of(name)


def changelog(
    repo: Repo,
    closure: Closure,
    namespace: str,
    between: str | None = None,
    search: str | None = None,
    depth: int | None = None,
) -> Changelog:
    """The commits of `closure` by version, up to HEAD or in ``A..B``.

    `search` keeps those that have the text in their message, their author or sha; `depth` is how
    many versions are told besides what isn't released. Raises TcError ``shallow`` when the clone
    lacks some of it, and what `range_of` raises.
    """
    known = versions_of(repo, namespace)
    if between:
        span = range_of(repo, namespace, between)
        _check_order(repo, span)
    else:
        span = Range("", repo.head(), "", "HEAD")
    graph = None
    older = 0
    if depth is not None and not between:
        span, older = _recent(repo, known, span, depth)
    graph = history(repo, span.start, span.end, f"the changelog of `{namespace}`")
    reached = [one for one in known if one.sha in graph.parents]
    shares = graph.shares(reached)
    found = commits(repo, closure, span.start, span.end)
    return Changelog(namespace, tuple(_sections(found, reached, shares, search)), older)


def _recent(repo: Repo, known: Sequence[Released], span: Range, depth: int) -> tuple[Range, int]:
    """`span` from the version before the last `depth` ones that it has."""
    merged = {tag.name for tag in repo.tags(merged=span.end)}
    older = [one for one in known if one.tag in merged][: -depth or None]
    if not older:
        return span, 0
    return replace(span, start=older[-1].sha, start_name=str(older[-1].version)), len(older)


def _check_order(repo: Repo, span: Range) -> None:
    if span.goes_back(repo):
        raise UsageError(
            f"{span.start_name} is newer than {span.end_name}",
            code="range",
            hint=f"--between {span.end_name}..{span.start_name}",
        )


def _sections(
    found: Iterable[Commit],
    versions: Sequence[Released],
    shares: dict[str, str],
    search: str | None,
) -> Iterator[Section]:
    by_tag: dict[str, list[Commit]] = {}
    for commit in found:
        if search is None or _has(commit, search):
            by_tag.setdefault(shares.get(commit.sha, ""), []).append(commit)
    if "" in by_tag:
        yield Section("", "", None, tuple(by_tag[""]))
    for one in reversed(versions):
        its = by_tag.get(one.tag, [])
        if its or search is None:
            yield Section(str(one.version), one.tag, one.when, tuple(its))


def _has(commit: Commit, search: str) -> bool:
    text = "\n".join((commit.subject, commit.body, commit.author)).casefold()
    return search.casefold() in text or commit.sha.startswith(search.lower())


def tag_message(namespace: str, version: str, found: Sequence[Commit]) -> str:
    """The message of the tag of `version`: its name, and what comes with it."""
    section = Section(version, "", None, tuple(found))
    return "\n".join([f"{namespace} {version}", "", *_body(section, plain=True)]).rstrip() + "\n"


def _text_lines(section: Section, namespace: str) -> Iterator[str]:
    day = f" ({section.when:%Y-%m-%d})" if section.when else ""
    yield f"{namespace} {section.version}{day}" if section.version else _UNRELEASED
    yield from (f"  {line}" if line else "" for line in _body(section, plain=True))


def _markdown_lines(section: Section) -> Iterator[str]:
    day = f" ({section.when:%Y-%m-%d})" if section.when else ""
    yield f"## {section.title}{day}"
    yield ""
    yield from _body(section, plain=False)


def _body(section: Section, *, plain: bool) -> Iterator[str]:
    groups = section.groups()
    if not groups:
        yield "nothing changed" if plain else "Nothing changed."
    for number, (title, group) in enumerate(groups):
        if title:
            if number and not plain:
                yield ""
            yield f"{title}:" if plain else f"### {title}"
            if not plain:
                yield ""
        for commit in group:
            yield _item(commit, plain=plain, indent="  " if plain and title else "")


def _item(commit: Commit, *, plain: bool, indent: str) -> str:
    if plain:
        scope = f"{commit.scope}: " if commit.scope else ""
        broken = commit.breaking if commit.breaking not in ("", commit.text, commit.subject) else ""
        return f"{indent}{commit.sha[:7]} {scope}{commit.text}" + (f" ({broken})" if broken else "")
    scope = f"**{_marked(commit.scope)}:** " if commit.scope else ""
    broken = commit.breaking if commit.breaking not in ("", commit.text, commit.subject) else ""
    more = f" – {_marked(broken)}" if broken else ""
    return f"- {scope}{_marked(commit.text)}{more} ({commit.sha[:7]})"


def _marked(text: str) -> str:
    """`text` in Markdown as it stands."""
    return _MARKDOWN.sub(r"\\\1", text)


def _data(section: Section) -> dict[str, Any]:
    return {
        "version": section.version or None,
        "tag": section.tag or None,
        "when": section.when.isoformat() if section.when else None,
        "commits": [
            {
                "sha": commit.sha,
                "when": commit.when.isoformat(),
                "author": commit.author,
                "subject": commit.subject,
                "body": commit.body,
                "kind": commit.kind or None,
                "scope": commit.scope or None,
                "breaking": commit.breaking or None,
                "text": commit.text,
                "files": [encodable(file) for file in commit.files],
            }
            for commit in section.commits
        ],
    }
