"""What can't be installed is told in one sentence, with who asks for it and what to change."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from python_index import (
    Index,
)

from tc.errors import TcError


def conflict(index: Index, requirements: str) -> TcError:
    index.add("alpha", "1.0", "base<2")
    index.add("beta", "1.0", "base>=2")
    index.add("gamma", "1.0", "alpha")
    index.add("gamma", "1.1", "alpha")
    index.add("modern", "1.0", python=">=3.12")
    for version in ("1.0", "2.0", "3.0"):
        index.add("base", version)
    return index.refusal(requirements)


@pytest.mark.parametrize(
    ("requirements", "code", "lines", "hint"),
    [
        (
            "base>=2\nbase<2\n",
            "dependency-conflict",
            ["base", "├─ requirements.txt asks for base<2", "└─ requirements.txt asks for base>=2"],
            "relax `base<2` or `base>=2` in requirements.txt",
        ),
        (
            "base>=2\nalpha\n",
            "dependency-conflict",
            [
                "base",
                "├─ requirements.txt asks for base>=2",
                "└─ alpha (every version) requires base<2",
                "   └─ requirements.txt asks for alpha",
            ],
            "relax `base>=2` in requirements.txt",
        ),
        (
            "gamma\nbeta\n",
            "dependency-conflict",
            [
                "base",
                "├─ alpha (every version) requires base<2",
                "│  └─ gamma (every version) requires alpha",
                "│     └─ requirements.txt asks for gamma",
                "└─ beta (every version) requires base>=2",
                "   └─ requirements.txt asks for beta",
            ],
            "ask for another version of `gamma` or `beta` in requirements.txt",
        ),
        (
            "modern\n",
            "dependency-conflict",
            ["modern", "└─ requirements.txt asks for modern"],
            "ask for an older version of `modern`, or set `runtime.lang` to a Python that it takes",
        ),
        (
            "base==9\n",
            "no-such-package",
            ["base", "└─ requirements.txt asks for base==9"],
            "ask for a version of `base` that is there",
        ),
        (
            "base>=9\n",
            "no-such-package",
            ["base", "└─ requirements.txt asks for base>=9"],
            "ask for a version of `base` that is there",
        ),
        (
            "nosuch\n",
            "no-such-package",
            ["nosuch", "└─ requirements.txt asks for nosuch"],
            "look at how it is written; a private index is set with UV_INDEX, or in the file",
        ),
    ],
)
def test_a_conflict_is_a_tree_with_what_to_relax(
    index: Index, requirements: str, code: str, lines: list[str], hint: str
) -> None:
    error = conflict(index, requirements)
    assert (error.code, error.hint) == (code, hint)
    assert [line.removeprefix("  ") for line in error.message.splitlines()[1:]] == lines
    assert "`enhancer`" in error.message


def test_an_index_that_is_not_there_is_one_sentence_without_the_password(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://me:hidden-word@127.0.0.1:9/simple")
    error = index.refusal("alpha\n")
    assert error.code == "index-unreachable"
    assert "can't be reached" in error.message
    assert "run this again" in error.hint
    assert "hidden-word" not in f"{error.message}{error.hint}{error.where}"
    assert len(error.message.splitlines()) == 1


def test_a_repository_that_can_not_be_fetched_is_told_as_one(index: Index) -> None:
    error = index.refusal("beta @ git+http://me:hidden-word@127.0.0.1:9/beta.git@main\n")
    assert error.code == "no-remote"
    assert "the repository of `beta @" in error.message
    assert "hidden-word" not in error.message
    assert len(error.message.splitlines()) == 1


class _Refusing(BaseHTTPRequestHandler):
    """An index that lets nobody in."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_an_index_that_refuses_access_is_named(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.delenv("PIP_NO_INDEX")
        place = f"127.0.0.1:{server.server_port}/simple"
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://me:hidden-word@{place}")
        error = index.refusal("alpha\n")
        server.shutdown()
    assert error.code == "index-unreachable"
    assert f"{place} refuses access" in error.message
    assert "hidden-word" not in error.message


class _Broken(BaseHTTPRequestHandler):
    """An index that breaks off in the middle of a wheel, until `whole`."""

    wheels: Path
    whole = False

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.wheels / self.path.rpartition("/")[2]
        names = [file.name for file in self.wheels.iterdir()]
        page = "".join(f'<a href="/files/{name}">{name}</a>' for name in names).encode()
        body = path.read_bytes() if path.is_file() else page
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body if self.whole or body is page else body[:100])

    def log_message(self, *_: object) -> None:
        pass


def test_an_index_that_breaks_off_is_one_sentence_and_can_be_tried_again(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add("alpha", "1.0")
    handler = type("Handler", (_Broken,), {"wheels": index.wheels})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://me:hidden-word@127.0.0.1:{server.server_port}/simple"
        for name in ("PIP_NO_INDEX", "UV_FIND_LINKS"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("PIP_INDEX_URL", address)
        error = index.refusal("alpha\n")
        assert error.code == "index-unreachable"
        assert "broke off while it gave alpha==1.0" in error.message
        assert "hidden-word" not in error.message
        assert len(error.message.splitlines()) == 1
        handler.whole = True  # type: ignore[attr-defined]
        assert index.versions("alpha\n") == {"alpha": "1.0"}
        server.shutdown()
