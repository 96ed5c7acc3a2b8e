"""Schedules and their group: made, changed one field at a time, and gone."""

from __future__ import annotations

from typing import Any

import pytest
from composing import Directory, codes
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws, refused, role_policy

TEXT = """
name: etl
schedules:
  nightly:
    cron: 0 2 * * ? *
    timezone: Europe/Paris
    function: one
    payload: {full: true}
    window: 15
    enabled: {dev: true}
  often: {expression: rate(5 minutes), flow: flow}
flow: {StartAt: a, States: {a: {Type: Succeed}}}
"""
ARN = "arn:aws:%s:eu-west-1:111122223333:%s"


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def live(aws: FakeAws, name: str) -> Any:
    return aws.schedules["etl_bob", name]


def test_create_again_is_nothing_and_delete_leaves_nothing(
    directory: Directory, aws: FakeAws
) -> None:
    topology = directory.write(TEXT, "one").topology()
    assert failures(create(aws, topology)) == []
    role = "arn:aws:iam::111122223333:role/tc/eu-west-1/etl/bob/tc_etl_schedule.%s_bob_eu-west-1"
    assert live(aws, "nightly") == {
        "Arn": ARN % ("scheduler", "schedule/etl_bob/nightly"),
        "CreationDate": live(aws, "nightly")["CreationDate"],
        "Name": "nightly",
        "GroupName": "etl_bob",
        "ScheduleExpression": "cron(0 2 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Paris",
        "State": "ENABLED",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
        "Target": {
            "Arn": ARN % ("lambda", "function:etl_one_bob"),
            "RoleArn": role % "nightly",
            "Input": '{"full": true}',
            "RetryPolicy": {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400},
        },
    }
    assert live(aws, "often")["Target"] == {
        "Arn": ARN % ("states", "stateMachine:etl_bob"),
        "RoleArn": role % "often",
        "RetryPolicy": {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400},
    }
    assert aws.schedule_groups["etl_bob"]["tags"]["tc:functor"] == "etl@bob"
    settled(aws, topology)
    aws.forget()
    assert delete(aws, topology).ok
    assert "scheduler.delete_schedule" not in aws.writes(), "they go with their group"
    assert aws.is_empty()


EDITS = [
    ("cron: 0 2", "cron: 0 3", "expression"),
    ("Europe/Paris", "Europe/Rome", "timezone"),
    ("full: true", "full: false", "target.input"),
    ("window: 15", "window: 16", "window"),
    ("enabled: {dev: true}", "enabled: {prod: true}", "enabled"),
    ("    timezone: Europe/Paris\n", "", "timezone"),
    ("    window: 15\n", "", "window"),
    ("    window: 15\n", "    window: 15\n    retries: 2\n", "target.retries"),
    (
        "    window: 15\n",
        "    window: 15\n    maximum_event_age_in_seconds: 60\n",
        "target.max_age_s",
    ),
    ("    payload: {full: true}\n", "", "target.input"),
]


@pytest.mark.parametrize(("old", "new", "changed"), EDITS)
def test_one_field_is_one_change_and_one_call(
    directory: Directory, aws: FakeAws, old: str, new: str, changed: str
) -> None:
    create(aws, directory.write(TEXT, "one").topology())
    topology = directory.write(TEXT.replace(old, new)).topology()
    assert work(plan(aws, topology)) == [f"~ schedule nightly: {changed}"]
    aws.forget()
    assert create(aws, topology, "schedules/nightly").ok
    assert aws.writes() == ["scheduler.update_schedule"]
    settled(aws, topology)


