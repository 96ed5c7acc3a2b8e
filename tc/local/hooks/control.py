"""`GET /_tc/health` and `POST /_tc/save`: how the manager of the engine talks to it.

The engine saves its state only when it is told to stop, so a killed engine would forget
everything since it started. The manager posts to `/_tc/save` after each command instead.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import platform
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TextIO

from .needs import engine_version, need, replace

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_saving = threading.Lock()
TRIES = 5


class Failures(logging.Handler):
    """The errors that the engine logs while it saves."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class OneShot:
    """`json` to whoever writes states: each as one text, made without going through dictionaries
    that other threads change meanwhile."""

    @staticmethod
    def dump(value: Any, file: TextIO, **options: Any) -> None:
        file.write(json.dumps(value, **options))

    def __getattr__(self, name: str) -> Any:
        return getattr(json, name)


def control(launcher: str, hooks: list[str]) -> App:
    """The engine's application with our two addresses in front of it."""
    engine: App = need("app", "app", "scope", "receive", "send")
    need("app", "_build_persistence_save_dict")
    need("core.persistence", "save_all", "services")
    replace("core.persistence", "json", OneShot())
    facts = {
        "pid": os.getpid(),
        "engine": engine_version(),
        "launcher": launcher,
        "hooks": hooks,
        "python": platform.python_version(),
    }

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/_tc/"):
            await engine(scope, receive, send)
            return
        asked = (scope["method"], scope["path"])
        if asked == ("GET", "/_tc/health"):
            await _answer(send, 200, facts)
        elif asked == ("POST", "/_tc/save"):
            failed = await asyncio.to_thread(save)
            await _answer(send, 500 if failed else 200, {"saved": not failed, "failed": failed})
        else:
            await _answer(send, 404, {"message": "not found"})

    return app


def save() -> list[str]:
    """Write every service's state to STATE_DIR; what could not be written, one text each.

    The engine logs what fails and goes on. A state that another request changes while it is
    written fails, so it is tried again.
    """
    from ministack.app import _build_persistence_save_dict
    from ministack.core.persistence import save_all

    failed = Failures()
    log = logging.getLogger("persistence")
    with _saving:
        log.addHandler(failed)
        try:
            for _ in range(TRIES):
                failed.texts.clear()
                save_all(_build_persistence_save_dict())
                if not failed.texts:
                    break
        finally:
            log.removeHandler(failed)
    return failed.texts


async def _answer(send: Send, status: int, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
