"""Setting up .venv, in a small project of its own: real uv, no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PARTS = ("scripts/bootstrap.py", "scripts/uv_wheel.py", "tc/__init__.py", "tc/local/__init__.py")
_PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "small"
version = "1"
"""
_BACKEND = """
import zipfile

def build_editable(directory, config_settings=None, metadata_directory=None):
    name = "small-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        wheel.writestr("small.py", "")
        info = "small-1.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1\\n")
        tag = "Root-Is-Purelib: true\\nTag: py3-none-any"
        wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\\n{tag}\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for part in (*_PARTS, "tc/indexes.py"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, tmp_path / part)
    (tmp_path / "pyproject.toml").write_text(_PROJECT)
    (tmp_path / "backend.py").write_text(_BACKEND)
    (tmp_path / "requirements").mkdir()
    for name in ("runtime", "dev", "build"):
        (tmp_path / "requirements" / f"{name}.txt").write_text("")
    return tmp_path


def bootstrap(project: Path, level: str, **env: str) -> subprocess.CompletedProcess[str]:
    own = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(project / "home")}
    return subprocess.run(
        [sys.executable, "-I", "-S", str(project / "scripts/bootstrap.py"), level],
        env={**own, "PIP_NO_INDEX": "1", **env},
        capture_output=True,
        text=True,
        check=False,
    )


def works(project: Path) -> bool:
    command = [str(project / ".venv/bin/python"), "-c", "import small"]
    return subprocess.run(command, check=False).returncode == 0


def test_a_second_run_does_nothing(project: Path) -> None:
    first = bootstrap(project, "runtime")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("Setting up .venv (runtime, Python 3.")
    assert works(project)
    second = bootstrap(project, "runtime")
    assert (second.returncode, second.stdout) == (0, "")


def test_dev_has_what_runtime_has(project: Path) -> None:
    assert "(dev," in bootstrap(project, "dev").stdout
    assert bootstrap(project, "runtime").stdout == ""
    (project / "pyproject.toml").write_text(_PROJECT + "# changed\n")
    assert "(dev," in bootstrap(project, "runtime").stdout


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements/runtime.txt"])
def test_a_changed_file_installs_again(project: Path, changed: str) -> None:
    bootstrap(project, "runtime")
    (project / changed).write_text((project / changed).read_text() + "# changed\n")
    assert "Setting up" in bootstrap(project, "runtime").stdout
    assert works(project)


def test_an_interrupted_setup_is_made_again(project: Path) -> None:
    bootstrap(project, "runtime")
    (project / ".venv/.unfinished").touch()
    for file in (project / ".venv").rglob("small.py"):
        file.unlink()
    assert not works(project)
    assert bootstrap(project, "runtime").returncode == 0
    assert works(project)


def test_an_environment_whose_python_is_gone_is_made_again(project: Path) -> None:
    bootstrap(project, "runtime")
    (project / ".venv/bin/python").unlink()
    (project / ".venv/bin/python").symlink_to("/nowhere/python3")
    assert bootstrap(project, "runtime").returncode == 0
    assert works(project)


def test_a_package_that_is_nowhere_is_told_with_the_way_out(project: Path) -> None:
    (project / "requirements/runtime.txt").write_text("nowhere==1 --hash=sha256:" + "0" * 64)
    ended = bootstrap(project, "runtime")
    assert ended.returncode == 1
    assert "The package index lacks a version that requirements/ names." in ended.stderr
    assert "next: set PIP_INDEX_URL or PIP_FIND_LINKS" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_index_that_does_not_answer_is_told_with_the_way_out(project: Path) -> None:
    (project / "requirements/runtime.txt").write_text("nowhere==1 --hash=sha256:" + "0" * 64)
    index = {"PIP_NO_INDEX": "", "PIP_INDEX_URL": "http://user:secret@127.0.0.1:9/simple"}
    ended = bootstrap(project, "runtime", **index, UV_HTTP_RETRIES="0")
    assert ended.returncode == 1
    assert "The package index cannot be reached." in ended.stderr
    assert "secret" not in ended.stderr


def test_without_uv_and_index_the_way_out_is_told(project: Path) -> None:
    (project / "requirements/runtime.txt").write_text("uv==1.0 \\\n  --hash=sha256:" + "0" * 64)
    ended = bootstrap(project, "runtime", PATH="/usr/bin:/bin")
    if shutil.which("uv", path="/usr/bin:/bin"):
        pytest.skip("this machine has a uv in /usr/bin")
    assert ended.returncode == 1
    assert "uv cannot be fetched (no index is set)" in ended.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_told(project: Path) -> None:
    project.chmod(0o500)
    ended = bootstrap(project, "runtime")
    project.chmod(0o700)
    assert ended.returncode == 1
    assert "Permission denied" in ended.stderr


def test_an_old_python_is_told_with_the_way_out(project: Path) -> None:
    script = (project / "scripts/bootstrap.py").read_text()
    assert "OLDEST = (3, 11)" in script
    (project / "scripts/bootstrap.py").write_text(script.replace("(3, 11)", "(3, 99)"))
    ended = bootstrap(project, "runtime", PATH="/nowhere")
    assert ended.returncode == 1
    assert ended.stderr.startswith("tc needs Python 3.11 or newer, and python3 is 3.")
    assert "next: install one" in ended.stderr
