"""Fetching uv from an index that really answers, on this machine."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import uv_wheel  # noqa: E402

PROGRAM = b"#!/bin/sh\necho uv 1.0\n"


def wheel() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("uv-1.0.data/scripts/uv", PROGRAM)
    return file.getvalue()


WHEEL = wheel()
NAMES = [f"uv-1.0-py3-none-manylinux_2_17_{m}.manylinux2014_{m}.whl" for m in ("x86_64", "aarch64")]
NAMES += [f"uv-1.0-py3-none-musllinux_1_1_{m}.whl" for m in ("x86_64", "aarch64")]
NAMES += ["uv-1.0-py3-none-macosx_11_0_arm64.whl", "uv-1.0-py3-none-macosx_10_12_x86_64.whl"]


class Index(BaseHTTPRequestHandler):
    """``/simple`` in HTML, ``/json`` in JSON, ``/locked`` for whom the password lets in."""

    def do_GET(self) -> None:
        if self.path.startswith("/files/"):
            return self.answer("application/zip", WHEEL)
        if self.path == "/json/uv/":
            entries = [{"filename": name, "url": f"../../files/{name}"} for name in NAMES]
            return self.answer("application/json", json.dumps({"files": entries}).encode())
        login = "Basic " + base64.b64encode(b"ann:s%cret").decode()
        if self.path == "/locked/uv/" and self.headers.get("Authorization") != login:
            return self.send_error(401)
        if self.path in ("/simple/uv/", "/locked/uv/"):
            links = [f'<a data-x="1" href="../../files/{n}#sha256=0">{n}</a>' for n in NAMES]
            return self.answer("text/html", "\n".join(links).encode())
        return self.send_error(404)

    def answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@pytest.fixture
def index() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "UV_FIND_LINKS", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def requirements(directory: Path, content: bytes = WHEEL) -> Path:
    file = directory / "runtime.txt"
    digest = hashlib.sha256(content).hexdigest()
    file.write_text(
        f"a==1 \\\n    --hash=sha256:{'0' * 64}\nuv==1.0 \\\n    --hash=sha256:{digest}\n"
    )
    return file


@pytest.mark.parametrize("place", ["simple", "json", "simple/"])
def test_it_comes_from_the_index(
    index: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{index}/{place}")
    program = uv_wheel.fetch(requirements(tmp_path), tmp_path)
    assert program.read_bytes() == PROGRAM
    assert program.stat().st_mode & 0o777 == 0o700


def test_a_password_goes_in_a_header_and_never_into_an_error(
    index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://ann:s%25cret@{index}/locked")
    assert uv_wheel.fetch(requirements(tmp_path), tmp_path).exists()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://ann:wrong@{index}/locked")
    with pytest.raises(uv_wheel.Unavailable) as refused:
        uv_wheel.fetch(requirements(tmp_path), tmp_path)
    assert "401" in str(refused.value)
    assert "wrong" not in str(refused.value)


def test_a_file_that_is_not_the_pinned_one_is_refused(
    index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{index}/simple")
    with pytest.raises(uv_wheel.Unavailable, match=r"is not the file that runtime.txt names"):
        uv_wheel.fetch(requirements(tmp_path, b"another"), tmp_path)
    assert not (tmp_path / "uv").exists()


def test_it_comes_from_a_directory_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        (tmp_path / name).write_bytes(WHEEL)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert uv_wheel.fetch(requirements(tmp_path), tmp_path).read_bytes() == PROGRAM


def test_an_index_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setattr(uv_wheel, "ATTEMPTS", 1)
    with pytest.raises(uv_wheel.Unavailable) as unreached:
        uv_wheel.fetch(requirements(tmp_path), tmp_path)
    assert "http://127.0.0.1:9/simple/uv/: Connection refused" in str(unreached.value)
    assert "PIP_INDEX_URL" in unreached.value.hint


@pytest.mark.parametrize(
    ("system", "machine", "libc", "name"),
    [
        ("Linux", "x86_64", "glibc", NAMES[0]),
        ("Linux", "aarch64", "glibc", NAMES[1]),
        ("Linux", "x86_64", "", NAMES[2]),
        ("Darwin", "arm64", "", NAMES[4]),
    ],
)
def test_each_machine_has_one_wheel(
    system: str, machine: str, libc: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.libc_ver", lambda: (libc, ""))
    assert [candidate for candidate in NAMES if uv_wheel.fits(candidate, "1.0")] == [name]
