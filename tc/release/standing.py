"""Where a topology stands: its last version, and what changed since."""

from __future__ import annotations

from tc.errors import TcError
from tc.records import dataclass
from tc.release.changelog import tag_message
from tc.release.closure import Closure
from tc.release.commits import Commit, commits, history
from tc.release.git import Repo
from tc.release.text import readable
from tc.release.versions import (
    UNRELEASED,
    Part,
    Released,
    Version,
    announced,
    development,
    latest,
    next_version,
    tag_of,
    versions_of,
)

#: files that aren't committed that are told
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """`last` is the highest version in the history of the commit `sha`, `commits` are those of
    the closure since, the newest first; `dirty` are its files that aren't committed. `base` is
    the version that topology.yml says."""

    last: Released | None
    commits: tuple[Commit, ...]
    dirty: tuple[str, ...]
    sha: str
    base: Version | None = None

    @property
    def changed(self) -> bool:
        """Whether anything of the closure differs from the last version."""
        return self.last is None or bool(self.commits or self.dirty)

    @property
    def version(self) -> Version:
        """The last version where nothing changed since, else what is newer than it and isn't
        released: ``0.1.4-dev.3+abc1234``."""
        if self.last and not self.changed:
            return self.last.version
        if self.last is None and self.base:
            made = development(None, len(self.commits), self.sha, dirty=bool(self.dirty))
            # what topology.yml says is what comes first
            return self.base.replace(prerelease=made.prerelease, build=made.build)
        last = self.last.version if self.last else None
        return development(last, len(self.commits), self.sha, dirty=bool(self.dirty))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A version that could be tagged: on the commit `sha`, with the `commits` since `last`."""

    namespace: str
    version: Version
    last: Released | None
    commits: tuple[Commit, ...]
    sha: str

    @property
    def tag(self) -> str:
        return tag_of(self.namespace, self.version)

    @property
    def message(self) -> str:
        """That of its tag: its name and its changelog."""
        return tag_message(self.namespace, str(self.version), self.commits)


def standing(repo: Repo, closure: Closure, namespace: str, said: str | None = None) -> Standing:
    """Where the topology stands at HEAD; `said` is the version in topology.yml.

    Raises TcError ``no-commits``, and ``shallow`` when this clone lacks what must be known.
    """
    sha = repo.head()
    last = latest(repo, namespace)
    what = f"what changed in `{namespace}` since its last version"
    dirty = tuple(closure.only(repo.dirty(closure.watched)))
    return Standing(last, _since(repo, closure, last, sha, what), dirty, sha, _base(said))


def propose(
    repo: Repo,
    closure: Closure,
    namespace: str,
    part: Part,
    *,
    suffix: str = "",
    said: str | None = None,
    empty: bool = False,
) -> Proposal | None:
    """The next version of HEAD; None when nothing changed since the last one, unless `empty`.

    What follows is counted from the highest version in HEAD's history. The first one is what
    topology.yml says (`said`), else 0.1.0 for a minor, 0.0.1 for a patch. A whole version comes
    with all since the last whole one, what was announced by pre-releases in between included.
    Raises TcError ``dirty`` when files of the closure aren't committed, ``tag-exists`` when the
    version is taken by another commit, ``no-commits``, ``shallow``.
    """
    if suffix:
        # also where nothing changed, so that none is needed
        announced(UNRELEASED, suffix)
    sha = repo.head()
    refuse_dirty(repo, closure, f"a version of `{namespace}`")
    last = latest(repo, namespace)
    what = f"what changed in `{namespace}` since its last version"
    found = _since(repo, closure, last, sha, what)
    finishes = bool(last and last.version.prerelease and not suffix)
    if last and not found and not finishes and not empty:
        return None
    version = _next(last, part, suffix, _base(said))
    _refuse_taken(repo, namespace, version, last)
    start = last
    if finishes:
        start = latest(repo, namespace, whole=True)
        found = _since(repo, closure, start, sha, what)
    return Proposal(namespace, version, start, found, sha)


def refuse_dirty(repo: Repo, closure: Closure, what: str) -> None:
    """Raises TcError ``dirty`` when files of the closure aren't committed, as `what` needs."""
    changed = closure.only(repo.dirty(closure.watched))
    if not changed:
        return
    listed = ", ".join(f"`{readable(name)}`" for name in changed[:_SHOWN])
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    raise TcError(
        f"{what} is made of commits, and these files aren't committed: {listed}{more}",
        code="dirty",
        where=str(repo.root),
        hint="git commit, or git stash -u",
    )


def _since(
    repo: Repo, closure: Closure, last: Released | None, sha: str, what: str
) -> tuple[Commit, ...]:
    start = last.sha if last else ""
    # what a shallow clone lacks would be missing in silence
    history(repo, start, sha, what)
    return tuple(commits(repo, closure, start, sha))


def _base(said: str | None) -> Version | None:
    """The version that topology.yml says, where it is one."""
    return Version.parse(said) if said and Version.is_valid(said) else None


def _next(last: Released | None, part: Part, suffix: str, base: Version | None) -> Version:
    if last is None and base is not None:
        return announced(base, suffix) if suffix else base
    return next_version(last.version if last else None, part, suffix)


def _refuse_taken(repo: Repo, namespace: str, version: Version, last: Released | None) -> None:
    for one in versions_of(repo, namespace):
        if one.version != version:
            continue
        since = (
            f"; the last version in the history of this commit is {last.version}" if last else ""
        )
        raise TcError(
            f"`{one.tag}` is there already, on commit {one.sha[:7]}{since}",
            code="tag-exists",
            where=str(repo.root),
            hint=f"git show {one.tag}; go to the branch that has it, or choose another --next",
        )
