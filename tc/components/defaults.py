"""What kinds share: ``check = defaults.nothing_to_check`` where one has nothing to say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from tc.components.protocol import Aws, Index, Outputs
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.finding import Finding
from tc.spec.scope import Scope
from tc.spec.topology import Entry, Topology


def nothing_to_check(topology: Topology) -> Iterable[Finding]:
    """AWS refuses nothing of this kind that loading would let through."""
    return ()


def nothing_to_trace(actuals: Iterable[Actual]) -> Iterable[Resource]:
    """Nobody points at things of this kind that weren't found by their names."""
    return ()


def nothing_to_find(aws: Aws, scope: Scope, index: Index) -> Iterable[Resource]:
    """The thing that one of this kind lives in tells of it (`Traits.told_by`)."""
    return ()


def nothing_to_read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    """The thing that one of this kind lives in tells of it (`Traits.told_by`)."""
    return ()


def nothing_to_update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    """A thing of this kind never changes: only its owner can differ, which is its parent's."""
    return actual.outputs


def ready_at_once(aws: Aws, resource: Resource) -> None:
    """A thing of this kind can be used as soon as its call has answered."""


@contextmanager
def if_there() -> Iterator[None]:
    """What is already gone is deleted: AWS's "not found" ends the body, and is no error."""
    try:
        yield
    except AwsError as error:
        if not error.missing:
            raise


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as IAM and EventBridge take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def changed(changes: Iterable[Change]) -> set[str]:
    """The props that differ."""
    return {change.path.split(".")[0] for change in changes}


def dropped_tags(resource: Resource, actual: Actual) -> list[str]:
    """The user's tags that a live thing has and should have no more."""
    return sorted(set(actual.props["tags"]) - set(resource.props["tags"]))


def named(kind: str, scope: Scope, names: Iterable[str]) -> Iterator[Resource]:
    """What `find` tells of things called ``{namespace}_{title}_{sandbox}``."""
    prefix, end = f"{scope.namespace}_", f"_{scope.sandbox}"
    for name in sorted(names):
        title = name.removeprefix(prefix).removesuffix(end)
        yield Resource(kind, f"{kind}/{name}", name, title, scope.owner, {})


#: the tag that tells which settings a thing was given that take a read of their own:
#: the others of its kind are spared the reading
HAS_TAG = "tc:has"


def has_tag(settings: Iterable[str]) -> dict[str, str]:
    """The tag for `settings`; none for none."""
    return {HAS_TAG: " ".join(sorted(settings))} if settings else {}


def has(tags: Mapping[str, str]) -> frozenset[str]:
    """The settings that a live thing was given."""
    return frozenset(tags.get(HAS_TAG, "").split())


def without_has(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key != HAS_TAG}


def check_names(topology: Topology, section: str, name: re.Pattern[str]) -> Iterator[Finding]:
    """The entries of `section` whose names AWS would refuse."""
    for entry in topology.entries.get(section, {}).values():
        if not name.match(entry.name):
            article = "an" if section[0] in "aeiou" else "a"
            message = f"`{entry.name}` can't name {article} {entry.kind}"
            hint = "letters, digits, - and _ only"
            yield Finding("bad-name", message, entry.address, hint, "key")


def check_bucket(topology: Topology, entry: Entry, bucket: str | None) -> Iterator[Finding]:
    """The `bucket` that an entry names must be one of the topology's."""
    known = topology.entries.get("buckets", {})
    if bucket and bucket not in known:
        close = difflib.get_close_matches(bucket, known, n=1)
        there = ", ".join(known) or "none"
        hint = f"did you mean `{close[0]}`?" if close else f"there are: {there}"
        yield Finding(
            "unknown-name", f"there is no bucket `{bucket}`", entry.address / "bucket", hint
        )
