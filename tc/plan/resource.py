"""The words of a plan: what should be, what is, and what to do about the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import Any

from tc.records import dataclass
from tc.spec.finding import Address
from tc.spec.ref import Joined, Ref, refs

__all__ = ["Action", "Actual", "Change", "Joined", "Plan", "Ref", "Resource", "Step", "refs"]


@dataclass(frozen=True, slots=True)
class Resource:
    """A thing that should be.

    `key` is unique in a plan (``function/etl/enhancer``), `name` the name on
    AWS, `title` what people read (``/api/etl``). `props` is plain data, compared
    field by field with what is there; it may hold `Ref`. `needs` are the keys of
    what must exist first, `selectors` what ``-c`` may say to mean this thing.
    `parent` is the thing it lives in, gone with it; `bears` says by which of its
    own actions (``create``, ``update``) a parent also does its children's (an API
    and its routes in one call). A `snapshot` is never changed: there is one as it should
    be, or a new one is made beside it, and what refers to it is done with it. `payload` is
    for the kind alone.
    """

    kind: str
    key: str
    name: str
    title: str
    owner: str
    props: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    selectors: frozenset[str] = frozenset()
    parent: str | None = None
    bears: frozenset[str] = frozenset()
    address: Address | None = None
    detail: str = ""
    payload: Any = None
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Actual:
    """A thing that is.

    `owner` is the value of its mark, empty where it has none; `props` has the
    same shape as the desired ones; `outputs` what others refer to (``id``,
    ``arn``, ``url``); `info` what `tc list` tells (``version``, ``since``);
    `needs` what must outlive it.
    """

    kind: str
    key: str
    name: str
    title: str
    owner: str
    props: Mapping[str, Any]
    outputs: Mapping[str, str] = field(default_factory=dict)
    info: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    parent: str | None = None


class Action(Enum):
    """What a step does, and the sign it is shown by."""

    CREATE = "+"
    UPDATE = "~"
    REPLACE = "±"
    DELETE = "-"
    KEEP = "="


@dataclass(frozen=True, slots=True)
class Change:
    """One field: from `before` to `after`; `path` reads ``environment.STAGE``."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Step:
    """One thing of the plan.

    `within` is the step whose call does this one too; that step's `children` are
    the things that its parent should have in the end. `after` orders without
    making one's failure the other's. `held` is the data for which a thing that
    would go is kept (``12 objects``).
    """

    action: Action
    key: str
    kind: str
    name: str
    title: str
    resource: Resource | None = None
    actual: Actual | None = None
    changes: tuple[Change, ...] = ()
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    within: str | None = None
    children: tuple[Resource, ...] = ()
    held: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Every step, in an order in which they could be done one by one; `outputs` is
    what is known of things that are there, by key."""

    steps: tuple[Step, ...]
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def work(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.action is not Action.KEEP)
