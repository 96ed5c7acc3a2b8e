"""The demo, as `make demo` runs it, with an engine of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    env = {**os.environ, "TC_HOME": str(tmp_path_factory.mktemp("home"))}
    env.pop("TC_LOCAL_PORT", None)
    yield env
    stop = [sys.executable, "-m", "tc", "local", "stop"]
    subprocess.run(stop, env=env, cwd=ROOT, capture_output=True, check=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the demo needs of the project, to be changed at will."""
    for name in ("scripts", "topologies/quickstart"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    program = tmp_path / ".venv" / "bin" / "tc"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tc "$@"\n')
    program.chmod(0o755)
    return tmp_path


def demo(checkout: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "scripts" / "demo.py")]
    return subprocess.run(
        command, env={**env, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )


def test_every_answer_is_shown_and_right(checkout: Path, environment: dict[str, str]) -> None:
    for again in (False, True):
        ended = demo(checkout, environment)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert ("Nothing to do" if again else "Creating function") in ended.stdout
        for told in ('{"id": "', "loaded, total 9.0", '"status": "loaded"', "remove", "curl"):
            assert told in ended.stdout
        assert ended.stdout.count("State ") == 3


@pytest.mark.parametrize(
    ("function", "answer", "reason"),
    [
        ("enhancer", '{"statusCode": 500, "body": "broken"}', "The route answered 500: broken"),
        ("enhancer", '{"id": "x", "items": []}', "That is not the order with an id."),
        ("loader", '{"status": "lost"}', "The flow has not logged"),
    ],
)
def test_a_wrong_answer_ends_it_with_the_reason(
    checkout: Path, environment: dict[str, str], function: str, answer: str, reason: str
) -> None:
    demo_file = checkout / "scripts" / "demo.py"
    demo_file.write_text(demo_file.read_text().replace("PATIENCE = 20.0", "PATIENCE = 2.0"))
    handler = checkout / "topologies/quickstart" / function / "handler.py"
    handler.write_text(f"def handler(event, context):\n    return {answer}\n")
    ended = demo(checkout, environment)
    assert ended.returncode == 1
    assert f"The demo failed. {reason}" in ended.stderr
    assert "next: .venv/bin/tc local status" in ended.stderr
