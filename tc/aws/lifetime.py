"""How long credentials last, as far as this machine knows.

Most renew themselves: botocore asks for new ones when the old ones are about to end. What
doesn't is a login in a browser, a code of an MFA device, and what a CI job was handed.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.utils import parse_timestamp

from tc.aws.faults import Origin, expired
from tc.aws.profiles import sso_of, takes_code
from tc.aws.tokens import SOON, stored
from tc.events import Emit, Event

#: what is left when botocore insists on new ones (its RefreshableCredentials)
_INSISTS = timedelta(minutes=10)
#: seconds after which AWS is asked again about credentials that don't say when they end
_ASK_AGAIN = 300.0
#: seconds after which calls that write look again
_LOOK_AGAIN = 60.0


class Lifetime:
    """Watches how long the credentials of one session last."""

    def __init__(self, session: Any, origin: Origin, emit: Emit):
        self._session = session
        self._origin = origin
        self._emit = emit
        self._warned = False
        #: when AWS last took the credentials, and when they were last looked at
        self._taken = self._looked = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() - self._looked > _LOOK_AGAIN

    def taken(self) -> None:
        """AWS took the credentials just now."""
        self._taken = time.monotonic()

    def ends(self) -> datetime | None:
        """When the credentials end for good; None when nothing is known of an end.

        A source that ends first still leaves what was made of it: a role's credentials are good
        for as long as they were made for.
        """
        session, environment = self._session, self._origin.environment
        current = getattr(session.get_credentials(), "_expiry_time", None)
        left: datetime | None = current - _INSISTS if current else None
        profile = environment.profile or session.profile
        if profile and takes_code(session.full_config, profile):
            return left
        source = _source_ends(session, profile, ambient=environment.profile is None)
        if source is None:
            return None
        return max(source, left) if left else source

    def look(self) -> bool:
        """Renew the credentials if they can be, and warn once when they end soon. Returns
        whether only AWS can tell how they are. Raises TcError ``credentials`` when they are over.
        """
        self._looked = time.monotonic()
        found = self._session.get_credentials()
        frozen = found.get_frozen_credentials() if found else None
        end = self.ends()
        if end is None:
            return bool(frozen and frozen.token) and time.monotonic() - self._taken > _ASK_AGAIN
        left = end - datetime.now(UTC)
        if left <= timedelta():
            raise expired(self._origin)
        if left < SOON and not self._warned:
            self._warned = True
            self._warn(end, max(1, round(left.total_seconds() / 60)))
        return False

    def _warn(self, end: datetime, minutes: int) -> None:
        text = f"the credentials of {self._origin.whose} end in {minutes} min"
        data = {
            "code": "expiring",
            "message": text,
            "where": self._origin.where,
            "hint": self._origin.renew,
            "expires": end.isoformat(timespec="seconds"),
        }
        self._emit(Event("warning", text, data))


def _source_ends(session: Any, profile: str | None, *, ambient: bool) -> datetime | None:
    if ambient and os.environ.get("AWS_ACCESS_KEY_ID"):
        return _moment(os.environ.get("AWS_CREDENTIAL_EXPIRATION"))
    sso = sso_of(session.full_config, profile) if profile else None
    token = stored(sso) if sso else None
    return None if token is None or token.renewable else token.until


def _moment(written: str | None) -> datetime | None:
    if not written:
        return None
    found: datetime = parse_timestamp(written)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
