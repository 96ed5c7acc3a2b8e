"""Starts that fail, and engines that do not end, with real processes in the engine's place."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tc.errors import TcError
from tc.events import Event, silent
from tc.local import engine, environment, launch, process, program
from tc.local.home import Home
from tc.local.status import look

pytestmark = pytest.mark.engine

#: answers as the launcher does and does not mind SIGTERM
STUBBORN = """
import http.server, json, os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"pid": os.getpid(), "engine": "1.5.33", "launcher": "1", "hooks": []}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["GATEWAY_PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("TC_HOME", str(tmp_path / "tc"))
    monkeypatch.delenv("TC_LOCAL_PORT", raising=False)
    return Home(tmp_path / "tc" / "local")


def launch_instead(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "launcher.py"
    script.write_text(text)
    monkeypatch.setattr(program, "LAUNCHER", script)


def test_the_last_words_of_an_engine_that_fails_are_shown(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch_instead("import sys\nprint('flows: gone')\nsys.exit(3)\n", tmp_path, monkeypatch)
    with pytest.raises(TcError, match="exit code 3") as caught:
        engine.ensure(silent)
    assert "flows: gone" in caught.value.message
    assert caught.value.where == str(home.log)
    assert "tc local reset" in caught.value.hint
    assert look().running is False


def test_an_engine_that_never_answers_is_given_up_and_ended(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "READY_DEADLINE", 1.0)
    launch_instead("import time\nprint('loading')\ntime.sleep(600)\n", tmp_path, monkeypatch)
    with pytest.raises(TcError, match="didn't answer within 1 s") as caught:
        engine.ensure(silent)
    assert "loading" in caught.value.message
    pid = int(home.running.read_text().split()[0])
    assert process.birth(pid) is None


def test_a_port_lost_to_a_faster_program_is_left_to_it(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "failed-once"
    lost = f"""
import pathlib, sys
marker = pathlib.Path({str(marker)!r})
if not marker.exists():
    marker.touch()
    sys.exit(4)
"""
    launch_instead(lost + STUBBORN, tmp_path, monkeypatch)
    monkeypatch.setattr(engine, "_GRACE", 0.2)
    engine.ensure(silent)
    assert marker.exists()
    assert engine.stop(silent) is True


def test_an_engine_that_ignores_sigterm_is_killed_and_that_is_said(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_GRACE", 0.5)
    launch_instead(STUBBORN, tmp_path, monkeypatch)
    running = engine.ensure(silent)
    heard: list[Event] = []
    assert engine.stop(heard.append) is True
    assert process.birth(running.pid) is None
    assert [event.data["code"] for event in heard] == ["local-killed"]
    assert "was killed" in heard[0].text


def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TC_HOME", str(tmp_path / "file" / "tc"))
    with pytest.raises(TcError, match="tc can't write its files: not a directory") as caught:
        engine.ensure(silent)
    assert "TC_HOME" in caught.value.hint


def test_the_environment_is_made_once_and_again_when_its_python_is_gone(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TC_CACHE_DIR", str(tmp_path / "cache"))
    heard: list[Event] = []
    made = environment.ensure(heard.append)
    assert "Installing the local engine" in heard[0].text
    assert [event.name for event in heard].count("progress") == 3
    assert made.path.stat().st_mode & 0o077 == 0
    heard.clear()
    assert environment.ensure(heard.append) == made
    assert heard == []

    shutil.rmtree(made.path / "venv" / "bin")
    assert environment.ensure(silent).python.exists()
    assert [entry.name for entry in (tmp_path / "cache").iterdir()] == [made.path.name]


def test_an_index_that_cannot_be_reached(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("PIP_INDEX_URL", f"http://me:passw0rd@127.0.0.1:{port}/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("TC_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(TcError, match="the package index can't be reached") as caught:
        engine.ensure(silent)
    assert f"127.0.0.1:{port}" in caught.value.message
    assert "passw0rd" not in caught.value.message
    assert "PIP_INDEX_URL" in caught.value.hint
    assert list((tmp_path / "cache").glob("*engine*")) == []


def test_an_engine_of_another_container_is_left_alone(home: Home) -> None:
    home.path.mkdir(parents=True)
    take = "import fcntl, sys, time; fcntl.flock(sys.stdin, fcntl.LOCK_EX)"
    hold = f"{take}; print(flush=True); time.sleep(60)"
    home.running.write_text("1 4599 a-birth-that-is-not-here")
    with home.running.open("r+") as file:
        holder = subprocess.Popen([sys.executable, "-c", hold], stdin=file, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(TcError, match="can't see uses the same files"):
            engine.ensure(silent)
    finally:
        holder.kill()
        holder.communicate()
