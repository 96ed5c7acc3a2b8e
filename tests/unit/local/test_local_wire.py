"""Answers on a port: the engine's, and those of strangers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tc.local import wire


@contextmanager
def answering(*parts: bytes, pause: float = 0.0) -> Iterator[int]:
    """A server for one request that sends `parts`, `pause` seconds before each."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                for part in parts:
                    time.sleep(pause)
                    try:
                        connection.sendall(part)
                    except OSError:
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


HEAD = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n"


def test_the_engine_tells_its_pid() -> None:
    body = b'{"pid": 7, "engine": "1.5.33", "launcher": "1"}'
    with answering(HEAD, body) as port:
        assert wire.engine_at(port, 1) == 7


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 404 Not Found\r\n\r\n{}",
        HEAD + b"<html>",
        HEAD + b"[]",
        HEAD + b'{"pid": 7, "engine": "1.5.33"}',
        HEAD + b'{"pid": "7", "engine": "1.5.33", "launcher": "1"}',
    ],
)
def test_strangers_are_not_the_engine(answer: bytes) -> None:
    with answering(answer) as port:
        assert wire.engine_at(port, 1) is None


def test_a_slow_answer_ends_at_the_deadline() -> None:
    with answering(*[b"H"] * 40, pause=0.05) as port:
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            wire.request("GET", port, "/", 0.3)
        assert time.monotonic() - begun < 1.0


def test_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert wire.taken(port)
    assert not wire.taken(port)
