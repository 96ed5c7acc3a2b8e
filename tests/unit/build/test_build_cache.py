"""Where the cache is, and that it is private."""

from __future__ import annotations

from pathlib import Path

import pytest

from tc.build.cache import cache_dir, replacing
from tc.errors import TcError


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TC_CACHE_DIR": "{0}/own", "XDG_CACHE_HOME": "{0}/shared"}, "own"),
        ({"XDG_CACHE_HOME": "{0}/shared"}, "shared/tc"),
        ({"XDG_CACHE_HOME": "relative"}, "home/.cache/tc"),
        ({"TC_CACHE_DIR": ""}, "home/.cache/tc"),
        ({"TC_CACHE_DIR": "~/own"}, "home/own"),
    ],
)
def test_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], expected: str
) -> None:
    for name in ("TC_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert cache_dir() == tmp_path / expected
    assert cache_dir().stat().st_mode & 0o777 == 0o700


def test_it_is_made_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setenv("TC_CACHE_DIR", str(tmp_path))
    assert cache_dir().stat().st_mode & 0o777 == 0o700


def test_a_place_that_cannot_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TC_CACHE_DIR", str(tmp_path / "file/cache"))
    with pytest.raises(TcError) as raised:
        cache_dir()
    assert "TC_CACHE_DIR" in raised.value.hint


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    def interrupted() -> None:
        with replacing(tmp_path / "x") as new:
            new.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    with replacing(tmp_path / "x") as new:
        new.write_text("whole")
    assert (tmp_path / "x").read_text() == "whole"
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600
