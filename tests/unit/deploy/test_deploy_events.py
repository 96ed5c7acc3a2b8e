"""Rules, buses and their targets: made, changed one field at a time, and gone."""

from __future__ import annotations

from typing import Any

import pytest
from composing import Directory, codes
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws, refused

from tc.deploy.pipeline import carry_out
from tc.deploy.prune import prepare_pruning
from tc.events import silent

QUEUE = "arn:aws:sqs:eu-west-1:111122223333:failed"
TEXT = f"""
name: etl
events:
  Placed:
    producers: [shop, depot]
    filter: {{total: [{{numeric: ['>', 100]}}]}}
    bus: orders
    functions: [one, two]
    retries: 3
    maximum_event_age_in_seconds: 600
    dlq: {QUEUE}
  Other: {{function: one}}
"""
RULE = ("orders", "tc_etl_Placed_bob")


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def target(aws: FakeAws, rule: tuple[str, str], name: str) -> Any:
    return aws.rules[rule]["targets"][name]


def test_create_again_is_nothing_and_delete_leaves_nothing(
    directory: Directory, aws: FakeAws
) -> None:
    topology = directory.write(TEXT, "one two").topology()
    assert failures(create(aws, topology)) == []
    assert target(aws, RULE, "function.two") == {
        "Id": "function.two",
        "Arn": "arn:aws:lambda:eu-west-1:111122223333:function:etl_two_bob",
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 600},
        "DeadLetterConfig": {"Arn": QUEUE},
    }
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


EDITS = [
    # what is edited, the one thing that the plan says, the writing calls
    ("['>', 100]", "['>', 90]", "pattern.detail.total.0.numeric.1", ["put_rule"]),
    ("[shop, depot]", "[shop]", "pattern.source", ["put_rule"]),
    (
        "retries: 3",
        "retries: 4",
        "targets.function.one.retries, targets.function.two.retries",
        ["put_targets"],
    ),
    (
        "in_seconds: 600",
        "in_seconds: 700",
        "targets.function.one.max_age_s, targets.function.two.max_age_s",
        ["put_targets"],
    ),
    (
        f"dlq: {QUEUE}",
        f"dlq: {QUEUE}2",
        "targets.function.one.dead_letters, targets.function.two.dead_letters",
        ["put_targets"],
    ),
]


@pytest.mark.parametrize(("old", "new", "changed", "calls"), EDITS)
def test_one_field_is_one_change_and_one_call(
    directory: Directory, aws: FakeAws, old: str, new: str, changed: str, calls: list[str]
) -> None:
    create(aws, directory.write(TEXT, "one two").topology())
    topology = directory.write(TEXT.replace(old, new)).topology()
    assert work(plan(aws, topology)) == [f"~ event Placed: {changed}"]
    aws.forget()
    assert create(aws, topology, "events/Placed").ok
    assert aws.writes() == [f"events.{call}" for call in calls]
    settled(aws, topology)


