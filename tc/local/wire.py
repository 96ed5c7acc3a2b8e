"""Short questions to the engine, over a bare socket.

http.client costs 12 ms to import, more than everything else that a command
does to find its running engine.
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any

HOST = "127.0.0.1"
_CHUNK = 65536


def request(method: str, port: int, path: str, seconds: float) -> tuple[int, bytes]:
    """(status, body); OSError when nobody answers within `seconds`, or not in HTTP."""
    deadline = time.monotonic() + seconds
    # HTTP/1.0: the body ends with the connection, never in chunks.
    head = f"{method} {path} HTTP/1.0\r\nHost: {HOST}:{port}\r\nContent-Length: 0\r\n\r\n"
    answer = bytearray()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        connection.connect((HOST, port))
        connection.sendall(head.encode())
        while chunk := connection.recv(_CHUNK):
            answer += chunk
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no whole answer within {seconds} s")
            connection.settimeout(left)
    head_bytes, _, body = bytes(answer).partition(b"\r\n\r\n")
    words = head_bytes.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ConnectionError("no HTTP answer")
    return int(words[1]), body


def engine_at(port: int, seconds: float) -> int | None:
    """The pid of the engine at `port`; None when nobody answers, or somebody else."""
    try:
        status, body = request("GET", port, "/_tc/health", seconds)
        data: Any = json.loads(body)
    except (OSError, ValueError):
        return None
    if status != 200 or not isinstance(data, dict) or "launcher" not in data:
        return None
    pid = data.get("pid")
    return pid if isinstance(pid, int) else None


def taken(port: int) -> bool:
    """Whether another program listens at `port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        if probe.connect_ex((HOST, port)) == 0:
            return True
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False
