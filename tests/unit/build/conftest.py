"""Functions on disk, and a cache of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from build_files import HANDLER, Make
from python_index import Index
from wheels import wheel

from tc.build.tools import NoContainers, Tools
from tc.events import Event
from tc.processes import Running
from tc.spec.finding import Address
from tc.spec.function import Function


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A topology in a git work tree."""
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    (root / "etl").mkdir()
    (root / "etl/topology.yml").write_text("name: etl\n")
    return root


@pytest.fixture
def make(project: Path) -> Make:
    def function(
        files: Mapping[str, str | bytes] | None = None, name: str = "enhancer", **fields: Any
    ) -> Function:
        directory = project / "etl" / name
        directory.mkdir(exist_ok=True)
        for file, content in ({"handler.py": HANDLER} if files is None else files).items():
            path = directory / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        address = Address(project / "etl/topology.yml")
        known = {"runtime": "python3.13", "handler": "handler.handler", **fields}
        return Function(name=name, dir=directory, address=address, **known)

    return function


@pytest.fixture
def index(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> Index:
    (tmp_path / "wheels").mkdir()
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": "/dev/null",
        "UV_FIND_LINKS": str(tmp_path / "wheels"),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_HTTP_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)
    return Index(tmp_path, make)


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def tools(cache: Path, told: list[Event]) -> Tools:
    return Tools(cache, told.append, Running(), NoContainers())


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where wheels are found, and nowhere else."""
    place = tmp_path / "wheels"
    wheel(place, "six", "1.0")
    wheel(place, "six", "2.0")
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": "/dev/null",
        "UV_FIND_LINKS": str(place),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
    }.items():
        monkeypatch.setenv(name, value)
    return place