def test_what_somebody_changed_is_seen_and_set_right(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(TEXT, "one two").topology()
    create(aws, topology)
    target(aws, RULE, "function.one")["RetryPolicy"]["MaximumRetryAttempts"] = 9
    del target(aws, RULE, "function.two")["DeadLetterConfig"]
    aws.rules[RULE]["State"] = "DISABLED"
    assert work(plan(aws, topology)) == [
        "~ event Placed: state, targets.function.one.retries, targets.function.two.dead_letters"
    ]
    assert create(aws, topology).ok
    settled(aws, topology)


def test_reading_takes_two_calls_a_rule_and_a_constant(directory: Directory, aws: FakeAws) -> None:
    def reads(count: int) -> int:
        events = "".join(f"  E{n}: {{function: one}}\n" for n in range(count))
        topology = directory.write(f"name: etl\nevents:\n{events}", "one").topology()
        create(aws, topology)
        aws.forget()
        plan(aws, topology)
        return sum(n for name, n in aws.names().items() if name.startswith("events."))

    few, many = reads(2), reads(12)
    assert many - few == 20
    for number in range(50):
        aws.rules["default", f"other-{number}"] = {"Name": f"other-{number}", "tags": {}}
        aws.rules["default", f"other-{number}"]["Arn"] = f"foreign-{number}"
    assert reads(12) == many


def test_a_rule_of_somebody_else_stops_the_run_before_the_first_write(
    directory: Directory, aws: FakeAws
) -> None:
    topology = directory.write("name: etl\nevents: {E: {function: one}}", "one").topology()
    aws.events_put_rule("tc_etl_E_bob", "default", EventPattern="{}", State="ENABLED")
    with pytest.raises(Exception, match="tc_etl_E_bob: it has no mark of tc"):
        create(aws, topology)
    assert aws.writes() == []


def test_a_full_rule_makes_room_before_it_gets_another_target(
    directory: Directory, aws: FakeAws
) -> None:
    text = "name: etl\nevents: {E: {functions: [a, b, c, d, %s]}}"
    names = "a b c d e f"
    create(aws, directory.write(text % "e", names).topology())
    aws.forget()
    assert create(aws, directory.write(text % "f", names).topology(), "events").ok
    calls = [name for name in aws.writes() if name.startswith("events.")]
    assert calls == ["events.remove_targets", "events.put_targets"]
    aws.forget()
    assert create(aws, directory.write(text.replace(", %s", ""), names).topology(), "events").ok
    assert create(aws, directory.write(text % "e", names).topology(), "events").ok
    calls = [name for name in aws.writes() if name.startswith("events.")]
    assert calls == ["events.remove_targets", "events.put_targets"]


# buses


def test_a_bus_is_made_once_and_goes_with_its_last_rule(directory: Directory, aws: FakeAws) -> None:
    text = "name: etl\nevents: {E: {bus: orders, function: one}}"
    bob = directory.write(text, "one").topology()
    alice = directory.topology(sandbox="alice")
    assert work(plan(aws, bob)).count("+ bus orders (shared)") == 1
    create(aws, bob)
    assert aws.buses["orders"] == {"tc:bus": "orders", "deployer": "tc"}
    assert not [line for line in work(plan(aws, alice)) if " bus " in line]
    create(aws, alice)
    assert delete(aws, bob).ok
    assert "orders" in aws.buses
    settled(aws, alice)
    assert delete(aws, alice).ok
    assert aws.is_empty()


def test_a_bus_of_somebody_else_stays(directory: Directory, aws: FakeAws) -> None:
    aws.buses["orders"] = {"team": "shop"}
    text = "name: etl\nevents: {E: {bus: orders, function: one}}"
    topology = directory.write(text, "one").topology()
    assert create(aws, topology).ok
    settled(aws, topology)
    assert aws.buses["orders"] == {"team": "shop"}
    assert delete(aws, topology).ok
    assert "orders" in aws.buses


def test_an_event_that_is_taken_out_takes_its_bus_along(directory: Directory, aws: FakeAws) -> None:
    create(
        aws,
        directory.write(
            "name: etl\nevents: {E: {bus: orders, function: one}, F: {function: one}}", "one"
        ).topology(),
    )
    topology = directory.write("name: etl\nevents: {F: {function: one}}").topology()
    assert work(plan(aws, topology, "events")) == [
        "- bus orders (shared)",
        "- event E",
        "- permission etl_one_bob for event E",
    ]
    assert create(aws, topology, "events").ok
    assert list(aws.buses) == ["default"]
    settled(aws, topology)


def test_a_bus_is_there_before_its_rule_and_gone_after_it(
    directory: Directory, aws: FakeAws
) -> None:
    text = "name: etl\nevents: {E: {bus: orders, function: one}}"
    topology = directory.write(text, "one").topology()
    create(aws, topology)
    made = [name for name in aws.writes() if name.startswith("events.")]
    assert made == ["events.create_event_bus", "events.put_rule", "events.put_targets"]
    aws.forget()
    delete(aws, topology)
    gone = [name for name in aws.writes() if name.startswith("events.")]
    assert gone == ["events.remove_targets", "events.delete_rule", "events.delete_event_bus"]


def test_a_topology_that_only_puts_events_makes_their_bus(
    directory: Directory, aws: FakeAws
) -> None:
    text = "name: etl\nfunctions: {one: {event: Done}}\n"
    text += "events: {produces: {Done: {bus: orders}}}\n"
    topology = directory.write(text, "one").topology()
    assert create(aws, topology).ok
    assert list(aws.buses) == ["default", "orders"]
    assert aws.rules == {}
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


PUTS = "name: etl\nfunctions: {one: {event: Done}}\nevents: {produces: {Done: {bus: orders}}}\n"


def test_a_bus_stays_while_another_sandbox_puts_events_on_it(
    directory: Directory, aws: FakeAws
) -> None:
    bob = directory.write(PUTS, "one").topology()
    alice = directory.topology(sandbox="alice")
    create(aws, bob)
    assert "~ bus orders (shared): user" in work(plan(aws, alice))
    create(aws, alice)
    assert {"tc:user:etl@bob", "tc:user:etl@alice"} < aws.buses["orders"].keys()
    settled(aws, alice)
    settled(aws, bob)
    assert delete(aws, bob).ok
    assert aws.buses["orders"].keys() == {"tc:bus", "deployer", "tc:user:etl@alice"}
    settled(aws, alice)
    assert delete(aws, alice).ok
    assert aws.is_empty()


def test_a_bus_with_a_rule_stays_while_another_sandbox_puts_events_on_it(
    directory: Directory, aws: FakeAws
) -> None:
    alice = directory.write(PUTS, "one").topology(sandbox="alice")
    create(aws, alice)
    text = "name: etl\nevents: {E: {bus: orders, function: one}}"
    bob = directory.write(text, "one").topology()
    create(aws, bob)
    settled(aws, bob)
    assert delete(aws, bob).ok
    assert "orders" in aws.buses
    assert delete(aws, alice).ok
    assert aws.is_empty()


def test_a_bus_that_is_put_on_no_more_is_let_go(directory: Directory, aws: FakeAws) -> None:
    bob = directory.write(PUTS, "one").topology()
    alice = directory.topology(sandbox="alice")
    create(aws, bob)
    create(aws, alice)
    without = directory.write("name: etl\nfunctions: {one: {}}\n", "one")
    assert "~ bus orders (shared): user" in work(plan(aws, without.topology()))
    assert create(aws, without.topology()).ok
    assert aws.buses["orders"].keys() == {"tc:bus", "deployer", "tc:user:etl@alice"}
    settled(aws, without.topology())
    assert create(aws, without.topology(sandbox="alice")).ok
    assert list(aws.buses) == ["default"]


def test_what_is_pruned_lets_go_of_its_bus(directory: Directory, aws: FakeAws) -> None:
    bob = directory.write(PUTS, "one").topology()
    create(aws, bob)
    create(aws, directory.topology(sandbox="alice"))
    pruned = prepare_pruning(directory.write("name: etl\n").topology(), aws)
    assert carry_out(pruned, aws, silent).ok
    assert aws.buses["orders"].keys() == {"tc:bus", "deployer", "tc:user:etl@alice"}


def test_a_bus_of_somebody_else_that_is_put_on_is_not_changed(
    directory: Directory, aws: FakeAws
) -> None:
    aws.buses["orders"] = {"team": "shop"}
    topology = directory.write(PUTS, "one").topology()
    assert create(aws, topology).ok
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.buses["orders"] == {"team": "shop"}


def test_a_bus_full_of_tags_is_used_without_one(directory: Directory, aws: FakeAws) -> None:
    others = {f"tc:user:etl@pr-{number}": "" for number in range(48)}
    aws.buses["orders"] = {"tc:bus": "orders", "deployer": "tc", **others}
    topology = directory.write(PUTS, "one").topology()
    assert create(aws, topology).ok
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert len(aws.buses["orders"]) == 50


# what is refused

BAD = [
    ("{E: {producer: a, source: b, function: one}}", ["both"]),
    ("{E: {bus: a/b, function: one}}", ["bad-name"]),
    ("{E: {bus: aws.partner/x, function: one}}", ["bad-name"]),
    ("{E: {dlq: nowhere, function: one}}", ["unknown-name"]),
    ("{E: {dlq: arn:aws:sns:eu-west-1:111122223333:x, function: one}}", ["bad-name"]),
    (f"{{E: {{dlq: {QUEUE}.fifo, function: one}}}}", ["bad-queue"]),
    ("{E: {pattern: {detail: {a: {b: [c]}}, source: x}, filter: '[]', function: one}}",
     ["bad-pattern", "bad-pattern"]),
    (f"{{E: {{pattern: {{source: [{', '.join(['x' * 99] * 45)}]}}, function: one}}}}",
     ["too-large"]),
]  # fmt: skip


@pytest.mark.parametrize(("events", "expected"), BAD)
def test_what_eventbridge_would_refuse(
    directory: Directory, events: str, expected: list[str]
) -> None:
    directory.write(f"name: etl\nevents: {events}\n", "one")
    assert codes(directory.findings()) == expected


def test_a_call_that_fails_leaves_a_rule_to_go_on_with(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(TEXT, "one two").topology()
    aws.hook = lambda name, _: (
        refused("InternalException") if name == "events.put_targets" else None
    )
    assert len(failures(create(aws, topology))) == 2
    aws.hook = lambda name, given: None
    assert failures(create(aws, topology)) == []
    settled(aws, topology)
