"""Where assets come from: directories, a task's own making, installed dependencies."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
from build_files import HANDLER, Make
from wheels import wheel

from tc.build.asset_sources import artifacts_of, dependencies_of
from tc.build.tools import Tools
from tc.errors import TcError

MODEL = {"MODEL_PATH": "/mnt/assets/etl/model"}
SORTED = {"artifacts": "mkdir artifacts && sort words > artifacts/sorted && rm words"}
#: the start of a compiled file for arm64
ARM = (
    b"\x7fELF\x02\x01\x01"
    + bytes(9)
    + struct.pack("<HHIQQQIHHHHHH", 3, 183, 1, *[0] * 3, 0, 64, 56, 0, 64, 0, 0)
)


def kept(cache: Path, what: str) -> list[str]:
    """What the cache has of `what`, below the function's or the digest's own name."""
    return sorted(one.name for one in (cache / "assets").glob(f"{what}/*"))


@pytest.mark.parametrize(
    ("files", "assets", "found"),
    [
        ({"artifacts/a": "", "model/b": ""}, {}, "artifacts"),
        ({"model/b": ""}, {}, "model"),
        ({"model/b": "", "out/v2/c": ""}, {"ARTIFACTS_SOURCE": "out/v2"}, "out/v2"),
    ],
)
def test_a_directory_is_published_as_it_is(
    make: Make, tools: Tools, files: dict[str, str], assets: dict[str, str], found: str
) -> None:
    function = make(files, assets={**MODEL, **assets})
    assert artifacts_of(function, tools) == (function.dir / found, "")


@pytest.mark.parametrize(
    ("files", "assets", "named"),
    [
        ({}, {}, "there is no"),
        ({"model/__init__.py": ""}, {}, "enhancer/artifacts"),
        ({"artifacts/a": ""}, {"ARTIFACTS_SOURCE": "out"}, "enhancer/out"),
    ],
)
def test_where_there_is_none_it_is_named(
    make: Make, tools: Tools, files: dict[str, str], assets: dict[str, str], named: str
) -> None:
    with pytest.raises(TcError) as raised:
        artifacts_of(make(files, assets={**MODEL, **assets}), tools)
    assert raised.value.code == "no-asset"
    assert named in raised.value.message
    assert "tasks.artifacts" in raised.value.hint


def test_a_task_makes_them_in_a_copy_and_again_when_its_sources_change(
    make: Make, tools: Tools, cache: Path
) -> None:
    function = make({"words": "b\na\n", "artifacts/old": ""}, assets=MODEL, tasks=SORTED)
    first, why = artifacts_of(function, tools)
    assert why
    assert [(one.name, one.read_text()) for one in first.iterdir()] == [("sorted", "a\nb\n")]
    assert sorted(one.name for one in function.dir.iterdir()) == ["artifacts", "words"]
    assert artifacts_of(function, tools) == (first, "")

    (function.dir / "words").write_text("d\nc\n")
    second, why = artifacts_of(function, tools)
    assert why
    assert (second / "sorted").read_text() == "c\nd\n"
    # what was made before isn't kept for ever
    assert kept(cache, "built/*") == [second.name]

    slower = {"artifacts": SORTED["artifacts"].replace("sort ", "sort -r ")}
    function = make({"words": "d\nc\n"}, assets=MODEL, tasks=slower)
    assert (artifacts_of(function, tools)[0] / "sorted").read_text() == "d\nc\n"


@pytest.mark.parametrize(
    ("task", "code"),
    [
        ("true", "no-asset"),
        ("touch artifacts", "no-asset"),
        ("ln -s /etc artifacts", "no-asset"),
        ("mkdir artifacts && false", "build-failed"),
    ],
)
def test_a_task_that_makes_none_leaves_what_was_made_before(
    make: Make, tools: Tools, cache: Path, task: str, code: str
) -> None:
    before, _ = artifacts_of(make({"words": "a\n"}, assets=MODEL, tasks=SORTED), tools)
    with pytest.raises(TcError) as raised:
        artifacts_of(make({"words": "a\n"}, assets=MODEL, tasks={"artifacts": task}), tools)
    assert raised.value.code == code
    assert kept(cache, "built/*") == [before.name]
    assert list((cache / "staging").iterdir()) == []


def test_dependencies_are_as_a_layer_has_them_without_its_own_directory(
    make: Make, wheels: Path, tools: Tools
) -> None:
    function = make({"handler.py": HANDLER, "requirements.txt": "six==1.0\n"})
    found = dependencies_of(function, tools)
    assert found
    directory, why = found
    assert why == "requirements.txt changed"
    assert (directory / "six/__init__.py").read_text() == "version = '1.0'\n"
    assert dependencies_of(function, tools) == (directory, "")
    assert dependencies_of(make({"handler.py": HANDLER}, "plain"), tools) is None

    (function.dir / "requirements.txt").write_text("six==2.0\n")
    found = dependencies_of(function, tools)
    assert found
    assert (found[0] / "six/__init__.py").read_text() == "version = '2.0'\n"


def test_dependencies_for_another_cpu_are_refused_each_time(
    make: Make, wheels: Path, tools: Tools, cache: Path
) -> None:
    wheel(wheels, "fast", "1.0")
    with zipfile.ZipFile(next(wheels.glob("fast-*.whl")), "a") as archive:
        archive.writestr("fast/fast.so", ARM)
    function = make({"handler.py": HANDLER, "requirements.txt": "fast\n"}, arch="x86_64")
    for _ in range(2):
        with pytest.raises(TcError) as raised:
            dependencies_of(function, tools)
        assert raised.value.code == "wrong-cpu"
        assert "what `enhancer` depends on" in raised.value.message
        assert "fast.so" in raised.value.message
    assert kept(cache, "deps") == []
