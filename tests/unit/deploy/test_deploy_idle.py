"""`tc prune --older-than`: what is idle goes whole, what is stable, frozen or young stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from composing import Directory
from deploying import carry_out, create, silent
from fake_aws import FakeAws

from tc.compose.compose import compose
from tc.deploy.idle import Idle, age, idle
from tc.deploy.inventory import Sandbox, sandboxes
from tc.errors import UsageError
from tc.spec.finding import Address
from tc.spec.spec import Spec
from tc.spec.topology import Topology

NOW = datetime(2026, 11, 21, tzinfo=UTC)
WEEK_AGO = NOW - timedelta(days=7)
LONG_AGO = NOW - timedelta(days=30)
HERE = Path(__file__).parent
TEXT = "name: etl\n"


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def made(aws: FakeAws, directory: Directory, sandbox: str, when: datetime = LONG_AGO) -> Topology:
    """A sandbox all of whose things are of one moment."""
    topology = directory.write(TEXT, "one").composed(sandbox=sandbox).topology
    assert create(aws, topology).ok
    for role in aws.roles.values():
        if f"/{sandbox}/" in role["role"]["Path"]:
            role["role"]["CreateDate"] = when
    touched(aws, sandbox, when)
    return topology


def touched(aws: FakeAws, sandbox: str, when: datetime) -> None:
    """Somebody changed the function."""
    function = aws.functions[f"etl_one_{sandbox}"]
    function["configuration"]["LastModified"] = when.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def found(aws: FakeAws, topology: Topology, **more: Any) -> dict[str, Idle]:
    """What is idle, by the names of the sandboxes."""

    def empty(box: Sandbox) -> Topology:
        scope = replace(topology.scope, sandbox=box.sandbox)
        return compose(Spec(box.namespace, HERE, Address(HERE)), scope).topology

    listed = idle(aws, sandboxes(aws), WEEK_AGO, empty, **more)
    return {one.box.sandbox: one for one in listed}


def test_what_nobody_changed_for_long_goes_whole(aws: FakeAws, directory: Directory) -> None:
    topology = made(aws, directory, "pr-1")
    (one,) = found(aws, topology).values()
    assert (one.kept, one.changed) == ("", LONG_AGO)
    assert one.prepared
    assert carry_out(one.prepared, aws, silent).ok
    assert aws.is_empty()


def test_one_change_keeps_it(aws: FakeAws, directory: Directory) -> None:
    topology = made(aws, directory, "pr-1")
    touched(aws, "pr-1", NOW)
    assert found(aws, topology) == {}


def test_a_young_one_is_not_even_read(aws: FakeAws, directory: Directory) -> None:
    topology = made(aws, directory, "pr-1", NOW)
    aws.forget()
    assert found(aws, topology) == {}
    assert set(aws.names()) == {"iam.list_roles", "resourcegroupstaggingapi.get_resources"}


def test_stable_and_frozen_ones_stay(aws: FakeAws, directory: Directory) -> None:
    for sandbox in ("live", "pr-1"):
        topology = made(aws, directory, sandbox)
    boxes = [replace(box, frozen_by="ana" * (box.sandbox == "pr-1")) for box in sandboxes(aws)]

    def never(box: Sandbox) -> Topology:
        raise AssertionError(f"{box.sandbox} was read")

    listed = idle(aws, boxes, WEEK_AGO, never, stable=("live",))
    assert [(one.box.sandbox, one.kept) for one in listed] == [
        ("live", "it is stable"),
        ("pr-1", "frozen by ana"),
    ]
    assert topology.scope.sandbox == "pr-1"


def test_only_names_like_the_pattern(aws: FakeAws, directory: Directory) -> None:
    for sandbox in ("bob", "pr-1", "pr-2"):
        topology = made(aws, directory, sandbox)
    assert set(found(aws, topology, pattern="pr-*")) == {"pr-1", "pr-2"}


def test_what_nothing_tells_the_age_of_stays(aws: FakeAws, directory: Directory) -> None:
    topology = made(aws, directory, "pr-1")
    touched(aws, "pr-1", LONG_AGO)
    boxes = [replace(box, since=None) for box in sandboxes(aws)]
    for role in aws.roles.values():
        role["role"]["CreateDate"] = ""
    aws.functions["etl_one_pr-1"]["configuration"]["LastModified"] = ""

    def empty(box: Sandbox) -> Topology:
        spec = Spec(box.namespace, HERE, Address(HERE))
        return compose(spec, topology.scope).topology

    (one,) = idle(aws, boxes, WEEK_AGO, empty)
    assert one.kept == "nothing tells when it changed"
    assert one.prepared is None


def test_ages() -> None:
    assert age("7d") == timedelta(days=7)
    assert age("90m") == timedelta(minutes=90)
    assert age("2w") == timedelta(weeks=2)
    for text in ("7", "d", "-7d", "7 d", "7y", "1.5d", ""):
        with pytest.raises(UsageError, match="is no age"):
            age(text)
    # a moment so long ago has no date
    with pytest.raises(UsageError, match="nothing is as old as `999999w`"):
        age("999999w")
