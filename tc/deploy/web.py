"""Requests to web servers: through the user's proxy, and never on to another address."""

from __future__ import annotations

import ipaddress
import urllib.request
from email.message import Message
from typing import IO


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: following it would hand on what only its server may read."""

    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: Message,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        return None


def opener(host: str, *handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    """What opens addresses of `host`: by the proxy of the environment, but for this machine."""
    direct = [urllib.request.ProxyHandler({})] if is_loopback(host) else []
    return urllib.request.build_opener(_NoRedirects(), *direct, *handlers)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
