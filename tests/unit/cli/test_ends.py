"""However tc is ended, what it has started ends with it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from tc.cli.run import running
from tc.errors import TcError

TOPOLOGY = "name: etl\nfunctions:\n  a: {tasks: {wait: 'touch up; sleep 91.5'}}\n"


def started(directory: Path, *before: str) -> subprocess.Popen[bytes]:
    """``tc run wait`` whose command runs, in a session of its own."""
    (directory / "a").mkdir()
    (directory / "a" / "handler.py").write_text("def handler(event, context):\n    return 1\n")
    (directory / "topology.yml").write_text(TOPOLOGY)
    words = [*before, sys.executable, "-m", "tc", "run", "wait"]
    process = subprocess.Popen(
        words,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    until(lambda: (directory / "a" / "up").exists())
    return process


def until(there: object, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not there():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def sleeping(directory: Path) -> bool:
    """Whether a command still runs in the function's directory."""
    for cwd in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if cwd.readlink() == directory / "a":
                return True
        except OSError:
            continue
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_commands_too(tmp_path: Path, number: signal.Signals) -> None:
    process = started(tmp_path)
    assert sleeping(tmp_path)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert not sleeping(tmp_path)


def test_nohup_keeps_it_running(tmp_path: Path) -> None:
    process = started(tmp_path, "nohup")
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    assert sleeping(tmp_path)
    process.terminate()
    process.communicate(timeout=30)
    assert not sleeping(tmp_path)


def test_what_fails_while_things_are_closed_is_told_and_the_rest_is_closed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    closed: list[str] = []

    def refuse() -> None:
        raise TcError("the engine didn't save its state", code="local-save")

    with pytest.raises(typer.Exit) as ended, running() as run:
        run.closing += [lambda: closed.append("first"), refuse]
    assert ended.value.exit_code == 1
    assert closed == ["first"]
    assert "error[local-save]: the engine didn't save its state" in capsys.readouterr().err
