"""Layers in parts: packages stay whole where they fit, parts stay small, equal in is equal out."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tc.build.entry import Entry
from tc.build.split import split
from tc.build.zip_writer import copy_files, write_zip
from tc.spec.layer import Package

KB = 1024


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    entries = [
        Entry(name, False, len(body), lambda body=body: body)  # type: ignore[misc]
        for name, body in sorted(files.items())
    ]
    write_zip(path, entries, stored=False)
    return path


def layer(sizes: Mapping[str, int]) -> tuple[dict[str, bytes], list[Package]]:
    """Packages of these sizes in bytes, each of three files in three directories."""
    files, packages = {}, []
    for seed, (name, size) in enumerate(sizes.items()):
        places = (f"python/{name}/0", f"python/{name}/in/1", f"python/{name}.libs/2")
        own = {f"{place}.bin": noise(size // 3, seed * 3 + n) for n, place in enumerate(places)}
        files |= own
        packages.append(Package(name, "1", size, tuple(own)))
    return files, packages


def parts_of(tmp_path: Path, sizes: Mapping[str, int], limit: int) -> list[set[str]]:
    """The packages in each part; every part is written and is no larger than it may be."""
    files, packages = layer(sizes)
    whole = zipped(tmp_path / "whole.zip", files)
    parts = split(whole, packages, limit)
    assert parts == split(whole, packages, limit)
    assert sorted(name for part in parts for name in part) == sorted(files)
    for index, part in enumerate(parts):
        path = tmp_path / f"{index}.zip"
        copy_files(whole, path, part)
        assert path.stat().st_size <= limit
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert {name: archive.read(name) for name in part} == {n: files[n] for n in part}
    return [{name.split("/")[1].split(".")[0] for name in part} for part in parts]


def test_what_fits_is_one_part(tmp_path: Path) -> None:
    assert parts_of(tmp_path, {"a": 30 * KB, "b": 30 * KB}, 70 * KB) == [{"a", "b"}]


def test_packages_stay_whole_in_as_few_parts_as_take_them(tmp_path: Path) -> None:
    sizes = {"a": 60 * KB, "b": 50 * KB, "c": 40 * KB, "d": 30 * KB, "e": 15 * KB}
    parts = parts_of(tmp_path, sizes, 105 * KB)
    assert len(parts) == 2
    assert sorted(name for part in parts for name in part) == sorted(sizes)


def test_parts_are_even(tmp_path: Path) -> None:
    parts = parts_of(tmp_path, dict.fromkeys("abcdef", 20 * KB), 75 * KB)
    assert sorted(len(part) for part in parts) == [3, 3]


def test_only_a_package_that_fits_in_no_part_is_torn(tmp_path: Path) -> None:
    parts = parts_of(tmp_path, {"big": 120 * KB, "a": 30 * KB, "b": 30 * KB}, 70 * KB)
    assert sum("big" in part for part in parts) > 1
    assert sum("a" in part for part in parts) == sum("b" in part for part in parts) == 1


def test_a_file_that_fits_in_no_part_has_one_of_its_own(tmp_path: Path) -> None:
    files = {"python/big.so": noise(100 * KB, 1), "python/a.py": noise(10 * KB, 2)}
    whole = zipped(tmp_path / "whole.zip", files)
    assert sorted(split(whole, [], 50 * KB)) == [["python/a.py"], ["python/big.so"]]


@pytest.mark.parametrize("seed", range(20))
def test_any_packages_are_split_right(tmp_path: Path, seed: int) -> None:
    made = random.Random(seed)
    sizes = {f"p{n}": made.randrange(3, 40 * KB) for n in range(made.randrange(2, 25))}
    limit = 45 * KB
    parts = parts_of(tmp_path, sizes, limit)
    assert sum(len(part) for part in parts) == len(sizes)
    # never twice as many as there must be
    assert len(parts) <= 2 * -(-sum(sizes.values()) // limit) + 1


def test_parts_are_about_as_large(tmp_path: Path) -> None:
    sizes = {f"p{n}": 60 * KB for n in range(6)}
    parts = parts_of(tmp_path, sizes, 250 * KB)
    assert [len(part) for part in parts] == [3, 3]
