"""What a user hears of a container engine; no engine is asked."""

from __future__ import annotations

import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError, DockerException, ImageNotFound

from tc.build.container import settings
from tc.build.container.builder import available
from tc.build.container.client import explained, unreachable
from tc.build.container.files import packed
from tc.build.container.steps import told
from tc.build.tools import Job
from tc.errors import TcError
from tc.events import Event, silent
from tc.processes import Running
from tc.spec.layer import Platform

PLATFORM = Platform("python3.11", "x86_64")


def refused(text: str, status: int = 500) -> APIError:
    response = requests.Response()
    response.status_code = status
    return APIError(text, response, text)


def engine(pull: Any) -> Any:
    """An engine that has no image; `pull` answers when it is to get one."""

    def get(name: str) -> Any:
        raise ImageNotFound(name)

    return SimpleNamespace(images=SimpleNamespace(get=get), api=SimpleNamespace(pull=pull))


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (refused("write /x: no space left on device"), "disk-full", "disk is full while doing it"),
        (refused("exec format error"), "foreign-cpu", "can't run arm64 programs"),
        (refused("a bad day"), "container-failed", "failed while doing it: a bad day"),
        (requests.ConnectionError("reset"), "container-lost", "stopped answering while doing it"),
        (ConnectionResetError(), "container-lost", "what was built before is untouched"),
    ],
)
def test_what_the_engine_refuses_is_one_sentence(error: Exception, code: str, said: str) -> None:
    with pytest.raises(TcError) as caught, explained("doing it", "an/image", "arm64"):
        raise error
    assert caught.value.code == code
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint or code == "container-failed"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (requests.ConnectionError("reset"), "container-lost"),
        (requests.ReadTimeout("timed out"), "container-lost"),
        (refused("manifest unknown", 404), "no-builder"),
        (refused("write /x: no space left on device"), "disk-full"),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_a_pull_that_fails_is_one_sentence(error: Exception, code: str, *, late: bool) -> None:
    def pull(*_: object, **__: object) -> Iterator[dict[str, Any]]:
        def steps() -> Iterator[dict[str, Any]]:
            yield {"status": "Downloading"}
            raise error

        if late:
            return steps()
        raise error

    with pytest.raises(TcError) as caught:
        available(engine(pull), "an/image", PLATFORM, silent, Running(), setting="builder.images")
    assert caught.value.code == code
    assert "an/image" in caught.value.message
    assert "\n" not in caught.value.message


def test_what_a_registry_says_half_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "hunter2-hunter2")

    def pull(*_: object, **__: object) -> list[dict[str, Any]]:
        return [{"status": "Downloading"}, {"error": "denied for ada:hunter2-hunter2"}]

    with pytest.raises(TcError) as caught:
        available(engine(pull), "an/image", PLATFORM, silent, Running(), setting="builder.images")
    assert caught.value.message == "the image `an/image` can't be pulled: denied for ada:***"
    assert "builder.images" in caught.value.hint


def test_an_interrupt_ends_the_wait_for_an_engine_that_says_nothing() -> None:
    running, asked, answer = Running(), threading.Event(), threading.Event()

    def call() -> list[dict[str, Any]]:
        asked.set()
        answer.wait(20)
        return []

    ended: list[TcError] = []

    def wait() -> None:
        try:
            told(call, "pulling it", "it", "x86_64", silent, running)
        except TcError as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    asked.wait(20)
    begun = time.monotonic()
    running.stop()
    thread.join(20)
    answer.set()
    assert time.monotonic() - begun < 10
    assert [error.code for error in ended] == ["interrupted"]


