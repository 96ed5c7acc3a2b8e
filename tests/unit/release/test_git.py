"""What is read from git, and what is written there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tc.errors import TcError
from tc.release.git import Repo
from tc.release.text import printable

from .repository import Repository


def refusal(*arguments: object) -> TcError:
    call, *rest = arguments
    assert callable(call)
    with pytest.raises(TcError) as raised:
        call(*rest)
    return raised.value


def test_no_repository_is_said(tmp_path: Path) -> None:
    error = refusal(Repo.find, tmp_path)
    assert error.code == "no-git"
    assert "git repository" in error.message


def test_no_commits_are_said(tmp_path: Path) -> None:
    assert refusal(Repository(tmp_path / "new").repo.head).code == "no-commits"


def test_git_that_is_not_installed_is_said(
    etl: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert refusal(etl.repo.head).code == "no-git"


def test_tags_are_read_with_their_commits(etl: Repository) -> None:
    head = etl.repo.head()
    etl.tag("etl-0.1.0")
    etl.git("tag", "etl-0.2.0")
    etl.git("tag", "etl-blob", "HEAD:etl/topology.yml")
    etl.tag("other-1.0.0")
    found = {tag.name: tag for tag in etl.repo.tags("etl-")}
    assert found.keys() == {"etl-0.1.0", "etl-0.2.0"}
    assert {tag.sha for tag in found.values()} == {head}
    assert found["etl-0.1.0"].annotated
    assert not found["etl-0.2.0"].annotated


def test_a_worktree_and_a_detached_head_are_repositories(etl: Repository, tmp_path: Path) -> None:
    etl.git("worktree", "add", "-q", "--detach", str(tmp_path / "beside"))
    beside = Repo.find(tmp_path / "beside" / "etl")
    assert (beside.root / ".git").is_file()
    assert beside.head() == etl.repo.head()
    assert beside.branch == ""
    assert etl.repo.branch == "main"


def test_a_message_is_kept_as_it_stands(etl: Repository) -> None:
    etl.repo.tag("etl-0.1.0", "etl 0.1.0\n\n# Features\n- a", etl.repo.head())
    assert message(etl) == "etl 0.1.0\n\n# Features\n- a"


def test_a_tag_is_made_where_nobody_is_configured(
    etl: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    etl.git("config", "user.useConfigOnly", "true")
    etl.repo.tag("etl-0.1.0", "etl 0.1.0", etl.repo.head())
    assert [tag.name for tag in etl.repo.tags()] == ["etl-0.1.0"]


def test_the_same_tag_again_is_no_error_and_another_is(etl: Repository) -> None:
    first = etl.repo.head()
    etl.repo.tag("etl-0.1.0", "one", first)
    etl.repo.tag("etl-0.1.0", "two", first)
    second = etl.commit("more", {"etl/x": "1"})
    error = refusal(etl.repo.tag, "etl-0.1.0", "three", second)
    assert error.code == "tag-exists"
    assert first[:7] in error.message
    assert message(etl) == "one"


def test_dirty_tells_changed_and_new_files_below_the_paths(etl: Repository) -> None:
    assert etl.repo.dirty() == []
    etl.write({"etl/enhancer/handler.py": "x", "etl/a new\n*": "y", "else/z": "z"})
    assert etl.repo.dirty(["etl"]) == ["etl/a new\n*", "etl/enhancer/handler.py"]
    assert etl.repo.dirty(["etl/a*"]) == []


def message(repository: Repository) -> str:
    """That of the tag of 0.1.0."""
    return repository.git("tag", "--list", "--format=%(contents)", "etl-0.1.0")


class Remote:
    """A bare repository, and another clone of it."""

    def __init__(self, etl: Repository, place: Path):
        etl.git("init", "-q", "--bare", str(place / "hub.git"))
        etl.git("remote", "add", "origin", str(place / "hub.git"))
        etl.git("push", "-q", "-u", "origin", "main")
        etl.git("clone", "-q", str(place / "hub.git"), str(place / "other"))
        self.other = Repository(place / "other", made=False)


def test_a_pushed_tag_is_fetched_by_others(etl: Repository, tmp_path: Path) -> None:
    other = Remote(etl, tmp_path).other
    etl.repo.tag("etl-0.1.0", "etl 0.1.0", etl.repo.head())
    etl.repo.push("etl-0.1.0")
    etl.repo.push("etl-0.1.0")
    other.repo.fetch_tags()
    assert message(other) == "etl 0.1.0"


def test_of_two_that_push_a_tag_one_wins(etl: Repository, tmp_path: Path) -> None:
    other = Remote(etl, tmp_path).other
    etl.repo.tag("etl-0.1.0", "mine", etl.repo.head())
    other.repo.tag("etl-0.1.0", "theirs", other.commit("more", {"etl/x": "1"}))
    etl.repo.push("etl-0.1.0")
    error = refusal(other.repo.push, "etl-0.1.0")
    assert error.code == "tag-taken"
    other.repo.fetch_tags()
    assert message(other) == "theirs"


def test_tags_that_differ_here_are_told_and_left(etl: Repository, tmp_path: Path) -> None:
    other = Remote(etl, tmp_path).other
    for tag in ("etl-0.1.0", "etl-0.2.0"):
        etl.tag(tag)
        etl.repo.push(tag)
    mine = other.commit("more", {"etl/x": "1"}, "etl-0.1.0")
    assert other.repo.fetch_tags() == ["etl-0.1.0"]
    assert {tag.name: tag.sha == mine for tag in other.repo.tags()} == {
        "etl-0.1.0": True,
        "etl-0.2.0": False,
    }


@pytest.mark.parametrize("key", ["fetch.prune", "fetch.pruneTags", "remote.origin.prune"])
def test_tags_that_are_only_here_stay_whatever_the_user_prunes(
    etl: Repository, tmp_path: Path, key: str
) -> None:
    other = Remote(etl, tmp_path).other
    other.git("config", "fetch.prune", "true")
    other.git("config", key, "true")
    other.commit("more", {"x": ""}, "mine")
    other.repo.fetch_tags()
    assert [tag.name for tag in other.repo.tags()] == ["mine"]


def test_what_a_remote_says_that_refuses_is_told(etl: Repository, tmp_path: Path) -> None:
    Remote(etl, tmp_path)
    hook = tmp_path / "hub.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nprintf 'no tags\\033[31m on Fridays\\n\\n' >&2\nexit 1\n")
    hook.chmod(0o755)
    etl.tag("etl-0.1.0")
    error = refusal(etl.repo.push, "etl-0.1.0")
    assert error.code == "no-push"
    assert error.message.endswith("(pre-receive hook declined); no tags on Fridays")


def test_a_remote_that_is_not_there_is_said(etl: Repository, tmp_path: Path) -> None:
    assert refusal(etl.repo.remote).code == "no-origin"
    etl.git("remote", "add", "hub", "https://me:secret@localhost:1/x.git")
    etl.repo.tag("etl-0.1.0", "x", etl.repo.head())
    for error in (refusal(etl.repo.push, "etl-0.1.0"), refusal(etl.repo.fetch_tags)):
        assert error.code in ("no-push", "no-fetch")
        assert "secret" not in error.message


def test_the_branch_says_where_tags_go(etl: Repository, tmp_path: Path) -> None:
    for name in ("origin", "upstream"):
        etl.git("init", "-q", "--bare", str(tmp_path / name))
        etl.git("remote", "add", name, str(tmp_path / name))
    assert etl.repo.remote() == "origin"
    etl.git("push", "-q", "-u", "upstream", "main")
    assert etl.repo.remote() == "upstream"


def test_a_variable_of_git_leads_nowhere_else(
    etl: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = etl.repo.head()
    other = Repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    assert etl.repo.head() == head


def test_git_asks_nobody(etl: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "askpass"
    told = tmp_path / "told"
    script.write_text(f"#!/bin/sh\ntouch {told}\n")
    script.chmod(0o755)
    monkeypatch.setenv("SSH_ASKPASS", str(script))
    monkeypatch.setenv("DISPLAY", ":0")
    etl.git("remote", "add", "origin", "ssh://nobody@localhost:1/x")
    assert refusal(etl.repo.fetch_tags).code == "no-fetch"
    assert not told.exists()


def test_what_a_terminal_obeys_is_taken_out() -> None:
    assert printable("a\x1b[31mb\x1b]0;title\x07c\x9bd\u202ee\rf\tg\nh") == "abcdef\tg\nh"


def test_a_repository_of_somebody_else_is_said(
    etl: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    error = refusal(etl.repo.head)
    assert "dubious ownership" in error.message
    assert error.hint == f"git config --global --add safe.directory {etl.root}"


def test_a_bare_repository_and_a_tag_of_a_strange_name_do_no_harm(etl: Repository) -> None:
    assert refusal(etl.repo.sha_of, "--upload-pack=x").code == "missing-ref"
    assert etl.repo.tags("*[") == []
    with pytest.raises(subprocess.CalledProcessError):
        etl.git("tag", "etl-0.1.0", "nothing")
