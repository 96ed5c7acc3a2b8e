"""A project on disk, and what `load` says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field

from tc.load.load import Loaded, load, locate
from tc.spec.base import Strict, Targets


class Cors(Strict):
    methods: list[str] | None = None
    origins: list[str] | None = None


class RouteModel(Targets):
    method: str = "POST"
    path: str | None = None
    gateway: str | None = None
    kind: Literal["http", "rest"] | None = None
    timeout: int | None = None
    asynchronous: bool = Field(False, alias="async")
    cors: Cors | bool | None = Field(None, alias="CORS")
    proxy: str | None = None


class EventModel(Targets):
    producer: str | None = None
    producers: list[str] | None = None
    source: str | None = None
    pattern: dict[str, Any] | None = None


SECTIONS: dict[str, type[Strict]] = {"routes": RouteModel, "events": EventModel}
HANDLER = "def handler(event, context):\n    return event\n"

Files = Mapping[str, str | bytes]


class Project:
    def __init__(self, root: Path):
        self.root = root

    def write(self, files: Files) -> Project:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def load(self, directory: str = ".") -> Loaded:
        return load(self.root / directory, SECTIONS)

    def problems(self, directory: str = ".") -> list[str]:
        """`file:line:col code`, as a user would read them."""
        return [
            f"{p.file}:{p.line}:{p.col} {p.code}" for p in locate(self.load(directory).findings)
        ]

    def texts(self, directory: str = ".") -> list[str]:
        return [f"{p.message} | {p.hint}" for p in locate(self.load(directory).findings)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty git repository, which is also the current directory."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


Write = Callable[[Files], Project]