def test_steps_are_told_with_their_sizes_and_the_digest_comes_back() -> None:
    events: list[Event] = []
    steps = [
        {"status": "Extracting", "id": "b", "progressDetail": {"current": 1, "total": 10}},
        {"status": "Downloading", "id": "a", "progressDetail": {"current": 5, "total": 10}},
        {"stream": "\x1b[1mStep 1\x1b[0m : x\n ---> 0123\n"},
        {"aux": {"Tag": "1", "Digest": "sha256:ab"}},
        {"status": "done"},
    ]
    assert told(lambda: steps, "it", "i", "x86_64", events.append, Running()) == "sha256:ab"
    assert [event.text for event in events] == ["it", "Step 1 : x"]
    assert events[0].data == {"what": "it", "done": 5, "total": 10, "unit": "bytes"}


@pytest.mark.parametrize(
    ("host", "programs", "error", "said", "hint"),
    [
        ("", (), FileNotFoundError(), "no container engine on this machine", "install Docker"),
        ("", ("podman",), FileNotFoundError(), "no Docker on this machine", "podman.sock"),
        ("", ("docker",), FileNotFoundError(), "Docker isn't running", "start"),
        ("", ("docker",), PermissionError(), "may not use the container engine", "usermod"),
        ("tcp://far:1", (), TimeoutError(), "answers at tcp://far:1", "unset DOCKER_HOST"),
        ("ssh://far", (), RuntimeError("paramiko"), "reached over ssh", "ssh -fNL"),
    ],
)
def test_who_has_no_engine_hears_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    host: str,
    programs: tuple[str, ...],
    error: Exception,
    said: str,
    hint: str,
) -> None:
    for name in programs:
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", host)
    monkeypatch.setattr("sys.platform", "linux")
    made = unreachable(DockerException("Error while fetching", error))
    assert made.code == "no-container-engine"
    assert said in made.message
    assert hint in made.hint


def test_no_secret_file_goes_into_a_container(tmp_path: Path) -> None:
    kept = ["app.py", "certifi/cacert.pem", "lib/credentials/__init__.py"]
    secret = [".env", ".env.prod", ".aws/credentials", ".npmrc", ".netrc", ".pypirc", "sub/key.pem"]
    secret += ["id_rsa", "sub/id_ed25519", ".ssh/config", ".docker/config.json", ".git-credentials"]
    for name in (*kept, *secret):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    with tarfile.open(fileobj=packed(tmp_path, "build")) as archive:
        found = [info for info in archive if info.isfile()]
    assert sorted(info.name for info in found) == [f"build/{name}" for name in kept]
    assert {(info.uid, info.gid) for info in found} == {(0, 0)}


def credential(directory: Path, running: Running, script: str) -> dict[str, str]:
    """What is handed in where the user's credential helper is `script`."""
    (directory / "requirements.txt").write_text("sauce @ git+https://git.example.org/sauce.git\n")
    helper = directory / "helper"
    helper.write_text(f"#!/bin/sh\n{script}\n")
    helper.chmod(0o755)
    (directory / ".gitconfig").write_text(f"[credential]\n\thelper = {helper}\n")
    job = Job("it", PLATFORM, directory, ())
    environ = {"HOME": str(directory), "PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1"}
    return settings.git_credentials(job, environ, running)


def test_the_token_of_the_users_git_is_for_the_named_host(tmp_path: Path) -> None:
    said = credential(tmp_path, Running(), "echo username=a; echo password=pw")
    assert said["GIT_CONFIG_KEY_0"] == "credential.https://git.example.org.helper"
    assert (said["TC_GIT_USER_0"], said["TC_GIT_PASSWORD_0"]) == ("a", "pw")
    assert "pw" not in said["GIT_CONFIG_VALUE_0"]
    assert credential(tmp_path, Running(), "false") == {}


def test_an_interrupt_ends_a_credential_helper_that_hangs(tmp_path: Path) -> None:
    running, begun = Running(), tmp_path / "begun"

    def stop() -> None:
        while not begun.exists():
            time.sleep(0.01)
        running.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    asked = time.monotonic()
    assert credential(tmp_path, running, f"touch {begun}; sleep 30") == {}
    stopper.join()
    # git is given longer than that
    assert time.monotonic() - asked < 8
