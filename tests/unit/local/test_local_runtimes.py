"""What is said of runtimes that this machine lacks, with stand-ins for the interpreters on PATH."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tc.local import pythons
from tc.local.pythons import interpreters, nearest
from tc.local.runtimes import check, check_extensions, check_javascript

OWN = f"python3.{sys.version_info.minor}"
OWN_VERSION = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH, empty; nothing is remembered from elsewhere."""
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TC_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return place


def program(file: Path, says: str) -> Path:
    """A program that prints `says`, and leaves a line in `asked` each time it runs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho x >> '{log_of(file)}'\necho '{says}'\n")
    file.chmod(0o755)
    return file


def log_of(file: Path) -> Path:
    """Not beside `file`: a change there would look like a new program on PATH."""
    return file.parent.with_name(f"{file.name}.asked")


def asked(file: Path) -> int:
    counted = log_of(file)
    return len(counted.read_text().splitlines()) if counted.exists() else 0


def test_nothing_to_say(path: Path) -> None:
    program(path / "ruby", "3.4.1")
    program(path / "node", "v22.9.0")
    functions = [("a", OWN), ("b", "ruby3.4"), ("c", "nodejs22.x"), ("d", "provided.al2023")]
    assert check(functions) == []


def test_a_missing_python_is_named_once(path: Path) -> None:
    [one] = check([("enhancer", "python3.14")])
    assert (one.severity, one.functions) == ("warning", ("enhancer",))
    assert one.text == (
        "`enhancer` asks for python3.14, which this machine lacks:"
        f" it runs on Python {OWN_VERSION} here"
    )
    assert "uv python install 3.14" in one.hint
    [three] = check([("a", "python3.14"), ("b", "python3.14"), ("d", OWN), ("c", "python3.14")])
    assert three.text == (
        "3 functions ask for python3.14, which this machine lacks:"
        f" they run on Python {OWN_VERSION} here"
    )


def test_a_missing_ruby_is_an_error_that_names_each_function(path: Path) -> None:
    program(path / "apt-get", "")
    messages = check([("x", "python3.14"), ("loader", "ruby3.4"), ("other", "ruby3.2")])
    assert [message.severity for message in messages] == ["error", "warning"]
    assert messages[0].text == (
        "this machine has no Ruby, which other (ruby3.2), loader (ruby3.4) need"
    )
    assert messages[0].hint == "apt-get install ruby"
    program(path / "brew", "")
    assert check([("loader", "ruby3.4")])[0].hint == "brew install ruby"


def test_a_missing_node_is_an_error(path: Path) -> None:
    [message] = check([("front", "nodejs22.x")])
    assert message.severity == "error"
    assert message.text == "this machine has no Node.js, which front (nodejs22.x) needs"


def test_appsync_needs_node_for_its_javascript(path: Path) -> None:
    assert check_javascript([]) == []
    (message,) = check_javascript(["channel talk", "mutation keep"])
    assert message.severity == "error"
    assert message.text == "this machine has no Node.js, which channel talk, mutation keep need"
    program(path / "node", "v22.1.0")
    assert check_javascript(["channel talk"]) == []


def test_another_ruby_is_a_warning(path: Path) -> None:
    ruby = program(path / "ruby", "3.1.2")
    for _ in range(3):
        [message] = check([("loader", "ruby3.4")])
        assert message.severity == "warning"
        assert (
            message.text == "`loader` asks for ruby3.4: it runs on Ruby 3.1.2 here, the one on PATH"
        )
    assert asked(ruby) == 1


def test_a_version_manager_is_asked_every_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shims = path.parent / "shims"
    monkeypatch.setenv("PATH", str(shims))
    program(shims / "ruby", "3.4.1")
    assert check([("loader", "ruby3.4")]) == []
    program(shims / "ruby", "3.2.0")
    assert "Ruby 3.2.0" in check([("loader", "ruby3.4")])[0].text


def test_what_the_engine_cannot_run_is_refused(path: Path) -> None:
    [message] = check([("old", "java21"), ("older", "java21")])
    assert message.severity == "error"
    assert message.text == "2 functions ask for java21, which -e local can't run: old, older"


def test_pythons_of_path_pyenv_and_uv_are_found_and_remembered(path: Path) -> None:
    home = path.parent
    other = 13 if sys.version_info.minor != 13 else 12
    plain = program(path / f"python3.{other}", f"3.{other}.1")
    program(home / f".pyenv/versions/3.{other}.4/bin/python3.{other}", f"3.{other}.4")
    program(home / ".local/share/uv/python/cpython-3.10/bin/python3.10", "3.10.2")
    venv = program(home / "venv/bin/python3.9", "3.9.9")
    (home / "venv/pyvenv.cfg").write_text("")
    (path / "python3.9").symlink_to(venv)
    program(path / "python3.8", "not a version")
    broken = program(path / "python3.12", "")
    broken.write_text("#!/bin/sh\nexit 1\n")

    for _ in range(2):
        found = pythons.find()
        versions = {name: python.version for name, python in found.items()}
        assert versions == {f"python3.{other}": f"3.{other}.4", "python3.10": "3.10.2"} | {
            OWN: OWN_VERSION
        }
    assert asked(plain) == 1
    program(path / "python3.14", "3.14.0")
    assert "python3.14" in pythons.find()


def test_the_nearest_python_runs_what_is_missing() -> None:
    assert nearest("python3.12", ["python3.11", "python3.12"]) == "python3.12"
    assert nearest("python3.14", ["python3.11", "python3.13"]) == "python3.13"
    assert nearest("python3.12", ["python3.11", "python3.13"]) == "python3.13"
    assert nearest("ruby3.4", ["python3.11"]) is None
    assert nearest("python3.12", ["ruby"]) is None
    every = interpreters({"python3.11": "/a", "python3.13": "/b", "ruby": "/r"})
    assert every["python3.10"] == "/a"
    assert every["python3.14"] == "/b"
    assert set(every.values()) == {"/a", "/b"}


def test_extensions_are_named_once() -> None:
    assert check_extensions({"one": ()}) == []
    (message,) = check_extensions({"one": ("etl-watch",), "two": ("etl-watch", "trace")})
    assert (message.severity, message.functions) == ("warning", ("one", "two"))
    assert message.text == "etl-watch, trace don't run on `local`: the engine starts no extensions"
