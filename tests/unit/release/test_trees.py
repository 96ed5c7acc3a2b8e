"""The files of a commit, beside whatever is checked out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tc.errors import TcError
from tc.release.trees import checked_out

from .repository import Repository


def left(cache: Path) -> list[str]:
    return [path.name for path in (cache / "worktrees").iterdir() if path.name != ".lock"]


def test_files_are_those_of_the_commit_and_gone_afterwards(etl: Repository, tmp_path: Path) -> None:
    first = etl.repo.head()
    etl.commit("more", {"etl/enhancer/handler.py": "x = 1\n"})
    etl.write({"etl/enhancer/handler.py": "dirty", "etl/new": ""})
    with checked_out(etl.repo, first, tmp_path / "cache") as tree:
        assert tree.name == "mono"
        assert (tree / "etl/enhancer/handler.py").read_text().startswith("def handler")
        assert not (tree / "etl/new").exists()
        assert (tmp_path / "cache/worktrees").stat().st_mode & 0o77 == 0
        assert len(etl.git("worktree", "list").splitlines()) == 2
    assert len(etl.git("worktree", "list").splitlines()) == 1
    assert left(tmp_path / "cache") == []
    assert (etl.root / "etl/enhancer/handler.py").read_text() == "dirty"


def test_it_is_gone_after_an_error_too(etl: Repository, tmp_path: Path) -> None:
    with pytest.raises(KeyError), checked_out(etl.repo, etl.repo.head(), tmp_path / "cache"):
        raise KeyError
    assert left(tmp_path / "cache") == []
    with pytest.raises(TcError), checked_out(etl.repo, "0" * 40, tmp_path / "cache"):
        pass
    assert left(tmp_path / "cache") == []
    assert len(etl.git("worktree", "list").splitlines()) == 1


def test_an_interrupted_run_leaves_nothing_for_long(etl: Repository, tmp_path: Path) -> None:
    repo, cache = etl.repo, tmp_path / "cache"

    def interrupted() -> None:
        repo.running.stop()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), checked_out(repo, repo.head(), cache):
        interrupted()
    assert left(cache) == []
    with checked_out(etl.repo, etl.repo.head(), cache):
        assert len(etl.git("worktree", "list").splitlines()) == 2


def test_two_at_once_do_not_meet(etl: Repository, tmp_path: Path) -> None:
    head, cache = etl.repo.head(), tmp_path / "cache"
    with checked_out(etl.repo, head, cache) as one, checked_out(etl.repo, head, cache) as other:
        assert one != other
        assert (one / "etl").is_dir()
        assert (other / "etl").is_dir()


def test_hooks_and_line_endings_of_the_user_do_nothing(etl: Repository, tmp_path: Path) -> None:
    hook = etl.root / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    etl.git("config", "core.autocrlf", "true")
    with checked_out(etl.repo, etl.repo.head(), tmp_path / "cache") as tree:
        assert b"\r" not in (tree / "etl/topology.yml").read_bytes()
    assert not (tmp_path / "ran").exists()


KILLED = """
import sys
from pathlib import Path
from tc.release.git import Repo
from tc.release.trees import checked_out
repo = Repo.find(Path(sys.argv[1]))
with checked_out(repo, repo.head(), Path(sys.argv[2])) as tree:
    print(tree, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_run_left_is_cleared_by_the_next(etl: Repository, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    words = [sys.executable, "-c", KILLED, str(etl.root), str(cache)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, text=True, stdin=pipe, stdout=pipe) as run:
        assert run.stdout
        tree = Path(run.stdout.readline().strip())
        with checked_out(etl.repo, etl.repo.head(), cache):
            # one that lives is left alone
            assert tree.is_dir()
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    assert tree.is_dir()
    time.sleep(0.05)
    with checked_out(etl.repo, etl.repo.head(), cache):
        assert not tree.exists()
        assert len(etl.git("worktree", "list").splitlines()) == 2


def test_submodules_are_there_at_their_commits(
    etl: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep, other = Repository(tmp_path / "deep"), Repository(tmp_path / "other")
    deep.commit("one", {"d.py": "deep"})
    other.git("submodule", "--quiet", "add", str(deep.root), "below")
    other.commit("one", {"a.py": "first"})
    etl.git("submodule", "--quiet", "add", str(other.root), "libs/shared")
    etl.git("submodule", "--quiet", "update", "--init", "--recursive")
    first = etl.commit("feat: shared", {})
    newest = other.commit("two", {"a.py": "second"})
    etl.git("-C", "libs/shared", "fetch", "-q")
    etl.git("-C", "libs/shared", "checkout", "-q", newest)
    second = etl.commit("chore: newer", {})
    # what is here already isn't fetched
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "https")
    for sha, text in ((first, "first"), (second, "second")):
        with checked_out(etl.repo, sha, tmp_path / "cache") as tree:
            assert (tree / "libs/shared/a.py").read_text() == text
            assert (tree / "libs/shared/below/d.py").read_text() == "deep"
    assert len(etl.git("-C", "libs/shared", "worktree", "list").splitlines()) == 1


def test_a_submodule_that_is_not_here_is_fetched(etl: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit("one", {"a.py": "first"})
    etl.git("submodule", "--quiet", "add", str(other.root), "libs/shared")
    etl.commit("feat: shared", {})
    etl.git("clone", "-q", str(etl.root), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone", made=False)
    assert not (clone.root / "libs/shared/a.py").exists()
    with checked_out(clone.repo, clone.repo.head(), tmp_path / "cache") as tree:
        assert (tree / "libs/shared/a.py").read_text() == "first"


def test_a_worktree_of_a_worktree(etl: Repository, tmp_path: Path) -> None:
    etl.git("worktree", "add", "-q", str(tmp_path / "beside"))
    beside = Repository(tmp_path / "beside", made=False)
    with checked_out(beside.repo, beside.repo.head(), tmp_path / "cache") as tree:
        assert (tree / "etl/topology.yml").is_file()


def test_a_cache_that_can_not_be_written_is_said(etl: Repository, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with (
        pytest.raises(TcError) as raised,
        checked_out(etl.repo, etl.repo.head(), tmp_path / "cache"),
    ):
        pass
    assert raised.value.code == "cache"
