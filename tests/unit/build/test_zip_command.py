"""tc's own `zip` beside the real one, where this machine has it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tc.build import zip_command

OWN = [sys.executable, "-I", zip_command.__file__]
REAL = shutil.which("zip")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    root = tmp_path / "files"
    (root / "lib/deep").mkdir(parents=True)
    for name in ("handler.py", "b.txt", "lib/a.py", "lib/deep/c.py", ".hidden"):
        (root / name).write_text(f"{name}\n" * 20)
    (root / "b.txt").chmod(0o755)
    (root / "link.py").symlink_to("handler.py")
    (tmp_path / "outside.py").write_text("x")
    return root


def run(program: list[str], files: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*program, *arguments], cwd=files, capture_output=True, text=True)


def contents(path: Path) -> dict[str, tuple[bytes, bool]]:
    with zipfile.ZipFile(path) as archive:
        return {
            info.filename: (archive.read(info), bool(info.external_attr >> 16 & 0o111))
            for info in archive.infolist()
            if not info.is_dir()
        }


COMMANDS = [
    "lambda.zip handler.py",
    "lambda handler.py",
    "-r lambda.zip .",
    "-rq lambda.zip lib handler.py",
    "-r9q lambda.zip . -x *.txt lib/deep/*",
    "lambda.zip -r lib -x lib/a.py",
    "-j lambda.zip lib/a.py lib/deep/c.py",
    "-0 -X -D lambda.zip ./handler.py ../outside.py",
    "-q lambda.zip handler.py link.py nowhere.py",
    "lambda.zip nowhere.py",
    "lambda.zip lib -x lib/*",
]


@pytest.mark.skipif(not REAL, reason="this machine has no zip to compare with")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_same_as_the_real_one(files: Path, command: str) -> None:
    assert REAL
    outcomes = []
    for program in ([REAL], OWN):
        ran = run(program, files, *command.split())
        path = files / "lambda.zip"
        outcomes.append((ran.returncode, contents(path) if path.exists() else {}))
        path.unlink(missing_ok=True)
    assert outcomes[1] == outcomes[0]


def test_it_adds_and_replaces(files: Path) -> None:
    assert run(OWN, files, "x.zip", "handler.py", "b.txt").returncode == 0
    (files / "handler.py").write_text("new")
    assert run(OWN, files, "x.zip", "handler.py", "lib/a.py").returncode == 0
    found = contents(files / "x.zip")
    assert sorted(found) == ["b.txt", "handler.py", "lib/a.py"]
    assert found["handler.py"][0] == b"new"
    assert found["b.txt"][1]


@pytest.mark.parametrize(
    "arguments", [["-y", "x.zip", "a"], ["-FS", "x.zip"], ["--encrypt", "x.zip"], ["-"], ["-r"], []]
)
def test_what_it_does_not_know_it_refuses(files: Path, arguments: list[str]) -> None:
    before = sorted(files.iterdir())
    ran = run(OWN, files, *arguments)
    assert ran.returncode == 16
    assert "this machine has none" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert sorted(files.iterdir()) == before


def test_a_broken_archive_is_left_alone(files: Path) -> None:
    (files / "x.zip").write_text("no zip")
    assert run(OWN, files, "x.zip", "handler.py").returncode == 15
    assert (files / "x.zip").read_text() == "no zip"
