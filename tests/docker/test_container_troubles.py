"""An engine that dies, that has no room, that is interrupted: one sentence, and nothing lost."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker_support import IMAGE, containers, wait_for

from tc.build.container import Engine, engine
from tc.build.images import build_image, image_of
from tc.build.tools import Job, Tools
from tc.errors import TcError
from tc.events import Event
from tc.processes import Running
from tc.spec.finding import Address
from tc.spec.function import Function

Make = Callable[..., Job]
TC = str(Path(sys.executable).with_name("tc"))


class Line:
    """The way to the engine, which can be cut: what is said on it then ends, as when the engine
    is killed."""

    def __init__(self, place: Path, engine: str):
        self._engine = engine
        self._open: list[socket.socket] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(place))
        self._server.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._engine)
                self._open += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := source.recv(65536):
                target.sendall(said)
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        for one in (self._server, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docker_client: Any) -> Iterator[Line]:
    """The only way to the engine from here on; `docker_client` has one of its own."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not host.startswith("unix://"):
        pytest.skip("the container engine has no socket here")
    made = Line(tmp_path / "engine", host.removeprefix("unix://"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'engine'}")
    yield made
    made.cut()


def failure_of(work: Callable[[], object], ready: Callable[[], Any], line: Line) -> TcError:
    """What `work` ends with when the engine dies once it is `ready`."""
    ended: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: ready() or ended, 60)
    assert not ended
    line.cut()
    thread.join(30)
    (error,) = ended
    assert isinstance(error, TcError)
    return error


def test_an_engine_that_dies_while_a_command_runs(
    cache: Path, told: list[Event], job: Make, line: Line, docker_client: Any
) -> None:
    before = containers(docker_client)
    made = job("echo begun; echo new > out/f; sleep 60", files={"out/f": "old"})
    engines = engine({"python3.11": IMAGE}, {}, cache, told.append, Running())
    error = failure_of(
        lambda: engines.run(made), lambda: any("begun" in one.text for one in told), line
    )
    assert error.code == "container-lost"
    assert "what was built before is untouched" in error.message
    assert "\n" not in error.message
    assert (made.directory / "out/f").read_text() == "old"
    assert sorted(one.name for one in made.directory.parent.iterdir()) == ["cache", "engine", "job"]
    assert [one for one in cache.rglob("*") if one.is_file()] == []
    wait_for(lambda: not containers(docker_client) - before)


