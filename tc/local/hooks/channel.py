"""The line between us and the process of a function: JSON objects, one a line, over a socket."""

from __future__ import annotations

import json
import select
import socket
import subprocess
import time
from typing import Any

LARGEST_ANSWER = 6_291_556  # bytes
POLL_MS = 250


class Gone(Exception):
    """The process ended without an answer."""


class Overdue(Exception):
    """No answer within the time allowed."""


class Failed(Exception):
    """The process answered with an error: `args[0]` is Lambda's error object."""


class Channel:
    def __init__(self, wire: socket.socket, process: subprocess.Popen[bytes]) -> None:
        self._wire = wire
        self._process = process
        self._rest = b""

    def close(self) -> None:
        self._wire.close()

    def send(self, message: dict[str, Any], seconds: float) -> None:
        """Raises Gone and Overdue."""
        self._wire.settimeout(seconds)
        try:
            self._wire.sendall(json.dumps(message).encode() + b"\n")
        except TimeoutError as error:
            raise Overdue from error
        except OSError as error:
            raise Gone from error

    def answer(self, deadline: float) -> dict[str, Any]:
        """The next answer, by a time of the monotonic clock. Raises Gone, Overdue and Failed."""
        line = self._read(deadline)
        if len(line) > LARGEST_ANSWER:
            limit = f"maximum allowed payload size ({LARGEST_ANSWER} bytes)."
            text = f"Response payload size exceeded {limit}"
            raise Failed({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": text})
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return dict(answer)

    def _read(self, deadline: float) -> bytes:
        poll = select.poll()
        poll.register(self._wire, select.POLLIN)
        parts = [self._rest]
        while b"\n" not in parts[-1]:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Overdue
            if not poll.poll(min(POLL_MS, left * 1000)):
                # A child of the handler may hold the socket open after the handler's end.
                if self._process.poll() is not None:
                    raise Gone
                continue
            parts.append(self._receive())
        line, _, self._rest = b"".join(parts).partition(b"\n")
        return line

    def _receive(self) -> bytes:
        try:
            data = self._wire.recv(1 << 16)
        except OSError as error:
            raise Gone from error
        if not data:
            raise Gone
        return data
