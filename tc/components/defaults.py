"""What kinds share: ``check = defaults.nothing_to_check`` where one has nothing to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from tc.components.protocol import Aws
from tc.errors import AwsError
from tc.plan.resource import Actual, Resource
from tc.spec.finding import Finding
from tc.spec.topology import Topology


def nothing_to_check(topology: Topology) -> Iterable[Finding]:
    """AWS refuses nothing of this kind that loading would let through."""
    return ()


def nothing_to_trace(actuals: Iterable[Actual]) -> Iterable[Resource]:
    """Nobody points at things of this kind that weren't found by their names."""
    return ()


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
