"""Queues, buckets, tables and delivery streams: what is put in comes out at the other end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from e2e_support import ACCOUNT, Lab, Project, copied

pytestmark = pytest.mark.engine


def soon(look: Callable[[], Any], seconds: float = 15) -> Any:
    """What `look` gives as soon as it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("nothing came")


def left(lab: Lab, namespace: str) -> list[str]:
    """What the engine itself still has of a namespace's data."""
    queues = lab.client("sqs").list_queues(QueueNamePrefix=f"{namespace}_").get("QueueUrls", [])
    tables = lab.client("dynamodb").list_tables()["TableNames"]
    streams = lab.client("firehose").list_delivery_streams()["DeliveryStreamNames"]
    buckets = [b["Name"] for b in lab.client("s3").list_buckets()["Buckets"]]
    polled = lab.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    pipes = [one["Name"] for one in lab.client("pipes").list_pipes()["Pipes"]]
    named = [*pipes, *queues, *tables, *streams, *buckets, *(one["FunctionArn"] for one in polled)]
    return [name for name in named if f"{namespace}_" in name or f"{namespace}-" in name]


@contextmanager
def standing(project: Project, *options: str) -> Iterator[None]:
    """The sandbox while it is there; nothing of it may be left by ``tc delete``."""
    before = project.lab.inventory()
    project.create()
    project.same()
    try:
        yield
    finally:
        project.tc("delete", "-y", *options)
    assert not project.lab.inventory() - before
    assert left(project.lab, project.root.name) == []


def queue_url(lab: Lab, name: str) -> str:
    return str(lab.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])


def bucket_of(lab: Lab, name: str) -> str:
    """The full name of the bucket whose name begins with `name`."""
    buckets = lab.client("s3").list_buckets()["Buckets"]
    (found,) = [b["Name"] for b in buckets if b["Name"].startswith(name)]
    return str(found)


def test_messages_reach_the_function_and_failures_the_dead_letters(
    lab: Lab, tmp_path: Path
) -> None:
    project = copied(lab, "queues", tmp_path)
    with standing(project):
        sqs = lab.client("sqs")
        jobs = queue_url(lab, "queues_jobs_bob")
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(["a", "poison"])]
        sqs.send_message_batch(QueueUrl=jobs, Entries=entries)
        assert lab.wait_logged("queues_worker_bob") == ["worked a"]
        dead = queue_url(lab, "queues_jobs-dlq_bob")

        def received() -> list[Any]:
            answer = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1)
            return list(answer.get("Messages", []))

        (message,) = soon(received, 30)
        assert message["Body"] == "poison"
        assert lab.logged("queues_worker_bob") == ["worked a"]
        sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])


def test_a_fifo_queue_keeps_the_order(lab: Lab, tmp_path: Path) -> None:
    with standing(copied(lab, "queues", tmp_path)):
        sqs = lab.client("sqs")
        orders = queue_url(lab, "queues_orders_bob.fifo")
        for number in range(25):
            sqs.send_message(QueueUrl=orders, MessageBody=str(number), MessageGroupId="one")
        lines = lab.wait_logged("queues_seller_bob", 25)
        assert lines == [f"sold {number}" for number in range(25)]


def test_an_event_reaches_the_function_through_a_queue(lab: Lab, tmp_path: Path) -> None:
    with standing(copied(lab, "queues", tmp_path)):
        entry = {"DetailType": "Job", "Source": "shop", "Detail": json.dumps({"job": 1})}
        lab.client("events").put_events(Entries=[entry])
        (line,) = lab.wait_logged("queues_worker_bob")
        assert '"job": 1' in line or '"job":1' in line


def test_a_variable_has_the_url_of_the_queue(lab: Lab, tmp_path: Path) -> None:
    with standing(copied(lab, "queues", tmp_path)):
        found = lab.client("lambda").get_function_configuration(FunctionName="queues_seller_bob")
        url = found["Environment"]["Variables"]["JOBS"]
        assert url.endswith(f"/{ACCOUNT}/queues_jobs_bob")
        lab.client("sqs").send_message(QueueUrl=url, MessageBody="by address")
        assert lab.wait_logged("queues_worker_bob") == ["worked by address"]


