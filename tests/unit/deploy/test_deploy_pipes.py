"""Pipes: queues and tables that start flows, from nothing and back to nothing."""

from __future__ import annotations

from typing import Any

import pytest
from composing import Directory
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws

from tc.plan.ownership import Conflict

TOPOLOGY = """
name: etl
queues:
  jobs: {function: first, visibility: 60}
tables:
  runs: {key: id, function: first}
functions:
  first: {function: last}
"""
NAMES = "first last"
JOBS = "etl_queue.jobs.first_bob"
RUNS = "etl_table.runs.first_bob"
FLOW = "arn:aws:states:eu-west-1:111122223333:stateMachine:etl_first_bob"


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def made(directory: Directory, aws: FakeAws, text: str = TOPOLOGY) -> Any:
    topology = directory.write(text, NAMES).topology()
    outcome = create(aws, topology)
    assert failures(outcome) == []
    return topology


def test_created_once_and_gone_without_a_trace(directory: Directory, aws: FakeAws) -> None:
    topology = made(directory, aws)
    assert sorted(aws.pipes) == [JOBS, RUNS]
    assert aws.pipes[JOBS]["Source"] == "arn:aws:sqs:eu-west-1:111122223333:etl_jobs_bob"
    assert aws.pipes[JOBS]["Target"] == aws.pipes[RUNS]["Target"] == FLOW
    assert aws.pipes[RUNS]["Source"].startswith(
        "arn:aws:dynamodb:eu-west-1:111122223333:table/etl_runs_bob/stream/"
    )
    assert {pipe["Tags"]["tc:functor"] for pipe in aws.pipes.values()} == {"etl@bob"}
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_a_standard_flow_is_started_and_an_express_one_is_waited_for(
    directory: Directory, aws: FakeAws
) -> None:
    def how() -> str:
        given = aws.pipes[JOBS]["TargetParameters"]["StepFunctionStateMachineParameters"]
        return str(given["InvocationType"])

    made(directory, aws)
    assert how() == "FIRE_AND_FORGET"
    assert aws.queues["etl_jobs_bob"]["attributes"]["VisibilityTimeout"] == "60"
    aws = FakeAws()
    made(directory, aws, f"mode: Express\n{TOPOLOGY.replace(', visibility: 60', '')}")
    assert how() == "REQUEST_RESPONSE"
    assert aws.queues["etl_jobs_bob"]["attributes"]["VisibilityTimeout"] == "1800"


FIELDS = [
    # what is written instead, the change, and the only writing call
    ("visibility: 60", "visibility: 60, batch_size: 5", "queue jobs to first: batch_size"),
    ("visibility: 60", "visibility: 60, window: 5", "queue jobs to first: window_s"),
    ("key: id", "key: id, retries: 3", "table runs to first: retries"),
]


@pytest.mark.parametrize(("old", "new", "change"), FIELDS)
def test_each_field_is_its_own_change(
    directory: Directory, aws: FakeAws, old: str, new: str, change: str
) -> None:
    made(directory, aws)
    topology = directory.write(TOPOLOGY.replace(old, new), NAMES).topology()
    assert work(plan(aws, topology)) == [f"~ pipe {change}"]
    aws.forget()
    assert create(aws, topology).ok
    assert aws.writes() == ["pipes.update_pipe"]
    settled(aws, topology)


def test_drift_is_seen_and_undone(directory: Directory, aws: FakeAws) -> None:
    topology = made(directory, aws)
    aws.pipes[JOBS]["CurrentState"] = "STOPPED"
    aws.pipes[JOBS]["SourceParameters"]["SqsQueueParameters"]["BatchSize"] = 9
    found = work(plan(aws, topology, "queues/jobs"))
    assert found == ["~ pipe queue jobs to first: batch_size, state"]
    assert create(aws, topology, "queues/jobs").ok
    assert aws.pipes[JOBS]["CurrentState"] == "RUNNING"
    settled(aws, topology)


def test_what_is_taken_out_goes(directory: Directory, aws: FakeAws) -> None:
    made(directory, aws)
    topology = directory.write(TOPOLOGY.replace("function: first, vis", "vis"), NAMES).topology()
    assert work(plan(aws, topology)) == [
        "- pipe queue.jobs.first",
        "- role tc_etl_pipe.queue.jobs.first_bob_eu-west-1",
    ]
    assert work(plan(aws, topology, "queues")) == ["- pipe queue.jobs.first"]
    assert work(plan(aws, topology, "tables")) == []
    assert create(aws, topology).ok
    assert sorted(aws.pipes) == [RUNS]


def test_the_changes_of_an_event_are_all_that_starts_the_flow(
    directory: Directory, aws: FakeAws
) -> None:
    text = TOPOLOGY.replace("key: id, function: first", "key: id")
    text += "events:\n  Gone: {producer: DYNAMODB/DELETE_ITEM, function: first}\n"
    topology = directory.write(text, NAMES).topology()
    assert "+ pipe table runs to first" in work(plan(aws, topology, "events/Gone"))
    made(directory, aws, text)
    (wanted,) = aws.pipes[RUNS]["SourceParameters"]["FilterCriteria"]["Filters"]
    assert wanted["Pattern"] == '{"eventName": ["REMOVE"]}'
    assert not any(".event." in name or "_event." in name for name in aws.roles)


def test_what_others_own_is_refused_before_any_write(directory: Directory, aws: FakeAws) -> None:
    topology = made(directory, aws)
    aws.pipes[JOBS]["Tags"] = {"tc:functor": "etl@alice"}
    aws.forget()
    with pytest.raises(Conflict, match=r"etl_queue\.jobs\.first_bob"):
        plan(aws, topology)
    assert aws.writes() == []
