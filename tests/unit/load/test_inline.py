"""Code that stands in the topology."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tc.build.package import package
from tc.compose.compose import compose
from tc.events import silent
from tc.load.load import locate
from tc.spec.function import Function, Inline
from tc.spec.scope import Scope

from .conftest import Project

PYTHON = "def handler(event, context): return '{{sandbox}}'\n"


def inline(project: Project, runtime: str, more: str = "") -> Function:
    text = f"name: etl\nfunctions:\n  one:\n    runtime: {{ {runtime} }}\n{more}"
    loaded = project.write({"topology.yml": text}).load()
    assert locate(loaded.findings) == []
    assert loaded.spec
    return loaded.spec.functions["one"]


@pytest.mark.parametrize(
    ("runtime", "made"),
    [
        ("lang: python3.13, code: 'x = 1'", Inline("handler.py", "x = 1")),
        ("lang: python3.13, handler: lib.app.run, code: x", Inline("lib/app.py", "x")),
        ("lang: ruby3.4, code: 'def handler = 1'", Inline("handler.rb", "def handler = 1")),
        ("lang: node24, code: 'exports.handler = 1'", Inline("handler.js", "exports.handler = 1")),
        (
            "lang: node24, handler: app.run, code: 'export const run = 1'",
            Inline("app.mjs", "export const run = 1"),
        ),
        (
            "lang: node24, code: \"import { a } from 'b'\"",
            Inline("handler.mjs", "import { a } from 'b'"),
        ),
    ],
)
def test_the_file_is_named_by_language_and_handler(
    project: Project, runtime: str, made: Inline
) -> None:
    assert inline(project, runtime).inline == made


def test_the_package_is_that_file_alone(project: Project, tmp_path: Path) -> None:
    project.write({"secret.txt": "x", "lib/util.py": "", ".env": "A=1"})
    text = f'lang: python3.13, code: "{PYTHON.strip()}"'
    inline(project, text, "    build: { kind: Inline }\n")
    spec = project.load().spec
    assert spec
    function = compose(spec, Scope("etl", sandbox="bob")).topology.functions["one"]
    artifact = package(function, tmp_path / "cache", silent)
    with zipfile.ZipFile(artifact.path) as archive:
        assert archive.namelist() == ["handler.py"]
        assert archive.read("handler.py") == b"def handler(event, context): return 'bob'"


def test_a_function_file_may_hold_the_code(project: Project) -> None:
    text = '{"runtime": {"lang": "python3.13", "code": "x"}}'
    loaded = project.write({"topology.yml": "name: etl\n", "one/function.json": text}).load()
    assert locate(loaded.findings) == []
    assert loaded.spec
    assert loaded.spec.functions["one"].inline == Inline("handler.py", "x")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("runtime: { code: x }", "4:16 missing-key"),
        ("runtime: { lang: go, code: x }", "4:26 invalid-value"),
        ("runtime: { lang: python3.13, code: ' ' }", "4:34 empty"),
        ("runtime: { lang: python3.13, handler: x, code: x }", "4:43 invalid-value"),
        ("{ build: { command: make }, runtime: { lang: ruby3.4, code: x } }", "4:59 both"),
        ("{ uri: lib, runtime: { lang: ruby3.4, code: x } }", "4:43 both"),
        ("{ uri: lib, build: { kind: Wheel } }", "4:32 invalid-value"),
    ],
)
def test_what_can_not_be_inline(project: Project, entry: str, problem: str) -> None:
    project.write({"topology.yml": f"name: etl\nfunctions:\n  one:\n    {entry}\n"})
    project.write({"lib/handler.rb": "", ".tcignore": "lib\n"})
    assert project.problems() == [f"topology.yml:{problem}"]
