"""What is true of the repository as a whole."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
_SKIPPED = {".git", ".venv", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
_SKIPPED |= {".hypothesis", "dist"}
_PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)
#: somebody's own checkout, in a file that everybody gets
_OWN_PATHS = re.compile(rf"{re.escape(str(ROOT))}\b")


def test_no_file_names_a_path_of_somebodys_own_machine() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path, text in files()
        for found in _OWN_PATHS.finditer(text)
    ]
    assert wrong == []


def test_requirements_name_no_index() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in path.read_text(), path.name


def test_requirements_have_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime, dev, build = pins("runtime"), pins("dev"), pins("build")
    asked = project["project"]["dependencies"]
    check(asked, runtime)
    check([*asked, *project["dependency-groups"]["dev"]], dev)
    check(project["build-system"]["requires"], build)
    assert {name: dev.get(name) for name in runtime} == runtime


def test_every_requirement_has_its_hashes() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        blocks = re.split(r"^(?=[a-z])", path.read_text(), flags=re.MULTILINE)[1:]
        assert blocks
        assert [b.splitlines()[0] for b in blocks if "--hash=sha256:" not in b] == []


def check(asked: list[str], pinned: dict[str, str]) -> None:
    for text in asked:
        requirement = Requirement(text)
        name = requirement.name.lower().replace("_", "-")
        assert name in pinned, f"{name} is not in requirements/: run scripts/lock.sh"
        assert requirement.specifier.contains(pinned[name]), f"{name} {pinned[name]}: {text}"


def pins(level: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{level}.txt").read_text()
    return dict(_PIN.findall(text))


def files() -> Iterator[tuple[Path, str]]:
    """Every text file of the project."""
    waiting = [ROOT]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            if path.name in _SKIPPED or path.name.endswith(".egg-info"):
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.is_file():
                try:
                    yield path, path.read_text()
                except UnicodeDecodeError:
                    continue
