"""Jobs in a real container: what goes in, what comes out, what is left of it."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docker_support import IMAGE, PLATFORM, containers, wait_for

from tc.build.container import Engine, engine
from tc.build.container.box import sweep
from tc.build.tools import Job
from tc.errors import TcError
from tc.events import Event, silent
from tc.processes import Running
from tc.spec.layer import Platform

Make = Callable[..., Job]
SECRET = "hunter2-very-secret"


def listed(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_files_go_in_and_what_is_made_comes_out(built_by: Engine, job: Make) -> None:
    made = job(
        "mkdir -p out/deep && tr a-z A-Z < name.txt > out/deep/loud.txt",
        "ln -s deep/loud.txt out/l",
        ["cp", "/bin/true", "out/true"],
        files={"name.txt": "ada"},
    )
    built_by.run(made)
    out = made.directory / "out"
    assert (out / "deep/loud.txt").read_text() == "ADA"
    assert (out / "l").read_text() == "ADA"
    assert (out / "true").stat().st_mode & stat.S_IXUSR
    assert not (out / "deep/loud.txt").stat().st_mode & stat.S_IXUSR
    assert {path.lstat().st_uid for path in made.directory.rglob("*")} == {os.getuid()}


def test_a_new_result_replaces_the_old_one_whole(built_by: Engine, job: Make) -> None:
    made = job("rm -r out; mkdir out; touch out/new", files={"out/old": "1"})
    built_by.run(made)
    assert listed(made.directory / "out") == ["new"]


def test_a_failure_leaves_the_old_result_and_no_container(
    built_by: Engine, job: Make, docker_client: Any
) -> None:
    made = job(
        "echo new > out/f; for i in $(seq 40); do echo line $i; done; exit 7",
        files={"out/f": "old"},
    )
    before = containers(docker_client)
    with pytest.raises(TcError) as caught:
        built_by.run(made)
    assert caught.value.code == "build-failed"
    assert "ended with exit code 7" in caught.value.message
    # the last 30 lines of them
    assert "line 11\n" in caught.value.message
    assert "line 10\n" not in caught.value.message
    assert (made.directory / "out/f").read_text() == "old"
    assert containers(docker_client) <= before
    assert (listed(made.directory.parent)) == ["cache", "job"]


def test_secret_and_ignored_files_stay_outside(built_by: Engine, job: Make) -> None:
    files = {".git/config": "x", ".env": "x", ".aws/credentials": "x", "key.pem": "x", "kept": "x"}
    made = job("mkdir out; ls -A > out/list", files=files)
    built_by.run(made)
    assert (made.directory / "out/list").read_text().split() == ["kept", "out"]


def test_secrets_are_seen_by_the_commands_alone(
    built_by: Engine, job: Make, docker_client: Any, told: list[Event]
) -> None:
    """In no image, configuration or log; masked in what is told."""
    inspected: list[str] = []
    made = job(
        'test "$KEY" = ' + SECRET[:8] + '"' + SECRET[8:] + '" && echo "the key is $KEY"; '
        "touch /tmp/there; while test -e /tmp/there; do sleep 0.1; done; false",
        secrets={"KEY": SECRET},
    )
    failures: list[TcError] = []

    def run() -> None:
        try:
            built_by.run(made)
        except TcError as error:
            failures.append(error)

    before = containers(docker_client)
    thread = threading.Thread(target=run)
    thread.start()
    (mine,) = wait_for(lambda: containers(docker_client) - before)
    wait_for(lambda: any("the key is" in event.text for event in told))
    inspected.append(json.dumps(docker_client.api.inspect_container(mine)))
    inspected.append(json.dumps(docker_client.api.top(mine)))
    inspected.append(docker_client.api.logs(mine).decode())
    docker_client.api.exec_start(docker_client.api.exec_create(mine, ["rm", "/tmp/there"])["Id"])
    thread.join(20)
    tag = next(one for one in docker_client.images.list("tc-builder"))
    inspected += [json.dumps(docker_client.api.history(tag.id)), json.dumps(tag.attrs)]
    inspected += [event.text for event in told] + [failures[0].message]
    assert any("the key is ***" in text for text in inspected)
    assert [text for text in inspected if SECRET in text] == []


def test_an_interrupt_ends_the_container(cache: Path, job: Make, docker_client: Any) -> None:
    running = Running()
    before = containers(docker_client)
    ended = engine({"python3.11": IMAGE}, {}, cache, silent, running)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            ended.run(job("sleep 60"))
        except TcError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: containers(docker_client) - before)
    time.sleep(0.5)
    begun = time.monotonic()
    running.stop()
    thread.join(20)
    assert time.monotonic() - begun < 10
    assert not thread.is_alive()
    assert len(failures) == 1
    wait_for(lambda: not containers(docker_client) - before)


def test_a_killed_tc_takes_its_container_along(tmp_path: Path, docker_client: Any) -> None:
    before = containers(docker_client)
    (tmp_path / "job").mkdir()
    script = f"""
