"""Queues, buckets, tables, delivery streams and mappings, from nothing and back to nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from composing import Directory
from deploying import carry_out, create, delete, failures, plan, settled, silent, work
from fake_aws import FakeAws

from tc.deploy.pipeline import prepare_removal
from tc.errors import TcError

TOPOLOGY = """
name: etl
queues:
  jobs: {function: worker, visibility: 60, dlq: true, retention: 600}
  orders: {function: seen, fifo: true}
buckets:
  raw: {function: seen, prefix: in/}
  out: {versioning: true, lifecycle: [{expire: 30}], cors: {origins: ['https://a.b']}}
tables:
  runs: {key: id, sort: {at: N}, ttl: gone, function: seen, indexes: {by-state: {key: state}}}
  plain: {key: id}
events:
  Wrote: {producer: DYNAMODB/PUT_ITEM, table: runs, function: worker}
  Lost: {producer: S3/DELETE_OBJECT, bucket: out, queue: jobs}
streams:
  clicks: {bucket: out, function: seen, prefix: clicks/}
functions:
  seen: {runtime: {environment: {URL: '{{queues.jobs.url}}', RUNS: '{{tables.runs.stream}}'}}}
"""
NAMES = "worker seen"


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def bucket(aws: FakeAws, name: str) -> dict[str, Any]:
    (found,) = [name_ for name_ in aws.buckets if name_.startswith(name)]
    return aws.buckets[found]


def data_of(aws: FakeAws) -> list[str]:
    """What is there of the kinds in question."""
    return [*aws.queues, *aws.buckets, *aws.tables, *aws.streams, *aws.mappings]


def test_create_again_is_nothing_and_delete_leaves_nothing(
    directory: Directory, aws: FakeAws
) -> None:
    topology = directory.write(TOPOLOGY, NAMES).topology()
    outcome = create(aws, topology)
    assert failures(outcome) == []
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_names_and_tags_are_those_of_the_sandbox(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(TOPOLOGY, NAMES).topology())
    assert sorted(aws.queues) == ["etl_jobs-dlq_bob", "etl_jobs_bob", "etl_orders_bob.fifo"]
    assert sorted(aws.tables) == ["etl_plain_bob", "etl_runs_bob"]
    assert sorted(aws.streams) == ["etl_clicks_bob"]
    assert sorted(name[:-9] for name in aws.buckets) == ["etl-out-bob", "etl-raw-bob"]
    tags = [aws.queues["etl_jobs_bob"]["tags"], aws.tables["etl_runs_bob"]["tags"]]
    tags += [bucket(aws, "etl-out")["tags"], aws.streams["etl_clicks_bob"]["tags"]]
    tags += [mapping["tags"] for mapping in aws.mappings.values()]
    assert {one["tc:functor"] for one in tags} == {"etl@bob"}


def test_the_function_is_told_what_aws_made(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(TOPOLOGY, NAMES).topology())
    variables = aws.functions["etl_seen_bob"]["configuration"]["Environment"]["Variables"]
    assert variables["URL"] == "https://sqs.eu-west-1.amazonaws.com/111122223333/etl_jobs_bob"
    table = "arn:aws:dynamodb:eu-west-1:111122223333:table/etl_runs_bob"
    assert variables["RUNS"] == f"{table}/stream/1"


def test_a_queue_lets_its_rules_in_and_nobody_else(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(TOPOLOGY, NAMES).topology())
    queue = aws.queues["etl_jobs_bob"]["attributes"]
    (statement,) = json.loads(queue["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Resource"] == "arn:aws:sqs:eu-west-1:111122223333:etl_jobs_bob"
    rule = "arn:aws:events:eu-west-1:111122223333:rule/tc_etl_Lost_bob"
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": [rule]}}
    assert "Policy" not in aws.queues["etl_orders_bob.fifo"]["attributes"]
    redrive = json.loads(queue["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(":etl_jobs-dlq_bob")
    assert redrive["maxReceiveCount"] == 3


def test_mappings_read_what_their_entries_say(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(TOPOLOGY, NAMES).topology())
    found = {
        (live["EventSourceArn"].split(":")[5], live["FunctionArn"].split(":")[6]): live
        for live in aws.mappings.values()
    }
    assert sorted(found) == [
        ("etl_jobs_bob", "etl_worker_bob"),
        ("etl_orders_bob.fifo", "etl_seen_bob"),
        ("table/etl_runs_bob/stream/1", "etl_seen_bob"),
        ("table/etl_runs_bob/stream/1", "etl_worker_bob"),
    ]
    wrote = found["table/etl_runs_bob/stream/1", "etl_worker_bob"]
    assert wrote["FilterCriteria"] == {"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]}
    assert wrote["StartingPosition"] == "TRIM_HORIZON"
    whole = found["table/etl_runs_bob/stream/1", "etl_seen_bob"]
    assert "FilterCriteria" not in whole
    assert "StartingPosition" not in found["etl_jobs_bob", "etl_worker_bob"]


FIELDS = [
    # what is edited, what the plan says of it, the writing calls, what -c means just that
    (
        "visibility: 60",
        "visibility: 61",
        ["~ queue jobs: visibility_s"],
        ["sqs.set_queue_attributes"],
        "queues/jobs",
    ),
    (
        "retention: 600",
        "retention: 601",
        ["~ queue jobs: retention_s"],
        ["sqs.set_queue_attributes"],
        "queues",
    ),
    (
        "dlq: true",
        "dlq: {max_receives: 5}",
        ["~ queue jobs: dlq.max_receives"],
        ["sqs.set_queue_attributes"],
        "queues/jobs",
    ),
    (
        "dlq: true, ",
        "",
        ["- queue jobs-dlq", "~ queue jobs: dlq.arn, dlq.max_receives"],
        ["sqs.set_queue_attributes", "sqs.delete_queue"],
        "queues",
    ),
    (
        "fifo: true",
        "fifo: true, batch_size: 5",
        ["~ mapping queue orders to seen: batch_size"],
        ["lambda.update_event_source_mapping"],
        "queues/orders",
    ),
    (
        "visibility: 60",
        "visibility: 60, batch_size: 100",
        ["~ mapping queue jobs to worker: batch_size, window_s"],
        ["lambda.update_event_source_mapping"],
        "mappings",
    ),
    (
        "visibility: 60",
        "visibility: 60, partial_failures: true",
        ["~ mapping queue jobs to worker: partial_failures"],
        ["lambda.update_event_source_mapping"],
        "mappings/jobs",
    ),
    (
        "versioning: true, ",
        "",
        ["~ bucket out: versioning"],
        ["s3.put_bucket_tagging", "s3.put_bucket_versioning"],
        "buckets/out",
    ),
    (
        "expire: 30",
        "expire: 31",
        ["~ bucket out: lifecycle.0.expire"],
        ["s3.put_bucket_lifecycle_configuration"],
        "buckets",
    ),
    (
        "lifecycle: [{expire: 30}], ",
        "",
        ["~ bucket out: lifecycle"],
        ["s3.put_bucket_tagging", "s3.delete_bucket_lifecycle"],
        "buckets",
    ),
    (
        "https://a.b",
        "https://c.d",
        ["~ bucket out: cors.origins.0"],
        ["s3.put_bucket_cors"],
        "buckets",
    ),
    (
        ", cors: {origins: ['https://a.b']}",
        "",
        [
            "~ bucket out: cors.origins, cors.methods, cors.headers, cors.expose, cors.max_age",
        ],
        ["s3.put_bucket_tagging", "s3.delete_bucket_cors"],
        "buckets",
    ),
    (
        "prefix: in/",
        "prefix: on/",
        ["~ event bucket.raw: pattern.detail.object.key.0.prefix"],
        ["events.put_rule"],
        "buckets/raw",
    ),
    (
        "ttl: gone",
        "ttl: until",
        ["~ table runs: ttl"],
        [
            "dynamodb.update_time_to_live",
            "dynamodb.update_time_to_live",
            "dynamodb.tag_resource",
        ],
        "tables/runs",
    ),
    (
        "ttl: gone, ",
        "",
        ["~ table runs: ttl"],
        ["dynamodb.update_time_to_live", "dynamodb.untag_resource", "dynamodb.tag_resource"],
        "tables",
    ),
    (
        "{by-state: {key: state}}",
        "{by-state: {key: state, projection: KEYS_ONLY}}",
        ["~ table runs: indexes.by-state.projection"],
        ["dynamodb.update_table", "dynamodb.update_table"],
        "tables",
    ),
    (
        "indexes: {by-state: {key: state}}",
        "retries: 3",
        [
            "~ mapping table runs to seen: retries",
            "~ mapping table runs to worker: retries",
            "~ role tc_etl_seen_bob_eu-west-1: policy.Statement.2.Resource",
            "~ table runs: indexes.by-state",
        ],
        [
            "dynamodb.update_table",
            "iam.put_role_policy",
            "lambda.update_event_source_mapping",
            "lambda.update_event_source_mapping",
        ],
        "tables",
    ),
    (
        "DYNAMODB/PUT_ITEM",
        "DYNAMODB/DELETE_ITEM",
        ["~ mapping table runs to worker: filters.0.eventName.0"],
        ["lambda.update_event_source_mapping"],
        "tables",
    ),
    (
        "prefix: clicks/",
        "prefix: all/",
        ["~ stream clicks: prefix"],
        ["firehose.update_destination"],
        "streams/clicks",
    ),
    (
        "prefix: clicks/",
        "prefix: clicks/, buffer_seconds: 60",
        ["~ stream clicks: buffer.seconds"],
        ["firehose.update_destination"],
        "streams",
    ),
]


@pytest.mark.parametrize(("old", "new", "changes", "calls", "component"), FIELDS)
def test_each_field_is_its_own_change(
    directory: Directory,
    aws: FakeAws,
    old: str,
    new: str,
    changes: list[str],
    calls: list[str],
    component: str,
) -> None:
    create(aws, directory.write(TOPOLOGY, NAMES).topology())
    assert TOPOLOGY.count(old) == 1
    topology = directory.write(TOPOLOGY.replace(old, new), NAMES).topology()
    assert work(plan(aws, topology, component)) == changes
    aws.forget()
    assert failures(create(aws, topology, component)) == []
    assert aws.writes() == calls
    assert work(plan(aws, topology, component)) == []
    create(aws, topology)
    settled(aws, topology)


def test_drift_is_seen_and_undone(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(TOPOLOGY, NAMES).topology()
    create(aws, topology)
    aws.queues["etl_jobs_bob"]["attributes"]["VisibilityTimeout"] = "1"
    bucket(aws, "etl-raw")["settings"].pop("block")
    aws.tables["etl_plain_bob"]["table"]["BillingModeSummary"]["BillingMode"] = "PROVISIONED"
    aws.streams["etl_clicks_bob"]["destination"]["Prefix"] = "other/"
    for mapping in aws.mappings.values():
        mapping["State"] = "Disabled"
    assert work(plan(aws, topology)) == [
        "~ bucket raw: private",
        "~ mapping queue jobs to worker: enabled",
        "~ mapping queue orders to seen: enabled",
        "~ mapping table runs to seen: enabled",
        "~ mapping table runs to worker: enabled",
        "~ queue jobs: visibility_s",
        "~ stream clicks: prefix",
        "~ table plain: billing",
    ]
    assert create(aws, topology).ok
    settled(aws, topology)


def test_what_is_taken_out_goes(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(TOPOLOGY, NAMES).topology())
    topology = directory.write("name: etl", NAMES).topology()
    assert create(aws, topology).ok
    assert data_of(aws) == []
    settled(aws, topology)


def test_mappings_are_found_where_the_tag_index_lags(
    directory: Directory, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(aws, directory.write(TOPOLOGY, NAMES).topology())
    monkeypatch.setattr(FakeAws, "_tagged", lambda self: iter(()))
    topology = directory.write("name: etl", NAMES).topology()
    create(aws, topology)
    assert data_of(aws) == []


def test_a_changed_stream_moves_its_readers(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(TOPOLOGY, NAMES).topology())
    text = TOPOLOGY.replace("ttl: gone,", "ttl: gone, stream: NEW_IMAGE,")
    topology = directory.write(text, NAMES).topology()
    outcome = create(aws, topology)
    assert failures(outcome) == []
    settled(aws, topology)
    arns = [live["EventSourceArn"] for live in aws.mappings.values()]
    assert [arn.rpartition("/")[2] for arn in arns if ":dynamodb:" in arn] == ["2", "2"]


def test_what_others_own_is_refused_before_any_write(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(TOPOLOGY, NAMES).topology()
    create(aws, topology)
    aws.queues["etl_jobs_bob"]["tags"] = {}
    bucket(aws, "etl-raw")["tags"] = {"team": "x"}
    aws.tables["etl_runs_bob"]["tags"] = {"tc:functor": "etl@alice"}
    aws.streams["etl_clicks_bob"]["tags"] = {}
    aws.forget()
    with pytest.raises(TcError) as caught:
        plan(aws, topology)
    assert aws.writes() == []
    for name in ("etl_jobs_bob", "etl-raw-bob", "etl_runs_bob", "etl_clicks_bob"):
        assert name in str(caught.value)


def test_data_stays_until_purge(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(TOPOLOGY, NAMES).topology()
    create(aws, topology)
    bucket(aws, "etl-raw")["objects"] += [str(number) for number in range(1500)]
    aws.tables["etl_runs_bob"]["items"] = 3
    prepared = prepare_removal(topology, aws)
    held = {step.title: step.held for step in prepared.plan.steps if step.held}
    assert held == {"raw": "over 1,000 objects", "runs": "items"}
    assert carry_out(prepared, aws, silent).ok
    assert list(aws.tables) == ["etl_runs_bob"]
    assert len(aws.buckets) == 1
    assert carry_out(prepare_removal(topology, aws, purge=True), aws, silent).ok
    assert aws.is_empty()


def test_another_key_of_a_table_with_items_is_refused(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(TOPOLOGY, NAMES).topology())
    topology = directory.write(TOPOLOGY.replace("sort: {at: N}", "sort: at"), NAMES).topology()
    aws.tables["etl_runs_bob"]["items"] = 1
    with pytest.raises(TcError, match="runs holds items"):
        plan(aws, topology)
    aws.tables["etl_runs_bob"]["items"] = 0
    assert failures(create(aws, topology)) == []
    settled(aws, topology)


def test_reads_of_nothing_new_are_two_for_each_thing(directory: Directory, aws: FakeAws) -> None:
    text = "name: etl\nqueues: {%s}\ntables: {%s}\nbuckets: {%s}\n"

    def reads(count: int) -> int:
        queues = ", ".join(f"q{n}: {{function: worker}}" for n in range(count))
        tables = ", ".join(f"t{n}: {{key: id}}" for n in range(count))
        buckets = ", ".join(f"b{n}: {{}}" for n in range(count))
        topology = directory.write(text % (queues, tables, buckets), "worker").topology()
        create(aws, topology)
        settled(aws, topology)
        return sum(aws.names().values())

    few, many = reads(2), reads(7)
    # of each kind 5 more: queues, mappings, tables, buckets
    assert many - few <= 2 * 4 * 5


def test_foreign_things_cost_nothing(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(TOPOLOGY, NAMES).topology()
    create(aws, topology)
    settled(aws, topology)
    before = aws.names()
    for number in range(50):
        aws.queues[f"other_q{number}_bob"] = {"attributes": {}, "tags": {}}
        aws.buckets[f"etl-x-{number}-bob-00000000"] = {"tags": {}, "settings": {}, "objects": []}
    settled(aws, topology)
    assert aws.names() == before
