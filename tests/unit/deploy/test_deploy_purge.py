"""What holds data stays until somebody says --purge."""

from __future__ import annotations

from dataclasses import replace

import pytest
from composing import Directory
from deploying import carry_out, create, packages, plan, silent
from fake_aws import FakeAws

from tc.components import flow
from tc.deploy.pipeline import Prepared, prepare, prepare_removal
from tc.errors import TcError
from tc.plan.resource import Action, Actual
from tc.spec.topology import Topology

TOPOLOGY = """
name: etl
flow: {StartAt: s, States: {s: {Type: Succeed}}}
"""


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[Actual]:
    """Flows hold data in these tests; what `delete` was given."""
    given: list[Actual] = []
    delete = flow.delete

    def noted(aws: FakeAws, actual: Actual) -> None:
        given.append(actual)
        delete(aws, actual)

    monkeypatch.setattr(flow, "TRAITS", replace(flow.TRAITS, holds=lambda aws, actual: "3 things"))
    monkeypatch.setattr(flow, "delete", noted)
    return given


def deployed(directory: Directory, text: str = TOPOLOGY) -> tuple[FakeAws, Topology]:
    aws = FakeAws()
    topology = directory.write(text, "one").topology()
    assert create(aws, topology).ok
    return aws, topology


def held(prepared: Prepared) -> dict[str, str]:
    return {step.title: step.held for step in prepared.plan.steps if step.held}


def test_delete_keeps_it_with_what_it_needs_and_says_so(
    directory: Directory, deleted: list[Actual]
) -> None:
    aws, topology = deployed(directory)
    prepared = prepare_removal(topology, aws)
    assert held(prepared) == {"etl_bob": "3 things"}
    assert carry_out(prepared, aws, silent).ok
    assert list(aws.machines)
    assert not aws.functions
    assert not deleted
    assert list(aws.roles) == ["tc_etl_flow.etl_bob_eu-west-1"]


def test_with_purge_all_of_it_goes(directory: Directory, deleted: list[Actual]) -> None:
    aws, topology = deployed(directory)
    assert carry_out(prepare_removal(topology, aws, purge=True), aws, silent).ok
    assert aws.is_empty()
    assert [actual.outputs["purge"] for actual in deleted] == ["true"]


def test_taken_out_of_the_file_it_stays_too(directory: Directory, deleted: list[Actual]) -> None:
    aws, _ = deployed(directory)
    topology = directory.write("name: etl", "one").topology()
    prepared = plan(aws, topology)
    assert held(prepared) == {"etl_bob": "3 things"}
    assert prepared.plan.work == ()


def test_a_replacement_that_loses_data_is_refused(
    directory: Directory, deleted: list[Actual]
) -> None:
    aws, _ = deployed(directory)
    topology = directory.write(
        "mode: Express\nlogging: {level: 'OFF'}\n" + TOPOLOGY, "one"
    ).topology()
    with pytest.raises(TcError, match="etl_bob holds 3 things") as caught:
        plan(aws, topology)
    assert caught.value.code == "holds-data"
    prepared = prepare(topology, aws, packages, silent, purge=True)
    assert [step.action for step in prepared.plan.work] == [Action.REPLACE]


def test_an_empty_one_goes(
    directory: Directory, deleted: list[Actual], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "TRAITS", replace(flow.TRAITS, holds=lambda aws, actual: ""))
    aws, topology = deployed(directory)
    assert carry_out(prepare_removal(topology, aws), aws, silent).ok
    assert aws.is_empty()
