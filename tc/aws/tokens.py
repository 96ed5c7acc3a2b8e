"""SSO tokens, where botocore and the AWS CLI look for them.

``~/.aws/sso/cache``, each in a file named by the SHA-1 of its session's name (of the start URL
for the older profile style), readable by its owner only.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tc.aws.profiles import Sso
from tc.errors import TcError
from tc.records import dataclass

#: less than this left is worth a warning, and a new login
SOON = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Token:
    """A stored login: when it ends, and whether it is renewed without anybody's help."""

    until: datetime
    renewable: bool = False


def stored(sso: Sso) -> Token | None:
    """The login of `sso` on this machine, perhaps over; None when there is none that can be read.

    It renews itself as long as botocore finds a refresh token and the registration of the
    client that may use it.
    """
    from botocore.utils import parse_timestamp

    try:
        content = json.loads(_path(sso).read_text(encoding="utf-8"))
        until = parse_timestamp(content["expiresAt"])
        registered = content.get("registrationExpiresAt")
        renewable = (
            sso.session is not None
            and {"refreshToken", "clientId", "clientSecret"} <= content.keys()
            and registered is not None
            and parse_timestamp(registered) > datetime.now(UTC)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return Token(until, renewable)


def store(sso: Sso, client: Mapping[str, Any], token: Mapping[str, Any], expires: datetime) -> None:
    """Keep what CreateToken answered for the `client` that RegisterClient made, in the AWS
    CLI's format. Raises TcError ``login`` when it can't be written."""
    content = {
        "startUrl": sso.start_url,
        "region": sso.region,
        "accessToken": token["accessToken"],
        "expiresAt": _stamp(expires),
        "clientId": client["clientId"],
        "clientSecret": client["clientSecret"],
        "registrationExpiresAt": _stamp(
            datetime.fromtimestamp(client["clientSecretExpiresAt"], UTC)
        ),
    }
    if "refreshToken" in token:
        content["refreshToken"] = token["refreshToken"]
    path = _path(sso)
    try:
        for parent in reversed([path.parent, *path.parent.parents][:3]):
            parent.mkdir(mode=0o700, exist_ok=True)
        _replace(path, json.dumps(content))
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise TcError(
            f"the login can't be stored: {reason}",
            code="login",
            where=str(path.parent),
            hint="make that a directory that you can write",
        ) from error


def _path(sso: Sso) -> Path:
    name = hashlib.sha1((sso.session or sso.start_url).encode()).hexdigest()  # noqa: S324
    return Path("~/.aws/sso/cache").expanduser() / f"{name}.json"


def _replace(path: Path, text: str) -> None:
    """Write `path` whole or not at all, for its owner only."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")  # made 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
