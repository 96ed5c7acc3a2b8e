"""Which tags are versions of a topology, which follows, and what HEAD is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tc.errors import TcError, UsageError
from tc.release.standing import propose, standing
from tc.release.versions import (
    Part,
    Version,
    development,
    find_version,
    latest,
    next_version,
    versions_of,
)

from .repository import ETL, HANDLER, Repository


def test_only_whole_versions_of_the_namespace_itself_count(etl: Repository) -> None:
    for name in ("etl-0.9.0", "etl-0.10.0", "etl-0.10.0-rc1", "etl-extra-5.0.0"):
        etl.tag(name)
    for name in ("etl-1", "etl-1.0", "etl-v1.0.0", "etl-01.0.0", "etl-1.0.0-", "etl/1.0.0"):
        etl.tag(name)
    found = [str(one.version) for one in versions_of(etl.repo, "etl")]
    assert found == ["0.9.0", "0.10.0-rc1", "0.10.0"]
    assert [one.tag for one in versions_of(etl.repo, "etl-extra")] == ["etl-extra-5.0.0"]


@pytest.mark.parametrize(
    ("last", "part", "suffix", "made"),
    [
        (None, "patch", "", "0.0.1"),
        (None, "minor", "", "0.1.0"),
        (None, "major", "rc1", "1.0.0-rc1"),
        ("0.1.4", "patch", "", "0.1.5"),
        ("0.1.4", "minor", "", "0.2.0"),
        ("0.1.4", "major", "", "1.0.0"),
        ("0.1.4", "minor", "rc1", "0.2.0-rc1"),
        ("0.2.0-rc1", "minor", "rc2", "0.2.0-rc2"),
        ("0.2.0-rc1", "minor", "", "0.2.0"),
        ("0.2.0-rc1", "major", "", "1.0.0"),
    ],
)
def test_what_follows(last: str | None, part: Part, suffix: str, made: str) -> None:
    known = Version.parse(last) if last else None
    assert str(next_version(known, part, suffix)) == made


@pytest.mark.parametrize("suffix", ["rc 1", "rc..1", "+x", "01", "-;rm", "ü"])
def test_a_suffix_that_is_none_is_refused(suffix: str) -> None:
    with pytest.raises(UsageError):
        next_version(Version.parse("0.1.4"), "minor", suffix)


def test_a_suffix_that_is_older_is_refused() -> None:
    with pytest.raises(UsageError, match="not newer"):
        next_version(Version.parse("0.2.0-rc9"), "minor", "rc10")


def test_a_build_in_between_is_newer_than_the_last_and_older_than_the_next() -> None:
    for last in ("0.1.3", "0.2.0-rc1"):
        known = Version.parse(last)
        made = development(known, 3, "abc1234def", dirty=True)
        assert known < made < next_version(known, "patch")
    assert str(development(Version.parse("0.1.3"), 3, "abc1234def", dirty=False)) == (
        "0.1.4-dev.3+abc1234"
    )


def test_the_last_version_is_one_in_the_history_of_the_branch(etl: Repository) -> None:
    etl.tag("etl-0.1.0")
    etl.git("checkout", "-q", "-b", "repairs")
    etl.commit("fix: it", {"etl/x": "1"})
    etl.git("checkout", "-q", "main")
    etl.commit("feat: more", {"etl/y": "1"}, "etl-0.2.0")
    etl.git("checkout", "-q", "repairs")
    found = latest(etl.repo, "etl")
    assert found
    assert found.tag == "etl-0.1.0"
    made = propose(etl.repo, etl.closure(), "etl", "patch")
    assert made
    assert made.tag == "etl-0.1.1"
    with pytest.raises(TcError) as raised:
        propose(etl.repo, etl.closure(), "etl", "minor")
    assert raised.value.code == "tag-exists"
    assert "0.1.0" in raised.value.message


def test_a_version_that_is_not_there_names_the_last_ones(etl: Repository) -> None:
    etl.tag("etl-0.1.0")
    assert find_version(etl.repo, "etl", "0.1.0").tag == "etl-0.1.0"
    assert find_version(etl.repo, "etl", "etl-0.1.0").tag == "etl-0.1.0"
    with pytest.raises(TcError) as raised:
        find_version(etl.repo, "etl", "0.7.0")
    assert raised.value.code == "missing-version"
    assert "0.1.0" in raised.value.hint
    with pytest.raises(UsageError):
        find_version(etl.repo, "etl", "latest")


def version(etl: Repository, said: str | None = None) -> str:
    return str(standing(etl.repo, etl.closure(), "etl", said).version)


def test_what_head_is(etl: Repository) -> None:
    sha = etl.repo.head()[:7]
    assert version(etl) == f"0.0.1-dev.1+{sha}"
    assert version(etl, "0.3.0") == f"0.3.0-dev.1+{sha}"
    etl.tag("etl-0.1.0")
    assert version(etl) == "0.1.0"
    etl.commit("of others", {"README.md": "x"})
    assert version(etl) == "0.1.0"
    sha = etl.commit("fix: it", {"etl/enhancer/handler.py": "x = 1\n"})[:7]
    assert version(etl) == f"0.1.1-dev.1+{sha}"
    etl.write({"etl/enhancer/more.py": ""})
    assert version(etl) == f"0.1.1-dev.1+{sha}.dirty"
    assert Version.is_valid(version(etl))


def test_a_dirty_tag_is_no_release(etl: Repository) -> None:
    etl.tag("etl-0.1.0")
    etl.write({"etl/enhancer/more.py": ""})
    assert version(etl) == f"0.1.1-dev.0+{etl.repo.head()[:7]}.dirty"


def test_a_version_is_refused_while_the_closure_is_dirty(etl: Repository) -> None:
    etl.write({"README.md": "others'"})
    assert propose(etl.repo, etl.closure(), "etl", "patch")
    etl.write({"etl/new.txt": ""})
    with pytest.raises(TcError) as raised:
        propose(etl.repo, etl.closure(), "etl", "patch")
    assert raised.value.code == "dirty"
    assert "`etl/new.txt`" in raised.value.message
    assert "README" not in raised.value.message


def test_the_first_version_is_that_of_the_topology(etl: Repository) -> None:
    cases: list[tuple[Part, str | None, str]] = [
        ("minor", None, "0.1.0"),
        ("patch", None, "0.0.1"),
        ("minor", "0.3.0", "0.3.0"),
        ("minor", "one", "0.1.0"),
    ]
    for part, said, made in cases:
        found = propose(etl.repo, etl.closure(), "etl", part, said=said)
        assert found
        assert str(found.version) == made


def test_nothing_changed_is_no_version(etl: Repository) -> None:
    etl.tag("etl-0.1.0")
    etl.commit("of others", {"README.md": "x"})
    assert propose(etl.repo, etl.closure(), "etl", "minor") is None
    forced = propose(etl.repo, etl.closure(), "etl", "minor", empty=True)
    assert forced
    assert str(forced.version) == "0.2.0"


def test_what_was_announced_is_released_with_all_that_led_to_it(etl: Repository) -> None:
    etl.tag("etl-0.1.0")
    etl.commit("feat: new", {"etl/x": "1"}, "etl-0.2.0-rc1")
    made = propose(etl.repo, etl.closure(), "etl", "minor")
    assert made
    assert made.tag == "etl-0.2.0"
    assert [commit.text for commit in made.commits] == ["new"]
    assert "new" in made.message


def shallow(etl: Repository, place: Path, depth: int, *more: str) -> Repository:
    etl.git("clone", "-q", f"--depth={depth}", *more, f"file://{etl.root}", str(place))
    return Repository(place, made=False)


def test_a_shallow_clone_says_what_to_fetch(etl: Repository, tmp_path: Path) -> None:
    etl.tag("etl-0.1.0")
    for number in range(5):
        etl.commit(f"fix: {number}", {"etl/x": str(number)})
    cut = shallow(etl, tmp_path / "cut", 2)
    for call in (
        lambda: standing(cut.repo, cut.closure(), "etl"),
        lambda: propose(cut.repo, cut.closure(), "etl", "patch"),
    ):
        with pytest.raises(TcError) as raised:
            call()
        assert raised.value.code == "shallow"
        assert raised.value.hint == "git fetch --unshallow --tags"
    cut.git("fetch", "-q", "--unshallow", "--tags")
    assert version(cut) == version(etl)


def test_a_shallow_clone_that_has_enough_is_enough(etl: Repository, tmp_path: Path) -> None:
    etl.commit("fix: a", {"etl/x": "a"})
    etl.commit("fix: b", {"etl/x": "b"}, "etl-0.1.0")
    etl.commit("fix: c", {"etl/x": "c"})
    assert version(shallow(etl, tmp_path / "cut", 2)) == version(etl)


def test_a_shallow_clone_with_a_tag_at_its_edge_does_not_guess(
    etl: Repository, tmp_path: Path
) -> None:
    """The tag is there, but a branch that was merged since is cut off."""
    etl.commit("feat: base", {"etl/a": "1"})
    etl.git("checkout", "-q", "-b", "side")
    for number in range(4):
        etl.commit(f"fix: side {number}", {"etl/side": str(number)})
    etl.git("checkout", "-q", "main")
    etl.commit("fix: main", {"etl/b": "1"}, "etl-0.1.0")
    etl.git("merge", "-q", "--no-ff", "-m", "Merge side", "side")
    cut = shallow(etl, tmp_path / "cut", 2)
    assert [one.tag for one in versions_of(cut.repo, "etl")] == ["etl-0.1.0"]
    with pytest.raises(TcError) as raised:
        standing(cut.repo, cut.closure(), "etl")
    assert raised.value.code == "shallow"


def test_two_topologies_of_one_repository_have_versions_of_their_own(etl: Repository) -> None:
    more = ETL.replace("etl", "billing")
    etl.commit(
        "feat: billing", {"billing/topology.yml": more, "billing/enhancer/handler.py": HANDLER}
    )
    etl.tag("etl-0.1.0")
    etl.tag("billing-3.0.0")
    etl.commit("fix: billing", {"billing/enhancer/handler.py": "x = 1\n"})
    assert propose(etl.repo, etl.closure(), "etl", "patch") is None
    made = propose(etl.repo, etl.closure("billing"), "billing", "patch")
    assert made
    assert made.tag == "billing-3.0.1"
