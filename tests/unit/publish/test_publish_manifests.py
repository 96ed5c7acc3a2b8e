"""Versions in buckets: written once, found wherever they are, copied whole and unharmed."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from fake_store import FakeStore, Store

from tc.errors import TcError
from tc.events import Event, silent
from tc.publish.bucket import Bucket
from tc.publish.manifests import Content, Shelf, Versions
from tc.publish.packages import upload
from tc.spec.artifact import Artifact
from tc.spec.manifest import Body, Layer, Manifest, Package

SOURCES, CODE, BODY = b"sources", b"code", b"body of a layer"
QA, PROD, CICD = "111122223333", "444455556666", "777788889999"


def sha(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def manifest(commit: str = "a" * 40, *, local: bool = False) -> Manifest:
    package = Package(sha256=sha(CODE), digest="d", size=4, unpacked=4, stored=True, files=1)
    part = Body(sha256=sha(BODY), size=15, unpacked=15)
    layer = Layer(owner="etl", digest="e" * 64, runtime="python3.12", arch="x86_64", parts=(part,))
    return Manifest(
        namespace="etl",
        version="0.1.4",
        tag="etl-0.1.4",
        sha=commit,
        repo="mono",
        directory="etl",
        sources=hashlib.sha256(SOURCES).hexdigest(),
        local=local,
        functions={"etl/enhancer": package},
        layers={"etl-enhancer": layer},
        by="ann",
        at="2026-01-02T03:04:05Z",
    )


def contents() -> dict[str, Content]:
    return {
        f"sources/{hashlib.sha256(SOURCES).hexdigest()}.tar.gz": lambda: SOURCES,
        f"packages/{hashlib.sha256(CODE).hexdigest()}.zip": lambda: CODE,
        f"layers/{hashlib.sha256(BODY).hexdigest()}.zip": lambda: BODY,
    }


def shelf(store: Store, account: str) -> Shelf:
    aws = FakeStore(store, account=account)
    return Shelf(aws, Bucket(aws))


def objects(store: Store, account: str) -> dict[str, bytes]:
    bucket = store.buckets.get(f"tc-artifacts-{account}-eu-west-1", {"objects": {}})
    found: dict[str, bytes] = bucket["objects"]
    return found


def test_a_version_is_written_whole_and_its_manifest_last() -> None:
    store = Store()
    here = shelf(store, QA)
    assert Versions(here).publish(manifest(), contents(), silent) == manifest()
    assert list(objects(store, QA))[-1] == "manifests/etl/0.1.4.json"
    assert set(objects(store, QA)) == {*contents(), "manifests/etl/0.1.4.json"}
    assert Versions(here).find("etl", "0.1.4") == manifest()
    assert Versions(here).find("etl", "0.1.5") is None
    assert Versions(here).names("etl") == ["0.1.4"]


def test_of_two_at_once_the_first_one_s_stays() -> None:
    store = Store()
    Versions(shelf(store, QA)).publish(manifest(), contents(), silent)
    other = manifest().model_copy(update={"by": "bob"})
    assert Versions(shelf(store, QA)).publish(other, contents(), silent).by == "ann"
    assert b'"ann"' in objects(store, QA)["manifests/etl/0.1.4.json"]


def test_a_version_never_becomes_another_commit() -> None:
    store = Store()
    Versions(shelf(store, QA)).publish(manifest(), contents(), silent)
    with pytest.raises(TcError) as refused:
        Versions(shelf(store, QA)).publish(manifest("b" * 40), contents(), silent)
    assert refused.value.code == "version-taken"
    assert "aaaaaaa by ann" in refused.value.message
    assert "bbbbbbb" in refused.value.message


def test_the_central_bucket_is_written_and_the_target_gets_copies() -> None:
    store = Store()
    versions = Versions(shelf(store, PROD), lambda: shelf(store, CICD))
    versions.publish(manifest(), contents(), silent)
    assert objects(store, PROD) == {}
    versions.bring(manifest(), silent)
    assert objects(store, PROD) == objects(store, CICD)


def test_what_is_there_already_costs_one_read() -> None:
    store = Store()
    here = shelf(store, PROD)
    versions = Versions(here, None, [lambda: shelf(store, QA)])
    Versions(shelf(store, QA)).publish(manifest(), contents(), silent)
    assert not versions.holds(manifest())
    versions.bring(manifest(), silent)
    assert isinstance(here.aws, FakeStore)
    here.aws.calls.clear()
    assert versions.holds(manifest())
    assert here.aws.calls == ["s3.head_object"]


def test_what_was_changed_in_the_bucket_is_not_deployed() -> None:
    store = Store()
    Versions(shelf(store, QA)).publish(manifest(), contents(), silent)
    objects(store, QA)[f"packages/{hashlib.sha256(CODE).hexdigest()}.zip"] = b"other code"
    versions = Versions(shelf(store, PROD), None, [lambda: shelf(store, QA)])
    with pytest.raises(TcError) as refused:
        versions.bring(manifest(), silent)
    assert refused.value.code == "bad-object"
    # without its manifest nobody takes it for a whole version
    assert "manifests/etl/0.1.4.json" not in objects(store, PROD)


def test_what_is_gone_is_told() -> None:
    store = Store()
    Versions(shelf(store, QA)).publish(manifest(), contents(), silent)
    del objects(store, QA)[f"layers/{hashlib.sha256(BODY).hexdigest()}.zip"]
    versions = Versions(shelf(store, PROD), None, [lambda: shelf(store, QA)])
    with pytest.raises(TcError) as refused:
        versions.bring(manifest(), silent)
    assert refused.value.code == "package-gone"
    assert f"tc-artifacts-{QA}" in refused.value.message


def test_what_was_built_for_this_machine_is_another_manifest() -> None:
    store = Store()
    Versions(shelf(store, QA)).publish(manifest(), contents(), silent)
    aws = FakeStore(store, account=QA, local=True)
    local = Versions(Shelf(aws, Bucket(aws)))
    assert local.find("etl", "0.1.4") is None
    local.publish(manifest("b" * 40, local=True), contents(), silent)
    assert local.names("etl") == ["0.1.4"]
    assert Versions(shelf(store, QA)).names("etl") == ["0.1.4"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"{}", "namespace: field required"),
        (b"<html>", "(invalid json"),
        (manifest().model_copy(update={"format": 9}).text().encode(), "format 9"),
    ],
)
def test_a_manifest_that_is_none_is_refused_with_its_place(text: bytes, why: str) -> None:
    store = Store()
    here = shelf(store, QA)
    here.bucket.ensure()
    objects(store, QA)["manifests/etl/0.1.4.json"] = text
    with pytest.raises(TcError) as refused:
        Versions(here).find("etl", "0.1.4")
    assert refused.value.code == "bad-manifest"
    assert why in refused.value.message
    assert refused.value.where.endswith("/manifests/etl/0.1.4.json")


def test_a_package_of_a_version_is_taken_from_the_bucket_and_never_uploaded() -> None:
    aws = FakeStore()
    bucket = Bucket(aws)
    bucket.ensure()
    package = manifest().functions["etl/enhancer"].artifact
    assert package.from_bucket
    bucket.put(package.key, CODE)
    aws.calls.clear()
    told: list[Event] = []
    upload([("etl_enhancer_stable", package)], bucket, told.append)
    assert aws.writes() == []
    assert told == []


def test_a_package_that_is_gone_stops_the_deploy_before_anything_is_changed() -> None:
    aws = FakeStore()
    bucket = Bucket(aws)
    bucket.ensure()
    aws.calls.clear()
    gone = manifest().functions["etl/enhancer"].artifact
    new = Artifact(Path("a.zip"), sha(b"new"), "d", 1, 1, True, 1)
    with pytest.raises(TcError) as refused:
        upload([("etl_a_stable", new), ("etl_enhancer_stable", gone)], bucket, silent)
    assert refused.value.code == "package-gone"
    assert "etl_enhancer_stable" in refused.value.message
    assert aws.writes() == []
