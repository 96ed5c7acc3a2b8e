"""The publisher itself: what it refuses, what S3's answers mean to it, what it puts up with."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from fake_files import Context

from tc.publish import publisher
from tc.publish.publisher import asset, steps


@pytest.fixture
def mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "mount"
    place.mkdir()
    monkeypatch.setenv("MOUNT", str(place))
    return place


def event(do: str = "status", path: str = "etl/model") -> dict[str, Any]:
    said = {"bucket": "bucket", "prefix": "assets/x/", "transit": "transit/x/", "version": "0" * 64}
    return {"do": do, "path": path, **said}


@pytest.mark.parametrize("path", ["../out", "etl/../../out", "/etc/model", ""])
def test_a_path_that_leads_out_of_the_file_system_is_refused(mount: Path, path: str) -> None:
    code, said = publisher.handler(event(path=path), Context())["refused"]
    assert code == "bad-path"
    assert repr(path) in said


class S3:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_object(self, **_: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        # those who may not list are refused what isn't there
        (ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject"), "no-manifest"),
        (ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject"), "no-manifest"),
        (ClientError({"Error": {"Code": "NoSuchBucket"}}, "GetObject"), "no-bucket"),
        (EndpointConnectionError(endpoint_url="s3"), "no-bucket"),
    ],
)
def test_what_s3_refuses_is_told(
    mount: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    monkeypatch.setattr(asset, "_s3", lambda: S3(error))
    refused, said = publisher.handler(event("prepare"), Context())["refused"]
    assert refused == code
    assert said


@pytest.mark.parametrize(("there", "used"), [(900, 880), (10, 5)])
def test_an_invocation_begins_nothing_when_its_time_is_nearly_over(
    mount: Path, monkeypatch: pytest.MonkeyPatch, there: int, used: int
) -> None:
    monkeypatch.setattr(Context, "get_remaining_time_in_millis", lambda _: there * 1000)
    monkeypatch.setitem(
        steps._STEPS, "status", lambda one: {"left": one.deadline - time.monotonic()}
    )
    assert used - 1 < publisher.handler(event(), Context())["left"] <= used
