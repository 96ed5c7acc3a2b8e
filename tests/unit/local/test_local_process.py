"""Processes known by pid and birth."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import pytest

from tc.local.process import alive, birth, end

#: leaves a child behind that has ended and that nobody waits for, and prints its pid
ZOMBIE = """
import subprocess, time
child = subprocess.Popen(["true"])
print(child.pid, flush=True)
time.sleep(60)
"""


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], start_new_session=True)


def test_a_birth_is_of_one_process_alone() -> None:
    first = sleeper()
    born = birth(first.pid)
    assert born is not None
    assert born == birth(first.pid)
    assert alive(first.pid, born)
    assert not alive(os.getpid(), born)
    assert not alive(first.pid, "")
    assert end(first.pid, born, 5.0) is True
    assert birth(first.pid) is None
    assert birth(0) is None


@pytest.mark.skipif(shutil.which("ps") is None, reason="no ps on this machine")
def test_a_birth_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    born = birth(os.getpid())
    assert born is not None
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert birth(os.getpid()) == born
    with subprocess.Popen(["true"]) as gone:
        pass
    assert birth(gone.pid) is None


def test_a_zombie_does_not_live() -> None:
    parent = subprocess.Popen([sys.executable, "-c", ZOMBIE], stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        deadline = time.monotonic() + 5
        while birth(pid) is not None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(pid, 0)
    finally:
        parent.kill()
        parent.communicate()


def test_the_whole_group_ends() -> None:
    shell = subprocess.Popen(
        ["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, start_new_session=True
    )
    assert shell.stdout is not None
    child = int(shell.stdout.readline())
    born = birth(shell.pid)
    assert born is not None
    assert birth(child) is not None
    end(shell.pid, born, 5.0)
    deadline = time.monotonic() + 5
    while birth(child) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    shell.stdout.close()
