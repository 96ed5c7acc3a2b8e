"""The commits of a topology by version, and how they read."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tc.errors import TcError, UsageError
from tc.processes import Program, Running
from tc.release.changelog import Changelog, changelog, range_of
from tc.release.commits import moved
from tc.release.standing import standing

from .repository import ETL, HANDLER, Repository


@pytest.fixture
def told(etl: Repository) -> Repository:
    """Two versions, and something that isn't released."""
    etl.tag("etl-0.1.0")
    etl.commit("fix(enhancer): no more zeros", {"etl/enhancer/handler.py": "a = 1\n"})
    etl.commit("feat!: other answers\n\nAsk again.\n", {"etl/enhancer/handler.py": "a = 2\n"})
    etl.commit("of others", {"README.md": "x"})
    etl.commit("Tidy up", {"etl/enhancer/handler.py": "a = 3\n"}, "etl-0.2.0")
    etl.commit(
        "perf: faster\n\nBREAKING CHANGE: needs\tmore memory", {"etl/enhancer/handler.py": "a = 4"}
    )
    return etl


def read(
    etl: Repository,
    between: str | None = None,
    search: str | None = None,
    depth: int | None = None,
) -> Changelog:
    return changelog(etl.repo, etl.closure(), "etl", between, search, depth)


def titles(found: Changelog) -> dict[str, list[str]]:
    return {one.title: [commit.text for commit in one.commits] for one in found.sections}


def test_commits_stand_with_the_version_that_they_came_with(told: Repository) -> None:
    assert titles(read(told)) == {
        "Unreleased": ["faster"],
        "0.2.0": ["Tidy up", "other answers", "no more zeros"],
        "0.1.0": ["begin"],
    }


def test_text_groups_by_kind_and_begins_with_what_breaks(told: Repository) -> None:
    text = read(told, between="0.1.0..0.2.0").text().splitlines()
    assert text[0].startswith("etl 0.2.0 (2023-11-14)")
    assert [line.strip().partition(" ")[2] if line[4:5] != " " else line for line in text[1:]]
    said = [line.strip() for line in text[1:]]
    assert said[0] == "Breaking changes:"
    assert said[1].endswith("other answers")
    assert said[2] == "Fixes:"
    assert said[3].endswith("enhancer: no more zeros")
    assert said[4] == "Other changes:"


def test_without_kinds_it_is_one_plain_list(etl: Repository) -> None:
    etl.tag("etl-0.1.0")
    etl.commit("Add x", {"etl/x": ""})
    etl.commit("WIP: add y", {"etl/y": ""})
    lines = read(etl, between="0.1.0..").text().splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines[1:]] == ["WIP: add y", "Add x"]


def test_markdown_says_what_breaks_and_escapes_what_means_something(told: Repository) -> None:
    told.commit("fix: <b>*bold*</b> [x](y)", {"etl/z": ""})
    text = read(told).markdown()
    assert text.startswith(
        "# etl\n\n## Unreleased\n\n### Breaking changes\n\n- faster – needs more"
    )
    assert r"\<b\>\*bold\*\</b\> \[x\](y)" in text
    assert "\n## 0.2.0 (2023-11-14)\n" in text


def test_data_has_all_of_it(told: Repository) -> None:
    data = json.loads(json.dumps(read(told).data()))
    assert [section["version"] for section in data] == [None, "0.2.0", "0.1.0"]
    feature = data[1]["commits"][1]
    assert feature["kind"] == "feat"
    assert feature["breaking"] == "other answers"
    assert feature["body"] == "Ask again."
    assert feature["files"] == ["etl/enhancer/handler.py"]


def test_between_takes_versions_tags_branches_and_commits(told: Repository) -> None:
    first = told.git("rev-parse", "etl-0.1.0^{commit}")
    for between in ("0.1.0..0.2.0", "etl-0.1.0..etl-0.2.0", f"{first[:10]}..etl-0.2.0"):
        assert list(titles(read(told, between=between))) == ["0.2.0"]
    assert list(titles(read(told, between="0.2.0..main"))) == ["Unreleased"]
    assert list(titles(read(told, between="0.2.0.."))) == ["Unreleased"]
    assert list(titles(read(told, between="..0.1.0"))) == ["0.1.0"]
    assert titles(read(told, between="0.2.0..0.2.0")) == {}


