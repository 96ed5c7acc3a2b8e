"""A loopback proxy in front of the engine: remembers what passes, and can refuse it."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from botocore import xform_name

_READS = ("get_", "list_", "describe_", "filter_", "GET ")
_OWN = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}


@dataclass(frozen=True)
class Call:
    """A request as it passed by. `name` is the operation where the request says it
    (``create_role``), else method and path."""

    name: str
    body: bytes

    @property
    def shape(self) -> str:
        """The name without what the engine made up."""
        name = re.sub(r"/[0-9a-f]{8}(?=/|$)", "/ID", self.name)
        return re.sub(r"/policy/.+", "/policy/SID", name)

    @property
    def writes(self) -> bool:
        return not self.name.startswith(_READS)


#: what a refusal answers: HTTP status, AWS's error code, its message
Refusal = tuple[int, str, str]
Rule = Callable[[Call], Refusal | None]


class Proxy:
    """Passes requests on to the engine at `port` and remembers them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.calls: list[Call] = []
        self.rule: Rule = _none
        self.too_late = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def refusing(self, rule: Rule, *, too_late: bool = False) -> Iterator[None]:
        """Refuses what `rule` says; `too_late` is when the call has had its effect."""
        self.rule, self.too_late = rule, too_late
        try:
            yield
        finally:
            self.rule, self.too_late = _none, False

    @contextmanager
    def counting(self) -> Iterator[list[Call]]:
        """The calls that pass from here on."""
        self.calls = []
        yield self.calls


def _none(call: Call) -> Refusal | None:
    return None


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            target = self.headers.get("x-amz-target", "").rpartition(".")[2]
            query = "" if target or b"Action=" not in body else _action(body)
            bare = f"{self.command} {urlsplit(self.path).path}"
            call = Call(xform_name(target or query) if target or query else bare, body)
            proxy.calls.append(call)
            refusal = proxy.rule(call)
            if refusal is None or proxy.too_late:
                answer = self._passed_on(body)
            if refusal is not None:
                answer = _refused(refusal, bool(query))
            self._send(*answer)

        def _passed_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            engine = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
            kept = {k: v for k, v in self.headers.items() if k.lower() not in _OWN}
            engine.request(self.command, self.path, body, kept)
            got = engine.getresponse()
            headers = [(k, v) for k, v in got.getheaders() if k.lower() not in _OWN]
            answer = (got.status, headers, got.read())
            engine.close()
            return answer

        def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            for name, value in (*headers, ("content-length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """The calls are the log."""

    return Handler


def _action(body: bytes) -> str:
    return parse_qs(body.decode()).get("Action", [""])[0]


def _refused(refusal: Refusal, query: bool) -> tuple[int, list[tuple[str, str]], bytes]:
    """An error as AWS's query services (XML) and its JSON services answer it."""
    status, code, message = refusal
    if query:
        xml = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        return status, [("content-type", "text/xml")], f"{xml}</ErrorResponse>".encode()
    data = json.dumps({"__type": code, "message": message}).encode()
    return status, [("content-type", "application/json"), ("x-amzn-errortype", code)], data
