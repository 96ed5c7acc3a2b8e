"""Functions of other git repositories, fetched with git from a repository on disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tc.load import remote as module
from tc.load.load import locate
from tc.load.remote import Checkout, RemoteError, checkouts, parse
from tc.spec.function import Function

from .conftest import HANDLER, Files, Project


class Repository:
    """A git repository with functions, as somebody else has it."""

    def __init__(self, root: Path):
        self.root = root
        self.git("init", "-q", "-b", "main", str(root))

    @property
    def url(self) -> str:
        return f"file://{self.root}"

    def git(self, *arguments: str) -> str:
        own = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        done = subprocess.run(
            ["git", *own, *arguments],
            cwd=self.root.parent if arguments[0] == "init" else self.root,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, files: Files, *tags: str) -> str:
        Project(self.root).write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")
        for tag in tags:
            self.git("tag", "-a", "-m", tag, tag)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def other(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = Repository(tmp_path_factory.mktemp("other") / "repo")
    made.commit({"fns/adder/handler.py": HANDLER, "README": "first"}, "v1")
    return made


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path_factory.mktemp("cache") / "tc"
    monkeypatch.setenv("TC_CACHE_DIR", str(path))
    return path


def topology(uri: str, more: str = "") -> Files:
    return {"topology.yml": f"name: etl\nfunctions:\n  add:\n    uri: {uri}\n{more}"}


def loaded(project: Project, uri: str, more: str = "") -> Function:
    found = project.write(topology(uri, more)).load()
    assert locate(found.findings) == []
    assert found.spec
    return found.spec.functions["add"]


@pytest.mark.parametrize(
    ("uri", "url", "directory", "ref"),
    [
        ("git@host:org/repo.git//sub/dir?ref=v1", "git@host:org/repo.git", "sub/dir", "v1"),
        ("git@host:org/repo.git", "git@host:org/repo.git", "", ""),
        ("https://host/org/repo.git//sub?ref=a/b", "https://host/org/repo.git", "sub", "a/b"),
        ("https://host/org/repo.git?ref=v1", "https://host/org/repo.git", "", "v1"),
        ("ssh://git@host:22/repo//sub/", "ssh://git@host:22/repo", "sub", ""),
        ("file:///srv/repo//sub", "file:///srv/repo", "sub", ""),
        ("github.com/org/repo//dir?ref=main", "https://github.com/org/repo", "dir", "main"),
    ],
)
def test_how_a_uri_is_read(uri: str, url: str, directory: str, ref: str) -> None:
    found = parse(uri)
    assert (found.url, found.directory, found.ref) == (url, directory, ref)


@pytest.mark.parametrize(
    "uri",
    [
        "ext://sh -c touch% /tmp/x",
        "git://host/repo//a",
        "http://host/repo//a",
        "ssh://-oProxyCommand=x/repo",
        "git@-oProxyCommand=x:repo",
        "-u@host:repo",
        "git@host:--upload-pack=x",
        "https://host/repo?ref=--upload-pack=x",
        "https://host/repo?ref=a..b",
        "https://host/repo?ref=",
        "https://host/repo?tag=v1",
        "https://host/repo?ref=a b",
        "https://host/{{sandbox}}//a",
        "https://host/repo//a/../../b",
    ],
)
def test_what_git_is_never_handed(uri: str) -> None:
    with pytest.raises(RemoteError):
        parse(uri)


@pytest.mark.parametrize("ref", ["?ref=v1", "?ref=main", "", "?ref=COMMIT"])
def test_a_function_of_another_repository(project: Project, other: Repository, ref: str) -> None:
    ref = ref.replace("COMMIT", other.git("rev-parse", "HEAD"))
    function = loaded(project, f"{other.url}//fns/adder{ref}")
    assert (function.dir / "handler.py").read_text() == HANDLER
    assert function.name == "add"


def test_a_ref_is_what_it_says(project: Project, other: Repository) -> None:
    uri = f"{other.url}//fns/adder"
    loaded(project, f"{uri}?ref=main")
    other.commit({"fns/adder/handler.py": "def handler(e, c): return 2\n"}, "v2")
    other.git("branch", "v2", "v1^{commit}")
    assert "return 2" not in (loaded(project, f"{uri}?ref=v1").dir / "handler.py").read_text()
    assert "return 2" in (loaded(project, f"{uri}?ref=main").dir / "handler.py").read_text()
    # as for git itself, a tag wins over a branch of its name
    assert "return 2" in (loaded(project, f"{uri}?ref=v2").dir / "handler.py").read_text()


def test_only_what_the_cache_lacks_is_fetched(
    project: Project, other: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    git = module._Repository._git

    def counting(self: module._Repository, arguments: list[str], seconds: int) -> str:
        ran.extend(word for word in arguments if word in ("ls-remote", "fetch"))
        return git(self, arguments, seconds)

    monkeypatch.setattr(module._Repository, "_git", counting)
    uri = f"{other.url}//fns/adder"
    text = f"  two:\n    uri: {uri}?ref=v1\n"
    loaded(project, f"{uri}?ref=v1", text)
    assert ran == ["ls-remote", "fetch"]
    ran.clear()
    loaded(project, f"{uri}?ref=v1", text)
    assert ran == ["ls-remote"]
    ran.clear()
    loaded(project, f"{uri}?ref={other.git('rev-parse', 'HEAD')}")
    assert ran == []
    assert all(path.stat().st_mode & 0o077 == 0 for path in (cache, cache / "git"))


def test_without_the_repository_the_cache_is_used_and_said(
    project: Project, other: Repository
) -> None:
    commit = other.git("rev-parse", "HEAD")
    uri = f"{other.url}//fns/adder"
    loaded(project, f"{uri}?ref=v1")
    shutil.rmtree(other.root)
    loaded(project, f"{uri}?ref={commit}")
    found = project.write(topology(f"{uri}?ref=v1")).load()
    assert found.spec
    assert "add" in found.spec.functions
    (problem,) = locate(found.findings)
    assert (problem.code, problem.severity, problem.line) == ("stale-remote", "warning", 4)
    assert commit[:10] in problem.message


@pytest.mark.parametrize(
    ("uri", "code", "said"),
    [
        ("URL//fns/adder?ref=v9", "missing-ref", "there is no branch or tag `v9` in URL"),
        ("URL//fns/gone", "missing-file", "there is no directory `fns/gone`"),
        ("URL//fns", "no-code", "there is no code of the function `add`"),
        ("URLX//fns?ref=v1", "no-remote", "can't be fetched: "),
        ("URL//fns?ref=0123456789012345678901234567890123456789", "no-remote", "fetched: "),
    ],
)
def test_what_is_not_there_is_one_problem(
    project: Project, other: Repository, uri: str, code: str, said: str
) -> None:
    project.write(topology(uri.replace("URL", other.url)))
    (problem,) = locate(project.load().findings)
    assert (problem.code, problem.line) == (code, 4)
    assert said.replace("URL", other.url) in problem.message


def test_a_machine_without_git(
    project: Project, other: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(topology(f"{other.url}//fns/adder?ref=v1"))
    monkeypatch.setenv("PATH", str(project.root))
    (problem,) = locate(project.load().findings)
    assert problem.code == "no-git"


def test_git_asks_nothing_and_tells_no_password(
    other: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_ASKPASS", "/usr/bin/ask")
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -v")
    nowhere = parse("https://user:s3cr3t@127.0.0.1:1/repo.git//x?ref=v1")
    there = parse(f"{other.url}?ref=v1")
    told, made = checkouts([nowhere, there]).values()
    assert isinstance(told, RemoteError)
    assert "127.0.0.1" in str(told)
    assert "s3cr3t" not in f"{told} {told.hint}"
    assert isinstance(made, Checkout)
    assert made.path.is_dir()
    seen = module._environment()
    assert seen["GIT_SSH_COMMAND"] == "ssh -v -o BatchMode=yes"
    assert (seen["GIT_TERMINAL_PROMPT"], seen["GIT_ASKPASS"]) == ("0", "")


#: git that answers `ls-remote` only when it is asked twice at once
SLOW_GIT = """#!/bin/sh
case "$*" in *ls-remote*)
  : > "$ASKED/$$"
  for _ in $(seq 100); do
    [ "$(ls "$ASKED" | wc -l)" -ge 2 ] && break
    sleep 0.05
  done
  [ "$(ls "$ASKED" | wc -l)" -ge 2 ] || exit 1
