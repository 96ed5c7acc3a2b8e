"""Flows, their logs, activities and workgroups: made, changed one by one, seen to drift, gone."""

from __future__ import annotations

import pytest
from composing import Directory
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws

FLOW = "flow: {StartAt: s, States: {s: {Type: Pass, End: true}}}\n"
EXPRESS = f"name: etl\nmode: Express\n{FLOW}"
GROUP = "/aws/vendedlogs/states/etl_bob"
WORK = "name: etl\nactivities: {sign: {}}\nworkgroups: {adhoc: {output: 's3://results/a/'}}\n"


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def test_an_express_flow_logs_its_errors(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(EXPRESS).topology()
    assert failures(create(aws, topology)) == []
    machine = aws.machines["etl_bob"]
    arn = f"arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}:*"
    assert machine["loggingConfiguration"] == {
        "level": "ERROR",
        "includeExecutionData": False,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}],
    }
    assert aws.groups[GROUP]["days"] == 14
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


CHANGES = [
    (
        f"{EXPRESS}logging: {{level: ALL, include_data: true}}\n",
        "~ flow etl_bob: logging.level, logging.include_data",
    ),
    (
        EXPRESS.replace("Type: Pass", "Comment: x, Type: Pass"),
        "~ flow etl_bob: definition.States.s.Comment",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CHANGES)
def test_one_change_of_a_flow_is_one_call(
    directory: Directory, aws: FakeAws, text: str, expected: str
) -> None:
    create(aws, directory.write(EXPRESS).topology())
    topology = directory.write(text).topology()
    steps = [line for line in work(plan(aws, topology, "flow")) if " flow " in line]
    assert steps == [expected]
    aws.forget()
    assert create(aws, topology, "flow").ok
    assert aws.writes() == ["stepfunctions.update_state_machine"]
    settled(aws, topology)


def test_tracing_is_a_change_of_the_flow_and_of_its_role(
    directory: Directory, aws: FakeAws
) -> None:
    create(aws, directory.write(EXPRESS).topology())
    topology = directory.write(f"{EXPRESS}tracing: true\n").topology()
    assert "~ flow etl_bob: tracing" in work(plan(aws, topology, "flow"))
    aws.forget()
    create(aws, topology, "flow")
    assert sorted(aws.writes()) == ["iam.put_role_policy", "stepfunctions.update_state_machine"]
    assert aws.machines["etl_bob"]["tracingConfiguration"] == {"enabled": True}


def test_without_logs_the_group_goes_after_the_flow_has_let_go(
    directory: Directory, aws: FakeAws
) -> None:
    create(aws, directory.write(EXPRESS).topology())
    topology = directory.write(f"{EXPRESS}logging: {{level: 'OFF'}}\n").topology()
    assert f"- log group {GROUP}" in work(plan(aws, topology))
    aws.forget()
    assert create(aws, topology).ok
    writes = aws.writes()
    assert writes.index("stepfunctions.update_state_machine") < writes.index(
        "logs.delete_log_group"
    )
    assert GROUP not in aws.groups
    settled(aws, topology)


def test_logs_switched_off_in_the_console_are_seen(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(EXPRESS).topology()
    create(aws, topology)
    aws.machines["etl_bob"]["loggingConfiguration"] = {"level": "OFF"}
    assert work(plan(aws, topology)) == ["~ flow etl_bob: logging.level"]


def test_versions_are_published_with_the_change_and_only_then(
    directory: Directory, aws: FakeAws
) -> None:
    text = f"name: etl\nversion: 0.1.0\nversions: true\n{FLOW}"
    create(aws, directory.write(text).topology())
    assert aws.versions == {"etl_bob": ["0.1.0"]}
    settled(aws, directory.topology())
    changed = text.replace("0.1.0", "0.2.0").replace("Type: Pass", "Comment: x, Type: Pass")
    create(aws, directory.write(changed).topology())
    assert aws.versions == {"etl_bob": ["0.1.0", "0.2.0"]}
    create(aws, directory.write(changed).topology())
    assert aws.versions == {"etl_bob": ["0.1.0", "0.2.0"]}


def test_activities_and_workgroups_come_and_go(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(WORK).topology()
    assert failures(create(aws, topology)) == []
    assert list(aws.activities) == ["etl_sign_bob"]
    assert aws.workgroups["etl_adhoc_bob"]["Configuration"] == {
        "ResultConfiguration": {"OutputLocation": "s3://results/a/"},
        "EnforceWorkGroupConfiguration": True,
    }
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_each_field_of_a_workgroup_changes_alone(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(WORK).topology())
    steps = [
        WORK.replace("{output", "{bytes_limit: 10000000, output"),
        WORK.replace("{output", "{bytes_limit: 20000000, output"),
        WORK,
        WORK.replace("s3://results/a/", "s3://results/b/"),
    ]
    for text, field in zip(steps, ["bytes_limit"] * 3 + ["output"], strict=True):
        topology = directory.write(text).topology()
        assert work(plan(aws, topology)) == [f"~ workgroup etl_adhoc_bob: {field}"]
        aws.forget()
        create(aws, topology, "workgroups/adhoc")
        assert aws.writes() == ["athena.update_work_group"]
        settled(aws, topology)


def test_tags_of_activities_and_workgroups_follow(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(f"{WORK}tags: {{team: data}}\n").topology())
    topology = directory.write(f"{WORK}tags: {{cost: x}}\n").topology()
    assert create(aws, topology).ok
    assert aws.activities["etl_sign_bob"]["tags"]["cost"] == "x"
    assert "team" not in aws.activities["etl_sign_bob"]["tags"]
    assert "team" not in aws.workgroups["etl_adhoc_bob"]["tags"]
    settled(aws, topology)


def test_what_is_taken_out_goes(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(WORK).topology())
    topology = directory.write("name: etl\n").topology()
    assert work(plan(aws, topology)) == [
        "- activity etl_sign_bob",
        "- workgroup etl_adhoc_bob",
    ]
    assert create(aws, topology).ok
    assert aws.is_empty()


@pytest.mark.parametrize("kind", ["activity", "workgroup"])
def test_a_foreign_one_of_that_name_stops_the_run(
    directory: Directory, aws: FakeAws, kind: str
) -> None:
    if kind == "activity":
        aws.stepfunctions_create_activity("etl_sign_bob", [])
    else:
        aws.athena_create_work_group("etl_adhoc_bob", {}, [])
    topology = directory.write(WORK).topology()
    with pytest.raises(Exception, match=f"etl_{'sign' if kind == 'activity' else 'adhoc'}_bob"):
        create(aws, topology)
    assert aws.writes() == []


def test_a_flow_waits_for_its_activity(directory: Directory, aws: FakeAws) -> None:
    arn = "arn:aws:states:{{region}}:{{account}}:activity:{{namespace}}_sign_{{sandbox}}"
    state = f"{{Type: Task, Resource: '{arn}', End: true}}"
    text = f"name: etl\nactivities: {{sign: {{}}}}\nflow: {{StartAt: s, States: {{s: {state}}}}}\n"
    create(aws, directory.write(text).topology())
    writes = aws.writes()
    assert writes.index("stepfunctions.create_activity") < writes.index(
        "stepfunctions.create_state_machine"
    )


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("activities: {a b: {}}", ["bad-name"]),
        ("workgroups: {a b: {output: 's3://x12/'}}", ["bad-name"]),
        ("workgroups: {w: {}}", ["missing-key"]),
        ("workgroups: {w: {output: results}}", ["invalid-value"]),
        ("workgroups: {w: {bucket: data}}", ["unknown-name"]),
        ("workgroups: {w: {output: 's3://x12/', bucket: data}}", ["unknown-name", "both"]),
    ],
)
def test_what_aws_would_refuse(directory: Directory, text: str, codes: list[str]) -> None:
    findings = directory.write(f"name: etl\n{text}\n").findings()
    assert [finding.code for finding in findings] == codes
