"""What the tests of assets share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from asset_world import KB, PART, World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, monkeypatch)
    made.write("weights.bin", os.urandom(2 * PART + 5 * KB))
    made.write("run", b"#!/bin/sh\n", executable=True)
    for number in range(20):
        made.write(f"words/{number}.txt", b"word %d\n" % number)
    made.write("words/empty", b"")
    return made