esac
exec GIT "$@"
"""


def test_several_repositories_are_asked_at_once_and_each_once(
    project: Project, other: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = Repository(tmp_path / "second")
    second.commit({"sub/handler.py": HANDLER}, "v1")
    (tmp_path / "bin").mkdir()
    (tmp_path / "asked").mkdir()
    git = tmp_path / "bin" / "git"
    git.write_text(SLOW_GIT.replace("GIT", str(shutil.which("git"))))
    git.chmod(0o755)
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    monkeypatch.setenv("PATH", f"{git.parent}:{os.environ['PATH']}")
    uris = {"two": f"{second.url}//sub?ref=v1", "three": f"{second.url}//sub?ref=v1"}
    more = "".join(f"  {name}:\n    uri: {uri}\n" for name, uri in uris.items())
    loaded(project, f"{other.url}//fns/adder?ref=v1", more)
    assert len(list((tmp_path / "asked").iterdir())) == 2


def test_its_commands_never_run_unasked(project: Project, other: Repository) -> None:
    text = '{"tasks": {"build": "make", "clean": "rm -r ."}, "build": {"pre": ["touch /tmp/x"]}}'
    other.commit({"fns/adder/function.json": text}, "v2")
    uri = f"{other.url}//fns/adder?ref=v2"
    project.write(topology(uri))
    (problem,) = locate(project.load().findings)
    assert (problem.code, problem.line) == ("remote-build", 3)
    assert "`tasks.build`" in problem.message
    function = loaded(project, uri, "    build: { command: zip lambda.zip handler.py }\n")
    assert function.build.command == "zip lambda.zip handler.py"
    assert (function.build.pre, function.build.post, function.tasks) == ([], [], {})


def test_it_reads_nothing_outside_of_its_repository(
    project: Project, other: Repository, tmp_path: Path
) -> None:
    (tmp_path / "private").write_text("private")
    files: Files = {
        "fns/a/handler.py": HANDLER,
        "fns/a/function.yml": f"runtime: !include {tmp_path}/private\n",
        "fns/b/handler.py": HANDLER,
        "fns/b/function.yml": "runtime: {environment: {AA: 'file:../../../../private'}}\n",
    }
    (other.root / "fns").mkdir(exist_ok=True)
    (other.root / "fns" / "c").symlink_to(tmp_path)
    other.commit({**files, "fns/a/x": ""}, "v2")
    for name in ("a", "b", "c"):
        project.write(topology(f"{other.url}//fns/{name}?ref=v2"))
        assert [p.code for p in locate(project.load().findings)] == ["outside-project"], name


def test_a_shared_function_of_the_same_repository(tmp_path: Path) -> None:
    """Outside of the topology's directory, inside of the project."""
    (tmp_path / ".git").mkdir()
    project = Project(tmp_path).write(
        {
            "shared/adder/handler.py": HANDLER,
            "etl/topology.yml": "name: etl\nfunctions: {add: {uri: ../shared/adder}}\n",
        }
    )
    found = project.load("etl")
    assert found.spec
    assert found.findings == ()
    assert found.spec.functions["add"].dir == tmp_path / "shared" / "adder"
