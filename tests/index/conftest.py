"""Tests that install from the package index that this machine is set up for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tc.indexes import uv_arguments, uv_environment


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which uv reaches it; skipped where none can be reached."""
    import uv

    place = tmp_path_factory.mktemp("index")
    environment = uv_environment(os.environ) | {"UV_HTTP_TIMEOUT": "20", "UV_HTTP_RETRIES": "1"}
    options = ["--target", "t", "--dry-run", "--no-cache", "--python", sys.executable]
    ended = subprocess.run(
        [uv.find_uv_bin(), "pip", "install", *options, *uv_arguments(os.environ), "six"],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        pytest.skip("no package index can be reached")
    return environment


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"
