"""Zips: the same bytes whatever made them, right for every reader, quick with `isal` or without."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
import types
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tc.build import zip_writer
from tc.build.entry import Entry, identity
from tc.build.zip_writer import write_zip


def entry(name: str, body: bytes, *, executable: bool = False) -> Entry:
    return Entry(name, executable, len(body), lambda: body)


def some(count: int = 60) -> list[Entry]:
    made = random.Random(7)
    words = [made.randbytes(12) for _ in range(400)]
    bodies = [b"".join(made.choices(words, k=made.randrange(0, 9000))) for _ in range(count)]
    return [entry(f"python/pkg/{n:03}.py", body) for n, body in enumerate(bodies)]


@pytest.fixture(params=["zlib", "isal"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """With and without `isal`; where it isn't installed, something of its shape."""
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    else:
        like = types.ModuleType("isal.isal_zlib")

        def compress(content: bytes, level: int, wbits: int) -> bytes:
            assert (level, wbits) == (3, -15)
            made = zlib.compressobj(1, zlib.DEFLATED, wbits)
            return made.compress(content) + made.flush()

        like.compress = compress  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "isal", types.ModuleType("isal"))
        monkeypatch.setitem(sys.modules, "isal.isal_zlib", like)
    zip_writer.compressor.cache_clear()
    yield request.param
    zip_writer.compressor.cache_clear()


@pytest.mark.parametrize("stored", [True, False])
def test_the_bytes_do_not_depend_on_threads(tmp_path: Path, library: str, stored: bool) -> None:
    entries = some()
    assert sum(one.size for one in entries) > 2 * zip_writer._BATCH
    sums = set()
    for threads in (1, 2, 5):
        path = tmp_path / f"{threads}.zip"
        assert write_zip(path, entries, stored=stored, threads=threads) == identity(entries)
        sums.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(sums) == 1


def test_every_file_comes_out_as_it_went_in(tmp_path: Path, library: str) -> None:
    noise = random.Random(1).randbytes(5000)
    entries = [
        entry("a/empty", b""),
        entry("a/noise", noise),
        entry("a/text", b"text " * 5000),
        entry("bin/run", b"#!/bin/sh\n", executable=True),
        entry("ü/ß.txt", b"x"),
    ]
    path = tmp_path / "out.zip"
    write_zip(path, entries, stored=False)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [one.name for one in entries]
        assert [archive.read(one.name) for one in entries] == [one.read() for one in entries]
        infos = {info.filename: info for info in archive.infolist()}
    # what can't be made smaller isn't made larger
    assert infos["a/noise"].compress_size == len(noise)
    assert infos["a/text"].compress_size < 1000
    assert infos["bin/run"].external_attr >> 16 == 0o100755
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-tq", str(path)], check=True, capture_output=True)


def test_more_files_than_the_short_form_counts(tmp_path: Path) -> None:
    entries = [entry(f"{n:06}", b"") for n in range(70_000)]
    path = tmp_path / "many.zip"
    write_zip(path, entries, stored=True)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 70_000


def test_only_a_part_is_in_memory_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_writer, "_BATCH", 1 << 16)
    monkeypatch.setattr(zip_writer, "_AHEAD", 1 << 18)
    waiting, most = 0, 0
    write = zip_writer._write

    def reads(body: bytes) -> bytes:
        nonlocal waiting, most
        waiting += len(body)
        most = max(most, waiting)
        return body

    def written(out: object, member: zip_writer._Member) -> bytes:
        nonlocal waiting
        waiting -= member.size
        return write(out, member)  # type: ignore[arg-type]

    monkeypatch.setattr(zip_writer, "_write", written)
    body = bytes(1 << 14)
    entries = [Entry(f"{n:03}", False, len(body), lambda: reads(body)) for n in range(256)]
    write_zip(tmp_path / "out.zip", entries, stored=False, threads=4)
    assert most <= 2 * (1 << 18)
    assert waiting == 0


def test_an_unreadable_file_ends_it(tmp_path: Path) -> None:
    def gone() -> bytes:
        raise FileNotFoundError("gone")

    entries = [*some(20), Entry("z", False, 1, gone)]
    with pytest.raises(FileNotFoundError):
        write_zip(tmp_path / "out.zip", entries, stored=False)