def test_objects_reach_functions_and_queues(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "buckets", tmp_path)
    with standing(project, "--purge"):
        s3 = lab.client("s3")
        photos, papers = bucket_of(lab, "buckets-photos-bob"), bucket_of(lab, "buckets-papers-bob")
        for key in ("in/a.jpg", "in/a.png", "out/a.jpg"):
            s3.put_object(Bucket=photos, Key=key, Body=b"x")
        assert lab.wait_logged("buckets_thumbnail_bob") == ["thumbnail of in/a.jpg"]
        s3.put_object(Bucket=papers, Key="p", Body=b"x")
        s3.delete_object(Bucket=papers, Key="p")
        assert lab.wait_logged("buckets_archive_bob") == ["gone p"]
        told = queue_url(lab, "buckets_told_bob")
        keys: set[str] = set()

        def heard() -> bool:
            answer = lab.client("sqs").receive_message(QueueUrl=told, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                keys.add(json.loads(message["Body"])["detail"]["object"]["key"])
            return len(keys) == 4

        assert soon(heard)
        assert keys == {"in/a.jpg", "in/a.png", "out/a.jpg", "p"}
        assert lab.logged("buckets_thumbnail_bob") == ["thumbnail of in/a.jpg"]


def test_a_bucket_with_objects_stays_until_purge(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "buckets", tmp_path)
    with standing(project, "--purge"):
        s3 = lab.client("s3")
        papers = bucket_of(lab, "buckets-papers-bob")
        s3.put_object(Bucket=papers, Key="p", Body=b"1")
        s3.put_object(Bucket=papers, Key="p", Body=b"2")
        said = project.tc("delete", "-y")
        assert "2 objects" in said.text
        assert s3.get_object(Bucket=papers, Key="p")["Body"].read() == b"2"
        blocked = s3.get_public_access_block(Bucket=papers)["PublicAccessBlockConfiguration"]
        assert set(blocked.values()) == {True}


def test_changes_of_a_table_reach_functions(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "tables", tmp_path)
    with standing(project, "--purge"):
        dynamodb = lab.client("dynamodb")
        item = {"id": {"S": "ann"}, "joined": {"N": "1"}, "team": {"S": "red"}}
        key = {name: item[name] for name in ("id", "joined")}
        dynamodb.put_item(TableName="tables_people_bob", Item=item)
        dynamodb.put_item(TableName="tables_people_bob", Item={**item, "team": {"S": "blue"}})
        found = dynamodb.query(
            TableName="tables_people_bob",
            IndexName="by-team",
            KeyConditionExpression="team = :t",
            ExpressionAttributeValues={":t": {"S": "blue"}},
        )
        assert found["Count"] == 1
        dynamodb.delete_item(TableName="tables_people_bob", Key=key)
        lines = lab.wait_logged("tables_audit_bob", 3)
        assert lines == ["audit INSERT ann", "audit MODIFY ann", "audit REMOVE ann"]
        assert lab.wait_logged("tables_welcome_bob") == ["welcome ann"]
        dynamodb.put_item(TableName="tables_notes_bob", Item={"id": {"S": "1"}})
        said = project.tc("delete", "-y", "-c", "tables")
        assert "items" in said.text
        assert dynamodb.scan(TableName="tables_notes_bob")["Count"] == 1


def test_messages_and_changes_start_a_flow(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "pipes", tmp_path)
    with standing(project, "--purge"):
        dynamodb = lab.client("dynamodb")
        lab.client("sqs").send_message(QueueUrl=queue_url(lab, "pipes_jobs_bob"), MessageBody="a")
        assert lab.wait_logged("pipes_store_bob") == ["stored a"]
        dynamodb.put_item(TableName="pipes_runs_bob", Item={"id": {"S": "1"}})
        dynamodb.delete_item(TableName="pipes_runs_bob", Key={"id": {"S": "1"}})
        assert lab.wait_logged("pipes_store_bob", 2) == ["stored a", "stored REMOVE 1"]


def test_what_an_express_flow_fails_on_goes_to_the_dead_letters(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "pipes", tmp_path)
    project.edit("topology.yml", "name: pipes", "name: pipes\nmode: Express")
    with standing(project, "--purge"):
        sqs, jobs = lab.client("sqs"), queue_url(lab, "pipes_jobs_bob")
        for body in ("poison", "b"):
            sqs.send_message(QueueUrl=jobs, MessageBody=body)
        assert lab.wait_logged("pipes_store_bob") == ["stored b"]
        dead = queue_url(lab, "pipes_jobs-dlq_bob")

        def received() -> list[Any]:
            return list(sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages", []))

        (message,) = soon(received, 30)
        assert message["Body"] == "poison"


def test_records_become_objects_as_the_function_changed_them(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "streams", tmp_path)
    with standing(project, "--purge"):
        firehose, s3 = lab.client("firehose"), lab.client("s3")
        for name in ("clicks", "plain"):
            firehose.put_record(
                DeliveryStreamName=f"streams_{name}_bob", Record={"Data": b"hello\n"}
            )
        lake = bucket_of(lab, "streams-lake-bob")

        def delivered() -> dict[str, bytes]:
            listed = s3.list_objects_v2(Bucket=lake).get("Contents", [])
            objects = {
                one["Key"].split("/")[0]: s3.get_object(Bucket=lake, Key=one["Key"])["Body"].read()
                for one in listed
            }
            return objects if len(objects) == 2 else {}

        assert soon(delivered) == {"clicks": b"HELLO\n", "plain": b"hello\n"}


EDITS = [
    # topology, what is edited, what diff says, what -c means just that
    ("queues", "visibility: 2", "visibility: 3", ["~ queue jobs visibility_s"], "queues/jobs"),
    (
        "queues",
        "partial_failures: true",
        "partial_failures: false",
        ["~ mapping queue jobs to worker partial_failures"],
        "queues",
    ),
    ("buckets", "versioning: true", "versioning: false", ["~ bucket papers versioning"], "buckets"),
    ("buckets", "suffix: .jpg", "suffix: .png", None, "buckets/photos"),
    ("tables", "ttl: until", "ttl: ''", ["~ table people ttl"], "tables/people"),
    (
        "pipes",
        "visibility: 2,",
        "visibility: 2, batch_size: 4,",
        ["~ pipe queue jobs to take batch_size"],
        "queues/jobs",
    ),
    ("streams", "buffer_mb: 1", "buffer_mb: 2", ["~ stream plain buffer.mb"], "streams/plain"),
]


@pytest.mark.parametrize(("name", "old", "new", "plan", "component"), EDITS)
def test_one_field_is_one_change(
    lab: Lab,
    tmp_path: Path,
    name: str,
    old: str,
    new: str,
    plan: list[str] | None,
    component: str,
) -> None:
    project = copied(lab, name, tmp_path)
    with standing(project):
        project.edit("topology.yml", old, new)
        said = project.plan()
        if plan is None:
            assert len(said) == 1
            assert said[0].startswith("~ event bucket.photos pattern")
        else:
            assert said == plan
        project.tc("update", "-c", component)
        project.same()


def test_what_is_taken_out_goes(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "queues", tmp_path)
    with standing(project):
        project.edit("topology.yml", "    dlq: true\n", "")
        project.edit("topology.yml", "  orders: { function: seller, fifo: true }\n", "")
        assert project.plan() == [
            "- mapping queue queues_orders_bob.fifo to queues_seller_bob",
            "- queue jobs-dlq",
            "- queue orders",
            "~ queue jobs dlq.arn dlq.max_receives",
            "~ role tc_queues_seller_bob_us-east-1 policy.Statement",
        ]
        project.create()
        project.same()
        (url,) = lab.client("sqs").list_queues(QueueNamePrefix="queues_")["QueueUrls"]
        assert url.endswith("/queues_jobs_bob")


def test_an_existing_queue_is_read_and_left_alone(lab: Lab, tmp_path: Path) -> None:
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName="others-jobs")["QueueUrl"]
    project = copied(lab, "queues", tmp_path)
    project.edit(
        "topology.yml",
        "    visibility: 2\n    dlq: true\n",
        "    name: others-jobs\n",
    )
    project.edit("topology.yml", "events:\n  Job: { producers: [shop], queue: jobs }\n", "")
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    with standing(project):
        sqs.send_message(QueueUrl=url, MessageBody="from others")
        assert lab.wait_logged("queues_worker_bob") == ["worked from others"]
    after = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    moving = {"ApproximateNumberOfMessagesNotVisible", "LastModifiedTimestamp"}
    assert {k: v for k, v in before.items() if k not in moving} == {
        k: v for k, v in after.items() if k not in moving
    }
    assert not sqs.list_queue_tags(QueueUrl=url).get("Tags")
    sqs.delete_queue(QueueUrl=url)
