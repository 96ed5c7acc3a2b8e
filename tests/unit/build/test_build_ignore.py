"""`.tcignore` means what the same lines mean in a .gitignore: git itself is asked."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tc.spec.ignore import matcher

FILES = (
    "a",
    "b.py",
    "ab",
    "a.b",
    "d/a",
    "d/b.py",
    "d/e/a",
    "d/e/ab",
    "d/e/f/b.py",
    "e/d/a",
    "x y",
    "[a]",
    "!a",
    "#a",
)
DIRECTORIES = ("d", "d/e", "d/e/f", "e", "e/d")

pieces = st.sampled_from(
    ["a", "b", "d", "e", "f", ".py", "/", "*", "**", "?", "!", "#", " ", "\\*", "[ab]", "[!a]", "["]
)
#: git reads `**` behind letters as one at the start, and a slash in brackets, by its own accidents
odd = re.compile(r"[^/!*]\*\*|\[[^]]*/")
lines = st.lists(pieces, min_size=1, max_size=6).map("".join).filter(lambda x: not odd.search(x))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def ignored_by_git(root: Path, patterns: list[str]) -> set[str]:
    (root / ".gitignore").write_text("\n".join(patterns) + "\n")
    names = "\0".join((*FILES, *DIRECTORIES))
    command = ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index"]
    found = subprocess.run(
        [*command, "-z", "--stdin"], cwd=root, input=names, capture_output=True, text=True
    )
    return set(found.stdout.split("\0")) - {""}


def ignored_by_tc(patterns: list[str]) -> set[str]:
    ignored = matcher(patterns)
    return {name for name in FILES if ignored(name, False)} | {
        name for name in DIRECTORIES if ignored(name, True)
    }


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(lines, min_size=1, max_size=4))
@example(["*", "!d", "!d/b.py"])
@example(["d/**", "!d/e/", "!d/e/a"])
@example(["**/e", "!/d/e"])
@example(["d/**/b.py"])
@example(["\\!a", "\\#a", "x\\ y ", "\\[a]"])
@example(["/a", "e/"])
@example(["**"])
@example(["**/"])
@example(["d/e"])
def test_the_same_as_git(repository: Path, patterns: list[str]) -> None:
    assert ignored_by_tc(patterns) == ignored_by_git(repository, patterns)


def test_nothing_is_left_out_without_patterns() -> None:
    assert ignored_by_tc([]) == set()


def test_a_path_is_asked_for_without_its_parents() -> None:
    assert matcher(["d/"])("d/e/f/b.py", False)
