"""Finding the topology, without a parser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tc.errors import UsageError
from tc.load.find import find_service, find_topology


def write(root: Path, *topologies: str) -> None:
    for path in topologies:
        directory, _, name = path.partition(":")
        (root / directory).mkdir(parents=True, exist_ok=True)
        (root / directory / "topology.yml").write_text(f"# a topology\nname: '{name}'  # it\n")


def test_upwards(tmp_path: Path) -> None:
    write(tmp_path, "etl:etl")
    (tmp_path / "etl/enhancer/lib").mkdir(parents=True)
    assert find_topology(tmp_path / "etl/enhancer/lib") == tmp_path / "etl/topology.yml"


def test_none_upwards(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_topology(tmp_path)
    assert "--service" in caught.value.hint


@pytest.mark.parametrize("with_git", [True, False])
def test_by_name(tmp_path: Path, with_git: bool) -> None:
    write(tmp_path, "a:a", "deep/er/b:b", "node_modules/c:b", ".venv/x:b", "c:c", "here:here")
    if with_git:
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        (tmp_path / ".gitignore").write_text("node_modules\n.venv\n")
    start = tmp_path / "here" if with_git else tmp_path
    assert find_service("b", start) == tmp_path / "deep/er/b/topology.yml"


def test_json_by_name(tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()
    (tmp_path / "j/topology.json").write_text('{"name": "j"}')
    assert find_service("j", tmp_path) == tmp_path / "j/topology.json"


def test_no_such_name(tmp_path: Path) -> None:
    write(tmp_path, "a:orders", "b:billing")
    with pytest.raises(UsageError) as caught:
        find_service("order", tmp_path)
    assert caught.value.hint == "did you mean `orders`?"
    with pytest.raises(UsageError) as caught:
        find_service("xyz", tmp_path)
    assert caught.value.hint == "there are: billing, orders"


def test_a_name_twice(tmp_path: Path) -> None:
    write(tmp_path, "a:x", "b:x")
    with pytest.raises(UsageError, match="2 topologies are called `x`"):
        find_service("x", tmp_path)


def test_finding_imports_no_parser() -> None:
    code = "import sys, tc.load.find; print([m for m in ('yaml', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
