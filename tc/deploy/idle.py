"""Sandboxes that nobody has changed for long: which they are, and what deleting each takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from tc.components.protocol import Aws
from tc.deploy.inventory import Sandbox
from tc.deploy.pipeline import Prepared
from tc.deploy.prune import prepare_pruning
from tc.errors import UsageError
from tc.plan.resource import Actual
from tc.records import dataclass
from tc.spec.topology import Topology

_AGE = re.compile(r"(\d{1,6})(m|h|d|w)\Z")
_LONGEST = timedelta(days=36_500)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Idle:
    """A sandbox that wasn't changed since `changed`. `kept` is why it stays, empty for one that
    goes; `topology` explains nothing of it, `prepared` is its removal."""

    box: Sandbox
    changed: datetime | None
    kept: str = ""
    topology: Topology | None = None
    prepared: Prepared | None = None


def age(text: str) -> timedelta:
    """``7d``, ``12h``, ``30m``, ``2w``; raises UsageError for anything else."""
    found = _AGE.match(text)
    if found is None:
        raise UsageError(f"`{text}` is no age", hint="write a number and m, h, d or w: 7d")
    long = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if long > _LONGEST:
        raise UsageError(f"nothing is as old as `{text}`", hint="write at most 36500d")
    return long


def idle(
    aws: Aws,
    boxes: Iterable[Sandbox],
    before: datetime,
    empty: Callable[[Sandbox], Topology],
    *,
    pattern: str = "*",
    stable: Collection[str] = (),
    purge: bool = False,
) -> list[Idle]:
    """Those of `boxes` whose newest thing is older than `before`, and whose name is like
    `pattern`; each is read only when its oldest role is as old.

    The `stable` ones and those that are frozen stay. `empty` makes the topology that explains
    nothing of a sandbox. What holds data stays unless `purge`.
    """
    old = [
        box
        for box in boxes
        if fnmatchcase(box.sandbox, pattern)
        if box.since is None or box.since.astimezone(UTC) <= before
    ]
    kept = {id(box): _kept(box, stable) for box in old}
    found = [Idle(box, box.since, why) for box in old if (why := kept[id(box)])]
    for box in old:
        if kept[id(box)]:
            continue
        topology = empty(box)
        prepared = prepare_pruning(topology, aws, purge=purge)
        changed = last_change(prepared.found, topology.scope.owner)
        if changed is None:
            found.append(Idle(box, None, "nothing tells when it changed"))
        elif changed <= before:
            found.append(Idle(box, changed, "", topology, prepared))
    return sorted(found, key=lambda one: (one.box.namespace, one.box.sandbox))


def _kept(box: Sandbox, stable: Collection[str]) -> str:
    if box.sandbox in stable:
        return "it is stable"
    return f"frozen by {box.frozen_by}" if box.frozen_by else ""


def last_change(found: Mapping[str, Actual], owner: str) -> datetime | None:
    """When the newest of the things that `owner` has was made or, where AWS tells, changed."""
    moments = (actual.info.get("since", "") for actual in found.values() if actual.owner == owner)
    return max(_moments(moments), default=None)


def _moments(texts: Iterable[str]) -> Iterator[datetime]:
    for text in texts:
        with suppress(ValueError):
            moment = datetime.fromisoformat(text)
            yield moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
