"""What libraries, extensions and layers of dependencies have in their layers."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from build_files import Make

from tc.build.layer import build_layers
from tc.build.tools import NoContainers, Tools
from tc.build.wanted import wanted_by
from tc.errors import TcError
from tc.events import silent
from tc.processes import Running
from tc.spec.function import Build, Function


def contents(function: Function, cache: Path) -> dict[str, int]:
    """The files of its layer, and whether each can be started."""
    wanted = wanted_by(function, "etl")
    assert wanted
    assert wanted.name == f"etl-{function.name}"
    tools = Tools(cache, silent, Running(), NoContainers())
    (layer,) = build_layers([wanted], tools, 40)
    (part,) = layer.parts
    with zipfile.ZipFile(part.path) as archive:
        return {one.filename: one.external_attr >> 16 & 0o111 for one in archive.infolist()}


def library(make: Make, files: dict[str, str], runtime: str, kind: str = "library") -> Function:
    return make(files, "shared", runtime=runtime, handler="", build=Build(kind=kind))


@pytest.mark.parametrize(
    ("runtime", "files", "made"),
    [
        (
            "python3.13",
            ["__init__.py", "a/b.py"],
            ["python/shared/__init__.py", "python/shared/a/b.py"],
        ),
        ("python3.13", ["one/__init__.py", "two.py"], ["python/one/__init__.py", "python/two.py"]),
        ("python3.13", ["src/one/x.py", "tests/t.py", "function.json"], ["python/one/x.py"]),
        ("ruby3.4", ["lib/one.rb", "spec/s.rb"], ["ruby/lib/one.rb"]),
        ("ruby3.4", ["one.rb"], ["ruby/lib/one.rb"]),
        ("nodejs24.x", ["index.js"], ["nodejs/node_modules/shared/index.js"]),
    ],
)
def test_a_library_is_where_its_language_looks(
    make: Make, cache: Path, runtime: str, files: list[str], made: list[str]
) -> None:
    function = library(make, dict.fromkeys(files, "x"), runtime)
    assert sorted(contents(function, cache)) == made


def test_a_node_library_has_the_name_of_its_package(make: Make, cache: Path) -> None:
    files = {"package.json": '{"name": "@team/shared"}', "index.js": "", "node_modules/a/i.js": ""}
    assert sorted(contents(library(make, files, "nodejs24.x"), cache)) == [
        "nodejs/node_modules/@team/shared/index.js",
        "nodejs/node_modules/@team/shared/package.json",
    ]


def test_programs_are_extensions(make: Make, cache: Path) -> None:
    function = library(make, {"watch": "#!/bin/sh\n", "watch.conf": ""}, "", "extension")
    with pytest.raises(TcError, match="no program that Lambda could start"):
        wanted_by(function, "etl")
    (function.dir / "watch").chmod(0o755)
    assert contents(function, cache) == {"extensions/watch": 0o111, "watch.conf": 0}


def test_a_directory_of_extensions_stays_as_it_is(make: Make, cache: Path) -> None:
    function = library(make, {"extensions/watch": "", "tool": ""}, "", "extension")
    (function.dir / "tool").chmod(0o755)
    with pytest.raises(TcError, match=r"extensions/watch isn't executable"):
        wanted_by(function, "etl")
    (function.dir / "extensions/watch").chmod(0o755)
    assert contents(function, cache) == {"extensions/watch": 0o111, "tool": 0o111}


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
def test_an_extension_is_compiled(make: Make, cache: Path) -> None:
    cache.mkdir(mode=0o700)
    files = {"main.go": "package main\n\nfunc main() {}\n", "vendor/x.txt": ""}
    function = library(make, files, "provided.al2023", "extension")
    assert contents(function, cache) == {"extensions/shared": 0o111}


def test_what_is_empty_is_told(make: Make) -> None:
    with pytest.raises(TcError, match="no file that could be imported"):
        wanted_by(library(make, {"function.json": "{}"}, "python3.13"), "etl")
    with pytest.raises(TcError, match="it depends on nothing"):
        wanted_by(library(make, {"a.py": ""}, "ruby3.4", "layer"), "etl")


def test_a_compiled_language_has_no_libraries(make: Make) -> None:
    with pytest.raises(TcError, match="whose functions import none"):
        wanted_by(library(make, {"main.go": ""}, "provided.al2023"), "etl")
