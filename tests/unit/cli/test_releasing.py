"""What the commands that bring versions share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from fake_store import FakeStore

from tc.cli.from_manifest import image_at
from tc.cli.promote import Move, versions_only
from tc.cli.publishing import as_of, told_of
from tc.cli.releasing import Place, checked, each, service_name
from tc.cli.run import Run, Tree, read_topology
from tc.config import Config, Environment
from tc.errors import AwsError, InvalidInput, Problem, TcError, UsageError
from tc.events import Event
from tc.spec.snapshot import Running

DIGEST = "sha256:" + "a" * 64


class Told:
    """A printer that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.errors: list[BaseException] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def error(self, error: BaseException) -> None:
        self.errors.append(error)


def failing(error: Exception) -> Callable[[], None]:
    def task() -> None:
        raise error

    return task


def test_a_failure_hides_no_other_and_every_one_is_told() -> None:
    told = Told()
    done: list[str] = []
    tasks = {
        "etl@stable": failing(TcError("no way")),
        "alerts@stable": lambda: done.append("alerts"),
        "reports@stable": failing(typer.Exit(1)),
    }
    with pytest.raises(typer.Exit) as ended:
        each(Run(cast("Any", told)), tasks)
    assert ended.value.exit_code == 1
    assert done == ["alerts"]
    assert [str(error) for error in told.errors] == ["no way"]
    assert told.events[-1].text == "Failed: etl@stable, reports@stable; done: 1 of 3"


def test_an_interrupt_begins_nothing_new() -> None:
    done: list[str] = []
    tasks = {"etl@stable": failing(typer.Exit(130)), "alerts@stable": lambda: done.append("x")}
    with pytest.raises(typer.Exit) as ended:
        each(Run(cast("Any", Told())), tasks)
    assert ended.value.exit_code == 130
    assert done == []


class Registry(FakeStore):
    """A registry that has the images of these digests."""

    def __init__(self, *digests: str):
        super().__init__()
        self.digests = digests

    def ecr_describe_images(self, region: str, **given: Any) -> Any:
        assert (given["registryId"], given["repositoryName"]) == (self.account, "etl")
        if given["imageIds"][0]["imageDigest"] not in self.digests:
            raise AwsError("", aws_code="ImageNotFoundException", operation="ecr", status=400)
        return {"imageDetails": [{}]}


def place(aws: FakeStore) -> Place:
    return Place("stable", Environment("prod"), cast("Any", aws), Config(), cast("Any", None))


def test_an_image_is_taken_from_the_target_s_own_registry_where_that_has_it() -> None:
    theirs = f"999988887777.dkr.ecr.eu-west-1.amazonaws.com/etl@{DIGEST}"
    own = f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/etl@{DIGEST}"
    assert image_at(place(Registry(DIGEST)), theirs) == own
    assert image_at(place(Registry()), theirs) == theirs
    aws = Registry()
    assert image_at(place(aws), own) == own
    assert aws.calls == []


def test_the_topology_is_the_named_one_else_the_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert service_name("etl") == "etl"
    with pytest.raises(UsageError):
        service_name("../etl")
    with pytest.raises(UsageError):
        service_name(None)
    (tmp_path / "topology.yml").write_text("functions: {}\n")
    with pytest.raises(UsageError) as refused:
        service_name(None)
    assert "no `name`" in refused.value.message
    (tmp_path / "topology.yml").write_text("name: etl\n")
    assert service_name(None) == "etl"


@pytest.mark.parametrize(
    ("before", "since", "text", "done"),
    [
        ("", "", "etl@stable 0.2.0: is new there", False),
        ("0.1.0", "", "etl@stable 0.2.0: from 0.1.0", False),
        ("0.2.0", "", "etl@stable 0.2.0: is there", True),
        ("0.2.0", "it changed", "etl@stable 0.2.0: is there, where it changed", False),
    ],
)
def test_a_move_says_from_where(before: str, since: str, text: str, done: bool) -> None:
    running = Running(topology="etl", sandbox="stable", env="qa", version="0.2.0")
    move = Move(running, place(FakeStore()), before, since)
    assert str(move) == text
    assert move.done is done


def test_what_was_not_deployed_as_a_version_is_left_out_and_told() -> None:
    told = Told()
    whole = Running(topology="etl", sandbox="stable", env="qa", version="0.2.0", commit="a" * 40)
    nested = Running(topology="child", sandbox="stable", env="qa", version="0.2.0")
    assert versions_only(Run(cast("Any", told)), [nested, whole]) == [whole]
    texts = [event.text for event in told.events]
    assert texts == ["child@stable was not deployed as a version: left out"]


def test_problems_of_a_version_are_told_as_git_names_its_files(tmp_path: Path) -> None:
    problem = Problem("cycle", "leads back", f"{tmp_path}/etl/topology.yml", 3)
    with pytest.raises(InvalidInput) as refused, told_of("etl-0.1.0", tmp_path):
        raise InvalidInput([problem])
    assert [one.file for one in refused.value.problems] == ["etl-0.1.0:etl/topology.yml"]
    with pytest.raises(TcError) as failed, told_of("etl-0.1.0", tmp_path):
        raise TcError("no", where=f"{tmp_path}/etl/enhancer")
    assert failed.value.where == "etl-0.1.0:etl/enhancer"


def test_warnings_of_a_version_are_told_as_git_names_its_files(tmp_path: Path) -> None:
    (tmp_path / "etl/enhancer").mkdir(parents=True)
    old = "name: etl\nfunctions: {enhancer: {runtime: {lang: python3.10}}}\n"
    (tmp_path / "etl/topology.yml").write_text(old)
    (tmp_path / "etl/enhancer/handler.py").write_text("")
    told = Told()
    tree = Tree(tmp_path / "etl", "0.1.0", "a" * 40, "repo", as_of("etl-0.1.0", tmp_path))
    read_topology(Run(cast("Any", told)), None, "stable", None, tree=tree)
    (warning,) = told.events
    assert warning.text.startswith("etl-0.1.0:etl/topology.yml:2: "), warning.text


def test_an_empty_version_is_none_rather_than_the_latest() -> None:
    assert checked(None) is None
    assert checked("0.2.0") == "0.2.0"
    for wrong in ("", "v1", "../../x"):
        with pytest.raises(UsageError) as refused:
            checked(wrong)
        assert refused.value.code == "version"
