"""Locks are followed to the letter: pins, hashes, markers; and told when they are old."""

from __future__ import annotations

import json
import re

import pytest
from python_index import (
    ARM,
    NEW,
    PROJECT,
    Index,
    locked,
    pipfile_lock,
    poetry_lock,
)
from wheels import wheel

from tc.spec.layer import Platform


@pytest.mark.parametrize("kind", ["uv", "poetry", "pipenv"])
def test_a_lock_is_honoured_to_the_byte(index: Index, kind: str) -> None:
    digest = index.add("alpha", "1.0", "never-installed")
    index.add("alpha", "1.1")
    _, found = index.install(locked(kind, digest))
    assert [(one.name, one.version) for one in found] == [("alpha", "1.0")]


def test_the_project_itself_is_not_installed(index: Index) -> None:
    files = locked("uv", index.add("alpha", "1.0"))
    files["uv.lock"] = files["uv.lock"].replace('virtual = "."', 'editable = "."')
    files["pyproject.toml"] += "[build-system]\nrequires = []\nbuild-backend = 'none'\n"
    _, found = index.install(files)
    assert [one.name for one in found] == ["alpha"]


def test_what_is_locked_for_development_stays_out_unless_asked_for(index: Index) -> None:
    files = locked("uv", index.add("alpha", "1.0"))
    digest = index.add("beta", "1.0")
    lock = files["uv.lock"].replace(
        "[package.metadata]\n",
        '[package.dev-dependencies]\ndev = [{ name = "beta" }]\n\n[package.metadata]\n',
    )
    lock = lock.replace(
        '\n[[package]]\nname = "alpha"',
        '\n[package.metadata.requires-dev]\ndev = [{ name = "beta" }]\n'
        '\n[[package]]\nname = "alpha"',
    )
    beta = lock[lock.rindex("[[package]]") :].replace("alpha", "beta")
    files["uv.lock"] = lock + "\n" + re.sub("sha256:[0-9a-f]+", digest, beta)
    files["pyproject.toml"] += '[dependency-groups]\ndev = ["beta"]\n'
    _, found = index.install(files)
    assert [one.name for one in found] == ["alpha"]
    _, found = index.install(files, skip_dev_deps=False)
    assert [one.name for one in found] == ["alpha", "beta"]


