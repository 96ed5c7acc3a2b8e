"""The embedded engine as a user meets it: started, kept, stopped, and mended when it is broken."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tc.errors import TcError, UsageError
from tc.events import Event, silent
from tc.local import engine, launch, process, program
from tc.local.engine import Engine
from tc.local.home import Home
from tc.local.status import look

pytestmark = pytest.mark.engine

#: what a tc of another shell does; prints the pid of the engine it was given
OTHER_TC = """
from tc.events import silent
from tc.local import engine
print(engine.ensure(silent).pid)
"""


class Heard(list[Event]):
    """An `Emit` that remembers."""

    def __call__(self, event: Event) -> None:
        self.append(event)

    def text(self, name: str) -> str:
        return "\n".join(event.text for event in self if event.name == name)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("TC_HOME", str(tmp_path / "tc"))
    monkeypatch.delenv("TC_LOCAL_PORT", raising=False)
    yield Home(tmp_path / "tc" / "local")
    monkeypatch.delenv("TC_LOCAL_PORT", raising=False)
    engine.stop(silent)


def queues(running: Engine) -> list[str]:
    return [url.rpartition("/")[2] for url in sqs(running).list_queues().get("QueueUrls", [])]


def sqs(running: Engine) -> Any:
    return boto3.client(
        "sqs",
        endpoint_url=running.url,
        region_name=engine.REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def port_of(running: Engine) -> int:
    return int(running.url.rpartition(":")[2])


def record(home: Home) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(home.record.read_text())
    return data


def change_record(home: Home, **changes: Any) -> None:
    home.record.write_text(json.dumps(record(home) | changes))


def alive(pid: int) -> bool:
    return process.birth(pid) is not None


def crash(running: Engine) -> None:
    os.kill(running.pid, signal.SIGKILL)
    while alive(running.pid):
        time.sleep(0.01)


def start_other_tc() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", OTHER_TC], stdout=subprocess.PIPE, text=True)


def test_state_outlives_a_stop(home: Home) -> None:
    first = engine.ensure(silent)
    sqs(first).create_queue(QueueName="jobs")
    assert engine.stop(silent) is True
    assert not alive(first.pid)
    assert engine.stop(silent) is False

    second = engine.ensure(silent)
    assert second.url == first.url
    assert queues(second) == ["jobs"]


def test_a_running_engine_is_found_again_in_milliseconds(home: Home) -> None:
    first = engine.ensure(silent)
    heard = Heard()
    begun = time.process_time()
    assert engine.ensure(heard) == first
    assert time.process_time() - begun < 0.010
    assert heard == []


def test_a_saved_state_outlives_a_crash(home: Home) -> None:
    first = engine.ensure(silent)
    sqs(first).create_queue(QueueName="jobs")
    engine.save(first)
    crash(first)
    with pytest.raises(TcError, match="didn't save"):
        engine.save(first)

    second = engine.ensure(silent)
    assert (second.url, queues(second)) == (first.url, ["jobs"])


def test_status_tells_what_is_there(home: Home) -> None:
    before = look()
    assert (before.running, before.url, before.state_bytes) == (False, "", 0)
    assert not home.path.exists()

    running = engine.ensure(silent)
    engine.save(running)
    status = look()
    assert (status.running, status.url, status.pid) == (True, running.url, running.pid)
    assert (status.port, status.functions, status.problem) == (port_of(running), 0, "")
    assert status.version == "1.5.33"
    assert abs(status.since - time.time()) < 30
    assert status.state_bytes > 0

    engine.stop(silent)
    after = look()
    assert (after.running, after.pid, after.port) == (False, 0, port_of(running))


def test_files_are_nobody_elses_and_the_port_is_on_loopback(home: Home) -> None:
    running = engine.ensure(silent)
    s3 = boto3.client(
        "s3",
        endpoint_url=running.url,
        region_name=engine.REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    s3.create_bucket(Bucket="data")
    s3.put_object(Bucket="data", Key="a/b", Body=b"x")
    engine.save(running)
    files = [home.path, *home.path.rglob("*")]
    assert len(files) > 8
    open_to_others = [str(f) for f in files if f.lstat().st_mode & 0o077 and not f.is_symlink()]
    assert open_to_others == []
    assert stat.S_IMODE(home.path.parent.stat().st_mode) == 0o700

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # No packet is sent: this only asks for the address of the way out.
        probe.connect(("192.0.2.1", 9))
        own_address = probe.getsockname()[0]
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        assert probe.connect_ex((own_address, port_of(running))) != 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_credentials_reach_the_engine(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "GITHUB_TOKEN", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "s3cr3t")
    running = engine.ensure(silent)
    lines = Path(f"/proc/{running.pid}/environ").read_text().split("\0")
    assert "s3cr3t" not in "\n".join(lines)
    names = {line.partition("=")[0] for line in lines}
    assert not {name for name in names if name.startswith("AWS_")}
    assert {"PATH", "HOME", "GATEWAY_PORT", "TC_PYTHONS", "TC_HANDLER_SITE"} <= names
    assert os.getsid(running.pid) == running.pid
    assert Path(f"/proc/{running.pid}/fd/0").readlink() == Path("/dev/null")


def test_handlers_get_boto3_and_nothing_of_the_engines(home: Home) -> None:
    engine.ensure(silent)
    handlers = Path(record(home)["environment"]) / "handlers"
    seen = {entry.name for entry in handlers.iterdir()}
    assert {"boto3", "botocore"} <= seen
    assert not {"ministack", "hypercorn", "yaml"} & seen


def test_many_at_once_start_one_engine(home: Home) -> None:
    others = [start_other_tc() for _ in range(4)]
    pids = {int(other.communicate(timeout=60)[0]) for other in others}
    assert len(pids) == 1
    assert pids == {engine.ensure(silent).pid}


def test_a_start_that_was_interrupted_is_taken_up(home: Home) -> None:
    other = start_other_tc()
    deadline = time.monotonic() + 30
    while not (home.record.exists() and home.running.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    other.kill()
    other.communicate()
    pid = int(home.running.read_text().split()[0])
    assert engine.ensure(silent).pid == pid


def test_an_engine_that_hangs_is_replaced(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_GRACE", 0.5)
    monkeypatch.setattr(engine, "_PATIENCE", 1.0)
    monkeypatch.setattr(launch, "READY_DEADLINE", 40.0)
    first = engine.ensure(silent)
    change_record(home, started=time.time() - 60)
    os.kill(first.pid, signal.SIGSTOP)
    heard = Heard()
    second = engine.ensure(heard)
    assert second.pid != first.pid
    assert second.url == first.url
    assert not alive(first.pid)
    assert "it doesn't answer" in heard.text("log")
    assert "was killed" in heard.text("warning")


def test_a_reused_pid_is_no_engine(home: Home) -> None:
    first = engine.ensure(silent)
    crash(first)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        change_record(home, pid=stranger.pid)
        second = engine.ensure(silent)
        assert second.pid not in (first.pid, stranger.pid)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.communicate()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x"}'])
def test_a_damaged_record_loses_no_engine(home: Home, text: str) -> None:
    first = engine.ensure(silent)
    sqs(first).create_queue(QueueName="jobs")
    home.record.write_text(text)
    heard = Heard()
    second = engine.ensure(heard)
    assert not alive(first.pid)
    assert (second.url, queues(second)) == (first.url, ["jobs"])
    assert "damaged" in heard.text("warning")


def test_a_deleted_record_loses_no_engine(home: Home) -> None:
    first = engine.ensure(silent)
    home.record.unlink()
    assert engine.stop(silent) is True
    assert not alive(first.pid)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("engine", "1.5.32", "its version is 1.5.32, this tc needs 1.5.33"),
        ("launcher", "0", "another version of tc"),
        ("environment", "/elsewhere", "another Python"),
        ("runtimes", {}, "interpreters have changed"),
    ],
)
def test_an_outdated_engine_is_restarted_with_its_state(
    home: Home, field: str, value: Any, reason: str
) -> None:
    first = engine.ensure(silent)
    sqs(first).create_queue(QueueName="jobs")
    change_record(home, **{field: value})
    assert reason in look().problem
    heard = Heard()
    second = engine.ensure(heard)
    assert second.pid != first.pid
    assert not alive(first.pid)
    assert (second.url, queues(second)) == (first.url, ["jobs"])
    assert reason in heard.text("log")


def test_a_cleared_cache_is_filled_again_and_the_engine_restarted(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TC_CACHE_DIR", str(tmp_path / "cache"))
    first = engine.ensure(silent)
    shutil.rmtree(tmp_path / "cache")
    heard = Heard()
    second = engine.ensure(heard)
    assert second.pid != first.pid
    assert "its Python environment is gone" in heard.text("log")


def test_shells_with_different_paths_share_one_engine(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = tmp_path / "bin" / "python3.14"
    extra.parent.mkdir()
    extra.write_text("#!/bin/sh\necho 3.14.0\n")
    extra.chmod(0o755)
    poor = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{extra.parent}:{poor}")
    first = engine.ensure(silent)
    monkeypatch.setenv("PATH", poor)
    assert engine.ensure(silent).pid == first.pid

    crash(first)
    second = engine.ensure(silent)
    assert record(home)["runtimes"]["python3.14"] == str(extra)
    extra.unlink()
    heard = Heard()
    assert engine.ensure(heard).pid != second.pid
    assert "interpreters have changed (python3.14)" in heard.text("log")


def test_a_port_that_a_stranger_took_is_left_to_him(home: Home) -> None:
    first = engine.ensure(silent)
    sqs(first).create_queue(QueueName="jobs")
    engine.stop(silent)
    with socket.create_server(("127.0.0.1", port_of(first))):
        heard = Heard()
        second = engine.ensure(heard)
        assert second.url != first.url
        assert f"from port {port_of(first)} to {port_of(second)}" in heard.text("warning")
        assert queues(second) == ["jobs"]
        assert engine.ensure(silent) == second


def test_a_forced_port(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = stranger.getsockname()[1]
        monkeypatch.setenv("TC_LOCAL_PORT", str(taken))
        with pytest.raises(TcError, match=f"port {taken}, which TC_LOCAL_PORT names, is taken"):
            engine.ensure(silent)
    assert port_of(engine.ensure(silent)) == taken
    monkeypatch.setenv("TC_LOCAL_PORT", "http")
    with pytest.raises(UsageError, match="TC_LOCAL_PORT is `http`"):
        engine.ensure(silent)


def test_a_damaged_state_is_said_and_reset_mends_it(home: Home) -> None:
    running = engine.ensure(silent)
    sqs(running).create_queue(QueueName="jobs")
    engine.stop(silent)
    broken = home.state / "sqs.json"
    content = broken.read_text()
    broken.write_text(content[: len(content) // 2])
    with pytest.raises(TcError, match="damaged") as caught:
        engine.ensure(silent)
    assert caught.value.where == str(broken)
    assert "tc local reset" in caught.value.hint
    assert broken.read_text() == content[: len(content) // 2]

    engine.reset(silent)
    assert queues(engine.ensure(silent)) == []


def test_reset_stops_and_forgets(home: Home) -> None:
    first = engine.ensure(silent)
    sqs(first).create_queue(QueueName="jobs")
    engine.save(first)
    engine.reset(silent)
    assert not alive(first.pid)
    assert {entry.name for entry in home.path.iterdir()} == {"lock", "running"}
    assert queues(engine.ensure(silent)) == []


def test_a_long_log_is_rotated_while_the_engine_writes(home: Home) -> None:
    first = engine.ensure(silent)
    with home.log.open("ab") as log:
        log.write(b"x" * program.LOG_LIMIT + b"\n")
    assert engine.ensure(silent) == first
    assert home.log.stat().st_size == 0
    assert home.log.with_name("log.1").stat().st_size > program.LOG_LIMIT
    engine.stop(silent)
    assert home.log.stat().st_size < 100_000
