"""The package of a deployed function, fetched from where Lambda offers it."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request

#: bytes; larger packages are compared by their sum only
_LIMIT = 5_000_000
_TIMEOUT_S = 30


def deployed_package(location: str) -> bytes | None:
    """The zip behind the address that GetFunction gives, None when it is over 5 MB
    or can't be had: the difference is then told without the files."""
    if urllib.parse.urlsplit(location).scheme not in ("http", "https"):
        return None
    try:
        with urllib.request.urlopen(location, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            body: bytes = answer.read(_LIMIT + 1)
    except (urllib.error.URLError, OSError):
        return None
    return body if len(body) <= _LIMIT else None
