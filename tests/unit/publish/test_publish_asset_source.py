"""Artifacts on S3, brought to the cache: only what changed there is fetched again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tc.errors import AwsError, TcError
from tc.events import silent
from tc.publish import asset_source
from tc.publish.asset_source import fetch_source


class Door:
    """S3's listing and reading in memory: one bucket, `bucket`."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.read: list[str] = []
        self.meanwhile: Callable[[str], None] = lambda key: None

    def etag(self, key: str) -> str:
        return f'"{hashlib.md5(self.objects[key]).hexdigest()}"'

    def pages(self, service: str, operation: str, key: str, /, **given: Any) -> Any:
        assert (service, operation, key) == ("s3", "list_objects_v2", "Contents")
        if given["Bucket"] != "bucket":
            raise AwsError("no", aws_code="NoSuchBucket", operation=operation, status=404)
        for name in sorted(self.objects):
            if name.startswith(given["Prefix"]):
                yield {"Key": name, "Size": len(self.objects[name]), "ETag": self.etag(name)}

    def call(self, service: str, operation: str, /, **given: Any) -> dict[str, Any]:
        assert (service, operation) == ("s3", "get_object")
        self.meanwhile(given["Key"])
        if given["IfMatch"] != self.etag(given["Key"]):
            raise AwsError("no", aws_code="PreconditionFailed", operation=operation, status=412)
        self.read.append(given["Key"])
        start, end = map(int, given["Range"].removeprefix("bytes=").split("-"))
        return {"Body": self.objects[given["Key"]][start : end + 1]}

    def map(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> list[Any]:
        return [function(item) for item in items]


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr(asset_source, "PART", 1000)
    made = Door()
    made.objects = {
        "models/bert/weights": os.urandom(2500),
        "models/bert/deep/words": b"words",
        "models/bert/empty": b"",
        "models/bert/": b"",
        "models/bert-2/other": b"other",
    }
    return made


def fetch(door: Door, place: Path, uri: str = "s3://bucket/models/bert") -> dict[str, bytes]:
    files = fetch_source(door, uri, place, silent)  # type: ignore[arg-type]
    return {
        one.relative_to(files).as_posix(): one.read_bytes()
        for one in files.rglob("*")
        if one.is_file()
    }


def below(door: Door) -> dict[str, bytes]:
    start = "models/bert/"
    return {
        key.removeprefix(start): body
        for key, body in door.objects.items()
        if key.startswith(start) and key != start
    }


def test_what_is_below_the_prefix_is_fetched_once(door: Door, tmp_path: Path) -> None:
    assert fetch(door, tmp_path) == below(door)
    assert door.read.count("models/bert/weights") == 3
    door.read.clear()
    assert fetch(door, tmp_path) == below(door)
    assert door.read == []
    # one that was cut short here comes again
    (tmp_path / "files/deep/words").write_bytes(b"wo")
    assert fetch(door, tmp_path) == below(door)
    assert door.read == ["models/bert/deep/words"]
    door.read.clear()
    door.objects["models/bert/deep/words"] = b"other words"
    del door.objects["models/bert/empty"]
    assert fetch(door, tmp_path) == below(door)
    assert door.read == ["models/bert/deep/words"]


def test_an_object_that_changes_meanwhile_is_an_error_and_no_mixture_stays(
    door: Door, tmp_path: Path
) -> None:
    def change(key: str) -> None:
        if key.endswith("weights") and len(door.read) > 2:
            door.objects[key] = os.urandom(2500)

    door.meanwhile = change
    with pytest.raises(TcError) as raised:
        fetch(door, tmp_path)
    assert raised.value.code == "changed-meanwhile"
    assert raised.value.where == "s3://bucket/models/bert/weights"
    assert [one.name for one in (tmp_path / "files").rglob("*weights*")] == []
    door.meanwhile = lambda key: None
    assert fetch(door, tmp_path) == below(door)


@pytest.mark.parametrize(
    "uri", ["s3://bucket/nothing", "s3://other/models", "s3://", "https://b/models"]
)
def test_where_nothing_is_that_is_said(door: Door, tmp_path: Path, uri: str) -> None:
    with pytest.raises(TcError) as raised:
        fetch(door, tmp_path, uri)
    assert raised.value.code == "no-asset"


def test_keys_that_lead_out_are_refused(door: Door, tmp_path: Path) -> None:
    door.objects["models/bert/../../out"] = b"x"
    with pytest.raises(TcError, match="is no path"):
        fetch(door, tmp_path)
