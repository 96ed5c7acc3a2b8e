"""The artifact bucket: made once, private, never somebody else's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_store import FakeStore, refuse

from tc.aws.session import Aws
from tc.errors import AwsError, TcError
from tc.publish.bucket import Bucket

ACCOUNT = "123456789012"
NAME = f"tc-artifacts-{ACCOUNT}-eu-west-1"


def test_the_bucket_is_made_once_private_and_for_tls_alone(aws: Aws) -> None:
    bucket = Bucket(aws)
    assert bucket.name == NAME
    assert bucket.ensure() is True

    def asked(operation: str) -> dict[str, Any]:
        return aws.call("s3", operation, Bucket=NAME)

    blocked = asked("get_public_access_block")["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    assert len(blocked) == 4
    (statement,) = json.loads(asked("get_bucket_policy")["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    uploads, transit = asked("get_bucket_lifecycle_configuration")["Rules"]
    assert uploads["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert (transit["Filter"], transit["Expiration"]) == ({"Prefix": "transit/"}, {"Days": 7})
    tags = {tag["Key"]: tag["Value"] for tag in asked("get_bucket_tagging")["TagSet"]}
    assert tags["deployer"] == "tc"
    assert asked("get_bucket_location")["LocationConstraint"] == "eu-west-1"

    written = aws.written
    assert Bucket(aws).ensure() is False
    assert aws.written == written


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


HERE = "tc-artifacts-111122223333-eu-west-1"


def made(store: FakeStore) -> Bucket:
    bucket = Bucket(store)
    bucket.ensure()
    return bucket


def test_a_bucket_that_was_half_made_is_finished(store: FakeStore) -> None:
    store.hook = lambda name, given: KeyboardInterrupt() if "policy" in name else None  # type: ignore[assignment, return-value]
    with pytest.raises(KeyboardInterrupt):
        Bucket(store).ensure()
    store.hook = lambda name, given: None
    Bucket(store).ensure()
    (statement,) = store.store.buckets[HERE]["policy"]["Statement"]
    assert statement["Sid"] == "OnlyTls"


def test_a_bucket_that_is_there_costs_one_read(store: FakeStore) -> None:
    made(store)
    store.calls.clear()
    bucket = Bucket(store)
    assert bucket.ensure() is False
    assert bucket.ensure() is False
    assert store.calls == ["s3.get_bucket_tagging"]


def test_a_bucket_of_the_users_own_is_used_as_it_is(store: FakeStore) -> None:
    own = {"owner": store.account, "region": "eu-west-1", "tags": [], "objects": {}}
    store.store.buckets["ours-eu-west-1"] = own
    bucket = Bucket(store, "ours-{{ region }}")
    assert bucket.ensure() is False
    assert store.writes() == []
    assert bucket.put("a", b"1") is True


@pytest.mark.parametrize("visible", [True, False])
def test_a_bucket_of_another_account_is_refused(store: FakeStore, visible: bool) -> None:
    other = FakeStore(store.store, account="999999999999")
    Bucket(other, HERE).ensure()
    if not visible:
        # the bucket came between the look and the call
        hidden = refuse("NoSuchBucket")
        store.hook = lambda name, given: hidden if name.endswith("tagging") else None
    with pytest.raises(TcError) as told:
        Bucket(store).ensure()
    assert told.value.code == "foreign-bucket"
    assert HERE in told.value.message
    assert "artifacts.bucket" in told.value.hint
    with pytest.raises(AwsError):
        Bucket(store).put("a", b"secret")
    assert store.store.buckets[HERE]["objects"] == {}


def test_another_region_has_a_bucket_of_its_own(store: FakeStore) -> None:
    bucket = Bucket(store, region="us-east-1")
    assert bucket.ensure() is True
    bucket.put("a", b"1")
    assert store.store.buckets["tc-artifacts-111122223333-us-east-1"]["objects"] == {"a": b"1"}


def test_what_is_there_is_not_written_again(store: FakeStore, tmp_path: Path) -> None:
    bucket = made(store)
    file = tmp_path / "body"
    file.write_bytes(b"x" * 100_000)
    assert bucket.has("layers/a.zip") is False
    assert bucket.read("layers/a.zip") is None
    assert bucket.put("layers/a.zip", file) is True
    assert bucket.put("layers/a.zip", b"other") is False
    assert bucket.get("layers/a.zip") == file.read_bytes()
    assert bucket.put("layers/a.zip", b"other", again=True) is True
    assert bucket.read("layers/a.zip") == b"other"


def test_keys_are_listed_by_prefix_and_deleted(store: FakeStore) -> None:
    assert list(Bucket(store).keys("assets/")) == []
    bucket = made(store)
    for key in ("assets/1", "assets/2", "layers/3"):
        bucket.put(key, b"")
    assert list(bucket.keys("assets/")) == ["assets/1", "assets/2"]
    bucket.delete(["assets/1", "assets/2", "assets/none"])
    assert list(bucket.keys()) == ["layers/3"]