from pathlib import Path
from tc.build.container import engine
from tc.build.tools import Job
from tc.events import silent
from tc.processes import Running
from tc.spec.layer import Platform
made = engine({{"python3.11": {IMAGE!r}}}, {{}}, Path({str(tmp_path)!r}), silent, Running())
made.run(Job("x", Platform("python3.11", "x86_64"), Path({str(tmp_path / "job")!r}), ("sleep 60",)))
"""
    process = subprocess.Popen([sys.executable, "-c", script])
    wait_for(lambda: containers(docker_client) - before)
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not containers(docker_client) - before)


def test_what_a_killed_tc_left_behind_is_swept_at_the_next_start(
    built_by: Engine, job: Make, cache: Path, docker_client: Any
) -> None:
    """As when the engine itself died: the container is there, and nobody holds it."""
    places = cache / "containers"
    places.mkdir(parents=True)
    (places / "0123456789abcdef").touch()
    labels = {"tc": "build", "tc.run": "0123456789abcdef"}
    left = docker_client.api.create_container(IMAGE, ["true"], labels=labels)["Id"]
    other = docker_client.api.create_container(
        IMAGE, ["true"], labels={"tc": "build", "tc.run": "somebody-elses"}
    )["Id"]
    try:
        built_by.run(job("true"))
        there = containers(docker_client)
        assert left not in there
        assert other in there
        assert listed(places) == []
        assert sweep(docker_client.api, places) == 0
    finally:
        docker_client.api.remove_container(other)


def test_a_user_without_an_agent_hears_of_it(
    built_by: Engine, job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(TcError) as caught:
        built_by.run(job("true", ssh=True))
    assert caught.value.code == "no-ssh-agent"


def test_a_base_that_cannot_be_pulled_is_one_sentence(cache: Path, job: Make) -> None:
    missing = "127.0.0.1:9/no/such:1"
    with pytest.raises(TcError) as caught:
        engine({"python3.11": missing}, {}, cache, silent, Running()).run(job("true"))
    assert caught.value.code == "no-builder"
    assert f"`{missing}` can't be pulled" in caught.value.message
    assert "\n" not in caught.value.message
    assert "builder.images" in caught.value.hint


def test_another_cpu_without_an_image_of_it_is_refused(cache: Path, job: Make) -> None:
    made = job("true")
    arm = Job(made.what, Platform("python3.11", "arm64"), made.directory, made.commands)
    with pytest.raises(TcError) as caught:
        engine({"python3.11": IMAGE}, {}, cache, silent, Running()).run(arm)
    assert caught.value.code == "foreign-cpu"
    assert "arm64" in caught.value.message


def test_an_image_whose_programs_cannot_run_here_is_refused(
    cache: Path, job: Make, docker_client: Any
) -> None:
    """As arm64 without emulation: the engine has the image and can't start its shell."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        # the start of an ELF file for AArch64
        program = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\x00\xb7\x00" + b"\0" * 100
        info = tarfile.TarInfo("bin/sh")
        info.size, info.mode = len(program), 0o755
        tar.addfile(info, io.BytesIO(program))
    docker_client.api.import_image_from_data(archive.getvalue(), "tc-test", "foreign")
    try:
        with pytest.raises(TcError) as caught:
            engine({"python3.11": "tc-test:foreign"}, {}, cache, silent, Running()).run(job("true"))
        assert caught.value.code == "foreign-cpu"
        assert "x86_64" in caught.value.message
    finally:
        docker_client.images.remove("tc-test:foreign", force=True)


