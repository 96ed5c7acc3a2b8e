"""Topologies are written to a directory of the test's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[1]
for place in ("compose", "deploy"):
    if str(UNIT / place) not in sys.path:
        sys.path.insert(0, str(UNIT / place))

pytest.register_assert_rewrite(
    "composing", "deploying", "fake_gateway", "fake_services", "fake_events"
)

from composing import Directory  # noqa: E402


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path)
