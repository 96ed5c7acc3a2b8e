"""`tc schema` and `tc compose -c roles` as programs: what is on standard output, and what isn't."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator


def tc(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tc", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("file", ["topology", "function", "vars", "config"])
def test_a_schema_is_printed_anywhere(file: str, tmp_path: Path) -> None:
    said = tc("schema", file, cwd=tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    Draft202012Validator.check_schema(json.loads(said.stdout))


def test_a_schema_is_written_to_a_file(tmp_path: Path) -> None:
    said = tc("schema", "--out", "topology.schema.json", cwd=tmp_path)
    assert (said.returncode, said.stdout) == (0, "")
    assert said.stderr == "Wrote topology.schema.json\n"
    written = json.loads((tmp_path / "topology.schema.json").read_text())
    assert written == json.loads(tc("schema", cwd=tmp_path).stdout)


def test_what_cant_be_done_is_said(tmp_path: Path) -> None:
    said = tc("schema", "--out", "nowhere/a.json", cwd=tmp_path)
    assert said.returncode == 1
    assert "error[output]: can't write the schema" in said.stderr
    assert tc("schema", "routes", cwd=tmp_path).returncode == 2


def test_roles_are_shown_with_their_causes(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "topology.yml").write_text("name: etl\n")
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "handler.py").write_text("def handler(event, context): ...\n")
    said = tc("compose", "-c", "roles/one", "-f", "json", cwd=tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    [statement] = json.loads(said.stdout)["roles"]["one"]["statements"]
    assert statement["because"] == "its log group"
    assert "its log group" in tc("compose", "-c", "roles", cwd=tmp_path).stdout
    said = tc("compose", "-c", "routes", cwd=tmp_path)
    assert (said.returncode, said.stdout) == (2, "")
    assert "error[component]" in said.stderr
    assert "roles/one" in said.stderr