def test_the_caches_outlive_the_container(built_by: Engine, job: Make) -> None:
    built_by.run(job("echo kept > $PIP_CACHE_DIR.proof"))
    made = job("mkdir -p out; mv $PIP_CACHE_DIR.proof out/proof")
    built_by.run(made)
    assert (made.directory / "out/proof").read_text() == "kept\n"


def test_commands_know_the_indexes_and_certificates_of_this_machine(
    built_by: Engine, job: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = job("mkdir out && cp $SSL_CERT_FILE out/trusted && env > out/environment")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "http://ada:hunter2@127.0.0.1:9/simple")
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificates")
    monkeypatch.setenv("PIP_CERT", str(bundle))
    built_by.run(made)
    out = made.directory / "out"
    assert (out / "trusted").read_text() == "certificates"
    told = (out / "environment").read_text()
    assert "PIP_EXTRA_INDEX_URL=http://ada:hunter2@127.0.0.1:9/simple\n" in told
    assert "PIP_CERT=/etc/tc/ca.pem\n" in told


C_LIBRARY = """
int answer(void) { return 42; }
"""
C_PROGRAM = """
int answer(void);
int give(void) { return answer(); }
"""


def test_a_library_that_lambda_lacks_comes_along(
    built_by: Engine, job: Make, told: list[Event]
) -> None:
    """With what it needs itself; glibc's own stay behind."""
    build = (
        "gcc -shared -fPIC -o /usr/lib/libdeepest.so.1 deepest.c -Wl,-soname,libdeepest.so.1"
        " && gcc -shared -fPIC -o /usr/lib/libanswer.so.1 answer.c -l:libdeepest.so.1"
        " -Wl,--no-as-needed -Wl,-soname,libanswer.so.1 && ldconfig"
        " && mkdir -p out/python && gcc -shared -fPIC -o out/python/give.so give.c"
        " -l:libanswer.so.1 -lm -Wl,--no-as-needed"
    )
    files = {
        "answer.c": "int deepest(void); int answer(void) { return deepest(); }",
        "deepest.c": C_LIBRARY.replace("answer", "deepest"),
        "give.c": C_PROGRAM,
    }
    made = job(build, files=files)
    built_by.run(made)
    assert (listed(made.directory / "out/lib")) == ["libanswer.so.1", "libdeepest.so.1"]
    assert any("libanswer.so.1" in event.text for event in told if event.name == "log")


def test_the_runtime_image_says_what_it_has(built_by: Engine, job: Make, cache: Path) -> None:
    names = built_by.provided(PLATFORM)
    assert {"libc.so.6", "libz.so.1"} <= names
    assert len(list((cache / "provided").iterdir())) == 1


def test_no_engine_is_one_sentence(
    built_by: Engine, job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(TcError) as caught:
        built_by.run(job("true"))
    assert caught.value.code == "no-container-engine"
    assert "/nowhere/docker.sock" in caught.value.message


def test_an_engine_that_may_not_be_used_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tc.build.container.client import unreachable

    error = unreachable(
        RuntimeError("Connection aborted.", PermissionError(13, "Permission denied"))
    )
    assert error.code == "no-container-engine"
    assert "may not use" in error.message
    assert "docker" in error.hint
