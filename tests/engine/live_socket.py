"""A client of AppSync's WebSockets: text frames, as RFC 6455 has them, and no more."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit


class LiveSocket:
    """Raises TimeoutError when nothing comes within 10 s."""

    def __init__(self, url: str, *protocols: str):
        parts = urlsplit(url)
        self._wire = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=10)
        self._rest = b""
        lines = [
            f"GET {parts.path}{'?' + parts.query if parts.query else ''} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Protocol: {', '.join(protocols)}",
        ]
        self._wire.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self._rest:
            self._rest += self._receive()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        assert head.split(b" ")[1] == b"101", head

    def __enter__(self) -> LiveSocket:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._wire.close()

    def _receive(self) -> bytes:
        data = self._wire.recv(1 << 16)
        assert data, "the other end closed the connection"
        return data

    def send(self, **message: Any) -> None:
        data = json.dumps(message).encode()
        mask = os.urandom(4)
        length = len(data)
        head = struct.pack("!BB", 0x81, 0x80 | length) if length < 126 else b""
        head = head or struct.pack("!BBH", 0x81, 0x80 | 126, length)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self._wire.sendall(head + mask + masked)

    def _take(self, count: int) -> bytes:
        while len(self._rest) < count:
            self._rest += self._receive()
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def next(self, *types: str) -> dict[str, Any]:
        """The next message of one of `types`; others are passed over."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            first, second = self._take(2)
            length = second & 0x7F
            if length == 126:
                length = struct.unpack("!H", self._take(2))[0]
            data = self._take(length)
            if first & 0x0F != 1:
                continue
            message: dict[str, Any] = json.loads(data)
            if message["type"] in types:
                return message
        raise TimeoutError(f"no {types} within 10 s")


def key_header(token: Mapping[str, str]) -> str:
    """The protocol by which a browser tells AppSync Events who it is."""
    said = json.dumps({"host": "local", **token}).encode()
    return "header-" + base64.urlsafe_b64encode(said).decode().rstrip("=")
