"""What is begun is right at once, in every language, and nothing is written over."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tc.components import sections
from tc.errors import TcError, UsageError
from tc.load.infer import RUNTIMES
from tc.load.load import load
from tc.scaffold.files import File, check_inside, write
from tc.scaffold.function import check_name, function_files, known_language
from tc.scaffold.topology import check_free, check_new_function, topology_files
from tc.scaffold.topology import check_name as check_topology
from tc.spec.spec import Spec


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


def made(project: Path, lang: str = "python3.13") -> Spec:
    for file in topology_files(project / "shop", "shop", "hello", lang):
        assert write(file)
    loaded = load(project / "shop", sections())
    assert loaded.findings == ()
    assert loaded.spec is not None
    return loaded.spec


@pytest.mark.parametrize("lang", RUNTIMES)
def test_a_function_of_every_language_is_valid(lang: str, project: Path) -> None:
    function = made(project, lang).functions["hello"]
    assert function.runtime == RUNTIMES[lang]
    assert json.loads((function.dir / "event.json").read_text()) == {"name": "world"}
    assert "event.json" in function.ignore
    assert ("lambda.zip" in function.tasks.get("build", "")) == (lang == "java21")


def test_every_language_that_is_made_has_a_beginning() -> None:
    templates = {
        next(f.path.name for f in function_files(Path("x"), lang) if f.path.name in _BEGINNINGS)
        for lang in RUNTIMES
    }
    assert templates == _BEGINNINGS


_BEGINNINGS = {
    *("handler.py", "handler.rb", "handler.mjs", "main.go"),
    *("Cargo.toml", "pom.xml", "bootstrap"),
}


def test_a_bootstrap_can_be_executed(project: Path) -> None:
    function = made(project, "provided.al2023").functions["hello"]
    assert os.access(function.dir / "bootstrap", os.X_OK)
    assert not os.access(function.dir / "event.json", os.X_OK)


def test_a_family_is_its_default_version() -> None:
    assert known_language("python") == "python3.13"
    assert known_language("ruby3.3") == "ruby3.3"
    with pytest.raises(UsageError) as refused:
        known_language("python3.9")
    assert refused.value.code == "unknown-language"
    assert refused.value.hint == "did you mean `python3.13`?"


@pytest.mark.parametrize("name", ["", "a b", "../up", ".hidden", "ü", "-a", "a/b"])
def test_names_that_the_loader_refuses_are_not_begun(name: str, project: Path) -> None:
    with pytest.raises(UsageError, match="can't name a function"):
        check_name(name)
    with pytest.raises(UsageError, match="can't name a topology"):
        check_topology(name, project)


def test_a_topology_is_not_begun_where_something_is(project: Path) -> None:
    made(project)
    with pytest.raises(UsageError, match="there is a topology `shop` already"):
        check_topology("shop", project)
    check_topology("store", project)
    (project / "empty").mkdir()
    (project / "dangling").symlink_to(project / "nowhere")
    (project / "file").write_text("")
    check_free(project / "empty")
    check_free(project / "new")
    for taken in ("shop", "dangling", "file"):
        with pytest.raises(UsageError, match="is there already"):
            check_free(project / taken)


def test_a_function_is_not_begun_where_its_name_is_taken(project: Path) -> None:
    made(project)
    (project / "shop" / "other").mkdir()
    (project / "shop" / "other" / "handler.py").write_text("def handler(event, context): ...\n")
    (project / "shop" / "other" / "function.json").write_text('{"name": "order"}')
    (project / "shop" / ".tcignore").write_text("build*\n")
    spec = load(project / "shop", sections()).spec
    assert spec is not None
    check_new_function(spec, "new")
    for name, why in (
        ("hello", "has a function `hello` already"),
        ("order", "has a function `order` already"),
        ("other", "is there already"),
        ("builder", "its .tcignore leaves it out"),
    ):
        with pytest.raises(UsageError, match=why):
            check_new_function(spec, name)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    assert not write(File(kept, "theirs"))
    assert not write(File(link, "theirs"))
    assert kept.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(TcError, match="a file is in the way") as refused:
        write(File(kept / "below", "theirs"))
    assert refused.value.code == "unwritable"


def test_a_link_leads_no_file_out_of_the_project(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    (project / "vars").symlink_to(outside)
    check_inside([File(project / "roles" / "a.json", "")], project)
    with pytest.raises(UsageError, match="outside the project"):
        check_inside([File(project / "vars" / "a.json", "")], project)
