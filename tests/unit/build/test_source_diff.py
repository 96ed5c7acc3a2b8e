"""The difference of two packages as a person reads it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from tc.build.source_diff import diff_zips
from tc.errors import TcError

Files = dict[str, bytes]


def zipped(files: Files, mode: int = 0o644) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as out:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            out.writestr(info, content)
    return body.getvalue()


def diff(tmp_path: Path, old: Files, new: Files, **options: int) -> str:
    after = tmp_path / "after.zip"
    after.write_bytes(zipped(new))
    return diff_zips(zipped(old), after, **options)


def test_the_whole_of_it(tmp_path: Path) -> None:
    old = {
        "z.py": b"same\n",
        "handler.py": b"def handler(event, context):\n    return 1\n",
        "gone.py": b"x",
        "logo.png": b"\x00\x01",
    }
    new = {
        "logo.png": b"\x00\x01\x02",
        "handler.py": b"def handler(event, context):\n    return 2",
        "new.py": b"yy",
        "z.py": b"same\n",
    }
    assert diff(tmp_path, old, new) == (
        "removed gone.py (1 B)\n"
        "--- deployed/handler.py\n"
        "+++ here/handler.py\n"
        "@@ -1,2 +1,2 @@\n"
        " def handler(event, context):\n"
        "-    return 1\n"
        "+    return 2\n"
        "\\ No newline at end of file\n"
        "binary logo.png differs (2 B, now 3 B)\n"
        "added new.py (2 B)\n"
    )


def test_nothing_differs_whatever_the_order_and_the_dates(tmp_path: Path) -> None:
    assert diff(tmp_path, {"a": b"1", "b": b"2"}, {"b": b"2", "a": b"1"}) == ""


def test_modes(tmp_path: Path) -> None:
    after = tmp_path / "after.zip"
    after.write_bytes(zipped({"run": b"x"}, 0o755))
    assert diff_zips(zipped({"run": b"x"}), after) == "run is now executable\n"


def test_it_is_cut(tmp_path: Path) -> None:
    lines = b"".join(b"line %d\n" % n for n in range(1000))
    shown = diff(tmp_path, {"a": b"x\n"}, {"a": lines}, limit=300)
    assert len(shown) < 400
    assert shown.endswith("\n… cut here: the diff is longer than 300 characters\n")


def test_long_files_are_told_by_their_sizes(tmp_path: Path) -> None:
    old, new = b"a\n" * 200_000, b"b\n" * 200_000
    assert diff(tmp_path, {"x": old}, {"x": new}) == "x differs (390.6 KB, now 390.6 KB)\n"


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    shown = diff(tmp_path, {"a": "x\u2028y\r\n".encode()}, {"a": "x\u2028z\r\n".encode()})
    assert "-x\u2028y\r\n+x\u2028z\r\n" in shown


def test_a_deployed_package_that_cannot_be_read(tmp_path: Path) -> None:
    after = tmp_path / "after.zip"
    after.write_bytes(zipped({"a": b""}))
    assert diff_zips(b"no zip", after).startswith("the deployed package can't be compared: ")
    after.write_text("no zip")
    with pytest.raises(TcError):
        diff_zips(zipped({}), after)
