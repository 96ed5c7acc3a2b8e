"""Event patterns: what EventBridge takes, and what it would refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tc.compose.patterns import check_pattern

#: the engine is asked about the same ones, in tests/engine/test_e2e_events.py
SAMPLES = json.loads(Path(__file__).with_name("patterns.json").read_text())


@pytest.mark.parametrize("pattern", SAMPLES["good"])
def test_good(pattern: dict[str, Any]) -> None:
    assert list(check_pattern(pattern)) == []


def test_a_comparison_that_is_no_text_is_refused() -> None:
    pattern = {"detail": {"a": [{"numeric": [">", 0, ["<"], 5]}]}}
    assert [message for _, message in check_pattern(pattern)]


@pytest.mark.parametrize(("pattern", "paths"), SAMPLES["bad"])
def test_bad(pattern: dict[str, Any], paths: list[list[Any]]) -> None:
    found = list(check_pattern(pattern))
    assert [list(path) for path, _ in found] == paths
    assert all(message for _, message in found)
