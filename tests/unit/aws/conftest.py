"""A loopback server for each test, and a home without the developer's own settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_server import Server, write_config

from tc.events import Event


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, without any AWS setting."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "TC_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return home


@pytest.fixture
def keys(home: Path) -> None:
    """The profile `dev` with an access key."""
    write_config(
        home,
        "[profile dev]\naws_access_key_id = AKIDEV\naws_secret_access_key = s3cr3t\n"
        "region = eu-west-1\n",
    )


@pytest.fixture
def told() -> list[Event]:
    """Events that were emitted: pass ``told.append`` as emit."""
    return []
