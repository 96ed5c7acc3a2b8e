"""What a user reads when the engine could not be installed; the outputs are uv's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tc.errors import TcError
from tc.events import Event
from tc.local import environment
from tc.local.home import find_home, locked, make_home
from tc.places import cache_place


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("failed to copy file: No space left on device (os error 28)", "the disk is full"),
        ("error: Failed to fetch: http://x/\n  cause: tcp connect error", "can't be reached"),
        ("  cause: dns error\n  cause: error resolving DNS", "can't be reached"),
        ("error sending request\n  cause: invalid peer certificate: UnknownIssuer", "certificate"),
        ("error: Failed to fetch: x\n  cause: 401 Unauthorized", "refuses access"),
        ("error: No solution found when resolving dependencies", "lacks ministack=="),
        ("error: failed to create directory: Read-only file system (os error 30)", "be written"),
        ("error: something new", "uv failed"),
    ],
)
def test_failures_have_a_sentence_and_a_way_out(output: str, sentence: str) -> None:
    error = environment._failure(output)
    assert sentence in error.message
    assert output.splitlines()[-1].strip() in error.message
    assert error.hint


def test_passwords_in_addresses_are_not_shown() -> None:
    error = environment._failure("error: Failed to fetch: https://me:passw0rd@mirror/simple/x")
    assert "https://mirror/simple/x" in error.message
    assert "passw0rd" not in error.message


def test_a_failed_install_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uv is a stand-in that runs out of space as uv does."""
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'error: No space left on device (os error 28)' >&2\nexit 2\n")
    uv.chmod(0o755)
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(uv))
    monkeypatch.setenv("TC_CACHE_DIR", str(tmp_path / "cache"))
    heard: list[Event] = []
    with pytest.raises(TcError, match="the disk is full"):
        environment.ensure(heard.append)
    assert list((tmp_path / "cache").iterdir()) == []


def test_where_files_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TC_HOME", "XDG_STATE_HOME", "TC_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_home().path == tmp_path / ".local/state/tc/local"
    assert cache_place() == tmp_path / ".cache/tc"
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert (find_home().path, cache_place()) == (Path("/state/tc/local"), Path("/cache/tc"))
    monkeypatch.setenv("TC_HOME", "/own")
    monkeypatch.setenv("TC_CACHE_DIR", "/own-cache")
    assert (find_home().path, cache_place()) == (Path("/own/local"), Path("/own-cache"))


def test_a_home_that_others_may_read_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TC_HOME", str(tmp_path))
    (tmp_path / "local").mkdir(mode=0o755)
    assert make_home().path.stat().st_mode & 0o777 == 0o700


def test_a_lock_is_waited_for_until_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TC_HOME", str(tmp_path))
    monkeypatch.setattr("tc.local.home.LOCK_DEADLINE", 1.0)
    home = make_home()
    heard: list[Event] = []
    with (
        locked(home, heard.append),
        pytest.raises(TcError, match="another tc has been starting"),
        locked(home, heard.append),
    ):
        pass
    assert [event.text for event in heard] == [
        "Waiting for another tc that starts or stops the local engine"
    ]
    assert home.lock.stat().st_mode & 0o077 == 0
