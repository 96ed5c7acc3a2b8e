"""What holds for every kind of the registry: nothing twice, nothing foreign, nothing left."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from composing import Directory
from deploying import carry_out, create, delete, failures, plan, settled, silent, work
from every_kind import FILES, text
from fake_aws import FakeAws

from tc.components import kinds
from tc.deploy.prune import prepare_pruning
from tc.plan.ownership import Conflict
from tc.plan.resource import Action
from tc.spec.scope import OWNER_TAG
from tc.spec.topology import Topology

NAMES = ("a", "b", "c")
NOTHING = "name: etl\n"


@pytest.fixture(params=[False, True], ids=["ordinary", "stable"])
def topology(directory: Directory, request: pytest.FixtureRequest) -> Topology:
    written = directory.write(text("etl", NAMES), "a b c", FILES)
    return written.composed(stable=request.param).topology


@pytest.fixture
def aws(topology: Topology) -> FakeAws:
    """An account that has all of it."""
    made = FakeAws()
    outcome = create(made, topology)
    assert failures(outcome) == []
    assert outcome.ok
    return made


def test_created_once_nothing_is_left_to_do(aws: FakeAws, topology: Topology) -> None:
    settled(aws, topology)


def test_reading_it_takes_two_calls_a_thing_and_some(aws: FakeAws, topology: Topology) -> None:
    aws.forget()
    things = len(plan(aws, topology).desired)
    assert sum(aws.names().values()) <= 2 * things + 40


@pytest.mark.parametrize("plural", [component.PLURAL for component in kinds()])
def test_every_kind_can_be_chosen_alone(aws: FakeAws, topology: Topology, plural: str) -> None:
    aws.forget()
    assert work(plan(aws, topology, plural)) == []
    assert aws.writes() == []


def test_delete_leaves_nothing(aws: FakeAws, topology: Topology) -> None:
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_what_is_taken_out_of_the_file_is_in_the_next_plan_and_goes(
    aws: FakeAws, directory: Directory
) -> None:
    for name in NAMES:
        (directory.root / name / "handler.py").unlink()
    topology = directory.write(NOTHING).topology()
    prepared = plan(aws, topology)
    assert {step.action for step in prepared.plan.work} == {Action.DELETE}
    assert carry_out(prepared, aws, silent).ok
    assert aws.is_empty()


def test_prune_finds_it_without_the_topology(aws: FakeAws, directory: Directory) -> None:
    for name in NAMES:
        (directory.root / name / "handler.py").unlink()
    prepared = prepare_pruning(directory.write(NOTHING).topology(), aws)
    assert carry_out(prepared, aws, silent).ok
    assert aws.is_empty()


def test_another_sandbox_is_not_touched(aws: FakeAws, directory: Directory) -> None:
    alice = directory.composed(sandbox="alice").topology
    assert create(aws, alice).ok
    assert delete(aws, directory.composed().topology).ok
    settled(aws, alice)


def marked(aws: FakeAws) -> Iterator[tuple[str, dict[str, str]]]:
    """Everything with the sandbox's mark: what it is, and its tags."""
    for arn, tags in aws._tagged():
        if OWNER_TAG in tags:
            yield arn, tags


def test_a_namesake_without_the_mark_stops_the_run_before_the_first_write(
    aws: FakeAws, topology: Topology
) -> None:
    accepted = []
    for arn, tags in list(marked(aws)):
        mark = tags.pop(OWNER_TAG)
        aws.forget()
        said = refusal(aws, topology)
        if "has no mark of tc" not in said or last_part(arn) not in said:
            accepted.append((arn, said))
        assert aws.writes() == [], arn
        tags[OWNER_TAG] = mark
    assert accepted == []


def refusal(aws: FakeAws, topology: Topology) -> str:
    """What is said to a plan that would touch what is somebody else's, if anything."""
    try:
        plan(aws, topology)
    except Conflict as conflict:
        return conflict.message
    return ""


def last_part(arn: str) -> str:
    """The name in an ARN, or of what AWS names what its service has here."""
    named = {"cognito-idp": "pool", "apigateway": "api", "appsync": "api"}
    named |= {"cloudfront": "distribution"}
    if ":event-source-mapping:" in arn:
        return "mapping"
    return named.get(arn.split(":")[2]) or re.split("[:/]", arn)[-1]


def test_a_role_of_another_path_stops_the_run_before_the_first_write(
    aws: FakeAws, topology: Topology
) -> None:
    for name, role in aws.roles.items():
        path = role["role"]["Path"]
        role["role"]["Path"] = "/"
        aws.forget()
        with pytest.raises(Conflict, match=re.escape(name)):
            plan(aws, topology)
        assert aws.writes() == []
        role["role"]["Path"] = path


def test_another_owners_things_are_told_with_their_owner(aws: FakeAws, topology: Topology) -> None:
    for _, tags in list(marked(aws)):
        tags[OWNER_TAG] = "etl@alice"
    aws.forget()
    with pytest.raises(Conflict, match="it belongs to etl@alice"):
        plan(aws, topology)
    assert aws.writes() == []
