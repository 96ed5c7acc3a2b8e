"""Build commands really run, away from the sources, and only when something changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from build_files import HANDLER, Make

from tc.build.commands import masked
from tc.build.package import package, package_all
from tc.build.words import shown
from tc.errors import TcError
from tc.events import Event, silent
from tc.spec.artifact import Artifact
from tc.spec.function import Build, Function

SEED = {"build": "zip lambda.zip handler.py", "clean": "rm *.zip"}
#: makes lambda.zip of what is there, without the program `zip`
ZIP = f"{sys.executable} -m zipfile -c lambda.zip"


def names(artifact: Artifact) -> list[str]:
    with zipfile.ZipFile(artifact.path) as archive:
        return archive.namelist()


def tree(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*"))


@pytest.fixture
def without_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH with a few programs, and no zip among them."""
    path = tmp_path / "path"
    path.mkdir()
    for program in ("mkdir", "cp", "cat", "ls"):
        (path / program).symlink_to(f"/bin/{program}")
    monkeypatch.setenv("PATH", str(path))


@pytest.mark.usefixtures("without_zip")
def test_the_seed_builds_where_there_is_no_zip(make: Make, cache: Path) -> None:
    function = make({"handler.py": HANDLER, "function.json": "{}"}, tasks=SEED)
    artifact = package(function, cache, silent)
    assert names(artifact) == ["handler.py"]
    assert tree(function.dir) == ["function.json", "handler.py"]
    assert tree(cache / "staging") == []


def test_the_same_package_with_and_without_a_command(make: Make, cache: Path) -> None:
    function = make(tasks={"build": f"{ZIP} handler.py"})
    assert package(function, cache, silent) == package(make(), cache, silent)


def test_what_a_command_made_is_normalised(make: Make, cache: Path) -> None:
    command = f"mkdir -p out/empty; cp handler.py out/; chmod 700 out/handler.py; {ZIP} out/"
    function = make(tasks={"build": command}, handler="out.handler.handler")
    with zipfile.ZipFile(package(function, cache, silent).path) as archive:
        (info,) = archive.infolist()
        assert (info.filename, oct(info.external_attr >> 16)) == ("out/handler.py", "0o100755")
        assert info.date_time == (1980, 1, 1, 0, 0, 0)


def test_nothing_runs_when_nothing_changed(make: Make, cache: Path, tmp_path: Path) -> None:
    def runs() -> int:
        return len((tmp_path / "runs").read_text())

    command = f"printf x >> {tmp_path}/runs; {ZIP} handler.py"
    function = make({"handler.py": HANDLER, "data": "1"}, tasks={"build": command})
    told: list[Event] = []
    first = package(function, cache, told.append)
    assert [event.name for event in told] == ["progress", "build.done"]
    assert "enhancer" in told[0].text
    assert package(function, cache, told.append) == first
    assert (runs(), len(told)) == (1, 2)
    (function.dir / "data").write_text("2")
    assert package(function, cache, silent) == first
    assert runs() == 2
    package(replace(function, tasks={"build": f"{command} data"}), cache, silent)
    assert runs() == 3


def test_a_package_that_is_lost_is_built_again(make: Make, cache: Path) -> None:
    function = make(tasks={"build": f"{ZIP} handler.py"})
    first = package(function, cache, silent)
    first.path.unlink()
    assert package(function, cache, silent) == first
    first.path.write_bytes(first.path.read_bytes()[:-9])
    assert package(function, cache, silent) == first
    assert names(first) == ["handler.py"]


def test_pre_command_and_post_run_in_their_order(make: Make, cache: Path) -> None:
    build = Build(
        pre=["echo 'a = 1' > a.py"],
        command=f"echo 'b = 1' >> a.py; {ZIP} handler.py a.py",
        post=["test -f lambda.zip"],
    )
    function = make(build=build, tasks={"build": "false"})
    with zipfile.ZipFile(package(function, cache, silent).path) as archive:
        assert archive.read("a.py") == b"a = 1\nb = 1\n"


def test_pre_alone_prepares_the_files(make: Make, cache: Path) -> None:
    function = make(build=Build(pre=["echo 'v = 1' > version.py"]))
    assert names(package(function, cache, silent)) == ["handler.py", "version.py"]
    assert tree(function.dir) == ["handler.py"]


