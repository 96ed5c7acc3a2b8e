"""`tc tag`, `tc version`, `tc changelog` and `tc diff --between` as programs in a repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tc.cli.changed import _changed
from tc.processes import Program, Running

SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
}
TOPOLOGY = """\
name: etl
functions:
  enhancer:
    runtime: {environment: {TEXT: file:text.txt, VERSION: '{{version}}'}}
routes:
  /api/etl: {method: METHOD, function: enhancer}
"""
LIBRARY = '[project]\nname = "shared"\nversion = "0.1.0"\n'
NEEDS = """\
[project]
name = "enhancer"
version = "0.1.0"
dependencies = ["shared"]
[tool.uv.sources]
shared = {path = "../../libs/shared"}
"""


class Mono:
    """A repository with a remote, and what tc says in it."""

    def __init__(self, place: Path):
        self.place = place
        self.root = place / "mono"
        self.root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("init", "-q", "--bare", str(place / "hub.git"))
        self.git("remote", "add", "origin", str(place / "hub.git"))

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.root,
            env={**os.environ, **SETTINGS},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, message: str, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def tc(self, *words: str, where: str = ".") -> subprocess.CompletedProcess[str]:
        own = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
        home = {"HOME": str(self.place), "TC_CACHE_DIR": str(self.place / "cache")}
        return subprocess.run(
            [sys.executable, "-m", "tc", *words],
            cwd=self.root / where,
            env={**own, **SETTINGS, **home},
            capture_output=True,
            text=True,
            check=False,
        )

    def tags(self) -> list[str]:
        return self.git("tag").split()


@pytest.fixture
def mono(tmp_path: Path) -> Mono:
    made = Mono(tmp_path)
    made.commit(
        "feat: begin",
        {
            "etl/topology.yml": TOPOLOGY.replace("METHOD", "POST"),
            "etl/enhancer/handler.py": "def handler(event, context):\n    return 1\n",
            "etl/enhancer/pyproject.toml": NEEDS,
            "etl/text.txt": "one",
            "libs/shared/pyproject.toml": LIBRARY,
            "libs/shared/shared.py": "",
            "infrastructure/tc/etl/vars/enhancer.json": '{"default": {"memory_size": 256}}',
        },
    )
    return made


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_version_is_printed_tagged_pushed_and_repeated(mono: Mono) -> None:
    said = mono.tc("tag", "--service", "etl", "--next", "minor", "--dry-run")
    assert (said.returncode, said.stdout) == (0, "0.1.0\n")
    assert "feat: begin" in said.stderr
    assert mono.tags() == []
    for _ in range(2):
        said = mono.tc("tag", "--service", "etl", "--next", "minor", "--push")
        assert (said.returncode, said.stdout) == (0, "0.1.0\n")
    assert "Nothing of etl changed since 0.1.0" in said.stderr
    assert mono.git("ls-remote", "--tags", "origin").count("refs/tags/etl-0.1.0^{}") == 1
    assert mono.tc("version", "--service", "etl").stdout == "0.1.0\n"
    assert "feat" not in mono.git("tag", "-l", "--format=%(subject)", "etl-0.1.0")
    assert "begin" in mono.git("tag", "-l", "--format=%(body)", "etl-0.1.0")


def test_a_tag_that_was_made_and_not_pushed_is_pushed_the_next_time(mono: Mono) -> None:
    mono.git("remote", "set-url", "origin", str(mono.place / "gone.git"))
    mono.git("tag", "-a", "-m", "x", "etl-0.0.9")
    said = mono.tc("tag", "--push", where="etl")
    assert said.returncode == 1
    assert "error[no-fetch]" in said.stderr
    mono.git("remote", "set-url", "origin", str(mono.place / "hub.git"))
    assert mono.tc("tag", "--push", where="etl").stdout == "0.0.9\n"
    assert "etl-0.0.9" in mono.git("ls-remote", "--tags", "origin")


def test_who_comes_second_is_told_and_keeps_no_tag(mono: Mono) -> None:
    mono.git("push", "-q", "origin", "main")
    hub = mono.place / "hub.git"
    # the other's tag arrives while ours is on its way: git has asked what is there already
    hook = mono.root / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nenv -u GIT_DIR git --git-dir={hub} tag etl-0.0.1 main\n")
    hook.chmod(0o755)
    said = mono.tc("tag", "--service", "etl", "--push")
    assert said.returncode == 1
    assert "error[tag-taken]" in said.stderr
    assert mono.tags() == []
    assert said.stdout == ""


def test_a_tag_that_was_moved_is_said_before_anything_is_counted(mono: Mono) -> None:
    mono.tc("tag", "--service", "etl", "--push")
    mono.commit("fix: more", {"etl/enhancer/handler.py": "def handler(event, context): ...\n"})
    mono.git("tag", "--force", "-a", "-m", "mine", "etl-0.0.1")
    said = mono.tc("tag", "--service", "etl", "--push")
    assert (said.returncode, said.stdout) == (1, "")
    assert "error[tag-moved]" in said.stderr
    (hint,) = re.findall("next: take that one: (git .*)", said.stderr)
    mono.git(*hint.split()[1:])
    assert mono.tc("tag", "--service", "etl", "--push").stdout == "0.0.2\n"


def test_a_long_history_is_cut_and_the_tag_has_all_of_it(mono: Mono) -> None:
    for number in range(16):
        mono.commit(f"fix: {number}", {"etl/enhancer/x.txt": str(number)})
    said = mono.tc("tag", "--service", "etl")
    assert said.stderr.count(" fix: ") == 15
    assert said.stderr.endswith("  and 2 more: tc changelog --service etl\n")
    message = mono.git("tag", "-l", "--format=%(contents)", "etl-0.0.1")
    texts = [line.split()[-1] for line in message.splitlines() if line.startswith("  ")]
    assert texts == ["begin", *map(str, reversed(range(16)))]


def test_a_suffix_that_is_none_is_refused_though_nothing_changed(mono: Mono) -> None:
    mono.tc("tag", "--service", "etl")
    said = mono.tc("tag", "--service", "etl", "--suffix", "rc 1")
    assert (said.returncode, said.stdout) == (2, "")


def test_changed_tells_topologies_by_their_last_versions(mono: Mono) -> None:
    files = {"etl-extra/topology.yml": "name: etl-extra\nfunctions:\n  one: {}\n"}
    mono.commit("feat: extra", {**files, "etl-extra/one/handler.py": "x = 1\n"})
    assert mono.tc("changed").stdout.split() == ["etl", "etl-extra"]
    mono.git("tag", "etl-extra-0.1.0")
    assert mono.tc("changed").stdout.split() == ["etl"]
    mono.git("tag", "etl-0.1.0")
    assert mono.tc("changed").stdout.split() == []
    mono.commit("fix: shared", {"libs/shared/shared.py": "x = 2\n", "README.md": "x"})
    assert mono.tc("changed").stdout.split() == ["etl"]
    mono.git("tag", "etl-0.2.0")
    mono.commit("fix: extra", {"etl-extra/one/handler.py": "x = 2\n"})
    assert mono.tc("changed", "--json").stdout.count('"topologies": ["etl-extra"]') == 1
    assert mono.tc("changed", "--since", "HEAD~2").stdout.split() == ["etl", "etl-extra"]
    # of one that can't be read nobody knows
    mono.commit("break", {"etl/topology.yml": "name: etl\nhoks: {}\n", "README.md": "y"})
    mono.git("tag", "etl-0.3.0")
    assert mono.tc("changed").stdout.split() == ["etl-extra"]


def test_changed_runs_git_as_often_for_many_topologies_as_for_few(
    mono: Mono, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []
    start = Running._start

    def counted(self: Running, program: Program, *rest: int) -> subprocess.Popen[bytes]:
        runs.append(program.words[1])
        return start(self, program, *rest)

    monkeypatch.setattr(Running, "_start", counted)
    monkeypatch.chdir(mono.root)
    mono.git("tag", "etl-0.1.0")
    found = []
    for names in (["a0", "a1"], [f"b{number}" for number in range(10)]):
        mono.commit("feat", {f"{one}/topology.yml": f"name: {one}\n" for one in names})
        for one in names:
            mono.git("tag", f"{one}-0.1.0")
        mono.commit("fix", {f"{one}/topology.yml": f"name: {one}\n\n" for one in names})
        runs.clear()
        assert set(_changed(None)) >= set(names)
        found.append(len(runs))
    # once more for the commit of the second versions
    assert found[1] == found[0] + 1 < 8


def test_a_release_of_what_is_older_than_a_version_is_refused(mono: Mono) -> None:
    release = ("release", "--service", "etl", "--no-deploy")
    assert mono.tc(*release, "--no-push").stdout.splitlines()[-1] == "0.1.0"
    assert not mono.git("ls-remote", "--tags", "origin")
    # as often as one likes, and where nothing of the topology changed
    assert mono.tc(*release).stdout.splitlines()[-1] == "0.1.0"
    assert "refs/tags/etl-0.1.0" in mono.git("ls-remote", "--tags", "origin")
    mono.commit("of others", {"README.md": "x"})
    assert mono.tc(*release).stdout.splitlines()[-1] == "0.1.0"
    handler = "etl/enhancer/handler.py"
    mono.commit("feat: more", {handler: "x = 1\n"})
    assert mono.tc(*release).stdout.splitlines()[-1] == "0.2.0"
    mono.git("checkout", "-q", "-b", "old", "etl-0.1.0")
    for more in ([], ["--next", "patch"]):
        said = mono.tc(*release, *more)
        assert said.returncode == 1
        assert "error[behind]: etl-0.2.0 was made of newer commits" in said.stderr
    # a repair of what is old is another matter
    mono.commit("fix: less", {handler: "x = 0\n"})
    assert mono.tc(*release, "--next", "patch").stdout.splitlines()[-1] == "0.1.1"
    assert mono.tags() == ["etl-0.1.0", "etl-0.1.1", "etl-0.2.0"]


def test_dirty_files_are_refused_and_marked(mono: Mono) -> None:
    (mono.root / "libs/shared/more.py").write_text("")
    said = mono.tc("tag", "--service", "etl")
    assert said.returncode == 1
    assert "error[dirty]" in said.stderr
    assert "`libs/shared/more.py`" in said.stderr
    assert mono.tc("version", "--service", "etl").stdout.endswith(".dirty\n")
    assert mono.tags() == []


def test_every_problem_of_the_files_is_told_before_a_tag(mono: Mono) -> None:
    mono.commit("break", {"etl/topology.yml": "name: etl\nroute: 1\nfunctons: {}\n"})
    said = mono.tc("tag", "--service", "etl")
    assert said.returncode == 2
    assert said.stderr.count("error[unknown-key]") == 2
    said = mono.tc("changelog", "--service", "etl")
    assert said.returncode == 0
    assert "begin" in said.stdout


def test_version_without_a_topology_is_tcs_own(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tc", "version"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("tc ")
    done = subprocess.run([*words, "--service", "."], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    (tmp_path / "topology.yml").write_text("name: etl\n")
    done = subprocess.run([*words, "--service", "."], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "error[no-git]" in done.stderr


def test_the_changelog_has_three_forms_and_lines_for_scripts(mono: Mono) -> None:
    mono.tc("tag", "--service", "etl", "--next", "minor")
    mono.commit("fix(shared): zeros", {"libs/shared/shared.py": "x = 1\n"})
    mono.commit("of others", {"README.md": "x"})
    text = mono.tc("changelog", where="etl").stdout
    assert text.startswith("Unreleased\n  Fixes:\n    ")
    assert "shared: zeros" in text
    assert "others" not in text
    assert mono.tc("diff", "--changelog", where="etl").stdout == text
    markdown = mono.tc("changelog", "--format", "markdown", where="etl").stdout
    assert markdown.startswith("# etl\n\n## Unreleased\n\n### Fixes\n\n- **shared:** zeros (")
    data = json.loads(mono.tc("changelog", "--format", "json", where="etl").stdout)
    told = lines(mono.tc("changelog", "--json", where="etl").stdout)
    assert [one["event"] for one in told] == ["changelog", "changelog"]
    assert [one["version"] for one in told] == [one["version"] for one in data] == [None, "0.1.0"]
    said = mono.tc("changelog", "--search", "nobody", where="etl")
    assert (said.returncode, said.stdout) == (0, "")
    assert "No commit with `nobody`" in said.stderr


@pytest.fixture
def changed(mono: Mono) -> Mono:
    """0.1.0, and 0.2.0 in which code, a field, a variable and a library are others."""
    mono.tc("tag", "--service", "etl", "--next", "minor")
    mono.commit(
        "feat: all of it",
        {
            "etl/topology.yml": TOPOLOGY.replace("METHOD", "PUT"),
            "etl/enhancer/handler.py": "def handler(event, context):\n    return 2\n",
            "libs/shared/shared.py": "x = 1\n",
            "etl/text.txt": "two",
            "infrastructure/tc/etl/vars/enhancer.json": json.dumps(
                {"default": {"memory_size": 512}, "prod": {"memory_size": 1024}}
            ),
        },
    )
    mono.tc("tag", "--service", "etl", "--next", "minor")
    return mono


def test_between_shows_commits_fields_code_and_the_rest(changed: Mono) -> None:
    said = changed.tc("diff", "--between", "0.1.0..0.2.0", where="etl")
    assert (said.returncode, said.stderr) == (0, "")
    for piece in (
        "all of it",
        "~ function etl_enhancer_{{sandbox}}",
        "memory_mb: 256 -> 512",
        "-    return 1",
        "+    return 2",
        "--- 0.1.0/handler.py",
        "/api/etl",
        "environment.TEXT",
        "Also changed: etl/text.txt, libs/shared/shared.py",
        "-e prod",
    ):
        assert piece in said.stdout, piece
    assert "layers" in said.stdout
    # the version itself is another one each time
    assert "environment.VERSION" not in said.stdout
    assert "two" not in said.stdout
    assert not list((changed.place / "cache" / "worktrees").glob("[!.]*"))
    assert len(changed.git("worktree", "list").splitlines()) == 1


def test_between_is_empty_where_nothing_changed(changed: Mono) -> None:
    said = changed.tc("diff", "--between", "0.2.0..", "--exit-code", where="etl")
    assert said.returncode == 0
    assert "No differences." in said.stdout
    said = changed.tc("diff", "--between", "0.1.0..", "--exit-code", where="etl")
    assert said.returncode == 3


def test_between_ends_at_the_files_here(changed: Mono) -> None:
    (changed.root / "etl/enhancer/handler.py").write_text("def handler(e, c):\n    return 3\n")
    (changed.root / "libs/shared/new.py").write_text("")
    said = changed.tc("diff", "--between", "0.2.0..", where="etl")
    assert "+    return 3" in said.stdout
    assert "Also changed: libs/shared/new.py" in said.stdout
    assert "return 3" not in changed.tc("diff", "--between", "0.2.0..HEAD", where="etl").stdout


def test_between_goes_back_too_and_takes_components(changed: Mono) -> None:
    said = changed.tc("diff", "--between", "0.2.0..0.1.0", "-c", "routes", where="etl")
    assert said.returncode == 0
    assert "PUT" in said.stdout
    assert "memory_mb" not in said.stdout
    assert "all of it" not in said.stdout
    said = changed.tc("diff", "--between", "..0.1.0", where="etl")
    assert "+ function etl_enhancer_{{sandbox}}" in said.stdout


def test_between_takes_the_overlays_of_an_env(changed: Mono) -> None:
    (changed.root / "infrastructure/tc/config.yml").write_text(
        'envs: {prod: {account: "000000000000", region: us-east-1}}\n'
    )
    said = changed.tc("diff", "--between", "0.1.0..0.2.0", "-e", "prod", where="etl")
    assert "memory_mb: 256 -> 1024" in said.stdout
    assert "-e prod" not in said.stdout


def test_between_for_scripts_and_for_comments(changed: Mono) -> None:
    told = lines(changed.tc("diff", "--between", "0.1.0..0.2.0", "--json", where="etl").stdout)
    steps = {one["kind"]: one for one in told if one["event"] == "plan.step"}
    assert {"path": "memory_mb", "before": 256, "after": 512} in steps["function"]["changes"]
    assert told[0]["event"] == "changelog"
    text = changed.tc("diff", "--between", "0.1.0..0.2.0", "--format", "markdown", where="etl")
    assert text.returncode == 0
    assert "## 0.2.0" in text.stdout
    assert "memory_mb" in text.stdout


def test_problems_of_an_old_version_are_told_and_it_is_compared_all_the_same(mono: Mono) -> None:
    mono.commit("break", {"etl/topology.yml": TOPOLOGY.replace("METHOD", "POST") + "hoks: {}\n"})
    mono.git("tag", "etl-0.1.0")
    mono.commit("mend", {"etl/topology.yml": TOPOLOGY.replace("METHOD", "PUT")})
    said = mono.tc("diff", "--between", "0.1.0..", where="etl")
    assert said.returncode == 0
    assert "0.1.0 has a problem as tc reads it now: `hoks`" in said.stderr
    assert '"POST" -> "PUT"' in said.stdout


def test_a_version_before_the_topology_is_said(mono: Mono) -> None:
    first = mono.git("rev-parse", "HEAD")
    mono.commit("feat: billing", {"billing/topology.yml": "name: billing\n"})
    said = mono.tc("diff", "--service", "billing", "--between", f"{first}..HEAD")
    assert said.returncode == 1
    assert "error[no-version]" in said.stderr


def test_what_is_wrong_in_a_version_is_told_as_git_names_it(mono: Mono) -> None:
    file = "etl/enhancer/pyproject.toml"
    mono.commit("break", {file: "[[[\n"})
    mono.git("tag", "etl-0.1.0")
    mono.commit("mend", {file: NEEDS})
    said = mono.tc("diff", "--between", "0.1.0..HEAD", where="etl")
    assert said.returncode != 0
    assert f"  at: 0.1.0:{file}:1" in said.stderr
