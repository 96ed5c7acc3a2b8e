"""Whatever reaches a thing may do that and no more; `*` is for what has no resource."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from composing import Directory
from every_kind import FILES, text

from tc.components.role import policy_of
from tc.compose.permissions.reach import _REACH
from tc.plan.resource import Joined, Ref
from tc.spec.topology import Topology

ROOT = Path(__file__).parents[3]
AT = "eu-west-1:111122223333"
REACHED = """
name: etl
functions:
  one:
    runtime:
      environment:
        TO_A: '{{functions.two.arn}}'
        TO_B: '{{flow.arn}} {{flows.etl.arn}}'
        TO_C: '{{events.Done.bus}}'
        TO_D: '{{queues.jobs.url}}'
        TO_E: '{{buckets.lake.name}}'
        TO_F: '{{tables.runs.name}}'
        TO_G: '{{streams.clicks.name}}'
        TO_H: '{{mutations.put.url}}'
        TO_I: '{{activities.sign.arn}}'
        TO_J: '{{channels.news.url}}'
        TO_K: '{{workgroups.ask.name}}'
        TO_L: '{{jobs.crunch.name}}'
        TO_M: '{{routes./api.url}} {{pools.people.id}} {{pages.site.url}}'
flow: {StartAt: s, States: {s: {Type: Succeed}}}
events: {Done: {bus: orders, function: two}}
queues: {jobs: {}}
buckets: {lake: {}}
tables: {runs: {key: id, indexes: {late: {key: at}}}}
streams: {clicks: {bucket: lake}}
activities: {sign: {}}
channels: {news: {}}
workgroups: {ask: {output: s3://results/}}
jobs: {crunch: {script: s3://scripts/job.py}}
routes: {/api: {function: two}}
pools: [people]
pages: {site: {}}
mutations:
  types: {Thing: {id: ID!}}
  inputs: {Given: {id: ID!}}
  resolvers: {put: {function: two, input: Given, output: Thing}}
"""
LAMBDA = f"arn:aws:lambda:{AT}"
STATES = f"arn:aws:states:{AT}"
GRANTED: dict[str, tuple[list[str], list[str]]] = {
    # kind -> actions, resources
    "function": (
        ["lambda:InvokeFunction"],
        [
            f"arn:aws:lambda:{AT}:function:etl_two_bob",
            f"arn:aws:lambda:{AT}:function:etl_two_bob:*",
        ],
    ),
    "flow": (["states:StartExecution"], [f"{STATES}:stateMachine:etl_bob"]),
    "event": (["events:PutEvents"], [f"arn:aws:events:{AT}:event-bus/orders"]),
    "queue": (["sqs:SendMessage"], [f"arn:aws:sqs:{AT}:etl_jobs_bob"]),
    "bucket": (
        ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
        ["arn:aws:s3:::etl-lake-bob-HASH", "arn:aws:s3:::etl-lake-bob-HASH/*"],
    ),
    "table": (
        [
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:UpdateItem",
        ],
        [
            f"arn:aws:dynamodb:{AT}:table/etl_runs_bob",
            f"arn:aws:dynamodb:{AT}:table/etl_runs_bob/index/late",
        ],
    ),
    "stream": (
        ["firehose:PutRecord", "firehose:PutRecordBatch"],
        [f"arn:aws:firehose:{AT}:deliverystream/etl_clicks_bob"],
    ),
    "mutation": (["appsync:GraphQL"], ["(known after create)/types/Mutation/fields/put"]),
    "activity": (
        [
            "states:GetActivityTask",
            "states:SendTaskFailure",
            "states:SendTaskHeartbeat",
            "states:SendTaskSuccess",
        ],
        [f"{STATES}:activity:etl_sign_bob"],
    ),
    "channel": (
        ["appsync:EventConnect", "appsync:EventPublish"],
        ["(known after create)", "(known after create)/channelNamespace/news"],
    ),
    "workgroup": (
        [
            "athena:GetQueryExecution",
            "athena:GetQueryResults",
            "athena:StartQueryExecution",
            "athena:StopQueryExecution",
        ],
        [f"arn:aws:athena:{AT}:workgroup/etl_ask_bob"],
    ),
    "job": (
        ["glue:BatchStopJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun"],
        [f"arn:aws:glue:{AT}:job/etl_crunch_bob"],
    ),
}
#: actions that have no resource of their own in the service authorization reference
NOTHING_NARROWER = {
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def test_a_variable_with_an_address_gives_exactly_what_using_the_thing_takes(
    directory: Directory,
) -> None:
    assert set(GRANTED) == set(_REACH), "say here what reaching a thing of this kind takes"
    files = {"site/index.html": "<p>"}
    topology = directory.write(REACHED, "one two", files).topology()
    [role] = [role for role in topology.roles if role.name == "one"]
    statements = {
        statement.because.removeprefix("a variable with the address of ").split()[0]: statement
        for statement in role.statements
        if statement.because.startswith("a variable")
    }
    found = {
        kind: (list(statement.actions), [shown(item) for item in statement.resources])
        for kind, statement in statements.items()
    }
    assert found == GRANTED


def shown(resource: str | Ref | Joined) -> str:
    """A resource as a person reads it; a bucket's name ends in a hash."""
    name, slash, rest = str(resource).partition("/")
    if ":s3:::" in name:
        name = f"{name.rpartition('-')[0]}-HASH"
    return f"{name}{slash}{rest}"


def stars(topology: Topology) -> list[tuple[str, str]]:
    """(role, action) of each action that is allowed on everything."""
    found = []
    for role in topology.roles:
        for statement in role.statements:
            if "*" in statement.resources:
                found += [(role.name, action) for action in statement.actions]
    return found


def topologies() -> list[Path]:
    places = [ROOT / "topologies", ROOT / "tests" / "engine" / "topologies"]
    return sorted(file.parent for place in places for file in place.glob("*/topology.yml"))


@pytest.mark.parametrize("path", topologies(), ids=lambda path: path.name)
def test_star_is_only_for_what_has_no_resource_and_roles_stay_small(path: Path) -> None:
    check(Directory.at(path).composed().topology)


def test_nor_for_one_of_every_kind(directory: Directory) -> None:
    directory.write(text("etl", ("a", "b", "c")), "a b c", FILES)
    check(directory.composed().topology)


def check(topology: Topology) -> None:
    for part in topology.family():
        assert [found for found in stars(part) if found[1] not in NOTHING_NARROWER] == []
        for role in part.roles:
            policy: dict[str, Any] = policy_of(role)
            assert len(json.dumps(policy, separators=(",", ":"), default=str)) <= 10_240
