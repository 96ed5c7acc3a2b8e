"""Versions and aliases of functions and flows on the engine: weights, metrics, scheduled calls."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hooks_support import ROLE, Hooked, archive, arn

pytestmark = pytest.mark.engine

SAYS = "def handler(event, context):\n    return ['{}', context.invoked_function_arn]\n"
FAILS = "def handler(event, context):\n    raise ValueError('new')\n"
CALLS = 60
#: of 60 calls of which 30 % go to the new version, so many (6 sigma, binomial)
SOME = range(1, 40)


def versions(hooked: Hooked, old: str, new: str) -> tuple[str, str, str]:
    """A function of two versions, and the numbers of these."""
    client = hooked.client("lambda")
    name = hooked.python(old)
    first = client.publish_version(FunctionName=name)["Version"]
    client.update_function_code(FunctionName=name, ZipFile=archive({"handler.py": new}))
    second = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion=first,
        RoutingConfig={"AdditionalVersionWeights": {second: 0.3}},
    )
    return name, first, second


def test_an_alias_calls_versions_by_its_weights_however_it_is_called(hooked: Hooked) -> None:
    name, _, _ = versions(hooked, SAYS.format("old"), SAYS.format("new"))
    alias = f"{arn(name)}:live"
    task = {"Type": "Task", "Resource": alias, "End": True}
    flow = hooked.flow({"call": task})

    said = [hooked.invoke(alias).payload for _ in range(CALLS)]
    through = [json.loads(hooked.run(flow, {})["output"]) for _ in range(20)]

    assert {who for _, who in [*said, *through]} == {alias}
    assert Counter(what for what, _ in said)["new"] in SOME
    assert {what for what, _ in said} == {"old", "new"}


def test_reading_an_alias_tells_its_own_version(hooked: Hooked) -> None:
    name, first, _ = versions(hooked, SAYS.format("old"), SAYS.format("new"))
    client = hooked.client("lambda")

    told = {
        client.get_function(FunctionName=f"{name}:live")["Configuration"]["Version"]
        for _ in range(20)
    }
    assert told == {first}


def test_calls_and_errors_are_counted_for_each_version(hooked: Hooked) -> None:
    name, first, second = versions(hooked, SAYS.format("old"), FAILS)
    client = hooked.client("lambda")
    client.update_alias(
        FunctionName=name,
        Name="live",
        RoutingConfig={"AdditionalVersionWeights": {second: 0.5}},
    )

    failed = sum(bool(hooked.invoke(f"{name}:live").error) for _ in range(CALLS))

    def counted(metric: str, version: str) -> float:
        return total(
            hooked,
            "AWS/Lambda",
            metric,
            FunctionName=name,
            Resource=f"{name}:live",
            ExecutedVersion=version,
        )

    assert 0 < failed < CALLS
    assert counted("Errors", second) == counted("Invocations", second) == failed
    assert counted("Errors", first) == 0
    assert counted("Invocations", first) == CALLS - failed


def total(hooked: Hooked, namespace: str, metric: str, **dimensions: str) -> float:
    now = datetime.now(UTC)
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    query: Any = {
        "Id": "m",
        "MetricStat": {
            "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": named},
            "Period": 60,
            "Stat": "Sum",
        },
    }
    got = hooked.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
    )
    return float(sum(got["MetricDataResults"][0]["Values"]))


def result(text: str) -> str:
    states = {"say": {"Type": "Pass", "Result": text, "End": True}}
    return json.dumps({"StartAt": "say", "States": states})


def flow_versions(hooked: Hooked, kind: str) -> tuple[str, str, str]:
    """A flow of two versions and an alias that has both; their ARNs, the alias last."""
    client = hooked.client("stepfunctions")
    made = client.create_state_machine(
        name=f"v{time.time_ns()}", roleArn=ROLE, type=kind, definition=result("old"), publish=True
    )
    machine = made["stateMachineArn"]
    new = client.update_state_machine(
        stateMachineArn=machine, definition=result("new"), publish=True
    )["stateMachineVersionArn"]
    old = made["stateMachineVersionArn"]
    alias = client.create_state_machine_alias(
        name="live",
        routingConfiguration=[
            {"stateMachineVersionArn": old, "weight": 70},
            {"stateMachineVersionArn": new, "weight": 30},
        ],
    )["stateMachineAliasArn"]
    return old, new, alias


def test_a_version_of_a_flow_runs_as_it_was_published(hooked: Hooked) -> None:
    old, new, alias = flow_versions(hooked, "EXPRESS")

    assert json.loads(hooked.run(old, {})["output"]) == "old"
    assert json.loads(hooked.run(new, {})["output"]) == "new"
    said = Counter(json.loads(hooked.run(alias, {})["output"]) for _ in range(CALLS))
    assert said["new"] in SOME
    assert said["old"] == CALLS - said["new"]
    version = {"StateMachineArn": alias.rpartition(":")[0], "Version": "2"}
    assert total(hooked, "AWS/States", "ExecutionsSucceeded", **version) == said["new"] + 1


def test_executions_are_listed_by_version_and_alias(hooked: Hooked) -> None:
    old, new, alias = flow_versions(hooked, "STANDARD")
    client = hooked.client("stepfunctions")
    for _ in range(20):
        client.start_execution(stateMachineArn=alias, input="{}")

    def listed(one: str) -> list[dict[str, Any]]:
        return list(client.list_executions(stateMachineArn=one)["executions"])

    assert len(listed(alias)) == 20
    assert len(listed(old)) + len(listed(new)) == 20
    assert {one["stateMachineVersionArn"] for one in listed(new)} <= {new}
    told = client.describe_execution(executionArn=listed(alias)[0]["executionArn"])
    assert told["stateMachineAliasArn"] == alias
    assert told["stateMachineVersionArn"] in (old, new)


def test_a_schedule_gives_an_alias_back(hooked: Hooked) -> None:
    name, first, _ = versions(hooked, SAYS.format("old"), SAYS.format("new"))
    old, _, alias = flow_versions(hooked, "STANDARD")
    at = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%S")
    calls = {
        "lambda:updateAlias": {
            "FunctionName": name,
            "Name": "live",
            "FunctionVersion": first,
            "RoutingConfig": {"AdditionalVersionWeights": {}},
        },
        "sfn:updateStateMachineAlias": {
            "StateMachineAliasArn": alias,
            "RoutingConfiguration": [{"StateMachineVersionArn": old, "Weight": 100}],
        },
    }
    for number, (action, given) in enumerate(calls.items()):
        hooked.client("scheduler").create_schedule(
            Name=f"{name}-{number}",
            ScheduleExpression=f"at({at})",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target={
                "Arn": f"arn:aws:scheduler:::aws-sdk:{action}",
                "RoleArn": ROLE,
                "Input": json.dumps(given),
            },
        )
    end = time.monotonic() + 15
    scheduler = hooked.client("scheduler")
    while time.monotonic() < end and scheduler.list_schedules(NamePrefix=name)["Schedules"]:
        time.sleep(0.2)

    live = hooked.client("lambda").get_alias(FunctionName=name, Name="live")
    assert "RoutingConfig" not in live
    routes = hooked.client("stepfunctions").describe_state_machine_alias(stateMachineAliasArn=alias)
    assert routes["routingConfiguration"] == [{"stateMachineVersionArn": old, "weight": 100}]


def test_a_flow_goes_with_its_versions_and_aliases(hooked: Hooked) -> None:
    old, _, alias = flow_versions(hooked, "STANDARD")
    client = hooked.client("stepfunctions")

    client.delete_state_machine(stateMachineArn=alias.rpartition(":")[0])

    for gone in (old, alias):
        with pytest.raises(client.exceptions.StateMachineDoesNotExist):
            client.describe_state_machine(stateMachineArn=gone)
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.describe_state_machine_alias(stateMachineAliasArn=alias)