def test_an_engine_that_dies_while_files_come_out(
    cache: Path, told: list[Event], job: Make, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tc.build.container import files

    made = job("head -c 20000000 /dev/zero > out/f", files={"out/f": "old"})
    engines = engine({"python3.11": IMAGE}, {}, cache, told.append, Running())
    unpacked = files.unpacked
    coming = threading.Event()

    def slow(chunks: Iterator[bytes], directory: Path) -> None:
        def passing() -> Iterator[bytes]:
            for chunk in chunks:
                coming.set()
                time.sleep(0.01)
                yield chunk

        unpacked(passing(), directory)

    monkeypatch.setattr(files, "unpacked", slow)
    error = failure_of(lambda: engines.run(made), coming.is_set, line)
    assert error.code == "container-lost"
    assert (made.directory / "out/f").read_text() == "old"
    assert sorted(one.name for one in made.directory.parent.iterdir()) == ["cache", "engine", "job"]


def test_a_disk_of_this_machine_that_is_full_while_files_come_out(
    built_by: Engine, job: Make, docker_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine keeps a container whose files are still on their way."""
    from tc.build.container import files

    def full(chunks: Iterator[bytes], directory: Path) -> None:
        directory.mkdir()
        next(chunks)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "unpacked", full)
    before = containers(docker_client)
    made = job("head -c 50000000 /dev/zero > out/f", files={"out/f": "old"})
    begun = time.monotonic()
    with pytest.raises(OSError, match="No space left"):
        built_by.run(made)
    assert time.monotonic() - begun < 60
    assert (made.directory / "out/f").read_text() == "old"
    assert sorted(one.name for one in made.directory.parent.iterdir()) == ["cache", "job"]
    wait_for(lambda: not containers(docker_client) - before)


def test_an_engine_that_dies_while_an_image_is_built(
    cache: Path, told: list[Event], tmp_path: Path, line: Line
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one/Dockerfile").write_text(
        f"FROM {IMAGE}\nRUN echo be''gun {time.time_ns()}; sleep 20\n"
    )
    function = Function(
        name="one",
        dir=tmp_path / "one",
        address=Address(tmp_path / "topology.yml"),
        runtime="",
        handler="",
        is_image=True,
        has_dockerfile=True,
    )
    tools = Tools(cache, told.append, Running(), engine({}, {}, cache, told.append, Running()))
    image = image_of(function, "etl", {})
    error = failure_of(
        lambda: build_image(image, {}, tools),
        lambda: any(one.text.startswith("begun") for one in told),
        line,
    )
    assert error.code == "container-lost"
    assert "\n" not in error.message


def test_a_disk_that_is_full_inside_has_a_way_out(built_by: Engine, job: Make) -> None:
    made = job("cat /etc/passwd > /dev/full", files={"out/f": "old"})
    with pytest.raises(TcError) as caught:
        built_by.run(made)
    assert caught.value.code == "build-failed"
    assert "docker system prune" in caught.value.hint
    assert (made.directory / "out/f").read_text() == "old"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "topology.yml": "name: etl\n",
        "own/Dockerfile": f"FROM {IMAGE}\nRUN echo be''gun {time.time_ns()}; sleep 40\n",
        "own/function.json": '{"runtime": {"package_type": "image"}}',
        "code/handler.py": "def handler(event, context):\n    return 1\n",
        "code/function.json": json.dumps(
            {
                "runtime": {"lang": "python3.11"},
                "tasks": {
                    "build": "cat /etc/hostname > where; "
                    "python3 -m zipfile -c lambda.zip handler.py where"
                },
            }
        ),
        "infrastructure/tc/config.yml": json.dumps({"builder": {"images": {"python3.11": IMAGE}}}),
    }
    root = tmp_path / "project"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / ".git").mkdir()
    return root


def environment(tmp_path: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TC_", "XDG_"))}
    return {**kept, "HOME": str(tmp_path / "home"), "TC_CACHE_DIR": str(tmp_path / "cache")}


def test_an_interrupt_ends_the_build_of_an_image(
    project: Path, tmp_path: Path, docker_client: Any
) -> None:
    before = {one.id for one in docker_client.containers.list()}
    process = subprocess.Popen(
        [TC, "build", "--kind", "image", "--json"],
        cwd=project,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert any('"begun' in one for one in iter(process.stdout.readline, ""))
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, out + err
    assert time.monotonic() - begun < 15
    # the engine gives it up, too
    wait_for(lambda: not {one.id for one in docker_client.containers.list()} - before)


def test_what_a_container_built_is_what_goes_up(project: Path, tmp_path: Path) -> None:
    """As long as the files are the same: `tc create` has no --container."""

    def built(*arguments: str) -> dict[str, Any]:
        words = [TC, "build", "--kind", "code", "-c", "code", "--json", *arguments]
        ended = subprocess.run(
            words, cwd=project, env=environment(tmp_path), capture_output=True, text=True
        )
        assert ended.returncode == 0, ended.stderr
        events = [json.loads(text) for text in ended.stdout.splitlines()]
        (made,) = [one for one in events if one["event"] == "build.made"]
        return dict(made)

    here = built()
    inside = built("--container")
    assert inside["path"] != here["path"]
    assert built()["path"] == inside["path"]
    (project / "code/handler.py").write_text("def handler(event, context):\n    return 2\n")
    assert built()["path"] not in (here["path"], inside["path"])
