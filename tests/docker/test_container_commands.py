"""tc's own commands with a container engine behind them, as people call them."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from docker_support import IMAGE, containers, wait_for

from tc.places import cache_place

TC = str(Path(sys.executable).with_name("tc"))
EXTENSION = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast", 0, -1, methods};
PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
"""
HANDLER = "import fast\n\ndef handler(event, context):\n    return fast.answer()\n"
COMPILE = "gcc -shared -fPIC $(python3-config --includes) fast.c -o fast.so"
PACK = "python3 -m zipfile -c lambda.zip handler.py fast.so"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has nothing yet."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TC_", "XDG_"))}
    return {
        **kept,
        "HOME": str(tmp_path / "home"),
        "TC_CACHE_DIR": str(tmp_path / "cache"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A function in C and Python; config.yml names the test's image as the builder."""
    root = tmp_path / "project"
    files = {
        "topology.yml": "name: etl\n",
        "one/handler.py": HANDLER,
        "one/fast.c": EXTENSION,
        "one/function.json": json.dumps(
            {"runtime": {"lang": "python3.11"}, "tasks": {"build": f"{COMPILE} && {PACK}"}}
        ),
        "infrastructure/tc/config.yml": json.dumps(
            {
                "builder": {
                    "images": {"python3.11": IMAGE},
                    "runtime_images": {"python3.11": IMAGE},
                }
            }
        ),
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / ".git").mkdir()
    return root


def tc(
    project: Path, env: dict[str, str], *arguments: str, code: int = 0
) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [TC, *arguments], cwd=project, env=env, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended


def packaged(said: subprocess.CompletedProcess[str]) -> Path:
    events = [json.loads(line) for line in said.stdout.splitlines()]
    (made,) = [event for event in events if event["event"] == "build.made"]
    return Path(made["path"])


def test_a_c_extension_of_the_container_is_imported(
    project: Path, home: dict[str, str], tmp_path: Path
) -> None:
    said = tc(project, home, "build", "--kind", "code", "--container", "--json")
    with zipfile.ZipFile(packaged(said)) as package:
        package.extractall(tmp_path / "package")
    script = "import handler; print(handler.handler({}, None))"
    ran = subprocess.run(
        ["python3.11", "-c", script],
        cwd=tmp_path / "package",
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "42\n"
    # what is known isn't built again
    again = tc(project, home, "build", "--kind", "code", "--container")
    assert "Unchanged code one" in again.stdout


@pytest.mark.index
def test_a_layer_built_in_the_container_is_imported_on_the_local_engine(
    project: Path, home: dict[str, str]
) -> None:
    """A dependency in C, which pip compiles inside; the handler runs outside."""
    setup = "from setuptools import Extension, setup\n"
    setup += "setup(name='fastext', version='1.0', ext_modules=[Extension('fast', ['fast.c'])])\n"
    package = project / "one/fastext"
    package.mkdir()
    # the cache, which has the engine, may know it of another run
    (package / "fast.c").write_text(f"{EXTENSION}/* {time.time_ns()} */\n")
    (package / "setup.py").write_text(setup)
    (project / "one/requirements.txt").write_text("./fastext\n")
    (project / "one/function.json").write_text('{"runtime": {"lang": "python3.11"}}')
    env = {**home, "TC_CACHE_DIR": str(cache_place()), "TC_HOME": home["HOME"]}
    try:
        built = ("build", "--kind", "layer", "--container", "--publish", "-e", "local")
        assert "Built layer etl-one" in tc(project, env, *built).stdout
        tc(project, env, "create", "-s", "bob", "-e", "local")
        said = tc(project, env, "invoke", "-s", "bob", "-e", "local", "--payload", "{}")
        assert said.stdout == "42\n"
    finally:
        tc(project, env, "local", "stop")


def test_post_commands_have_the_credentials_of_the_env_and_nobody_else(
    project: Path, home: dict[str, str]
) -> None:
    function = project / "one/function.json"
    build = {"pre": [COMPILE, 'test -z "$AWS_SESSION_TOKEN"'], "command": PACK}
    function.write_text(json.dumps({"runtime": {"lang": "python3.11"}, "build": build}))
    keys = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-env",
        "AWS_SESSION_TOKEN": "a-token-of-the-env",
    }
    config = project / "infrastructure/tc/config.yml"
    settings = json.loads(config.read_text())
    settings["envs"] = {"dev": {"account": "111122223333", "region": "eu-west-1"}}
    config.write_text(json.dumps(settings))
    arguments = ("build", "--kind", "code", "--container", "-e", "dev")
    # `pre` names a variable and has it; without `post` that is all it has
    failed = tc(project, {**home, **keys}, *arguments, code=1)
    assert "a-token-of-the-env" not in failed.stdout + failed.stderr
    build = {
        "pre": [COMPILE],
        "command": PACK,
        "post": ['echo "$AWS_REGION $AWS_SECRET_ACCESS_KEY" && test "$AWS_REGION" = eu-west-1'],
    }
    function.write_text(json.dumps({"runtime": {"lang": "python3.11"}, "build": build}))
    said = tc(project, {**home, **keys}, *arguments, "--json")
    assert "eu-west-1 ***" in said.stdout
    assert "a-secret-of-the-env" not in said.stdout + said.stderr


def test_the_function_is_where_it_runs_without_a_container(
    project: Path, home: dict[str, str]
) -> None:
    """`--shell` without a terminal, or for several functions, says what to do."""
    said = tc(project, home, "build", "--shell", code=2)
    assert "needs a terminal" in said.stderr


def test_a_shell_is_a_terminal_with_the_functions_files(
    project: Path, home: dict[str, str]
) -> None:
    (project / "one/.env").write_text("secret")
    with Terminal([TC, "build", "--shell", "-c", "one"], project, home) as terminal:
        terminal.until("build# ", 120)
        terminal.type("stty size; ls -A; tty; echo $TERM; echo fin''ished\n")
        seen = terminal.until("finished")
        assert "33 99" in seen
        assert "handler.py" in seen
        assert ".env" not in seen
        assert "/dev/pts/0" in seen
        terminal.type("sleep 30\n")
        time.sleep(0.3)
        # Ctrl-C is for the program inside, not for tc
        terminal.type("\x03")
        terminal.type("echo st''ill here\n")
        terminal.until("still here")
        terminal.type("exit\n")
        assert terminal.end() == 0


class Terminal:
    """A program on a terminal of 99 columns and 33 lines."""

    def __init__(self, words: list[str], directory: Path, env: dict[str, str]):
        self._words, self._directory, self._env = words, directory, env
        self._seen = ""

    def __enter__(self) -> Terminal:
        self._pid, self._descriptor = pty.fork()
        if not self._pid:
            os.chdir(self._directory)
            subprocess.run(["stty", "cols", "99", "rows", "33"], check=False)
            os.execve(self._words[0], self._words, {**self._env, "TERM": "xterm"})
        return self

    def __exit__(self, *_: object) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._descriptor)

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def until(self, text: str, seconds: float = 20) -> str:
        """What is shown up to `text`."""
        deadline = time.monotonic() + seconds
        while text not in self._seen:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} never came: {self._seen}"
            if select.select([self._descriptor], [], [], left)[0]:
                self._seen += os.read(self._descriptor, 4096).decode("utf-8", "replace")
        seen, _, self._seen = self._seen.partition(text)
        return seen + text

    def end(self) -> int:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            if ended:
                self._pid = 0
                return os.waitstatus_to_exitcode(status)
            if select.select([self._descriptor], [], [], 0.1)[0]:
                try:
                    self._seen += os.read(self._descriptor, 4096).decode("utf-8", "replace")
                except OSError:
                    continue
        raise AssertionError(f"it never ended: {self._seen}")


def test_an_interrupted_build_leaves_no_container_and_no_package(
    project: Path, home: dict[str, str], docker_client: Any, tmp_path: Path
) -> None:
    function = project / "one/function.json"
    tasks = {"build": "touch started; sleep 60"}
    function.write_text(json.dumps({"runtime": {"lang": "python3.11"}, "tasks": tasks}))
    before = containers(docker_client)
    process = subprocess.Popen(
        [TC, "build", "--kind", "code", "--container"],
        cwd=project,
        env=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: containers(docker_client) - before)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    wait_for(lambda: not containers(docker_client) - before)
    assert list((tmp_path / "cache").glob("packages/*")) == []