def test_any_index_may_have_what_is_locked(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(index.root / "first", "alpha", "2.0")
    digest = wheel(index.root / "second", "alpha", "1.0")
    files = locked("uv", digest)
    for name in ("first", "second"):
        files["pyproject.toml"] += f'[[tool.uv.index]]\nname = "{name}"\nformat = "flat"\n'
        files["pyproject.toml"] += f'url = "{index.root}/{name}"\n'
    # not to ask anybody's usual index
    files["pyproject.toml"] += "default = true\n"
    monkeypatch.delenv("PIP_NO_INDEX")
    _, found = index.install(files)
    assert [(one.name, one.version) for one in found] == [("alpha", "1.0")]


@pytest.mark.parametrize("kind", ["uv", "poetry", "pipenv"])
def test_another_content_than_the_locked_one_is_refused(index: Index, kind: str) -> None:
    index.add("alpha", "1.0")
    error = index.refusal(locked(kind, f"sha256:{'0' * 64}"))
    assert error.code == "hash-mismatch"
    assert "`alpha==1.0` isn't what" in error.message


def test_a_lock_that_is_older_than_the_project_is_refused(index: Index) -> None:
    digest = index.add("alpha", "1.0")
    stale = {**locked("uv", digest), "pyproject.toml": PROJECT + 'dependencies = ["alpha>=2"]\n'}
    error = index.refusal(stale)
    assert error.code == "stale-lock"
    assert error.hint.endswith("/etl/enhancer && uv lock")
    asked = '[tool.poetry.dependencies]\nalpha = "^2"\n'
    files = {"pyproject.toml": asked, "poetry.lock": poetry_lock(digest)}
    error = index.refusal(files, package_manager="poetry")
    assert error.code == "stale-lock"
    assert error.hint.endswith("/etl/enhancer && poetry lock")


def test_what_left_the_project_makes_its_lock_old(index: Index) -> None:
    digest = index.add("alpha", "1.0")
    index.add("beta", "1.0")
    files = locked("uv", digest)
    files["pyproject.toml"] = PROJECT + 'dependencies = ["beta"]\n'
    files["uv.lock"] = files["uv.lock"].replace(
        "requires-dist = [", 'requires-dist = [{ name = "beta" }, '
    )
    assert "other versions of alpha" in index.refusal(files).message


def test_what_only_an_extra_asks_for_makes_no_lock_old(index: Index) -> None:
    files = locked("uv", index.add("alpha", "1.0"))
    files["uv.lock"] = files["uv.lock"].replace(
        "requires-dist = [", """requires-dist = [{ name = "docs", marker = "extra == 'docs'" }, """
    )
    _, found = index.install(files)
    assert [one.name for one in found] == ["alpha"]


#: what pipenv writes for the Pipfile below
PIPENV = "8fd37bde88056e7599c90a4fc9cac6c285d92334fbbe9015f9ec1264d212c22c"


def test_a_pipfile_that_changed_makes_its_lock_old(index: Index) -> None:
    digest = index.add("alpha", "1.0")
    pipfile = "[packages]\nrequests = {version='*', extras=['socks']}\nsix = '*'\n"
    pipfile += "[dev-packages]\npytest = '*'\n[requires]\npython_version = '3.11'\n"
    lock = json.loads(pipfile_lock(digest))
    lock["_meta"] = {
        "hash": {"sha256": PIPENV},
        "requires": {"python_version": "3.11"},
        "sources": [{"name": "corp", "url": "http://127.0.0.1:9/simple", "verify_ssl": True}],
    }
    files = {"Pipfile": pipfile, "Pipfile.lock": json.dumps(lock)}
    platform = Platform("python3.11", "arm64")
    index.install({**files, "Pipfile": f"# hello\n{pipfile}[scripts]\ntest = 'pytest'\n"}, platform)
    before = index.needs(files, platform).digest
    changed = pipfile.replace("six = '*'", "six = '>=1'")
    assert index.needs({**files, "Pipfile": changed}, platform).digest != before
    error = index.refusal({**files, "Pipfile": changed}, platform)
    assert error.code == "stale-lock"
    assert error.hint.endswith("/etl/enhancer && pipenv lock")
    assert "older than Pipfile: it was made for another one" in error.message


def test_poetrys_lock_is_followed_by_markers_and_extras(index: Index) -> None:
    sums = {
        (name, version): index.add(name, version)
        for name, version in [
            ("alpha", "1.0"),
            ("alpha", "2.0"),
            ("base", "1.0"),
            ("socks", "1.0"),
            ("unused", "1.0"),
            ("windows", "1.0"),
        ]
    }

    def entry(name: str, version: str, more: str = "") -> str:
        return (
            f'[[package]]\nname = "{name}"\nversion = "{version}"\noptional = false\n'
            f'python-versions = "*"\nfiles = [{{file = "x", hash = "{sums[name, version]}"}}]\n'
            f"{more}\n"
        )

    lock = (
        entry("alpha", "1.0", "markers = \"python_version < '3.11'\"")
        + entry("alpha", "2.0", "markers = \"python_version >= '3.11'\"")
        + entry(
            "base",
            "1.0",
            '[package.dependencies]\nSocks = {version = "*", optional = true}\n'
            'unused = {version = "*", optional = true}\n'
            'windows = {version = "*", markers = "sys_platform == \'win32\'"}\n'
            '[package.extras]\nproxy = ["socks (>=1)"]\nmore = ["unused"]\n',
        )
        + entry("socks", "1.0")
        + entry("unused", "1.0")
        + entry("windows", "1.0")
    )
    asked = (
        '[tool.poetry.dependencies]\nbase = {version = "*", extras = ["proxy"]}\n'
        'alpha = [{version = "^1", python = "<3.11"}, {version = "^2", python = ">=3.11"}]\n'
    )
    files = {"pyproject.toml": asked, "poetry.lock": lock}
    for platform, alpha in ((ARM, "1.0"), (NEW, "2.0")):
        _, found = index.install(files, platform)
        assert [(one.name, one.version) for one in found] == [
            ("alpha", alpha),
            ("base", "1.0"),
            ("socks", "1.0"),
        ]


def test_a_project_for_another_python_is_refused(index: Index) -> None:
    asked = '[project]\nname = "fn"\nrequires-python = ">=3.12"\ndependencies = ["alpha"]\n'
    error = index.refusal({"pyproject.toml": asked})
    assert "is for Python >=3.12, and `enhancer` runs on 3.10" in error.message
    asked = '[tool.poetry.dependencies]\nalpha = "*"\npython = "<3.9 || ^3.10"\n'
    digest = index.add("alpha", "1.0")
    files = {"pyproject.toml": asked, "poetry.lock": poetry_lock(digest)}
    index.install(files, package_manager="poetry")
