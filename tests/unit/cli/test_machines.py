"""What scripts rely on, of every command: `--json`, `--dry-run`, no question without a terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tc.cli.app import COMMANDS, command_line

#: whose standard output is a document in a format of its own, or that have subcommands
DOCUMENTS = {"compose", "schema", "local"}
#: that only look, or whose writes are the user's own commands
READING = {
    *("changed", "changelog", "compose", "config", "diff", "invoke", "list", "local", "login"),
    *("logs", "resolve", "schema", "snapshot", "validate", "version"),
}


def options(name: str) -> set[str]:
    group = typer.main.get_command(command_line([name]))
    command = group.commands[name] if hasattr(group, "commands") else group
    return {word for parameter in command.params for word in parameter.opts}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_the_options_that_scripts_need(name: str) -> None:
    there = options(name)
    assert ("--json" in there) is (name not in DOCUMENTS)
    assert ("--dry-run" in there) is (name not in READING)


@pytest.mark.parametrize(
    "words",
    [
        ["validate"],
        ["create", "-s", "bob"],
        ["diff", "-s", "bob"],
        ["changed", "--since", "nothing"],
        ["scaffold", "--create", "ci"],
        ["prune", "--older-than", "7x", "-e", "local"],
    ],
    ids=" ".join,
)
def test_json_is_alone_on_standard_output_also_when_it_fails(
    words: list[str], tmp_path: Path
) -> None:
    said = run([*words, "--json"], tmp_path)
    events = [json.loads(line) for line in said.stdout.splitlines()]
    assert said.returncode == 2 or events[-1]["code"] in ("no-git", "no-commits", "missing-ref")
    assert events[-1]["event"] == "error"


def test_no_colour_and_no_question_without_a_terminal(tmp_path: Path) -> None:
    said = run(["scaffold"], tmp_path)
    assert said.returncode == 2
    assert "\x1b" not in said.stdout + said.stderr


def run(words: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tc", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
