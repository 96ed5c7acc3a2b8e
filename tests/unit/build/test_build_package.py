"""Packages without a build command: what is in them, and that they are the same everywhere."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest
from build_files import HANDLER, Make

from tc.build.package import package, package_all
from tc.errors import TcError
from tc.events import silent
from tc.spec.artifact import Artifact


def names(artifact: Artifact) -> list[str]:
    with zipfile.ZipFile(artifact.path) as archive:
        return archive.namelist()


def test_a_package_runs(make: Make, cache: Path) -> None:
    artifact = package(make(), cache, silent)
    code = "import handler; print(handler.handler({}, None))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(artifact.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "{'data': 'enhanced-data'}\n"


def test_what_is_told_of_a_package_is_true(make: Make, cache: Path) -> None:
    artifact = package(make({"handler.py": HANDLER, "lib/a.txt": "a"}), cache, silent)
    body = artifact.path.read_bytes()
    assert artifact.sha256 == b64encode(hashlib.sha256(body).digest()).decode()
    assert (artifact.size, artifact.files) == (len(body), 2)
    assert artifact.unpacked == len(HANDLER) + 1
    assert artifact.stored
    assert artifact.path == cache / "packages" / f"{artifact.digest}.zip"
    assert artifact.path.stat().st_mode & 0o777 == 0o600
    assert artifact.path.parent.stat().st_mode & 0o777 == 0o700


def test_the_same_bytes_on_every_machine(make: Make, cache: Path) -> None:
    """The sum of a known package never changes, or every deployed function would."""
    function = make({"handler.py": HANDLER, "bin/run": "#!/bin/sh\n", "lib/ü.txt": "ü"})
    (function.dir / "bin/run").chmod(0o755)
    assert package(function, cache, silent).sha256 == "eyhtii7UWxuPJXf0XwAES3EiA4PtcxpKW+pFeYHNGEU="


def test_times_modes_and_order_do_not_count(make: Make, tmp_path: Path) -> None:
    function = make({"handler.py": HANDLER, "b.py": "", "a/c.py": ""})
    first = package(function, tmp_path / "one", silent)
    content = {path.name: path.read_bytes() for path in function.dir.glob("*.py")}
    for name in ("handler.py", "b.py"):
        (function.dir / name).unlink()
    umask = os.umask(0o077)
    try:
        for name in ("b.py", "handler.py"):
            (function.dir / name).write_bytes(content[name])
            os.utime(function.dir / name, (1_000_000_000, 1_000_000_000))
        second = package(function, tmp_path / "two", silent)
    finally:
        os.umask(umask)
    assert second.path.read_bytes() == first.path.read_bytes()


def test_an_executable_is_another_package(make: Make, cache: Path) -> None:
    function = make({"handler.py": HANDLER, "run.sh": "#!/bin/sh\n"})
    plain = package(function, cache, silent)
    (function.dir / "run.sh").chmod(0o700)
    program = package(function, cache, silent)
    assert program.digest != plain.digest
    with zipfile.ZipFile(program.path) as archive:
        modes = {i.filename: oct(i.external_attr >> 16) for i in archive.infolist()}
        assert modes == {"handler.py": "0o100644", "run.sh": "0o100755"}
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert not any(i.extra for i in archive.infolist())


def test_one_megabyte_is_compressed(make: Make, cache: Path) -> None:
    below = package(make({"handler.py": HANDLER, "x": bytes(900_000)}), cache, silent)
    above = package(make({"handler.py": HANDLER, "x": bytes(1_100_000)}), cache, silent)
    assert below.stored
    assert below.size > 900_000
    assert not above.stored
    assert above.size < 10_000
    assert above.unpacked == 1_100_000 + len(HANDLER)


def test_a_package_is_written_once(make: Make, cache: Path) -> None:
    function = make()
    before = package(function, cache, silent).path.stat()
    after = package(function, cache, silent).path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_damaged_package_is_made_again(make: Make, cache: Path) -> None:
    function = make()
    whole = package(function, cache, silent).path.read_bytes()
    package(function, cache, silent).path.write_bytes(whole[:40])
    assert package(function, cache, silent).path.read_bytes() == whole


LEFT_OUT = [
    ".git/config",
    ".gitignore",
    ".github/x.yml",
    ".tcignore",
    "function.json",
    "function.yml",
    "pyproject.toml",
    "uv.lock",
    "requirements.txt",
    "requirements-dev.txt",
    "poetry.lock",
    "Gemfile",
    "Gemfile.lock",
    "package-lock.json",
    "old.zip",
    "lambda.zip",
    ".venv/lib/x.py",
    "venv/x.py",
    "__pycache__/handler.pyc",
    "lib/__pycache__/x.pyc",
    "x.pyc",
    ".DS_Store",
    ".env",
    ".env.local",
    "lib/.env",
    ".aws/credentials",
    "key.pem",
    "lib/key.pem",
    "credentials",
    "credentials.json",
    ".npmrc",
]
KEPT = [
    "handler.py",
    "lib/function.json",
    "lib/requirements.txt",
    "tests/test_x.py",
    "package.json",
    "node_modules/a/index.js",
    "lib/credentials.py",
    "credentials_of.py",
    "certifi/cacert.pem",
    ".config",
    "x.env",
]


def test_what_is_no_code_stays_out(make: Make, cache: Path) -> None:
    function = make(dict.fromkeys((*LEFT_OUT, *KEPT), "x"))
    assert names(package(function, cache, silent)) == sorted(KEPT)


def test_a_module_called_credentials_stays(make: Make, cache: Path) -> None:
    function = make({"handler.py": HANDLER, "credentials/__init__.py": ""})
    assert "credentials/__init__.py" in names(package(function, cache, silent))


def test_tcignore(make: Make, cache: Path) -> None:
    files = ("handler.py", "data/a.csv", "data/b.txt", "docs/x", "ca.pem", "keep.csv")
    function = make(dict.fromkeys(files, "x"), ignore=("*.csv", "!keep.csv", "/docs/", "!ca.pem"))
    assert names(package(function, cache, silent)) == [
        "ca.pem",
        "data/b.txt",
        "handler.py",
        "keep.csv",
    ]


def test_links_are_followed(make: Make, project: Path, cache: Path) -> None:
    function = make({"handler.py": HANDLER, "real/a.py": "a = 1\n"})
    (project / "shared").mkdir()
    (project / "shared/b.py").write_text("b = 2\n")
    (function.dir / "inside.py").symlink_to("real/a.py")
    (function.dir / "shared").symlink_to("../../shared")
    artifact = package(function, cache, silent)
    assert names(artifact) == ["handler.py", "inside.py", "real/a.py", "shared/b.py"]
    with zipfile.ZipFile(artifact.path) as archive:
        assert archive.read("inside.py") == b"a = 1\n"


@pytest.mark.parametrize(
    ("link", "to", "code"),
    [
        ("secret", "/etc/passwd", "link-outside"),
        ("secret", "../../../outside", "link-outside"),
        ("gone.py", "nowhere.py", "link-broken"),
        ("again", ".", "link-loop"),
        ("again", "..", "link-loop"),
    ],
)
def test_bad_links(make: Make, cache: Path, tmp_path: Path, link: str, to: str, code: str) -> None:
    (tmp_path / "outside").write_text("x")
    function = make()
    (function.dir / link).symlink_to(to)
    with pytest.raises(TcError) as raised:
        package(function, cache, silent)
    assert raised.value.code == code
    assert raised.value.where.endswith(f"enhancer/{link}")
    ignoring = replace(function, ignore=(link,))
    assert names(package(ignoring, cache, silent)) == ["handler.py"]


def test_directories_that_link_to_each_other(make: Make, cache: Path) -> None:
    function = make({"handler.py": HANDLER, "a/x.py": "", "b/y.py": ""})
    (function.dir / "a/to_b").symlink_to("../b")
    (function.dir / "b/to_a").symlink_to("../a")
    with pytest.raises(TcError) as raised:
        package(function, cache, silent)
    assert raised.value.code == "link-loop"


def test_a_pipe_is_refused_and_not_read(make: Make, cache: Path) -> None:
    function = make()
    os.mkfifo(function.dir / "pipe")
    with pytest.raises(TcError, match="neither a file nor a directory"):
        package(function, cache, silent)


def test_an_unreadable_place_is_a_sentence(make: Make, cache: Path) -> None:
    function = make()
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("no directory")
    with pytest.raises(TcError, match="`enhancer` can't be packaged: not a directory"):
        package(function, cache, silent)


@pytest.mark.parametrize(
    ("runtime", "handler", "files"),
    [
        ("python3.13", "handler.handler", ["handler.py"]),
        ("python3.13", "app.main.run", ["app/main.py"]),
        ("python3.13", "app/main.run", ["app/main.py"]),
        ("python3.13", "app.run", ["app/__init__.py"]),
        ("python3.13", "fast.run", ["fast.cpython-313-x86_64-linux-gnu.so"]),
        ("ruby3.4", "handler.handler", ["handler.rb"]),
        ("ruby3.4", "lib/app.Jobs::Enhancer.call", ["lib/app.rb"]),
        ("nodejs24.x", "handler.handler", ["handler.mjs"]),
        ("nodejs24.x", "dist/index.routes.get", ["dist/index.js"]),
        ("nodejs24.x", "handler.handler", ["handler.cjs"]),
    ],
)
def test_handlers(make: Make, cache: Path, runtime: str, handler: str, files: list[str]) -> None:
    there = make(dict.fromkeys(files, "x"), runtime=runtime, handler=handler)
    assert names(package(there, cache, silent)) == files
    absent = make(dict.fromkeys(["other.txt"], "x"), "absent", runtime=runtime, handler=handler)
    with pytest.raises(TcError) as raised:
        package(absent, cache, silent)
    assert raised.value.code == "no-handler"
    assert handler in raised.value.message
    assert "other.txt" in raised.value.message


def test_a_bootstrap_must_be_executable(make: Make, cache: Path) -> None:
    function = make({"bootstrap": "#!/bin/sh\n"}, runtime="provided.al2023", handler="x")
    with pytest.raises(TcError, match="isn't executable"):
        package(function, cache, silent)
    (function.dir / "bootstrap").chmod(0o755)
    assert names(package(function, cache, silent)) == ["bootstrap"]


@pytest.mark.parametrize(
    ("runtime", "file"), [("provided.al2023", "main.c"), ("java21", "App.java")]
)
def test_compiled_languages_need_a_command(
    make: Make, cache: Path, runtime: str, file: str
) -> None:
    with pytest.raises(TcError) as raised:
        package(make({file: ""}, runtime=runtime), cache, silent)
    assert raised.value.code == "no-build"
    assert "tasks.build" in raised.value.hint


def test_nothing_is_no_package(make: Make, cache: Path) -> None:
    with pytest.raises(TcError) as raised:
        package(make({"function.json": "{}"}), cache, silent)
    assert raised.value.code == "empty-package"


def test_too_large_unpacked(make: Make, cache: Path) -> None:
    function = make()
    with (function.dir / "model.bin").open("wb") as file:
        file.truncate(260 * 1024 * 1024)
    with pytest.raises(TcError) as raised:
        package(function, cache, silent)
    assert raised.value.code == "too-large"
    assert "260.0 MB unpacked, Lambda takes 250.0 MB" in raised.value.message
    assert "model.bin" in raised.value.message
    assert ".tcignore" in raised.value.hint
    assert not list(cache.rglob("*.zip"))


def test_a_package_that_must_come_from_a_bucket_says_what_is_large_in_it(
    make: Make, cache: Path
) -> None:
    noise = os.urandom(51 * 1024 * 1024)
    files = {"handler.py": HANDLER, "noise/a.bin": noise, "noise/b.bin": b"b" * 1000}
    artifact = package(make(files), cache, silent)
    assert artifact.is_large
    assert artifact.largest == (("noise/", len(noise) + 1000), ("handler.py", len(HANDLER)))
    assert artifact.key == f"packages/{hashlib.sha256(artifact.path.read_bytes()).hexdigest()}.zip"
    assert not package(make(name="small"), cache, silent).is_large


def test_all_at_once(make: Make, cache: Path) -> None:
    functions = [make({"handler.py": f"n = {n}\n"}, f"f{n}") for n in range(20)]
    artifacts = package_all(functions, cache, silent)
    assert list(artifacts) == [f"f{n}" for n in range(20)]
    with zipfile.ZipFile(artifacts["f7"].path) as archive:
        assert archive.read("handler.py") == b"n = 7\n"
    assert package_all([], cache, silent) == {}


def test_every_failure_is_told(make: Make, cache: Path) -> None:
    functions = [make(), make({"x": ""}, "loader"), make({}, "transformer")]
    with pytest.raises(TcError) as raised:
        package_all(functions, cache, silent)
    message = raised.value.message
    assert "2 functions can't be packaged (loader, transformer)" in message
    assert "has no handler.py" in message
    assert "would be empty" in message


def test_two_functions_of_one_name_are_never_mixed_up(make: Make, cache: Path) -> None:
    one = make()
    other = replace(make({"handler.py": "other"}, "elsewhere"), name="enhancer")
    with pytest.raises(TcError) as raised:
        package_all([one, other], cache, silent)
    assert raised.value.code == "same-name"
