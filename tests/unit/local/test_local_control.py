"""How states are written while requests change them."""

from __future__ import annotations

import io
import json
from typing import Any

from tc.local.hooks.control import OneShot


def test_a_state_that_changes_while_it_is_written_is_written() -> None:
    state: dict[str, Any] = {"first": object(), "second": 2}

    def another_request(value: Any) -> str:
        state["third"] = 3
        return "told"

    written = io.StringIO()
    OneShot().dump(state, written, default=another_request)
    assert json.loads(written.getvalue()) == {"first": "told", "second": 2}


def test_it_reads_as_ever() -> None:
    assert OneShot().load(io.StringIO("[1]")) == [1]
    assert OneShot().JSONDecodeError is json.JSONDecodeError
