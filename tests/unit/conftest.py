"""Topologies are written to a directory of the test's own, and deployed to an account in memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / name) for name in ("compose", "deploy", "publish")]
pytest.register_assert_rewrite(
    "composing",
    "deploying",
    "fake_gateway",
    "fake_services",
    "fake_events",
    "fake_functions",
    "fake_data",
    "fake_store",
    "fake_files",
    "asset_world",
)

from composing import Directory  # noqa: E402


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path)
