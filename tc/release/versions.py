"""Versions of a topology: tags `{namespace}-{major.minor.patch}` of git, and what follows them.

Semantic versioning 2.0.0 (semver.org), by the package of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from semver import Version

from tc.errors import TcError, UsageError
from tc.records import dataclass
from tc.release.git import Repo, Tag

__all__ = ["Part", "Released", "Version", "latest", "next_version", "parse", "released"]

Part = Literal["patch", "minor", "major"]

#: what a topology is that has no tag and says no version
UNRELEASED = Version(0, 0, 1)
_SUFFIX = re.compile(r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Released:
    """A version that has a tag: of which commit, and when it was tagged (UTC)."""

    tag: str
    version: Version
    sha: str
    when: datetime


def tag_of(namespace: str, version: Version | str) -> str:
    return f"{namespace}-{version}"


def parse(text: str, where: str = "") -> Version:
    """`text` as a version; raises UsageError when it is none."""
    try:
        return Version.parse(text)
    except ValueError:
        raise UsageError(
            f"`{text}` is no version",
            code="version",
            where=where,
            hint="write MAJOR.MINOR.PATCH, as in 0.1.4 or 0.2.0-rc1 (semver.org)",
        ) from None


def released(tag: Tag, namespace: str) -> Released | None:
    """What `tag` says of `namespace`; None for others' tags and those of near shape."""
    version = version_of(tag.name, namespace)
    return Released(tag.name, version, tag.sha, tag.when) if version else None


def version_of(tag: str, namespace: str) -> Version | None:
    """The version that a tag of that name is of `namespace`; None when it is none: what stands
    after the namespace must be a whole version, so `etl-extra-0.1.0` is none of `etl`."""
    rest = tag.removeprefix(f"{namespace}-")
    return Version.parse(rest) if rest != tag and Version.is_valid(rest) else None


def versions_of(repo: Repo, namespace: str) -> list[Released]:
    """Every version of `namespace` that has a tag here, the lowest first."""
    found = (released(tag, namespace) for tag in repo.tags(f"{namespace}-"))
    return sorted((one for one in found if one), key=lambda one: (one.version, one.tag))


def latest(repo: Repo, namespace: str, at: str = "HEAD", *, whole: bool = False) -> Released | None:
    """The highest version that `at` has in its history: on a branch for repairs that is the
    branch's own; of `whole` ones only, where pre-releases don't count. None when there is none.

    Raises TcError ``shallow`` where the history here is cut, so that it can't be told.
    """
    merged = repo.tags(f"{namespace}-", merged=at)
    found = [one for one in (released(tag, namespace) for tag in merged) if one]
    if not found and repo.shallow:
        raise shallow(repo, f"the last version of `{namespace}`")
    counted = [one for one in found if not (whole and one.version.prerelease)]
    return max(counted, key=lambda one: one.version, default=None)


def latest_of_each(repo: Repo, namespaces: Iterable[str]) -> dict[str, Released]:
    """What `latest` tells of each of `namespaces` at HEAD, in one run of git; those that have no
    version are missing. Raises TcError ``shallow`` where that can't be told."""
    merged: dict[str, list[Released]] = {}
    for tag in repo.tags(merged="HEAD"):
        # names have no dots: what stands before the first one ends in the major version
        namespace = tag.name.partition(".")[0].rpartition("-")[0]
        if one := released(tag, namespace):
            merged.setdefault(namespace, []).append(one)
    found = {}
    for name in namespaces:
        if name in merged:
            found[name] = max(merged[name], key=lambda one: one.version)
        elif repo.shallow:
            raise shallow(repo, f"the last version of `{name}`")
    return found


def ahead(repo: Repo, namespace: str) -> Released | None:
    """The highest version that was made of what came after HEAD, on top of it; None when there is
    none."""
    head = repo.head()
    tags = repo.tags(f"{namespace}-", contains=head)
    found = [one for one in (released(tag, namespace) for tag in tags) if one and one.sha != head]
    return max(found, key=lambda one: one.version, default=None)


def find_version(repo: Repo, namespace: str, version: str) -> Released:
    """The tag of `version` (``0.1.4``, or the whole tag ``etl-0.1.4``).

    Raises UsageError when that is no version, TcError ``missing-version`` when there is no tag.
    """
    wanted = parse(version.removeprefix(f"{namespace}-"))
    known = versions_of(repo, namespace)
    for one in known:
        if one.version == wanted and one.tag == tag_of(namespace, wanted):
            return one
    last = ", ".join(str(one.version) for one in known[-5:])
    raise TcError(
        f"there is no tag `{tag_of(namespace, wanted)}`",
        code="missing-version",
        where=str(repo.root),
        hint=f"git fetch --tags; the last ones here are {last}" if last else "git fetch --tags",
    )


def next_version(last: Version | None, part: Part, suffix: str = "") -> Version:
    """What follows `last`: ``0.1.4`` and ``minor`` make ``0.2.0``.

    What is only announced is reached first: ``0.2.0-rc1`` and ``minor`` make ``0.2.0``. Without
    `last` a patch is 0.0.1, a minor 0.1.0, a major 1.0.0. `suffix` makes a pre-release of it.
    Raises UsageError when the suffix is none, or the version isn't newer.
    """
    base = (last or Version(0, 0, 0)).next_version(part)
    made = base.replace(prerelease=None, build=None)
    if suffix:
        made = announced(made, suffix)
    if last is not None and made <= last:
        raise UsageError(
            f"`{made}` is not newer than {last}",
            code="version",
            hint="suffixes are ordered as text up to the next dot: write rc.9, rc.10",
        )
    return made


def announced(version: Version, suffix: str) -> Version:
    """`version` as a pre-release: ``0.2.0`` and ``rc1`` make ``0.2.0-rc1``. Raises UsageError
    when a suffix can't be that."""
    version = version.replace(prerelease=None, build=None)
    text = f"{version}-{suffix}"
    if not _SUFFIX.match(suffix) or not Version.is_valid(text):
        raise UsageError(
            f"`{suffix}` can't follow a version",
            code="version",
            hint="letters, digits, dots and -, as in rc1 or beta.2",
        )
    return Version.parse(text)


def development(last: Version | None, commits: int, sha: str, *, dirty: bool) -> Version:
    """What is newer than `last` and isn't released: ``0.1.4-dev.3+abc1234`` three commits after
    0.1.3, ``+abc1234.dirty`` where files aren't committed. Newer than `last`, older than what
    follows it. Without `last`, before the first one."""
    if last is None:
        base = UNRELEASED.replace(prerelease=f"dev.{commits}")
    elif last.prerelease:
        base = last.replace(prerelease=f"{last.prerelease}.dev.{commits}", build=None)
    else:
        base = last.bump_patch().replace(prerelease=f"dev.{commits}")
    marks: Iterable[str] = [mark for mark in (sha[:7], "dirty" if dirty else "") if mark]
    return base.replace(build=".".join(marks) or None)


def shallow(repo: Repo, what: str) -> TcError:
    return TcError(
        f"{what} can't be told: this clone is shallow, its history ends too early",
        code="shallow",
        where=str(repo.root),
        hint="git fetch --unshallow --tags",
    )