@pytest.mark.parametrize("between", ["..", "0.1.0...0.2.0", "0.2.0..0.1.0"])
def test_a_range_that_is_none_is_refused(told: Repository, between: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(told, between=between)
    assert raised.value.code == "range"


@pytest.mark.parametrize("end", ["0.9.0", "nothing", "--output=x", "-x"])
def test_an_end_that_is_not_there_is_said(told: Repository, end: str) -> None:
    with pytest.raises(TcError) as raised:
        range_of(told.repo, "etl", f"0.1.0..{end}")
    assert raised.value.code in ("missing-version", "missing-ref")


def test_search_looks_at_message_author_and_sha(told: Repository) -> None:
    sha = told.git("rev-parse", "etl-0.2.0^{commit}")
    assert titles(read(told, search="ASK AGAIN")) == {"0.2.0": ["other answers"]}
    assert titles(read(told, search=sha[:8])) == {"0.2.0": ["Tidy up"]}
    assert len(titles(read(told, search="ann"))) == 3
    assert titles(read(told, search="nobody")) == {}


def test_depth_leaves_older_versions_out_and_says_how_many(told: Repository) -> None:
    found = read(told, depth=1)
    assert list(titles(found)) == ["Unreleased", "0.2.0"]
    assert found.older == 1
    assert read(told, depth=2).older == 0
    assert list(titles(read(told, depth=0))) == ["Unreleased"]


def test_a_version_of_another_branch_comes_with_its_merge(etl: Repository) -> None:
    etl.tag("etl-0.1.0")
    etl.git("checkout", "-q", "-b", "repairs")
    etl.commit("fix: repaired", {"etl/x": "1"}, "etl-0.1.1")
    etl.git("checkout", "-q", "main")
    etl.commit("feat: new", {"etl/y": "1"}, "etl-0.2.0")
    assert list(titles(read(etl))) == ["0.2.0", "0.1.0"]
    etl.git("merge", "-q", "--no-ff", "-m", "Merge repairs", "repairs")
    assert titles(read(etl)) == {"0.2.0": ["new"], "0.1.1": ["repaired"], "0.1.0": ["begin"]}


def test_the_same_repair_on_two_branches_is_told_with_both(etl: Repository) -> None:
    etl.tag("etl-0.1.0")
    etl.git("checkout", "-q", "-b", "repairs")
    etl.commit("fix: repaired", {"etl/x": "1"}, "etl-0.1.1")
    etl.git("checkout", "-q", "main")
    etl.commit("fix: repaired too", {"etl/x": "1"}, "etl-0.2.0")
    etl.git("merge", "-q", "--no-ff", "-m", "Merge repairs", "repairs")
    found = titles(read(etl, between="0.1.0.."))
    assert found == {"0.2.0": ["repaired too"], "0.1.1": ["repaired"]}


def test_a_merge_that_changes_something_itself_is_a_commit(etl: Repository) -> None:
    etl.tag("etl-0.1.0")
    etl.git("checkout", "-q", "-b", "side")
    etl.commit("fix: side", {"etl/x": "side\n"})
    etl.git("checkout", "-q", "main")
    etl.commit("fix: main", {"etl/x": "main\n"})
    etl.git("merge", "-q", "-s", "ours", "--no-commit", "side")
    etl.commit("Merge side by hand", {"etl/x": "both\n"})
    assert titles(read(etl, between="0.1.0.."))["Unreleased"] == [
        "Merge side by hand",
        "main",
        "side",
    ]


def test_a_submodule_that_moves_is_a_change(etl: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit("one", {"a.py": ""})
    etl.git("submodule", "--quiet", "add", str(other.root), "etl/enhancer/vendored")
    etl.commit("feat: vendored", {}, "etl-0.1.0")
    newest = other.commit("two", {"a.py": "x"})
    etl.git("-C", "etl/enhancer/vendored", "fetch", "-q")
    etl.git("-C", "etl/enhancer/vendored", "checkout", "-q", newest)
    assert etl.repo.dirty(["etl"]) == ["etl/enhancer/vendored"]
    etl.commit("chore: newer vendored", {})
    assert titles(read(etl, between="0.1.0..")) == {"Unreleased": ["newer vendored"]}


def test_a_submodule_counts_for_who_uses_a_directory_in_it(etl: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit("one", {"lib/handler.py": HANDLER})
    etl.git("submodule", "--quiet", "add", str(other.root), "vendor")
    uses = ETL + "  lib:\n    uri: ../vendor/lib\n"
    etl.commit("feat: vendored", {"etl/topology.yml": uses}, "etl-0.1.0")
    assert etl.closure().submodules == ("vendor",)
    newest = other.commit("two", {"lib/handler.py": f"#\n{HANDLER}"})
    etl.git("-C", "vendor", "fetch", "-q")
    etl.git("-C", "vendor", "checkout", "-q", newest)
    assert standing(etl.repo, etl.closure(), "etl").dirty == ("vendor",)
    etl.commit("chore: newer vendored", {})
    assert titles(read(etl, between="0.1.0..")) == {"Unreleased": ["newer vendored"]}


def test_strange_messages_and_names_survive_and_command_no_terminal(etl: Repository) -> None:
    etl.tag("etl-0.1.0")
    nasty = b"fix: \x1b[31mred\x1b]0;title\x07 \xe2\x80\xaedlrow \xff\x01\n\nbody\x1b[2J\r\nmore"
    etl.commit(nasty, {"etl/a\nb\tc": "", "etl/\nd": "", "etl/ü": ""})
    found = read(etl, between="0.1.0..")
    commit = found.sections[0].commits[0]
    assert commit.subject == "fix: red dlrow ÿ"
    assert set(commit.files) == {"etl/a\nb\tc", "etl/\nd", "etl/ü"}
    for text in (found.text(), found.markdown(), commit.body):
        assert not set("\x1b\x07\x01\r\u202e") & set(text)


def test_settings_of_the_user_change_nothing(told: Repository) -> None:
    before = read(told).data()
    for name, value in (
        ("log.showSignature", "true"),
        ("log.decorate", "full"),
        ("color.ui", "always"),
        ("diff.noprefix", "true"),
        ("diff.ignoreSubmodules", "all"),
        ("i18n.logOutputEncoding", "latin1"),
        ("core.quotePath", "true"),
        ("log.follow", "true"),
        ("format.notes", "*"),
        ("column.ui", "always"),
        ("tag.sort", "-version:refname"),
    ):
        told.git("config", name, value)
    assert read(told).data() == before


def test_a_shallow_clone_tells_no_half_changelog(told: Repository, tmp_path: Path) -> None:
    told.git("clone", "-q", "--depth=3", f"file://{told.root}", str(tmp_path / "cut"))
    cut = Repository(tmp_path / "cut", made=False)
    with pytest.raises(TcError) as raised:
        read(cut)
    assert raised.value.code == "shallow"


def test_fifty_commits_of_three_topologies_take_few_runs_of_git(
    etl: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("billing", "reports"):
        etl.write({f"{name}/topology.yml": ETL.replace("etl", name)})
        etl.write({f"{name}/enhancer/handler.py": HANDLER})
    for number in range(50):
        name = ("etl", "billing", "reports")[number % 3]
        etl.commit(f"fix: {number}", {f"{name}/x": str(number)})
        if number % 5 == 0:
            etl.tag(f"{name}-0.{number}.0")
    runs: list[str] = []
    start = Running._start

    def counted(self: Running, program: Program, *rest: int) -> subprocess.Popen[bytes]:
        runs.append(program.words[1])
        return start(self, program, *rest)

    monkeypatch.setattr(Running, "_start", counted)
    for name in ("etl", "billing", "reports"):
        found = changelog(etl.repo, etl.closure(name), name)
        assert sum(len(one.commits) for one in found.sections) >= 16
    assert len(runs) <= 3 * 5


def test_a_topology_that_moved_keeps_its_commits(etl: Repository) -> None:
    etl.commit("fix: at the old place", {"etl/enhancer/handler.py": "a = 1\n"})
    (etl.root / "jobs").mkdir()
    etl.git("mv", "etl", "jobs/etl")
    etl.commit("chore: move", {})
    etl.commit("of others", {"README.md": "x"})
    closure = moved(etl.repo, etl.closure("jobs/etl"), "jobs/etl/topology.yml")
    found = changelog(etl.repo, closure, "etl")
    assert titles(found) == {"Unreleased": ["move", "at the old place", "begin"]}
    # what is there now is another's
    etl.commit("feat: another", {"etl/topology.yml": ETL.replace("etl", "other")})
    closure = etl.closure("jobs/etl")
    assert moved(etl.repo, closure, "jobs/etl/topology.yml") == closure
