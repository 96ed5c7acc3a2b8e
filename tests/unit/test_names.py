"""Whoever names things how they like: no two sandboxes ever share one."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from every_kind import FILES, lacking, text
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent / "compose"))

from composing import Directory

from tc.deploy.desired import desired_of
from tc.plan.resource import Resource
from tc.spec.facts import Facts
from tc.spec.names import shorten
from tc.spec.topology import Topology

#: kind -> what AWS takes as the name of such a thing (its quotas and its patterns)
TAKEN: Mapping[str, str] = {
    "role": r"[\w+=,.@-]{1,64}",
    "log group": r"[\w./#-]{1,512}",
    "function": r"[a-zA-Z0-9_-]{1,64}",
    "alias": r"[a-zA-Z0-9_-]{1,64}:(?!\d+$)[a-zA-Z0-9_-]{1,128}",
    "version": r"[a-zA-Z0-9_-]{1,64}",
    "flow": r"[a-zA-Z0-9_.-]{1,80}",
    "flow version": r"[a-zA-Z0-9_.-]{1,80}",
    "flow alias": r"[a-zA-Z0-9_.-]{1,80}:(?!\d+$)[a-zA-Z0-9_.-]{1,80}",
    "activity": r"[a-zA-Z0-9_-]{1,80}",
    "api": r".{1,128}",
    "route": r".{1,64}",
    "bus": r"[A-Za-z0-9._/-]{1,256}",
    "event": r"[A-Za-z0-9._-]{1,64}",
    "schedule": r"[A-Za-z0-9._-]{1,64}",
    "schedule group": r"[A-Za-z0-9._-]{1,64}",
    "queue": r"[A-Za-z0-9_-]{1,75}(\.fifo)?|[A-Za-z0-9_-]{76,80}",
    "bucket": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "table": r"[A-Za-z0-9_.-]{3,255}",
    "stream": r"[A-Za-z0-9_.-]{1,64}",
    "workgroup": r"[A-Za-z0-9._-]{1,128}",
    "permission": r"[a-zA-Z0-9_-]{1,100}",
    "job": r".{1,255}",
    "pipe": r"[A-Za-z0-9._-]{1,64}",
    "pool": r"[\w\s+=,.@-]{1,128}",
    "pool client": r"[\w\s+=,.@-]{1,128}",
    "trigger": r"[\w\s+=,.@-]{1,128}",
    "channel api": r"[A-Za-z0-9_ -]{1,50}",
    "channel": r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?",
    "connection": r"[A-Za-z0-9._-]{1,64}",
    "mutation api": r".{1,65536}",
    "mutation": r"Mutation\.[_A-Za-z][_0-9A-Za-z]{0,255}",
    "authorizer": r".{1,128}",
    "page bucket": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "distribution": r".{1,128}",
    "page": r".{1,1024}",
}
#: shared by whoever names them, on purpose; two routes in one place are refused by the plan
SHARED = re.compile(r"bus|api/shared .*")
#: named inside their parent, by the parent's name too
INSIDE = {"alias", "authorizer", "channel", "mutation", "permission", "route", "schedule"}
#: named by AWS when they are made
BY_AWS = {"mapping"}

owner_name = st.from_regex(r"[a-z0-9][a-z0-9-]{0,40}", fullmatch=True)
entity = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}", fullmatch=True)
entities = st.lists(entity, min_size=3, max_size=3, unique_by=str.lower).map(
    lambda names: (names[0], names[1], names[2])
)


def topology(namespace: str, sandbox: str, names: tuple[str, str, str]) -> Topology:
    with tempfile.TemporaryDirectory() as root:
        directory = Directory(Path(root)).write(text(namespace, names), " ".join(names), FILES)
        return directory.composed(sandbox=sandbox, stable=True).topology


def things(namespace: str, sandbox: str, names: tuple[str, str, str]) -> list[Resource]:
    return desired_of(topology(namespace, sandbox, names), Facts())


def places(resources: list[Resource]) -> set[tuple[str, str, str]]:
    """What AWS tells things apart by: kind, where it is, name."""
    return {
        (resource.kind, (resource.parent or "") * (resource.kind in INSIDE), resource.name)
        for resource in resources
        if resource.kind not in BY_AWS
        and not SHARED.fullmatch(resource.kind)
        and not SHARED.fullmatch(resource.key)
        and not SHARED.fullmatch(resource.parent or "")
    }


def test_the_topology_of_these_tests_has_every_kind() -> None:
    assert lacking(things("etl", "bob", ("a", "b", "c"))) == [], (
        "add one of each of these kinds to tests/unit/every_kind.py"
    )


@settings(max_examples=60, deadline=None)
@given(owner_name, owner_name, entities)
def test_every_name_is_one_that_aws_takes(
    namespace: str, sandbox: str, names: tuple[str, str, str]
) -> None:
    wrong = [
        (resource.kind, resource.name)
        for resource in things(namespace, sandbox, names)
        if resource.kind not in BY_AWS
        and not re.fullmatch(TAKEN[resource.kind], resource.name, re.ASCII)
    ]
    assert wrong == []


@settings(max_examples=60, deadline=None)
@given(owner_name, owner_name, owner_name, owner_name, entities, entities)
def test_two_sandboxes_never_share_a_name(
    namespace: str,
    other: str,
    sandbox: str,
    another: str,
    names: tuple[str, str, str],
    others: tuple[str, str, str],
) -> None:
    if (namespace, sandbox) == (other, another):
        another += "2"
    shared = places(things(namespace, sandbox, names)) & places(things(other, another, others))
    assert shared == set()


#: what joins to the same text where the joints can't be told from the names
CLOSE = [
    (("a-b", "c", ("x", "y", "z")), ("a", "b-c", ("x", "y", "z"))),
    (("a", "c", ("b-x", "y", "z")), ("a-b", "c", ("x", "y", "z"))),
    (("a", "b-c", ("x", "y", "z")), ("a", "c", ("x-b", "y", "z"))),
    (("a", "c", ("x_y", "y", "z")), ("a", "c-y", ("x", "y", "z"))),
    (("a", "c", ("x", "y", "z")), ("a", "c-x", ("x", "y", "z"))),
    (("a" * 60, "c", ("x", "y", "z")), ("a" * 60, "d", ("x", "y", "z"))),
]


@pytest.mark.parametrize(("one", "other"), CLOSE)
def test_names_that_read_alike_are_told_apart(
    one: tuple[str, str, tuple[str, str, str]], other: tuple[str, str, tuple[str, str, str]]
) -> None:
    assert places(things(*one)) & places(things(*other)) == set()


@given(st.text(min_size=1), st.text(min_size=1), st.integers(min_value=10, max_value=80))
def test_a_name_that_is_too_long_ends_in_a_hash_of_the_whole(
    one: str, other: str, limit: int
) -> None:
    long, longer = one * limit, other * limit + one
    assert len(shorten(long, limit)) <= limit
    if len(long) > limit:
        assert re.search(r"-[0-9a-f]{8}\Z", shorten(long, limit))
    if long != longer:
        assert shorten(long, limit) != shorten(longer, limit)


@settings(max_examples=40, deadline=None)
@given(owner_name, owner_name, entity)
def test_a_functions_name_can_be_read_back(namespace: str, sandbox: str, name: str) -> None:
    full = f"{namespace}_{name}_{sandbox}"
    head, _, rest = full.partition("_")
    middle, _, tail = rest.rpartition("_")
    assert (head, middle, tail) == (namespace, name, sandbox)
