"""A package index of wheels made on the spot, installs from it, and locks of what it has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from build_files import Make
from wheels import wheel

from tc.build.deps import Needs, python
from tc.build.tools import Job, Tools
from tc.errors import TcError
from tc.events import Event
from tc.processes import Running
from tc.spec.function import Build
from tc.spec.layer import Package, Platform

ARM = Platform("python3.10", "arm64")
NEW = Platform("python3.12", "x86_64")


class Containers:
    """Remembers what was asked of it, and leaves `made` behind as the commands would."""

    def __init__(self, made: Mapping[str, str] | None = None):
        self.jobs: list[Job] = []
        self.files: list[dict[str, str]] = []
        self._made = made

    def run(self, job: Job) -> None:
        self.jobs.append(job)
        found = [path for path in job.directory.rglob("*") if path.is_file()]
        self.files.append({str(p.relative_to(job.directory)): p.read_text() for p in found})
        if self._made is None:
            raise TcError("there is no container engine here", hint="start Docker")
        for name, text in self._made.items():
            (job.directory / name).parent.mkdir(parents=True, exist_ok=True)
            (job.directory / name).write_text(text)

    def provided(self, platform: Platform) -> frozenset[str]:
        return frozenset()


@dataclass
class Index:
    """Wheels in a directory, and installs from them into another one each time."""

    root: Path
    make: Make
    containers: Containers = field(default_factory=Containers)
    always: bool = False
    told: list[Event] = field(default_factory=list)
    count: int = 0

    @property
    def wheels(self) -> Path:
        return self.root / "wheels"

    def add(self, name: str, version: str, *requires: str, **fields: object) -> str:
        return wheel(self.wheels, name, version, requires, **fields)  # type: ignore[arg-type]

    def needs(self, files: Mapping[str, str], platform: Platform, **build: object) -> Needs:
        function = self.make(
            files, runtime=platform.runtime, arch=platform.arch, build=Build.model_validate(build)
        )
        found = python.needs(function, platform)
        assert found is not None
        return found

    def install(
        self, files: Mapping[str, str], platform: Platform = ARM, **build: object
    ) -> tuple[Path, tuple[Package, ...]]:
        needs = self.needs(files, platform, **build)
        self.count += 1
        directory = self.root / f"layer{self.count}"
        directory.mkdir()
        tools = Tools(
            self.root / "cache", self.told.append, Running(), self.containers, self.always
        )
        return directory, python.install(needs, ["enhancer"], platform, directory, tools)

    def versions(self, requirements: str, platform: Platform = ARM) -> dict[str, str]:
        _, found = self.install({"requirements.txt": requirements}, platform)
        return {package.name: package.version for package in found}

    def refusal(
        self, files: Mapping[str, str] | str, platform: Platform = ARM, **build: object
    ) -> TcError:
        named = {"requirements.txt": files} if isinstance(files, str) else files
        with pytest.raises(TcError) as told:
            self.install(named, platform, **build)
        return told.value


def tree(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


PROJECT = '[project]\nname = "fn"\nversion = "0"\nrequires-python = ">=3.10"\n'


def uv_lock(digest: str, specifier: str = "") -> str:
    listed = f', specifier = "{specifier}"' if specifier else ""
    return f"""version = 1
revision = 3
requires-python = ">=3.10"

[[package]]
name = "fn"
version = "0"
source = {{ virtual = "." }}
dependencies = [{{ name = "alpha" }}]

[package.metadata]
requires-dist = [{{ name = "alpha"{listed} }}]

[[package]]
name = "alpha"
version = "1.0"
source = {{ registry = "http://127.0.0.1/simple" }}
wheels = [
    {{ url = "http://127.0.0.1/alpha-1.0-py3-none-any.whl", hash = "{digest}" }},
]
"""


def poetry_lock(digest: str) -> str:
    return f"""[[package]]
name = "alpha"
version = "1.0"
optional = false
python-versions = "*"
files = [{{file = "alpha-1.0-py3-none-any.whl", hash = "{digest}"}}]

[metadata]
lock-version = "2.1"
"""


def pipfile_lock(digest: str) -> str:
    entry = {"hashes": [digest], "index": "pypi", "version": "==1.0"}
    return json.dumps({"_meta": {"sources": []}, "default": {"alpha": entry}, "develop": {}})


def locked(kind: str, digest: str) -> dict[str, str]:
    if kind == "uv":
        asked = PROJECT + 'dependencies = ["alpha"]\n'
        return {"pyproject.toml": asked, "uv.lock": uv_lock(digest)}
    if kind == "poetry":
        asked = '[tool.poetry.dependencies]\npython = "^3.10"\nalpha = "^1.0"\n'
        return {"pyproject.toml": asked, "poetry.lock": poetry_lock(digest)}
    return {"Pipfile.lock": pipfile_lock(digest)}
