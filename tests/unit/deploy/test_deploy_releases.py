"""The history of a sandbox, and where a way back leads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fake_store import FakeStore

from tc.deploy.releases import (
    Kind,
    Record,
    everything,
    history,
    live,
    running,
    told,
    versions_before,
    write,
)
from tc.errors import TcError
from tc.publish.bucket import Bucket

START = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


def records(*said: str) -> list[Record]:
    """``deploy 0.1.0``, a minute apart."""
    made = []
    for minute, text in enumerate(said):
        kind, _, version = text.partition(" ")
        at = START + timedelta(minutes=minute)
        kinds: dict[str, Kind] = {
            "deploy": "deploy",
            "promote": "promote",
            "rollback": "rollback",
            "begun": "begun",
            "failed": "failed",
            "changed": "changed",
        }
        made.append(Record("etl", "stable", version, kinds[kind], at))
    return made


@pytest.mark.parametrize(
    ("said", "before"),
    [
        ([], []),
        (["deploy 1.0.0"], []),
        (["deploy 1.0.0", "deploy 1.0.0"], []),
        (["deploy 1.0.0", "deploy 2.0.0"], ["1.0.0"]),
        (["deploy 1.0.0", "promote 2.0.0"], ["1.0.0"]),
        # nobody comes back to what was rolled back from
        (["deploy 1.0.0", "deploy 2.0.0", "rollback 1.0.0"], []),
        (["deploy 1.0.0", "deploy 2.0.0", "rollback 1.0.0", "deploy 3.0.0"], ["1.0.0"]),
        (["deploy 1.0.0", "deploy 2.0.0", "deploy 3.0.0", "rollback 1.0.0"], []),
        (["deploy 1.0.0", "deploy 2.0.0", "deploy 3.0.0", "rollback 2.0.0"], ["1.0.0"]),
        # to a version that never ran here
        (["deploy 2.0.0", "rollback 1.0.0"], ["2.0.0"]),
        # from a deploy that failed to what ran before it
        (["failed 1.0.0"], []),
        (["deploy 1.0.0", "failed 2.0.0"], ["1.0.0"]),
        (["deploy 1.0.0", "deploy 2.0.0", "failed 3.0.0"], ["1.0.0", "2.0.0"]),
        (["deploy 1.0.0", "failed 2.0.0", "deploy 2.0.0"], ["1.0.0"]),
        (["deploy 1.0.0", "failed 2.0.0", "rollback 1.0.0"], []),
        # what was begun and has no end was killed
        (["begun 1.0.0", "deploy 1.0.0", "begun 2.0.0"], ["1.0.0"]),
        (["begun 1.0.0", "deploy 1.0.0", "begun 2.0.0", "deploy 2.0.0"], ["1.0.0"]),
        # from what other commands made of it to the version that was there
        (["deploy 1.0.0", "changed 1.0.0"], ["1.0.0"]),
        (["deploy 1.0.0", "changed 1.0.0", "begun 2.0.0", "deploy 2.0.0"], ["1.0.0"]),
        (["changed 0.0.1"], []),
    ],
)
def test_the_way_back(said: list[str], before: list[str]) -> None:
    assert versions_before(records(*said)) == before


def test_what_runs_is_the_last_that_ended_well() -> None:
    found = live(records("deploy 1.0.0", "deploy 2.0.0", "failed 3.0.0"))
    assert found
    assert found.version == "2.0.0"
    assert live(records("failed 1.0.0")) is None


def test_what_runs_may_be_what_other_commands_made() -> None:
    said = records("deploy 1.0.0", "changed 0.0.1", "begun 2.0.0", "failed 2.0.0", "deploy 2.0.0")
    assert running(said[:1]) == said[0]
    assert running(said[:4]) == said[1]
    assert running(said) == said[4]
    assert running([]) is None


def test_records_are_kept_and_read_back() -> None:
    aws = FakeStore()
    bucket = Bucket(aws)
    assert history(bucket, "etl", "stable") == []
    bucket.ensure()
    first = Record(
        "etl", "stable", "0.2.0-rc.1", "deploy", START, "manifests/x.json", "a" * 40, "ann", 4.2
    )
    later = records("deploy 0.1.0", "rollback 0.1.0")[1]
    for record in (later, first, Record("etl", "blue", "0.1.0", "deploy", START)):
        write(bucket, record)
    bucket.put("deployments/etl/stable/notes.txt", b"somebody's")
    aws.calls.clear()
    found = history(bucket, "etl", "stable")
    assert aws.calls == ["s3.list_objects_v2"]
    assert [(one.version, one.kind, one.at) for one in found] == [
        ("0.2.0-rc.1", "deploy", START),
        ("0.1.0", "rollback", START + timedelta(minutes=1)),
    ]
    assert told(bucket, found[0]) == first
    assert {key: len(value) for key, value in everything(bucket).items()} == {
        ("etl", "blue"): 1,
        ("etl", "stable"): 2,
    }


def test_a_record_that_is_none_is_refused_with_its_place() -> None:
    bucket = Bucket(FakeStore())
    bucket.ensure()
    record = Record("etl", "stable", "0.1.0", "deploy", START)
    bucket.put(record.key, b"[]")
    with pytest.raises(TcError) as refused:
        told(bucket, record)
    assert refused.value.code == "bad-record"
    assert record.key in refused.value.where
