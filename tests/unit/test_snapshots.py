"""The file of a snapshot: written, read back, and refused with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tc.errors import UsageError
from tc.spec.snapshot import FORMAT, Running, Snapshot, read

WHOLE = Snapshot(
    format=FORMAT,
    at="2026-01-02T03:04:05Z",
    running=(
        Running(topology="etl", sandbox="stable", env="qa", version="0.1.4", commit="a" * 40),
    ),
)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "snapshot.json"
    file.write_text(WHOLE.text())
    assert read(file) == WHOLE


def test_the_lines_of_json_are_taken_too(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    table = {"event": "table", "columns": [], "rows": [], **WHOLE.model_dump(mode="json")}
    file.write_text(json.dumps({"event": "log"}) + "\n" + json.dumps(table) + "\n")
    assert read(file) == WHOLE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "this is no snapshot"),
        ("hello", "this is no snapshot"),
        ('{"format": 1, "at": ""}', "field required"),
        ('{"format": 2, "at": "", "running": []}', "has format 2, and this tc reads 1"),
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "snapshot.json"
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        read(file)
    assert why in refused.value.message
    assert refused.value.where == str(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path / "none")
    assert "no such file" in refused.value.message
