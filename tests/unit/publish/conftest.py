"""What the tests of publishing share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from asset_world import KB, PART, World
from moto import mock_aws

from tc.aws.session import Aws, open_session
from tc.config import Environment
from tc.events import silent


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with mock_aws():
        yield open_session(Environment("dev"), "eu-west-1", silent)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, monkeypatch)
    made.write("weights.bin", os.urandom(2 * PART + 5 * KB))
    made.write("run", b"#!/bin/sh\n", executable=True)
    for number in range(20):
        made.write(f"words/{number}.txt", b"word %d\n" % number)
    made.write("words/empty", b"")
    return made
