"""What AWS would refuse of queues, buckets, tables and delivery streams, told before any call."""

from __future__ import annotations

import pytest
from composing import Directory, codes

MANY = ", ".join(f"by-{n}: {{key: k{n}}}" for n in range(21))
BAD = [
    # what is written, the codes of what is wrong
    ("queues: {a.b: {}}", ["bad-name"]),
    ("queues: {jobs: {name: theirs, dlq: true, retention: 60}}", ["both", "both"]),
    ("queues: {jobs: {fifo: true, batch_size: 11, window: 1}}", ["invalid-value"] * 2),
    (
        (
            "functions: {one: {runtime: {timeout: 31}}}\n"
            "queues: {jobs: {function: one, visibility: 30}}"
        ),
        ["visibility"],
    ),
    ("queues: {jobs: {dlq: other}}", ["unknown-name"]),
    ("queues: {jobs: {dlq: jobs}}", ["cycle"]),
    ("queues: {jobs: {dlq: {queue: other}}}", ["unknown-name"]),
    ("queues: {jobs: {dlq: other}, other: {fifo: true}}", ["invalid-value"]),
    ("queues: {jobs: {producer: nobody}}", ["unknown-name"]),
    (
        (
            "functions: {one: {function: two}}\n"
            "queues: {jobs: {function: one, partial_failures: true}}"
        ),
        ["conflict"],
    ),
    ("buckets: {a.b: {}}", ["bad-name"]),
    ("buckets: {raw: {prefix: in/}}", ["no-target"]),
    ("buckets: {raw: {encryption: mine}}", ["invalid-value"]),
    ("buckets: {raw: {lifecycle: [{prefix: x}]}}", ["invalid-value"]),
    ("tables: {a/b: {key: id}}", ["bad-name"]),
    ("tables: {runs: {key: {a: S, b: N}}}", ["invalid-value"]),
    ("tables: {runs: {key: id, indexes: {by-id: {key: {id: N}}}}}", ["conflict"]),
    ("tables: {runs: {key: id, indexes: {x: {key: id}}}}", ["bad-name"]),
    (
        f"tables: {{runs: {{key: id, indexes: {{{MANY}}}}}}}",
        ["too-many-indexes"],
    ),
    (
        "tables: {runs: {key: id, functions: [one, two, three]}}",
        ["too-many-targets"],
    ),
    ("streams: {clicks: {bucket: nowhere}}", ["unknown-name"]),
    ("streams: {clicks: {bucket: 'arn:aws:sqs:x'}}", ["invalid-value"]),
    (
        "buckets: {raw: {}}\nstreams: {s: {bucket: raw, prefix: 'a/!{timestamp:yyyy}/'}}",
        ["missing-key"],
    ),
    (
        "events: {New: {producer: S3/PUT_OBJECT, function: one}}",
        ["no-producer"],
    ),
    (
        (
            "tables: {runs: {key: id}}\n"
            "events: {New: {producer: DYNAMODB/PUT_ITEM, table: others, function: one}}"
        ),
        ["unknown-name"],
    ),
    (
        "buckets: {raw: {}}\nevents: {New: {producer: S3/PUT_OBJECT, bucket: rwa, function: one}}",
        ["unknown-name"],
    ),
    (
        "buckets: {raw: {}}\nevents: {New: {producers: [S3/PUT_OBJECT, default], function: one}}",
        ["conflict"],
    ),
    (
        (
            "queues: {jobs: {}}\ntables: {runs: {key: id}}\n"
            "events: {New: {producer: DYNAMODB/PUT_ITEM, queue: jobs}}"
        ),
        ["no-such-edge"],
    ),
    ("events: {New: {producer: S3/PUT_OBJEKT, function: one}}", ["unknown-producer"]),
]


@pytest.mark.parametrize(("text", "expected"), BAD)
def test_bad_input(directory: Directory, text: str, expected: list[str]) -> None:
    found = directory.write(f"name: etl\n{text}", "one two three").findings()
    assert codes(found) == expected


def test_a_stream_can_not_compress_on_the_local_engine(directory: Directory) -> None:
    text = "name: etl\nbuckets: {raw: {}}\nstreams: {clicks: {bucket: raw, compression: gzip}}"
    directory.write(text)
    assert codes(directory.findings(local=True)) == ["local-compression"]
    assert directory.findings() == []


def test_a_function_has_a_sixth_of_the_visibility_of_its_queue(directory: Directory) -> None:
    text = "name: etl\nqueues: {jobs: {function: one, visibility: 180}}"
    topology = directory.write(text, "one two").topology()
    assert {name: one.timeout for name, one in topology.functions.items()} == {
        "one": 30,
        "two": 300,
    }


def test_a_queue_has_six_times_the_timeout_of_its_function(directory: Directory) -> None:
    from tc.components import queue
    from tc.spec.facts import Facts

    text = (
        "name: etl\nfunctions: {one: {runtime: {timeout: 20}}}\n"
        "queues: {jobs: {consumer: one, window: 5}, bare: {}}"
    )
    topology = directory.write(text, "one").topology()
    found = {r.title: r.props["visibility_s"] for r in queue.desired(topology, Facts())}
    assert found == {"jobs": 125, "bare": 30}


def test_buckets_of_different_topologies_never_share_a_name(directory: Directory) -> None:
    from dataclasses import replace

    from tc.compose.things import bucket_name

    scope = directory.write("name: etl\nbuckets: {b-c: {}}").topology().scope
    other = replace(scope, namespace="etl-b")
    names = {
        bucket_name(scope, "b-c"),
        bucket_name(other, "c"),
        bucket_name(scope, "b_c"),
        bucket_name(scope, "B-c"),
        bucket_name(scope, "x" * 80),
        bucket_name(scope, "x" * 81),
    }
    assert len(names) == 6
    assert all(3 <= len(name) <= 63 and name == name.lower() for name in names)
