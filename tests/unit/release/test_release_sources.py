"""The files of a version as an archive: what belongs to it, equal everywhere, nothing outside."""

from __future__ import annotations

import io
import os
import tarfile
import time
from pathlib import Path

import pytest

from tc.errors import TcError
from tc.release.closure import Closure
from tc.release.sources import pack, unpack

CLOSURE = Closure(("etl", "shared/words", "uv.lock"), ("etl/other",), (("etl", ("*.big",)),))


def write(root: Path) -> None:
    for name in (
        "etl/topology.yml",
        "etl/enhancer/handler.py",
        "etl/run.sh",
        "etl/model.big",
        "etl/other/topology.yml",
        "shared/words/words.py",
        "shared/numbers/numbers.py",
        "uv.lock",
        ".git/config",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (root / "etl/run.sh").chmod(0o755)
    (root / "etl/words").symlink_to("../shared/words")
    (root / "etl/passwd").symlink_to("/etc/passwd")


def files(root: Path) -> dict[str, str]:
    found = {}
    for here, directories, names in os.walk(root):
        links = [name for name in directories if Path(here, name).is_symlink()]
        for name in (*names, *links):
            path = Path(here, name)
            text = f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
            found[path.relative_to(root).as_posix()] = text
    return found


def test_the_closure_comes_back_as_it_was_and_nothing_besides(tmp_path: Path) -> None:
    write(tmp_path / "mono")
    body = pack(tmp_path / "mono", CLOSURE)
    place = tmp_path / "again"
    unpack(body, place)
    assert files(place) == {
        "etl/topology.yml": "etl/topology.yml",
        "etl/enhancer/handler.py": "etl/enhancer/handler.py",
        "etl/run.sh": "etl/run.sh",
        "etl/words": "-> ../shared/words",
        "shared/words/words.py": "shared/words/words.py",
        "uv.lock": "uv.lock",
    }
    assert os.access(place / "etl/run.sh", os.X_OK)
    # the root of a project, as loading knows it
    assert (place / ".git").is_dir()


def test_equal_files_are_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        write(tmp_path / name)
    os.utime(tmp_path / "two/uv.lock", (1, 1))
    now = pack(tmp_path / "one", CLOSURE)
    monkeypatch.setattr(time, "time", lambda: 86400.0)
    assert now == pack(tmp_path / "two", CLOSURE)
    (tmp_path / "two/etl/enhancer/handler.py").write_text("other")
    assert pack(tmp_path / "one", CLOSURE) != pack(tmp_path / "two", CLOSURE)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "etl/../../evil"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(TcError) as refused:
        unpack(packed.getvalue(), tmp_path / "place")
    assert refused.value.code == "bad-object"
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "links",
    [
        {"etl/link": "../../evil"},
        {"etl/link": "/tmp/evil"},
        # the first leads to the root, so the second leads out of it
        {"etl/up": "..", "etl/up/out": ".."},
    ],
)
def test_a_link_that_leads_out_is_refused(tmp_path: Path, links: dict[str, str]) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, target in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    with pytest.raises(TcError):
        unpack(packed.getvalue(), tmp_path / "place")
