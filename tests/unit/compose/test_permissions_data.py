"""What edges to and from queues, buckets, tables and streams grant, to the letter."""

from __future__ import annotations

from typing import Any

import pytest
from composing import Directory
from test_compose_permissions import ARN, LOGS, allow, granted

from tc.plan.resource import Ref

JOBS = ARN.format("sqs", "etl_jobs_bob")
RUNS = ARN.format("dynamodb", "table/etl_runs_bob")
CLICKS = ARN.format("firehose", "deliverystream/etl_clicks_bob")
KEY = ARN.format("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")
RAW = "arn:aws:s3:::etl-raw-bob-4e278e35"
ONE = ARN.format("lambda", "function:etl_one_bob")
ITEMS = [
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
]
OBJECTS = ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"]
DELIVERY = [
    "s3:AbortMultipartUpload",
    "s3:GetBucketLocation",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:PutObject",
]


def stream_reads() -> list[dict[str, Any]]:
    read = allow(["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"])
    arn = Ref("table/etl_runs_bob", "stream")
    return [{**read, "Resource": [arn]}, allow("dynamodb:ListStreams", f"{RUNS}/stream/*")]


def uses(address: str) -> str:
    return f"functions: {{one: {{runtime: {{environment: {{IT: '{{{{{address}}}}}'}}}}}}}}\n"


OF_THE_FUNCTION = [
    # what is written, what the role of `one` may do besides logging
    (f"{uses('queues.jobs.url')}queues: {{jobs: {{}}}}", [allow("sqs:SendMessage", JOBS)]),
    ("queues: {jobs: {producer: one}}", [allow("sqs:SendMessage", JOBS)]),
    (
        f"{uses('buckets.raw.name')}buckets: {{raw: {{}}}}",
        [allow(OBJECTS, RAW, f"{RAW}/*")],
    ),
    (
        f"{uses('buckets.raw.name')}buckets: {{raw: {{encryption: '{KEY}'}}}}",
        [allow(OBJECTS, RAW, f"{RAW}/*"), allow(["kms:Decrypt", "kms:GenerateDataKey"], KEY)],
    ),
    (f"{uses('tables.runs.name')}tables: {{runs: {{key: id}}}}", [allow(ITEMS, RUNS)]),
    (
        f"{uses('tables.runs.name')}tables: {{runs: {{key: id, indexes: {{by-x: {{key: x}}}}}}}}",
        [allow(ITEMS, RUNS, f"{RUNS}/index/by-x")],
    ),
    (
        f"{uses('streams.clicks.name')}streams: {{clicks: {{bucket: 'arn:aws:s3:::lake'}}}}",
        [allow(["firehose:PutRecord", "firehose:PutRecordBatch"], CLICKS)],
    ),
    (
        "queues: {jobs: {function: one}}",
        [allow(["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], JOBS)],
    ),
    (
        "queues: {jobs: {function: one, name: theirs}}",
        [
            allow(
                ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
                ARN.format("sqs", "theirs"),
            )
        ],
    ),
    ("tables: {runs: {key: id, function: one}}", stream_reads()),
    (
        "tables: {runs: {key: id}}\nevents: {New: {producer: DYNAMODB/PUT_ITEM, function: one}}",
        stream_reads(),
    ),
    ("buckets: {raw: {function: one}}", []),
    ("buckets: {raw: {}}\nevents: {New: {producer: S3/PUT_OBJECT, function: one}}", []),
]


@pytest.mark.parametrize(("text", "statements"), OF_THE_FUNCTION)
def test_functions(directory: Directory, text: str, statements: list[dict[str, Any]]) -> None:
    found = granted(directory.write(f"name: etl\n{text}", "one"))
    assert found["one"] == [LOGS, *statements]


def test_a_stream_writes_to_its_bucket_and_calls_its_function(directory: Directory) -> None:
    text = "name: etl\nbuckets: {raw: {}}\nstreams: {clicks: {bucket: raw, function: one}}"
    found = granted(directory.write(text, "one"))
    assert found["stream.clicks"] == [
        allow(DELIVERY, RAW, f"{RAW}/*"),
        allow(["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"], ONE, f"{ONE}:*"),
    ]


READ_QUEUE = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]


@pytest.mark.parametrize(
    ("mode", "action"),
    [("Standard", "states:StartExecution"), ("Express", "states:StartSyncExecution")],
)
def test_a_pipe_reads_its_source_and_starts_its_flow(
    directory: Directory, mode: str, action: str
) -> None:
    text = (
        f"name: etl\nmode: {mode}\nfunctions: {{one: {{function: two}}}}\n"
        "queues: {jobs: {function: one}}\ntables: {runs: {key: id, function: one}}"
    )
    found = granted(directory.write(text, "one two"))
    start = allow(action, ARN.format("states", "stateMachine:etl_one_bob"))
    assert found["pipe.queue.jobs.one"] == [allow(READ_QUEUE, JOBS), start]
    assert found["pipe.table.runs.one"] == [*stream_reads(), start]
    assert found["one"] == [LOGS]


def test_changes_that_start_a_flow_need_no_rule(directory: Directory) -> None:
    text = (
        "name: etl\nfunctions: {one: {function: two}}\ntables: {runs: {key: id}}\n"
        "events: {New: {producer: DYNAMODB/PUT_ITEM, function: one}}"
    )
    assert sorted(granted(directory.write(text, "one two"))) == [
        "flow.one",
        "one",
        "pipe.table.runs.one",
        "two",
    ]


def test_a_bucket_that_starts_a_flow_has_a_role(directory: Directory) -> None:
    text = (
        "name: etl\nflow: {StartAt: s, States: {s: {Type: Succeed}}}\nbuckets: {raw: {state: flow}}"
    )
    machine = ARN.format("states", "stateMachine:etl_bob")
    found = granted(directory.write(text))
    assert found["event.bucket.raw"] == [allow("states:StartExecution", machine)]


def test_no_resource_is_everything(directory: Directory) -> None:
    text = "name: etl\n" + "\n".join(
        [
            "queues: {jobs: {function: one, producer: one, dlq: true}}",
            "buckets: {raw: {function: one}}",
            "tables: {runs: {key: id, function: one}}",
            "streams: {clicks: {bucket: raw, function: one}}",
        ]
    )
    for statements in granted(directory.write(text, "one")).values():
        for statement in statements:
            assert "*" not in statement["Resource"]


def test_a_job_that_has_an_encrypted_bucket_uses_its_key(directory: Directory) -> None:
    directory.write(
        "name: etl\n"
        f"buckets: {{raw: {{encryption: '{KEY}'}}}}\n"
        "jobs: {clean: {script: 's3://code/clean.py', arguments: {--it: '{{buckets.raw.name}}'}}}\n"
    )
    [job] = [role for role in directory.topology().roles if role.name == "job.clean"]
    assert [KEY] in [list(statement.resources) for statement in job.statements]
