"""Large packages: told and uploaded once for their bytes."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from fake_store import FakeStore

from tc.events import Event
from tc.publish.bucket import Bucket
from tc.publish.packages import upload
from tc.spec.artifact import Artifact

MB = 1024 * 1024


def artifact(path: Path, body: bytes) -> Artifact:
    path.write_bytes(body)
    sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
    largest = (("torch/", 180 * MB), ("handler.py", 300))
    return Artifact(path, sha256, "d", 61 * MB, 190 * MB, False, 2, largest)


def test_a_large_package_is_uploaded_once_and_its_sizes_are_told_before(tmp_path: Path) -> None:
    aws = FakeStore()
    told: list[tuple[str, list[str]]] = []

    def emit(event: Event) -> None:
        told.append((event.text, aws.writes()[-1:]))

    large = artifact(tmp_path / "a.zip", b"body")
    # two functions with the same code
    upload([("etl_a_bob", large), ("etl_b_bob", large)], Bucket(aws), emit)
    name = "tc-artifacts-111122223333-eu-west-1"
    assert aws.store.buckets[name]["objects"] == {
        f"packages/{hashlib.sha256(b'body').hexdigest()}.zip": b"body"
    }
    assert aws.names()["s3.put_object"] == 1
    sizes = "61.0 MB, 190.0 MB unpacked; the largest in it: torch/ 180.0 MB, handler.py 0.0 MB"
    assert [text for text, _ in told] == [
        f"Created bucket {name}",
        f"Uploading the package of etl_a_bob: {sizes}",
    ]
    assert told[1][1] != ["s3.put_object"]
    aws.calls.clear()
    upload([("etl_a_bob", large)], Bucket(aws), emit)
    assert aws.writes() == []
    upload([], Bucket(aws), emit)
