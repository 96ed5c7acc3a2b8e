"""`tc build` as a program: what it chooses, builds, finds again, tells, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

TC = [sys.executable, "-m", "tc"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two functions without dependencies."""
    place = tmp_path / "project"
    (place / ".git").mkdir(parents=True)
    write(place, "topology.yml", "name: etl\n")
    for name in ("enhancer", "loader"):
        write(place, f"{name}/handler.py", "def handler(event, context):\n    return event\n")
    return place


def write(place: Path, name: str, text: str) -> None:
    (place / name).parent.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(text)


def environment(place: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TC_", "AWS_"))}
    return {**kept, "TC_CACHE_DIR": str(place.parent / "cache")}


def tc(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TC, *arguments],
        cwd=place,
        env=environment(place if (place / ".git").exists() else place.parent),
        capture_output=True,
        text=True,
        check=False,
    )


def made(said: subprocess.CompletedProcess[str]) -> list[tuple[str, str, bool]]:
    """Kind, name and whether it was there already, of each thing that ``--json`` tells."""
    found = [json.loads(line) for line in said.stdout.splitlines()]
    return [
        (one["kind"], one["name"], one["cached"]) for one in found if one["event"] == "build.made"
    ]


def events(said: subprocess.CompletedProcess[str], name: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in said.stdout.splitlines()]
    return [one for one in found if one["event"] == name]


def test_everything_is_built_once_and_then_only_what_changed(project: Path) -> None:
    first = tc(project, "build", "--json")
    assert (first.returncode, first.stderr) == (0, "")
    assert made(first) == [("code", "enhancer", False), ("code", "loader", False)]
    assert made(tc(project, "build", "--json")) == [
        ("code", "enhancer", True),
        ("code", "loader", True),
    ]
    write(project, "loader/handler.py", "def handler(event, context):\n    return 1\n")
    assert made(tc(project, "build", "--json")) == [
        ("code", "enhancer", True),
        ("code", "loader", False),
    ]


def test_a_person_reads_what_was_built_and_what_was_there(project: Path) -> None:
    said = tc(project, "build").stdout
    assert "Built code enhancer (" in said
    assert "Done: 2 built (" in said
    said = tc(project, "build").stdout
    assert "Unchanged code loader (" in said
    assert "Done: 2 unchanged (" in said


def test_a_functions_directory_means_that_function(project: Path) -> None:
    assert [name for _, name, _ in made(tc(project / "loader", "build", "--json"))] == ["loader"]
    chosen = made(tc(project, "build", "-c", "functions/enhancer", "--json"))
    assert [name for _, name, _ in chosen] == ["enhancer"]
    assert [name for _, name, _ in made(tc(project, "build", "loader", "--json"))] == ["loader"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--kind", "layers"], "did you mean `layer`?"),
        (["-c", "enhancr"], "did you mean `enhancer`?"),
        (["--kind", "code", "--publish"], "tc create"),
        (["--shell", "--list"], "--shell and --list"),
    ],
)
def test_what_can_not_be_meant_is_refused(project: Path, arguments: list[str], told: str) -> None:
    said = tc(project, "build", *arguments)
    assert said.returncode == 2
    assert told in said.stderr
    assert not (project.parent / "cache" / "packages").exists()


def test_an_env_of_config_yml_that_is_not_there_is_told_with_its_place(project: Path) -> None:
    write(project, "infrastructure/tc/config.yml", "layers: { env: cicd }\n")
    said = tc(project, "build", "--publish")
    assert said.returncode == 2
    assert said.stderr.count("there is no env or AWS profile `cicd`") == 1
    assert "at: `env: cicd` in config.yml" in said.stderr


def test_a_function_that_fails_is_named_and_the_others_stay_as_they_are(project: Path) -> None:
    tc(project, "build")
    before = sorted((project.parent / "cache" / "packages").iterdir())
    write(project, "loader/function.json", json.dumps({"build": {"command": "exit 3"}}))
    said = tc(project, "build")
    assert said.returncode == 1
    assert "the build of `loader` failed: `exit 3` ended with exit code 3" in said.stderr
    assert "Failed: " in said.stdout
    assert sorted((project.parent / "cache" / "packages").iterdir()) == before


def test_a_dry_run_builds_nothing(project: Path) -> None:
    said = tc(project, "build", "--dry-run")
    assert said.returncode == 0
    assert "Would build code enhancer" in said.stdout
    assert not (project.parent / "cache" / "packages").exists()


def test_cleaning_empties_the_cache_and_runs_the_clean_tasks(project: Path) -> None:
    write(project, "loader/function.json", json.dumps({"tasks": {"clean": "rm -f left.zip"}}))
    write(project, "loader/left.zip", "")
    tc(project, "build", "-c", "enhancer")
    said = tc(project, "build", "--clean", "--dry-run")
    assert "Would free " in said.stdout
    assert "Would run loader: rm -f left.zip" in said.stdout
    assert (project / "loader" / "left.zip").exists()
    [freed] = events(tc(project, "build", "--clean", "--json"), "build.cleaned")
    assert freed["bytes"] > 0
    assert not (project / "loader" / "left.zip").exists()
    assert made(tc(project, "build", "-c", "enhancer", "--json")) == [("code", "enhancer", False)]


def test_an_interrupt_ends_the_build_command_and_leaves_nothing_half_made(project: Path) -> None:
    command = f"echo $$ > {project}/pid; sleep 60; zip lambda.zip handler.py"
    write(project, "loader/function.json", json.dumps({"build": {"command": command}}))
    process = subprocess.Popen(
        [*TC, "build"],
        cwd=project,
        env=environment(project),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    started = project / "pid"
    deadline = time.monotonic() + 60
    while not (started.exists() and started.read_text().strip()):
        assert time.monotonic() < deadline, "the build command never started"
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
    cache = project.parent / "cache"
    assert list((cache / "staging").iterdir()) == []
    assert not list((cache / "builds").glob("*"))


def test_an_image_of_a_nested_topology_has_its_namespace(project: Path) -> None:
    write(project, "topology.yml", "name: etl\nrecursive: true\n")
    write(project, "below/topology.yml", "name: below\n")
    write(project, "below/one/Dockerfile", "FROM scratch\n")
    write(project, "below/one/function.json", '{"runtime": {"package_type": "image"}}')
    said = tc(project, "build", "--kind", "image", "--dry-run")
    assert said.returncode == 0, said.stderr
    assert "below/one" in said.stdout
    assert "etl/one" not in said.stdout
