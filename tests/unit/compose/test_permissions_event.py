"""What events and those who put them may do, to the letter."""

from __future__ import annotations

from typing import Any

import pytest
from composing import Directory

from tc.components import queue
from tc.components.role import policy_of
from tc.spec.facts import Facts
from tc.spec.topology import Topology

ARN = "arn:aws:%s:eu-west-1:111122223333:%s"
FLOW = "flow: {StartAt: a, States: {a: {Type: Succeed}}}\n"


def statements(topology: Topology, role: str) -> Any:
    return {spec.name: policy_of(spec)["Statement"] for spec in topology.roles}.get(role)


@pytest.mark.parametrize("target", ["function: one", "queue: jobs"])
def test_functions_and_queues_let_a_rule_in_themselves(directory: Directory, target: str) -> None:
    text = f"name: etl\nqueues: {{jobs: {{}}}}\nevents: {{E: {{{target}}}}}\n"
    assert statements(directory.write(text, "one").topology(), "event.E") is None


def test_a_rule_may_start_its_flow(directory: Directory) -> None:
    topology = directory.write(f"name: etl\nevents: {{E: {{state: flow}}}}\n{FLOW}").topology()
    assert statements(topology, "event.E") == [
        {
            "Effect": "Allow",
            "Action": ["states:StartExecution"],
            "Resource": [ARN % ("states", "stateMachine:etl_bob")],
        }
    ]


def test_who_has_the_address_of_a_bus_may_put_events_on_it(directory: Directory) -> None:
    text = "name: etl\nevents: {produces: {Done: {bus: orders}}}\n"
    function = 'runtime: {environment: {BUS: "{{events.Done.bus}}"}}\n'
    topology = directory.write(text, "one", {"one/function.yml": function}).topology()
    assert {
        "Effect": "Allow",
        "Action": ["events:PutEvents"],
        "Resource": [ARN % ("events", "event-bus/orders")],
    } in statements(topology, "one")


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ("{bus: orders, queue: jobs}", "jobs"),
        ("{bus: orders, function: one, dlq: jobs}", "jobs"),
        ("{bus: orders, function: one, dead_letter_queue: true}", "E-dlq"),
    ],
)
def test_a_queue_lets_in_just_the_rules_that_send_to_it(
    directory: Directory, event: str, name: str
) -> None:
    text = f"name: etl\nqueues: {{jobs: {{}}}}\nevents: {{E: {event}, F: {{function: one}}}}\n"
    topology = directory.write(text, "one").topology()
    made = {resource.title: resource for resource in queue.desired(topology, Facts())}
    assert made[name].props["policy"]["Statement"] == [
        {
            "Sid": "tc-events",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": ARN % ("sqs", f"etl_{name}_bob"),
            "Condition": {
                "ArnEquals": {"aws:SourceArn": [ARN % ("events", "rule/orders/tc_etl_E_bob")]}
            },
        }
    ]
    assert [r.name for r in made.values() if r.props["policy"]] == [f"etl_{name}_bob"]
