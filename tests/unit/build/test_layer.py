"""Layers of wheels that are made here: which are wanted, what is in them, what is kept."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from build_files import HANDLER, Make
from wheels import wheel

from tc.build.cache import private
from tc.build.layer import build_layers
from tc.build.layer_cache import cached, keep
from tc.build.package import package_all
from tc.build.tools import Tools
from tc.build.wanted import Wanted, wanted
from tc.errors import TcError
from tc.events import Event
from tc.spec.function import Build, Function
from tc.spec.layer import BuiltLayer

Layer = Callable[..., BuiltLayer]


def with_six(files: Mapping[str, str] | None = None, version: str = "1.0") -> dict[str, str]:
    return {"handler.py": HANDLER, "requirements.txt": f"six=={version}\n", **(files or {})}


def want(*functions: Function, owner: str = "etl") -> list[Wanted]:
    return wanted((owner, function) for function in functions)


def build(tools: Tools, *functions: Function, part_size: int = 40) -> list[BuiltLayer]:
    return build_layers(want(*functions), tools, part_size)


def contents(layer: BuiltLayer) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in layer.parts:
        with zipfile.ZipFile(part.path) as archive:
            found |= {name: archive.read(name) for name in archive.namelist()}
    return found


def installs(told: list[Event]) -> int:
    return sum(event.text.startswith("Installing the dependencies of") for event in told)


def test_what_was_built_without_a_container_is_built_again_when_one_is_asked_for(
    make: Make, wheels: Path, tools: Tools
) -> None:
    function = make(with_six(), "a")
    [built] = build(tools, function)
    [one] = want(function)
    assert cached(one, tools.cache, 40)
    assert cached(one, tools.cache, 40, contained=True) is None
    keep_again(one, built, tools)
    assert cached(one, tools.cache, 40, contained=True)
    assert cached(one, tools.cache, 40)


def keep_again(one: Wanted, built: BuiltLayer, tools: Tools) -> None:
    """Keeps the same body as one that a container made."""
    body = private(tools.cache / "staging" / "again")
    parts = []
    for part in built.parts:
        copied = body / part.path.name
        copied.write_bytes(part.path.read_bytes())
        parts.append(replace(part, path=copied))
    keep(one, tools.cache, 40, parts, built.packages, contained=True)


# which are wanted


def test_every_file_that_cant_be_read_is_told_at_once(make: Make) -> None:
    functions = [make({"handler.py": HANDLER, "requirements.txt": "???\n"}, name) for name in "ab"]
    with pytest.raises(TcError) as caught:
        want(*functions)
    assert "a/requirements.txt" in caught.value.message
    assert "b/requirements.txt" in caught.value.message


def test_a_function_has_a_layer_when_it_depends_on_something(make: Make, wheels: Path) -> None:
    functions = [
        make(with_six(), "a"),
        make(with_six(), "b", layers=("shared", "arn:aws:lambda:x:1:layer:y:9")),
        make({"handler.py": HANDLER}, "none"),
        make({"handler.py": HANDLER, "requirements.txt": "# nothing\n"}, "empty"),
        make(with_six(), "inline", build=Build(kind="Inline")),
        make(with_six(), "beside", build=Build(include_deps=True)),
        make(with_six(), "files", assets={"DEPS_PATH": "/mnt/assets/deps"}),
        make(with_six(), "image", is_image=True),
    ]
    found = want(*functions)
    assert [(one.name, one.users, one.others) for one in found] == [
        ("etl-a", ("a",), 0),
        ("shared", ("b",), 1),
    ]


def test_functions_share_a_layer_that_they_both_list(make: Make, wheels: Path) -> None:
    a, b = (make(with_six(), name, layers=("shared",)) for name in "ab")
    (one,) = want(a, b)
    assert one.users == ("a", "b")
    c = make(with_six(version="2.0"), "c", layers=("shared",))
    with pytest.raises(TcError) as told:
        want(a, c)
    assert told.value.code == "shared-layer"
    assert "`a` and `c` share the layer `shared`" in told.value.message
    with pytest.raises(TcError):
        want(a, make(with_six(), "d", layers=("shared",), arch="arm64"))


# what is in them


def test_the_function_with_the_most_layers_counts(make: Make, wheels: Path) -> None:
    few = make(with_six(), "few", layers=("shared",))
    many = make(with_six(), "many", layers=("shared", "a", "b"))
    for functions in ((few, many), (many, few)):
        (layer,) = want(*functions)
        assert layer.others == 2


def test_a_layer_is_imported_from(make: Make, wheels: Path, tools: Tools, tmp_path: Path) -> None:
    (layer,) = build(tools, make(with_six()))
    assert [(one.name, one.version) for one in layer.packages] == [("six", "1.0")]
    with zipfile.ZipFile(layer.parts[0].path) as archive:
        archive.extractall(tmp_path / "opt")
    ran = subprocess.run(
        [sys.executable, "-c", "import six; print(six.version)"],
        env={"PYTHONPATH": str(tmp_path / "opt/python")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "1.0\n"


def test_directories_are_merged_into_it(make: Make, wheels: Path, tools: Tools) -> None:
    files = {"lib/one.py": "1", "vendor/two/x.py": "2", "vendor/.git/config": "", "extra/x.py": "3"}
    (usual,) = build(tools, make(with_six(files), "a"))
    assert {"python/one.py", "python/two/x.py", "python/six/__init__.py"} <= contents(usual).keys()
    assert not any("git" in name or "extra" in name for name in contents(usual))
    (named,) = build(tools, make(with_six(files), "b", build=Build(dirs=["extra"])))
    assert {"python/x.py"} == {name for name in contents(named) if "six" not in name}
    # a package of that name is imported as it is called
    (own,) = build(tools, make(with_six({"lib/__init__.py": "", "lib/one.py": ""}), "c"))
    assert not any("one" in name for name in contents(own))


def test_a_file_from_two_places_is_a_conflict_unless_it_is_equal(
    make: Make, wheels: Path, tools: Tools
) -> None:
    build(tools, make(with_six({"lib/x.py": "1", "vendor/x.py": "1"}), "a"))
    with pytest.raises(TcError) as told:
        build(tools, make(with_six({"lib/x.py": "1", "vendor/x.py": "2"}), "b"))
    assert told.value.code == "layer-conflict"
    assert "lib/x.py" in told.value.message
    assert "vendor" in told.value.message
    with pytest.raises(TcError) as told:
        build(tools, make(with_six({"lib/six/__init__.py": "mine"}), "c"))
    assert told.value.code == "layer-conflict"
    assert "requirements.txt" in told.value.message


def test_a_named_directory_must_be_there(make: Make, wheels: Path) -> None:
    with pytest.raises(TcError) as told:
        want(make(with_six(), build=Build(dirs=["gone"])))
    assert told.value.code == "no-directory"


# what is kept


def test_equal_dependencies_are_installed_once(
    make: Make, wheels: Path, tools: Tools, told: list[Event]
) -> None:
    functions = [make(with_six(), f"f{number}") for number in range(5)]
    other = make(with_six({"lib/x.py": "1"}), "other")
    layers = build(tools, *functions, other)
    assert installs(told) == 1
    assert [layer.name for layer in layers] == sorted(layer.name for layer in layers)
    bodies = {layer.parts[0].sha256 for layer in layers}
    assert len(bodies) == 2
    assert len(list((tools.cache / "layers").glob("*/manifest.json"))) == 2


def test_what_has_not_changed_is_not_built(
    make: Make, wheels: Path, tools: Tools, told: list[Event]
) -> None:
    function = make(with_six())
    (first,) = build(tools, function)
    assert (first.cached, first.why) == (False, "not built before")
    (again,) = build(tools, function)
    assert again.cached
    assert again.parts == first.parts
    assert installs(told) == 1
    (function.dir / "requirements.txt").write_text("six==2.0\n")
    (changed,) = build(tools, function)
    assert (changed.cached, changed.why) == (False, "requirements.txt changed")
    assert changed.digest != first.digest
    (function.dir / "lib").mkdir()
    (function.dir / "lib/x.py").write_text("1")
    (merged,) = build(tools, function)
    assert merged.why == "files of its directories changed"
    (smaller,) = build(tools, function, part_size=1)
    assert smaller.digest == merged.digest


def test_a_damaged_body_is_made_again(make: Make, wheels: Path, tools: Tools) -> None:
    function = make(with_six())
    (first,) = build(tools, function)
    first.parts[0].path.write_bytes(b"PK")
    (again,) = build(tools, function)
    assert not again.cached
    assert again.why == "the cache no longer had it"
    assert again.parts == first.parts


def test_equal_layers_have_equal_bytes(
    make: Make, wheels: Path, tools: Tools, tmp_path: Path
) -> None:
    function = make(with_six())
    (one,) = build(tools, function)
    other = Tools(tmp_path / "other", tools.emit, tools.running, tools.containers)
    (two,) = build(other, function)
    assert one.parts[0].sha256 == two.parts[0].sha256


def test_a_failure_leaves_what_was_there(
    make: Make, wheels: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = make(with_six())
    (first,) = build(tools, function)

    def full(*given: Any, **more: Any) -> str:
        raise OSError(28, "No space left on device")

    other = make(with_six(version="2.0"), "other")
    monkeypatch.setattr("tc.build.layer_body.write_zip", full)
    with pytest.raises(TcError) as told:
        build(tools, other)
    assert "no space left on device" in told.value.message
    assert build(tools, function)[0].parts == first.parts
    assert not list((tools.cache / "staging").iterdir())
    assert len(list((tools.cache / "layers").glob("*/manifest.json"))) == 1


def test_every_failure_is_told(make: Make, wheels: Path, tools: Tools) -> None:
    functions = [
        make({"handler.py": "", "requirements.txt": f"{name}\n"}, name) for name in ("x1", "x2")
    ]
    with pytest.raises(TcError) as told:
        build(tools, *functions)
    assert "2 layers can't be built" in told.value.message
    assert "x1" in told.value.message
    assert "x2" in told.value.message


# what Lambda takes


def large(wheels: Path, name: str, size: int) -> None:
    """A package of `size` bytes that can't be made smaller."""
    text = random.Random(name).randbytes(size // 2).hex()
    halves = {f"{name}/data{n}.py": f"# {text[n::2]}\n" for n in range(2)}
    wheel(wheels, name, "1.0", files=halves)


def test_a_large_layer_is_split_by_packages(make: Make, wheels: Path, tools: Tools) -> None:
    for name in ("p1", "p2", "p3", "p4"):
        large(wheels, name, 900_000)
    function = make({"handler.py": HANDLER, "requirements.txt": "p1\np2\np3\np4\n"})
    (layer,) = build(tools, function, part_size=1)
    assert 2 <= len(layer.parts) <= 4
    owners: dict[str, set[int]] = {}
    for index, part in enumerate(layer.parts):
        assert part.size == part.path.stat().st_size <= 1024 * 1024
        with zipfile.ZipFile(part.path) as archive:
            for name in archive.namelist():
                owners.setdefault(name.split("/")[1].split("-")[0], set()).add(index)
    assert all(len(parts) == 1 for parts in owners.values())
    assert layer.unpacked == sum(len(body) for body in contents(layer).values())
    marks = [str(mark).split()[3:] for mark in layer.marks]
    count = len(layer.parts)
    assert marks == [[f"{n}/{count}", str(layer.unpacked)] for n in range(count)]
    listed = tuple(f"other{n}" for n in range(5))
    with pytest.raises(TcError) as told:
        build(tools, make(with_six(), "b", layers=("etl-b", *listed)), part_size=1)
    assert told.value.code == "too-many-layers"
    assert "part_size" in told.value.hint


def test_what_lambda_does_not_unpack_is_refused(
    make: Make, wheels: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tc.build.layer_body.UNPACKED", 1_000_000)
    large(wheels, "huge", 1_200_000)
    with pytest.raises(TcError) as told:
        build(tools, make({"handler.py": "", "requirements.txt": "huge\nsix\n"}))
    assert told.value.code == "too-large"
    assert "huge 1.0" in told.value.message
    assert "DEPS_PATH" in told.value.hint
    assert "package_type: image" in told.value.hint


#: a shared library for arm64
ARM = (
    b"\x7fELF\x02\x01\x01"
    + bytes(9)
    + struct.pack("<HHIQQQIHHHHHH", 3, 183, 1, *[0] * 3, 0, 64, 56, 0, 64, 0, 0)
)


def test_a_file_for_another_cpu_is_refused(make: Make, wheels: Path, tools: Tools) -> None:
    wheel(wheels, "fast", "1.0")
    with zipfile.ZipFile(next(wheels.glob("fast-*.whl")), "a") as archive:
        archive.writestr("fast/fast.so", ARM)
    function = make({"handler.py": HANDLER, "requirements.txt": "fast\n"}, arch="x86_64")
    with pytest.raises(TcError) as told:
        build(tools, function)
    assert told.value.code == "wrong-cpu"
    assert "fast.so" in told.value.message
    assert "arm64" in told.value.message


def test_a_file_of_the_functions_own_for_another_cpu_is_refused(
    make: Make, wheels: Path, tools: Tools
) -> None:
    good = make(with_six({"lib/plain.py": ""}), "good", arch="x86_64")
    bad = make(with_six({"lib/fast.so": ARM.decode("latin-1")}), "bad", arch="x86_64")
    (bad.dir / "lib/fast.so").write_bytes(ARM)
    with pytest.raises(TcError) as told:
        build(tools, good, bad)
    assert told.value.code == "wrong-cpu"
    assert "layer `etl-bad`" in told.value.message
    assert "python/fast.so is for arm64" in told.value.message


def test_a_body_that_somebody_reads_is_not_replaced(
    make: Make, wheels: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs build the same: what the faster one put there stays."""
    function = make(with_six())
    (first,) = build(tools, function)
    place = first.parts[0].path.stat().st_ino
    monkeypatch.setattr("tc.build.layer.cached", _once_missing())
    (second,) = build(tools, function)
    assert not second.cached
    assert second.parts == first.parts
    assert first.parts[0].path.stat().st_ino == place


def _once_missing() -> Callable[..., BuiltLayer | None]:
    looks: list[Wanted] = []

    def look(one: Wanted, *given: Any, **named: Any) -> BuiltLayer | None:
        looks.append(one)
        return None if len(looks) == 1 else cached(one, *given, **named)

    return look


# in the package


def test_dependencies_go_beside_the_code_when_asked(
    make: Make, wheels: Path, tools: Tools, cache: Path, told: list[Event]
) -> None:
    function = make(with_six(), build=Build(kind="inline"))
    for _ in range(2):
        made = package_all([function], cache, told.append, tools=tools)["enhancer"]
        with zipfile.ZipFile(made.path) as archive:
            names = archive.namelist()
        assert {"handler.py", "six/__init__.py"} <= set(names)
        assert names == sorted(names)
    assert installs(told) == 1
    ran = subprocess.run(
        [sys.executable, "-c", "import handler, six; print(six.version)"],
        env={"PYTHONPATH": str(made.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "1.0\n"


def test_a_built_package_gets_them_too(
    make: Make, wheels: Path, tools: Tools, cache: Path, told: list[Event]
) -> None:
    tasks = {"build": "zip -q lambda.zip handler.py"}
    function = make(with_six(), build=Build(include_deps=True), tasks=tasks)
    sums = set()
    for _ in range(2):
        made = package_all([function], cache, told.append, tools=tools)["enhancer"]
        sums.add(made.sha256)
        with zipfile.ZipFile(made.path) as archive:
            assert {"handler.py", "six/__init__.py"} <= set(archive.namelist())
    assert len(sums) == 1
    assert sum(event.name == "build.done" for event in told) == 1


def test_the_codes_own_file_of_that_name_is_a_conflict(
    make: Make, wheels: Path, tools: Tools, cache: Path, told: list[Event]
) -> None:
    function = make(with_six({"six/__init__.py": "mine"}), build=Build(kind="inline"))
    with pytest.raises(TcError) as raised:
        package_all([function], cache, told.append, tools=tools)
    assert raised.value.code == "layer-conflict"
    assert "six/__init__.py" in raised.value.message