def test_what_commands_see(make: Make, project: Path, cache: Path) -> None:
    (project / "shared.py").write_text("s = 1\n")
    files = {
        "handler.py": HANDLER,
        "pyproject.toml": "",
        "old.zip": "old",
        "__pycache__/x.pyc": "",
        "node_modules/a/i.js": "",
        "secret.txt": "",
        "run": "",
    }
    function = make(files, ignore=("secret.txt",))
    (function.dir / "run").chmod(0o755)
    (function.dir / "node_modules/link").symlink_to("a")
    (function.dir / "shared.py").symlink_to("../../shared.py")
    command = f"(find . ! -type d; pwd -P; test -x run; test -L node_modules/link) > seen; {ZIP} *"
    built = package(replace(function, tasks={"build": command}), cache, silent)
    with zipfile.ZipFile(built.path) as archive:
        *seen, place = sorted(archive.read("seen").decode().split(), key=lambda s: s[0] == "/")
    assert sorted(seen) == [
        "./handler.py",
        "./node_modules/a/i.js",
        "./node_modules/link",
        "./pyproject.toml",
        "./run",
        "./seen",
        "./shared.py",
    ]
    assert place.startswith(str(cache / "staging"))


def test_links_in_a_zip_are_followed(make: Make, cache: Path) -> None:
    script = """
import zipfile
with zipfile.ZipFile('lambda.zip', 'w') as out:
    out.write('handler.py')
    out.writestr('lib/real/a.py', 'a = 1')
    for name, to in [('lib/one', 'real'), ('b.py', 'lib/one/a.py'), ('c.py', 'b.py')]:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, 0o120777 << 16
        out.writestr(info, to)
"""
    function = make({"handler.py": HANDLER, "make.py": script})
    built = package(replace(function, tasks={"build": f"{sys.executable} make.py"}), cache, silent)
    assert names(built) == ["b.py", "c.py", "handler.py", "lib/one/a.py", "lib/real/a.py"]
    with zipfile.ZipFile(built.path) as archive:
        assert archive.read("c.py") == b"a = 1"
    out = {"make.py": script.replace("'real')", "'../../../etc')")}
    with pytest.raises(TcError, match=r"links in it lead to nothing in it: b\.py, c\.py, lib/one"):
        package(make({**out}, tasks={"build": f"{sys.executable} make.py"}), cache, silent)


@pytest.mark.parametrize(
    ("command", "code", "parts"),
    [
        ("true", "no-package", ["`true`", "left no package", "made no zip"]),
        ("touch a.zip b.zip", "no-package", ["a.zip, b.zip", "none of them lambda.zip"]),
        ("echo x > lambda.zip", "bad-zip", ["not a zip"]),
        (": > lambda.zip", "bad-zip", ["not a zip"]),
        (f"mkdir d; {ZIP} d/", "empty-package", ["would be empty"]),
        (f"echo x > other; {ZIP} other", "no-handler", ["no handler.py", "in it: other"]),
        ("echo before; echo why >&2; exit 3", "build-failed", ["exit code 3", "before\n  why"]),
        ("false", "build-failed", ["`false`", "exit code 1", "printed nothing"]),
        ("kill -9 $$", "build-failed", ["signal 9"]),
        ("nosuchprogram", "build-failed", ["exit code 127", "not found"]),
        ("cat ../sibling/x", "build-failed", ["No such file"]),
    ],
)
def test_a_build_that_fails(
    make: Make, cache: Path, command: str, code: str, parts: list[str]
) -> None:
    make({"x": ""}, "sibling")
    function = make(tasks={"build": command})
    for _ in range(2):
        with pytest.raises(TcError) as raised:
            package(function, cache, silent)
        assert raised.value.code == code
        assert raised.value.where == shown(function.dir)
        for part in parts:
            assert part in raised.value.message
    assert [path for path in tree(cache) if path != "staging"] == []


def test_a_command_cannot_wait_for_an_answer(make: Make, cache: Path) -> None:
    terminal = os.dup(0)
    end, other = os.pipe()
    os.write(other, b"an answer\n")
    os.dup2(end, 0)
    try:
        with pytest.raises(TcError, match="`read x` ended with exit code 1"):
            package(make(tasks={"build": "read x"}), cache, silent)
    finally:
        os.dup2(terminal, 0)
        for descriptor in (terminal, end, other):
            os.close(descriptor)


