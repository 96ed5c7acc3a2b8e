"""A loopback proxy in front of the engine: counts calls, keeps answers, plays them back.

It lives in the benchmark's own process, so nothing it does is in the CPU time of
the commands that are measured.
"""

from __future__ import annotations

import hashlib
import http.client
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.operations import name_of

_HOST = "127.0.0.1"
#: headers that belong to one connection or are written anew here
_OWN = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}
#: botocore doesn't repeat a call that got this answer
_NOT_RECORDED = 418
_TIMEOUT_S = 90

Key = tuple[str, str, str, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(slots=True)
class Tape:
    """What went through the proxy: the calls by operation, the answers by request."""

    calls: Counter[str] = field(default_factory=Counter)
    answers: defaultdict[Key, list[Answer]] = field(default_factory=lambda: defaultdict(list))


class Proxy:
    """Passes requests on to the engine at `port`, or answers them from a tape."""

    def __init__(self, port: int) -> None:
        self.engine = port
        self.tape = Tape()
        self.played: Tape | None = None
        self.missed = 0
        self._turn: Counter[Key] = Counter()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((_HOST, 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def recording(self) -> Iterator[Tape]:
        """A new tape of what goes through until the end of the block."""
        recorded = self.tape = Tape()
        try:
            yield recorded
        finally:
            self.tape = Tape()

    @contextmanager
    def playing(self, tape: Tape) -> Iterator[None]:
        """Answers from `tape`; raises RuntimeError when something else was asked."""
        self.played, self.missed = tape, 0
        self._turn.clear()
        try:
            yield
        finally:
            self.played = None
        if self.missed:
            raise RuntimeError(f"{self.missed} calls of the floor are not those of tc")

    def note(self, key: Key, operation: str, answer: Answer) -> None:
        with self._lock:
            self.tape.calls[operation] += 1
            self.tape.answers[key].append(answer)

    def recorded(self, tape: Tape, key: Key) -> Answer:
        """The answers to the same request in their order, the last one from then on."""
        with self._lock:
            answers = tape.answers.get(key)
            if not answers:
                self.missed += 1
                return Answer(_NOT_RECORDED, (), b"")
            turn = min(self._turn[key], len(answers) - 1)
            self._turn[key] += 1
            return answers[turn]


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            target = self.headers.get("x-amz-target", "")
            key = (self.command, self.path, target, hashlib.sha256(body).digest())
            if proxy.played is not None:
                self._send(proxy.recorded(proxy.played, key))
                return
            answer = self._passed_on(body)
            proxy.note(key, name_of(self.command, self.path, dict(self.headers), body), answer)
            self._send(answer)

        def _passed_on(self, body: bytes) -> Answer:
            engine = http.client.HTTPConnection(_HOST, proxy.engine, timeout=_TIMEOUT_S)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _OWN}
            engine.request(self.command, self.path, body, headers)
            got = engine.getresponse()
            kept = tuple((k, v) for k, v in got.getheaders() if k.lower() not in _OWN)
            answer = Answer(got.status, kept, got.read())
            engine.close()
            return answer

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """The counts are the log."""

    return Handler