def test_what_can_not_be_started_goes_to_its_queue(directory: Directory, aws: FakeAws) -> None:
    text = TEXT.replace("    window: 15\n", "    window: 15\n    dlq: true\n    retries: 0\n")
    topology = directory.write(text, "one").topology()
    assert create(aws, topology).ok
    queue = ARN % ("sqs", "etl_nightly-dlq_bob")
    target = live(aws, "nightly")["Target"]
    assert target["DeadLetterConfig"] == {"Arn": queue}
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 0
    statements = role_policy(aws, "tc_etl_schedule.nightly_bob_eu-west-1")["Statement"]
    assert {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [queue]} in statements
    assert list(aws.queues) == ["etl_nightly-dlq_bob"]
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_what_somebody_changed_is_seen_and_set_right(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(TEXT, "one").topology()
    create(aws, topology)
    live(aws, "often")["State"] = "DISABLED"
    live(aws, "often")["ScheduleExpression"] = "rate(1 day)"
    assert work(plan(aws, topology)) == ["~ schedule often: expression, enabled"]
    assert create(aws, topology).ok
    settled(aws, topology)


def test_tags_are_those_of_the_group(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(TEXT, "one").topology())
    topology = directory.write(TEXT + "tags: {team: data}\n").topology()
    groups = [
        line for line in work(plan(aws, topology)) if "schedule" in line and "role" not in line
    ]
    assert groups == ["~ schedule group etl_bob: tags.team"]
    create(aws, topology)
    assert aws.schedule_groups["etl_bob"]["tags"]["team"] == "data"
    settled(aws, topology)


def test_a_schedule_that_is_taken_out_goes_alone_and_the_last_with_its_group(
    directory: Directory, aws: FakeAws
) -> None:
    create(aws, directory.write(TEXT, "one").topology())
    rest, flow = TEXT.split("  often:")[0], "flow: {StartAt: a, States: {a: {Type: Succeed}}}\n"
    topology = directory.write(rest + flow).topology()
    assert work(plan(aws, topology)) == [
        "- role tc_etl_schedule.often_bob_eu-west-1",
        "- schedule often",
    ]
    create(aws, topology)
    assert list(aws.schedules) == [("etl_bob", "nightly")]
    settled(aws, topology)
    none = directory.write(f"name: etl\n{flow}").topology()
    assert work(plan(aws, none)) == [
        "- role tc_etl_schedule.nightly_bob_eu-west-1",
        "- schedule group etl_bob",
        "- schedule nightly",
    ]
    create(aws, none)
    assert aws.schedules == aws.schedule_groups == {}
    settled(aws, none)


def test_a_group_that_is_still_being_deleted_is_waited_for(
    directory: Directory, aws: FakeAws
) -> None:
    topology = directory.write(TEXT, "one").topology()
    aws.dying_groups["etl_bob"] = 3
    assert failures(create(aws, topology)) == []
    settled(aws, topology)


def test_a_group_of_somebody_else_stops_the_run_before_the_first_write(
    directory: Directory, aws: FakeAws
) -> None:
    topology = directory.write(TEXT, "one").topology()
    aws.scheduler_create_schedule_group("etl_bob", [])
    with pytest.raises(Exception, match="etl_bob: it has no mark of tc"):
        create(aws, topology)
    assert aws.writes() == []


def test_a_call_that_fails_leaves_a_sandbox_to_go_on_with(
    directory: Directory, aws: FakeAws
) -> None:
    topology = directory.write(TEXT, "one").topology()
    aws.hook = lambda name, _: (
        refused("InternalServerException") if name == "scheduler.create_schedule" else None
    )
    assert len(failures(create(aws, topology))) == 2
    aws.hook = lambda name, given: None
    assert failures(create(aws, topology)) == []
    settled(aws, topology)


def test_an_account_without_schedules_is_not_asked_for_them(
    directory: Directory, aws: FakeAws
) -> None:
    topology = directory.write("name: etl\n", "one").topology()
    create(aws, topology)
    aws.forget()
    plan(aws, topology)
    assert not [name for name in aws.names() if name.startswith("scheduler.")]


@pytest.mark.parametrize(
    ("enabled", "env", "expected"),
    [
        ("true", "dev", True),
        ("false", "dev", False),
        ("{prod: true}", "dev", False),
        ("{prod: true}", "prod", True),
        ("{dev: false}", "dev", False),
        ("{dev: false}", "qa", True),
        ("{dev: false, prod: true}", "qa", False),
        ("{dev: false, prod: true, default: true}", "qa", True),
    ],
)
def test_where_it_is_enabled(
    directory: Directory, aws: FakeAws, enabled: str, env: str, expected: bool
) -> None:
    text = f"name: etl\nschedules: {{a: {{cron: 0 2 * * ? *, enabled: {enabled}, function: one}}}}"
    create(aws, directory.write(text, "one").topology(env=env))
    assert (live(aws, "a")["State"] == "ENABLED") == expected


def test_the_overlay_has_more_of_them(directory: Directory, aws: FakeAws) -> None:
    overlay = '{"old": {"cron": "0 1 * * ? *", "target": "{{namespace}}_one_{{sandbox}}", '
    overlay += '"payload": "plain"}}'
    place = "infrastructure/tc/etl/schedules.json"
    text = "name: etl\nschedules: {new: {cron: 0 2 * * ? *, function: one}}\n"
    create(aws, directory.write(text, "one", {place: overlay}).topology())
    assert sorted(aws.schedules) == [("etl_bob", "new"), ("etl_bob", "old")]
    target = live(aws, "old")["Target"]
    assert (target["Arn"], target["Input"]) == (ARN % ("lambda", "function:etl_one_bob"), "plain")


ROLES = [
    ("function: one", "lambda:InvokeFunction", ["lambda", "function:etl_one_bob"]),
    ("state: flow", "states:StartExecution", ["states", "stateMachine:etl_bob"]),
    (f"target: {ARN % ('sqs', 'jobs')}", "sqs:SendMessage", ["sqs", "jobs"]),
    (f"target: {ARN % ('sns', 'news')}", "sns:Publish", ["sns", "news"]),
]


@pytest.mark.parametrize(("target", "action", "resource"), ROLES)
def test_its_role_may_do_just_that(
    directory: Directory, aws: FakeAws, target: str, action: str, resource: list[str]
) -> None:
    text = f"name: etl\nschedules: {{a: {{cron: 0 2 * * ? *, {target}}}}}\n"
    text += "flow: {StartAt: a, States: {a: {Type: Succeed}}}\n"
    create(aws, directory.write(text, "one").topology())
    arn = ARN % tuple(resource)
    resources = [arn, f"{arn}:*"] if resource[0] == "lambda" else [arn]
    assert role_policy(aws, "tc_etl_schedule.a_bob_eu-west-1")["Statement"] == [
        {"Effect": "Allow", "Action": [action], "Resource": resources}
    ]


def test_a_fifo_queue_gets_a_message_group(directory: Directory, aws: FakeAws) -> None:
    text = f"name: etl\nschedules: {{a: {{cron: 0 2 * * ? *, target: {ARN % ('sqs', 'j.fifo')}}}}}"
    topology = directory.write(text).topology()
    create(aws, topology)
    assert live(aws, "a")["Target"]["SqsParameters"] == {"MessageGroupId": "a"}
    settled(aws, topology)


BAD = [
    ("{a: {function: one}}", ["missing-key"]),
    ("{a: {cron: 0 2 * * ? *}}", ["no-target"]),
    ("{a: {cron: 0 2 * * *, function: one}}", ["bad-schedule"]),
    ("{a: {cron: 99 2 40 * ? *, function: one}}", ["bad-schedule", "bad-schedule"]),
    ("{a: {cron: 0 2 * * ? *, expression: rate(1 day), function: one}}", ["both"]),
    ("{a: {cron: 0 2 * * ? *, function: one, flow: flow}}", ["targets"]),
    ("{a: {cron: 0 2 * * ? *, function: one, timezone: Europe/Atlantis}}", ["bad-zone"]),
    ("{a: {cron: 0 2 * * ? *, target: 'arn:aws:ec2:eu-west-1:1:instance/i'}}", ["bad-target"]),
    ("{a: {cron: 0 2 * * ? *, target: nobody}}", ["unknown-name"]),
    ("{a b: {cron: 0 2 * * ? *, function: one}}", ["bad-name"]),
]


@pytest.mark.parametrize(("schedules", "expected"), BAD)
def test_what_scheduler_would_refuse(
    directory: Directory, schedules: str, expected: list[str]
) -> None:
    text = (
        f"name: etl\nschedules: {schedules}\nflow: {{StartAt: a, States: {{a: {{Type: Succeed}}}}}}"
    )
    assert codes(directory.write(text, "one").findings()) == expected


def test_a_line_of_crontab_is_told_in_schedulers_words(directory: Directory) -> None:
    directory.write("name: etl\nschedules: {a: {cron: 0 2 * * MON, function: one}}", "one")
    (finding,) = directory.findings()
    assert "write cron(0 2 ? * MON *)" in finding.hint


def test_a_time_that_is_over_is_a_warning(directory: Directory) -> None:
    text = "name: etl\nschedules: {a: {expression: 'at(2020-01-01T00:00:00)', function: one}}"
    topology = directory.write(text, "one").topology()
    from tc.components.schedule import check

    assert [finding.code for finding in check(topology)] == ["past-schedule"]
