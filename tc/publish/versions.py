"""Layers as they are published: which version of which part is the one that counts.

``{name}`` alone when the layer is one zip, else ``{name}-0``, ``{name}-1``, …, of which
``{name}-0`` leads: it is published last, and its mark says what the others must be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tc.components.protocol import Aws
from tc.errors import AwsError
from tc.records import dataclass
from tc.spec.layer import Mark, mark_of, part_names

#: versions that a page of a listing has (ListLayerVersions, MaxItems)
PAGE = 50


@dataclass(frozen=True, slots=True)
class Version:
    """A published version of a part; `created` as AWS says it, which sorts."""

    name: str
    number: int
    arn: str
    created: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Published:
    """A layer with all of its parts. `mark` is that of the leading one, None for a layer that
    tc didn't make."""

    parts: tuple[Version, ...]

    @property
    def mark(self) -> Mark | None:
        return self.parts[0].mark

    @property
    def arns(self) -> tuple[str, ...]:
        return tuple(part.arn for part in self.parts)

    @property
    def unpacked(self) -> int:
        """Bytes; 0 where nobody said."""
        return self.mark.unpacked if self.mark else 0


def service(aws: Aws, region: str) -> str:
    """Lambda in `region`, empty for the session's own."""
    return f"lambda@{region}" if region and region != aws.region else "lambda"


def newest(aws: Aws, name: str, region: str = "") -> Published | None:
    """The newest layer `name`; None when there is none. Two calls, and one for each further
    part."""
    one, split = aws.map(lambda part: latest(aws, part, region), (name, f"{name}-0"))
    if split and split.mark and split.mark.of > 1 and (not one or split.created > one.created):
        whole = _complete(aws, name, split, region)
        if whole:
            return whole
    return Published((one,)) if one else None


def pinned(aws: Aws, name: str, number: int, region: str = "") -> Published | None:
    """Version `number` of the layer `name`; of a split one that of its first part, and the
    others that were built with it. None when there is none."""
    found = _numbered(aws, name, number, region)
    if found:
        return Published((found,))
    lead = _numbered(aws, f"{name}-0", number, region)
    return _complete(aws, name, lead, region) if lead and lead.mark else None


def marked(aws: Aws, name: str, digest: str, region: str = "") -> Published | None:
    """The newest layer `name` that was built of what has `digest`; None when there is none.

    As many calls as `newest`, and pages of versions where that was built of something else.
    """
    now = newest(aws, name, region)
    if now is None or (now.mark and now.mark.digest == digest):
        return now
    for lead, split in ((name, False), (f"{name}-0", True)):
        for version in _those_there(aws, lead, region):
            mark = version.mark
            if mark is None or (mark.digest, mark.part, mark.of > 1) != (digest, 0, split):
                continue
            whole = _complete(aws, name, version, region) if split else Published((version,))
            if whole:
                return whole
    return None


def _those_there(aws: Aws, part: str, region: str) -> Iterator[Version]:
    try:
        yield from every(aws, part, region)
    except AwsError as error:
        if not error.missing:
            raise


def latest(aws: Aws, part: str, region: str = "") -> Version | None:
    """The newest version of a layer by its whole name."""
    try:
        answer = aws.call(service(aws, region), "list_layer_versions", LayerName=part, MaxItems=1)
    except AwsError as error:
        if error.missing:
            return None
        raise
    versions = answer["LayerVersions"]
    return _version(part, versions[0]) if versions else None


def every(aws: Aws, part: str, region: str = "") -> Iterator[Version]:
    """All versions of a layer by its whole name, the newest first, in pages."""
    found = aws.pages(
        service(aws, region),
        "list_layer_versions",
        "LayerVersions",
        LayerName=part,
        PaginationConfig={"PageSize": PAGE},
    )
    for one in found:
        yield _version(part, one)


def _numbered(aws: Aws, part: str, number: int, region: str) -> Version | None:
    try:
        found = aws.call(
            service(aws, region), "get_layer_version", LayerName=part, VersionNumber=number
        )
    except AwsError as error:
        if error.missing:
            return None
        raise
    return _version(part, found)


def _complete(aws: Aws, name: str, lead: Version, region: str) -> Published | None:
    """The layer whose first part is `lead`; None when another part of it isn't there."""
    assert lead.mark
    mark = lead.mark
    if mark.part or mark.of < 2:
        return None
    wanted = list(enumerate(part_names(name, mark.of)))[1:]
    others = aws.map(lambda one: _of(aws, one[1], mark, one[0], region), wanted)
    parts = [part for part in others if part]
    return Published((lead, *parts)) if len(parts) == len(others) else None


def _of(aws: Aws, part: str, lead: Mark, index: int, region: str) -> Version | None:
    """The version of `part` that was built with `lead`: nearly always the newest."""

    def fits(version: Version | None) -> bool:
        mark = version.mark if version else None
        wanted = (lead.digest, index, lead.of)
        return mark is not None and (mark.digest, mark.part, mark.of) == wanted

    found = latest(aws, part, region)
    if found is None or fits(found):
        return found
    return next((version for version in every(aws, part, region) if fits(version)), None)


def _version(part: str, found: Mapping[str, Any]) -> Version:
    return Version(
        part,
        int(found["Version"]),
        str(found["LayerVersionArn"]),
        str(found.get("CreatedDate", "")),
        mark_of(found.get("Description") or ""),
    )
