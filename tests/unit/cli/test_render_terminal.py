"""The printers in a process of their own: signals, pipes, encodings, a full disk."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from render_screen import Screen
from render_stream import everywhere_alike  # noqa: F401

HEAD = """
import time, sys
from tc.cli.render import printer
from tc.events import Event
p = printer(as_json=False)
def start(): p.emit(Event("step.started", "", {"action": "create", "kind": "role", "title": "r"}))
"""


def on_terminal(program: str, interrupt: bool = False) -> tuple[str, int]:
    """What `program` writes to its terminal, and its exit code."""
    main, side = pty.openpty()
    command = [sys.executable, "-c", HEAD + program]
    process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side)
    os.close(side)
    written = b""
    while True:
        try:
            written += os.read(main, 4096)
        except OSError:
            break
        if interrupt and b"role r" in written:
            interrupt = False
            process.send_signal(signal.SIGINT)
    os.close(main)
    return written.decode(), process.wait(10)


def piped(program: str, stdout: int, **environment: str) -> tuple[int, str]:
    """Exit code and stderr."""
    process = subprocess.run(
        [sys.executable, "-c", HEAD + program],
        check=False,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        timeout=20,
    )
    return process.returncode, process.stderr.decode()


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("raise ValueError", 1),
        ("sys.exit(3)", 3),
        ("p.close()", 0),
        ("p.error(ValueError('x'))", 0),
    ],
)
def test_cursor_is_back_whatever_happens(ending: str, code: int) -> None:
    written, exit_code = on_terminal(f"start(); time.sleep(0.3); {ending}")

    assert exit_code == code
    assert "\x1b[?25l" in written
    assert Screen(written).cursor


def test_cursor_is_back_after_ctrl_c() -> None:
    written, exit_code = on_terminal("start(); time.sleep(30)", interrupt=True)

    assert exit_code in (-signal.SIGINT, 130)
    assert Screen(written).cursor


def test_error_is_below_what_was_done() -> None:
    written, _ = on_terminal(
        "start()\n"
        "p.emit(Event('warning', 'old'))\n"
        "p.emit(Event('log', 'made'))\n"
        "from tc.errors import TcError\n"
        "p.error(TcError('no', code='c', hint='h'))"
    )

    rows = str(Screen(written)).split("\n")
    assert rows[:4] == ["warning: old", "made", "error[c]: no", "  next: h"]


def test_threads_share_a_printer() -> None:
    written, code = on_terminal(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def one(n):\n"
        "    data = dict(action='create', kind='role', title=f'r{n}', seconds=1)\n"
        "    p.emit(Event('step.started', '', data)); time.sleep(n % 7 / 50)\n"
        "    p.emit(Event('step.done', '', data))\n"
        "with ThreadPoolExecutor(8) as pool: list(pool.map(one, range(40)))\n"
        "p.close()"
    )

    screen = Screen(written)
    assert code == 0
    assert screen.cursor
    assert sorted(str(screen).split("\n")) == sorted(
        ["", *(f"+ role r{n}  1.0 s" for n in range(40))]
    )


def test_head_ends_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    code, err = piped(
        "for n in range(3): p.emit(Event('log', 'x'))\np.close(); sys.exit(0 if p.gone else 9)",
        write,
    )
    os.close(write)

    assert (code, err) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
@pytest.mark.parametrize("as_json", [True, False])
def test_full_disk_is_said(as_json: bool) -> None:
    with Path("/dev/full").open("w") as full:
        code, err = piped(
            f"p = printer(as_json={as_json}); p.emit(Event('result', 'x')); p.close()",
            full.fileno(),
        )

    assert code == 1
    assert err == "error[output]: The output could not be written: No space left on device.\n"


def test_any_encoding_will_do(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with out.open("w") as file:
        code, err = piped(
            "p.emit(Event('result', 'é 日')); p.emit(Event('warning', 'é'))",
            file.fileno(),
            PYTHONIOENCODING="ascii",
        )

    assert (code, err) == (0, "warning: \\xe9\n")
    assert out.read_bytes() == b"\\xe9 \\u65e5\n"


def test_closed_stdout() -> None:
    command = [sys.executable, "-c", HEAD + "p.emit(Event('log', 'x')); p.close(); assert p.gone"]
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    process = subprocess.run(closed, check=False, stderr=subprocess.PIPE, timeout=20)

    assert (process.returncode, process.stderr) == (0, b"")


def test_what_is_written_is_there_at_once() -> None:
    command = [sys.executable, "-c", HEAD + "p.emit(Event('log', 'x')); time.sleep(30)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        begun = time.monotonic()
        assert process.stdout.readline().endswith(b" x\n")
        assert time.monotonic() - begun < 20
        process.kill()


def test_nothing_heavy_is_imported_without_a_terminal() -> None:
    _, err = piped(
        "p.emit(Event('log', 'x'))\n"
        "sys.exit(' '.join(m for m in ('rich', 'typer', 'pydantic', 'yaml') if m in sys.modules))",
        subprocess.DEVNULL,
    )

    assert err.strip() == ""