def test_the_last_lines_are_shown(make: Make, cache: Path) -> None:
    command = "i=0; while [ $i -lt 90 ]; do echo line $i; i=$((i+1)); done; exit 1"
    with pytest.raises(TcError) as raised:
        package(make(tasks={"build": command}), cache, silent)
    assert "line 60\n" in raised.value.message
    assert "line 59\n" not in raised.value.message
    assert "line 89" in raised.value.message


def test_secrets_are_masked(make: Make, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDEX_PASSWORD", "hunter2hunter2")
    command = "echo $INDEX_PASSWORD https://bob:sesame@host/simple; exit 1"
    with pytest.raises(TcError) as raised:
        package(make(tasks={"build": command}), cache, silent)
    assert "*** https://***@host/simple" in raised.value.message
    assert "hunter2" not in raised.value.message
    assert "sesame" not in raised.value.message
    assert masked("plain text") == "plain text"


def test_read_only_results_are_cleaned_up(make: Make, cache: Path) -> None:
    command = f"{ZIP} handler.py; mkdir d; touch d/x; chmod 500 d"
    package(make(tasks={"build": command}), cache, silent)
    assert tree(cache / "staging") == []


def test_old_staging_is_swept(make: Make, cache: Path) -> None:
    left = cache / "staging/left"
    young = cache / "staging/young"
    left.mkdir(parents=True)
    young.mkdir()
    os.utime(left, (1, 1))
    package(make(tasks={"build": f"{ZIP} handler.py"}), cache, silent)
    assert tree(cache / "staging") == ["young"]


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().split()[2] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc")
def test_what_a_command_leaves_behind_is_ended(make: Make, cache: Path, tmp_path: Path) -> None:
    command = f"sleep 60 & echo $! > {tmp_path}/pid; {ZIP} handler.py"
    package(make(tasks={"build": command}), cache, silent)
    pid = int((tmp_path / "pid").read_text())
    until(lambda: not alive(pid))


INTERRUPTED = """
import sys
from pathlib import Path
from tc.build.package import {function}
from tc.events import silent
from tc.spec.finding import Address
from tc.spec.function import Function
root, cache = map(Path, sys.argv[1:])
def stubborn(name):
    command = f"trap '' TERM; echo $$ > {{root / name}}.pid; sleep 60 & wait; sleep 60"
    tasks = {{"build": command}}
    return Function(name, root / name, Address(root), "python3.13", "handler.handler", tasks=tasks)
functions = [stubborn("one"), stubborn("two")]
{function}({argument}, cache, silent)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc")
@pytest.mark.parametrize(
    ("function", "argument", "started"),
    [("package", "functions[0]", ["one"]), ("package_all", "functions", ["one", "two"])],
)
def test_an_interrupt_leaves_nothing(
    make: Make, cache: Path, function: str, argument: str, started: list[str]
) -> None:
    root = make(name="one").dir.parent
    make(name="two")
    if len(started) > (os.cpu_count() or 1):
        started = started[:1]
    script = INTERRUPTED.format(function=function, argument=argument)
    running = subprocess.Popen(
        [sys.executable, "-c", script, str(root), str(cache)], stderr=subprocess.PIPE
    )
    files = [root / f"{name}.pid" for name in started]
    until(lambda: all(file.exists() and file.read_text() for file in files))
    pids = [int(file.read_text()) for file in files]
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=20)
    assert b"KeyboardInterrupt" in errors
    until(lambda: not any(alive(pid) for pid in pids))
    assert [path for path in tree(cache) if path != "staging"] == []


def test_an_interrupted_build_is_no_failure_of_the_others(make: Make, cache: Path) -> None:
    good = make(tasks={"build": f"{ZIP} handler.py"})
    bad: Function = make(name="bad", tasks={"build": "exit 1"})
    with pytest.raises(TcError) as raised:
        package_all([good, bad], cache, silent)
    assert raised.value.message.startswith("the build of `bad` failed")
    told: list[Event] = []
    package(good, cache, told.append)
    assert told == []
