"""A real container engine: everything here runs in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker_support import IMAGE, PLATFORM

from tc.build.container import Engine, engine
from tc.build.tools import Job
from tc.events import Event
from tc.processes import Running

_WHY = "TC_TEST_IMAGE names no image of Debian with Python and gcc; docs/development.md says how"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.docker)
            if not IMAGE:
                item.add_marker(pytest.mark.skip(reason=_WHY))


@pytest.fixture(scope="session")
def docker_client() -> Iterator[Any]:
    from tc.build.container.client import connect

    client = connect()
    yield client
    client.close()


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def built_by(cache: Path, told: list[Event]) -> Engine:
    """The engine, with the test's image as the builder and as the runtime."""
    images = {"python3.11": IMAGE}
    return engine(images, images, cache, told.append, Running())


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    """A job in a directory with `files`: contents by name."""

    def make(*commands: Any, files: dict[str, str] | None = None, **fields: Any) -> Job:
        directory = tmp_path / "job"
        directory.mkdir(exist_ok=True)
        for name, text in (files or {}).items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Job("the test", PLATFORM, directory, tuple(commands), **fields)

    return make
