"""Webhooks: what they are told, and that they can hurt nobody."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tc.deploy import notices
from tc.deploy.notices import Change, body, send, slack_text
from tc.errors import TcError
from tc.spec.fetched import Secret

CHANGE = Change(
    command="deploy",
    result="done",
    topology="etl",
    sandbox="stable",
    env="prod",
    account="111122223333",
    region="eu-west-1",
    who="alice",
    seconds=21.44,
    before="0.1.3",
    after="0.1.4",
    changed={"update": 3, "create": 1},
    link="https://ci.example.com/7",
)


class Hook:
    """A webhook on this machine that answers with `statuses`, one after the other."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.location = ""
        self.slow = 0.0
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = self.rfile.read(int(self.headers["Content-Length"]))
                hook.asked.append((self.path, dict(self.headers), said))
                time.sleep(hook.slow)
                self.send_response(hook.statuses.pop(0) if hook.statuses else 200)
                if hook.location:
                    self.send_header("Location", hook.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                hook.asked.append((self.path, {}, b""))

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/T0/secret-part"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


def refused(url: str | Secret) -> TcError:
    """The error; nothing of the address but its host stands in it, nor in what caused it."""
    with pytest.raises(TcError) as caught:
        send(url, b"{}")
    error = caught.value
    told = f"{error.message} {error.hint} {error.where} {error.__cause__}"
    assert "secret-part" not in told
    assert error.__suppress_context__ or error.__context__ is None
    assert error.code == "notice"
    return error


def test_a_webhook_is_told_once(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    # a proxy is for what is elsewhere
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    send(Secret("ssm:/hook", hook.url), body(CHANGE, "slack"))
    ((path, headers, said),) = hook.asked
    assert path == "/T0/secret-part"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(said) == {
        "text": "*etl@stable.prod* 0.1.3 → 0.1.4: deployed (21.4 s)\n"
        "by alice · 3 updated, 1 created · <https://ci.example.com/7|job>"
    }


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_once_more(hook: Hook, status: int) -> None:
    hook.statuses = [status]
    send(hook.url, b"{}")
    assert len(hook.asked) == 2
    hook.statuses = [status, status]
    assert f"127.0.0.1 answers {status}" in refused(hook.url).message
    assert len(hook.asked) == 4


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_is_not_repeated(hook: Hook, status: int) -> None:
    hook.statuses = [status]
    assert f"answers {status}" in refused(hook.url).message
    assert len(hook.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(hook: Hook, status: int) -> None:
    other = Hook()
    hook.location = other.url
    hook.statuses = [status]
    assert "redirect" in refused(hook.url).message
    assert other.asked == []
    other.server.shutdown()
    other.server.server_close()


def test_a_slow_webhook_holds_nobody_up(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "DEADLINE_S", 0.3)
    hook.slow = 2.0
    started = time.monotonic()
    assert "doesn't answer within 0.3 s" in refused(hook.url).message
    assert time.monotonic() - started < 1.5


def test_nobody_there_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "can't be reached" in refused(f"http://127.0.0.1:{port}/secret-part").message


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/secret-part",
        "http://127.0.0.1@hooks.example.com/secret-part",
        "http://127.0.0.1:80@hooks.example.com/secret-part",
        "ftp://127.0.0.1/secret-part",
        "file:///etc/secret-part",
        "secret-part",
        "https:///secret-part",
        "https://a.example.com/secret-part with blanks",
        "https://a.example.com/secret-part\r\nX: y",
        "https://a.example.com:port/secret-part",
        "",
    ],
)
def test_only_web_servers_and_only_with_tls(url: str) -> None:
    assert "its address" in refused(url).message


def test_a_failure_names_what_failed() -> None:
    failed = Change(
        "create",
        "failed",
        "etl",
        "stable",
        "qa",
        "1",
        "r",
        "b<o&b>",
        2.0,
        "",
        "0.1.4",
        failed=["function etl_a_stable [AccessDenied]"],
        error="hook-failed",
    )
    assert slack_text(failed).splitlines() == [
        "*etl@stable.qa* 0.1.4: create failed (2.0 s)",
        "by b&lt;o&amp;b&gt;",
        "✗ function etl_a_stable [AccessDenied]",
        "✗ hook-failed",
    ]
    assert json.loads(body(failed, "json")) == {
        "command": "create",
        "result": "failed",
        "topology": "etl",
        "sandbox": "stable",
        "env": "qa",
        "account": "1",
        "region": "r",
        "who": "b<o&b>",
        "seconds": 2.0,
        "after": "0.1.4",
        "failed": ["function etl_a_stable [AccessDenied]"],
        "error": "hook-failed",
    }


def test_a_long_changelog_is_cut_at_a_line() -> None:
    lines = [f"- change {number}" for number in range(50)]
    told = notices.shortened("\n".join(lines)).splitlines()
    assert told == [*lines[:20], "… and 30 more"]
    assert notices.shortened("x" * 3000) == "… and 1 more"
