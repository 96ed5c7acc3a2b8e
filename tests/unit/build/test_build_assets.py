"""Directories to manifests."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tc.build import assets
from tc.build.assets import manifest_of
from tc.errors import TcError
from tc.events import silent
from tc.spec.asset import Manifest

#: long enough ago that a change can't go unseen
OLD = time.time() - 100


@pytest.fixture
def source(tmp_path: Path) -> Path:
    top = tmp_path / "model"
    (top / "deep").mkdir(parents=True)
    for name, text in (("a", "one"), ("deep/b", "two")):
        (top / name).write_text(text)
        os.utime(top / name, (OLD, OLD))
    return top


def made(source: Path) -> Manifest:
    return manifest_of(source, source.parent / "cache", silent, "artifacts of one")


def test_a_manifest_is_of_names_modes_and_contents(source: Path, tmp_path: Path) -> None:
    first = made(source)
    assert [(one.path, one.size, one.executable) for one in first.files] == [
        ("a", 3, False),
        ("deep/b", 3, False),
    ]
    os.utime(source / "a", (OLD + 10, OLD + 10))
    assert made(source).digest == first.digest
    elsewhere = tmp_path / "elsewhere"
    source.rename(elsewhere)
    assert manifest_of(elsewhere, tmp_path / "cache", silent, "x").digest == first.digest
    (elsewhere / "a").chmod(0o755)
    assert manifest_of(elsewhere, tmp_path / "cache", silent, "x").digest != first.digest


def test_what_has_not_changed_is_not_read_again(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(source)
    read: list[str] = []
    usual = assets._digests
    monkeypatch.setattr(
        assets,
        "_digests",
        lambda found, progress: read.append(found.path) or usual(found, progress),
    )
    assert made(source).digest == first.digest
    assert read == []
    (source / "a").write_text("ONE")
    assert made(source).digest != first.digest
    assert read == ["a"]


def test_a_file_that_was_just_written_is_read_again(source: Path) -> None:
    """Its time can't tell a change that comes at once; size and inode are the same too."""
    (source / "a").write_text("ONE")
    status = (source / "a").stat()
    first = made(source)
    (source / "a").write_text("TWO")
    os.utime(source / "a", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert made(source).digest != first.digest


def test_a_file_that_changes_while_it_is_read_is_an_error(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = assets.PART
    monkeypatch.setattr(assets, "PART", 2)
    add = assets._Progress.add

    def growing(progress: assets._Progress, size: int, *, read: bool = True) -> None:
        with (source / "deep/b").open("a") as file:
            file.write("x" if file.tell() < 20 else "")
        add(progress, size, read=read)

    monkeypatch.setattr(assets._Progress, "add", growing)
    with pytest.raises(TcError, match="changed while it was read") as raised:
        made(source)
    assert raised.value.code == "changed-meanwhile"
    assert usual > 2


def test_links_stay_inside(source: Path, tmp_path: Path) -> None:
    (source / "same").symlink_to("a")
    (source / "folder").symlink_to("deep")
    assert [one.path for one in made(source).files] == ["a", "deep/b", "folder/b", "same"]


@pytest.mark.parametrize(
    ("target", "code"),
    [("/etc/hosts", "link-outside"), ("..", "link-outside"), ("nowhere", "link-broken")],
)
def test_a_link_that_leads_out_is_an_error(source: Path, target: str, code: str) -> None:
    (source / "link").symlink_to(target)
    with pytest.raises(TcError) as raised:
        made(source)
    assert raised.value.code == code
    assert raised.value.where.endswith("link")


def test_a_link_to_a_directory_above_is_an_error(source: Path) -> None:
    (source / "deep/loop").symlink_to("..")
    with pytest.raises(TcError) as raised:
        made(source)
    assert raised.value.code == "link-loop"


def test_what_is_no_file_is_an_error(source: Path) -> None:
    os.mkfifo(source / "pipe")
    with pytest.raises(TcError) as raised:
        made(source)
    assert raised.value.code == "not-a-file"


def test_a_file_that_can_t_be_read_is_a_sentence(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Path.open

    def refused(path: Path, *arguments: object, **named: object) -> object:
        if path.name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return usual(path, *arguments, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(TcError, match="permission denied") as raised:
        made(source)
    assert raised.value.code == "unreadable"
    assert raised.value.where.endswith("deep/b")


def test_an_empty_or_missing_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TcError) as raised:
        made(tmp_path / "model")
    assert raised.value.code == "no-asset"
    (tmp_path / "model/deep").mkdir(parents=True)
    (tmp_path / "model/.DS_Store").write_text("")
    with pytest.raises(TcError) as raised:
        made(tmp_path / "model")
    assert raised.value.code == "empty-asset"
