"""``tc login``: the SSO login of a profile, by confirming a code in a browser.

The token goes where botocore and the AWS CLI look for it: ``~/.aws/sso/cache``,
in a file named by the SHA-1 of the session's name (of the start URL for the
older profile style), readable by its owner only.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tc.aws.profiles import Sso, describe, sso_of
from tc.aws.session import Identity, open_session
from tc.config import Environment
from tc.errors import AwsError, TcError, UsageError
from tc.events import Emit, Event

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
#: seconds between two questions when the service names none (RFC 8628, 3.2)
_INTERVAL = 5
#: seconds to add when the service says slow_down (RFC 8628, 3.5)
_SLOWER = 5
_AGAIN = "run `tc login` again"


@dataclass(frozen=True, slots=True)
class _Device:
    """A login that waits for its confirmation in the browser. The times are in seconds."""

    client: dict[str, Any]
    code: str
    user_code: str
    url: str
    lasts: float
    interval: float


class _Oidc:
    """The service that hands out tokens; its errors leave as TcError."""

    def __init__(self, session: Any, environment: Environment, sso: Sso):
        from tc.aws import faults, sdk

        self._faults = faults
        self._origin = faults.Origin(environment, sso.region, sso=True)
        self._client = sdk.oidc_client(session, sso.region)

    def call(self, operation: str, **kwargs: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**kwargs)
        except self._faults.RAISED as error:
            name = f"sso-oidc.{operation}"
            raise self._faults.translate(error, self._origin, name, login=True) from error
        return answer


def login(environment: Environment, emit: Emit, open_browser: bool = True) -> Identity:
    """Log in and say who that is; `Identity.expires` is the end of the login.

    Raises UsageError when the environment has no SSO, TcError when the login was
    refused, ran out of time, or led to another account than the environment's.
    """
    session, sso = _session_and_sso(environment)
    oidc = _Oidc(session, environment, sso)
    device = _start(oidc, sso)
    _show(device, emit, open_browser)
    token = _wait_for_token(oidc, device)
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=token["expiresIn"])
    _store(sso, device, token, expires)
    region = environment.region or session.get_config_variable("region") or sso.region
    with open_session(environment, region, emit) as aws:
        identity = replace(aws.identify(), expires=expires)
    until = expires.astimezone().strftime("%Y-%m-%d %H:%M %Z")
    emit(
        Event(
            "login.done",
            f"Logged in as {identity.arn} in account {identity.account} until {until}",
            {"account": identity.account, "arn": identity.arn, "expires": expires.isoformat()},
        )
    )
    return identity


def _session_and_sso(environment: Environment) -> tuple[Any, Sso]:
    where = f"env {environment.name}"
    if environment.local:
        raise UsageError("env `local` needs no login", code="no-sso", where=where)
    from tc.aws import faults, sdk

    try:
        session = sdk.new_session(environment)
        config = session.full_config
        profile = session.profile
    except faults.RAISED as error:
        raise faults.translate(error, faults.Origin(environment)) from error
    if profile is None:
        raise UsageError(
            f"env `{environment.name}` has no profile to log in to: it uses the credentials of "
            "this machine",
            code="no-sso",
            where=where,
            hint="give the env a `profile` in config.yml",
        )
    sso = sso_of(config, profile)
    if sso is None:
        raise UsageError(
            f"profile `{profile}` has no SSO to log in to: it uses {describe(config, profile)}",
            code="no-sso",
            where=where,
        )
    return session, sso


def _start(oidc: _Oidc, sso: Sso) -> _Device:
    request: dict[str, Any] = {"clientName": "tc", "clientType": "public"}
    if sso.session is not None:  # with scopes the token can be refreshed
        request["scopes"] = list(sso.scopes)
    client = oidc.call("register_client", **request)
    answer = oidc.call(
        "start_device_authorization",
        clientId=client["clientId"],
        clientSecret=client["clientSecret"],
        startUrl=sso.start_url,
    )
    return _Device(
        client=client,
        code=answer["deviceCode"],
        user_code=answer["userCode"],
        url=answer.get("verificationUriComplete") or answer["verificationUri"],
        lasts=answer["expiresIn"],
        interval=answer.get("interval", _INTERVAL),
    )


def _show(device: _Device, emit: Emit, open_browser: bool) -> None:
    emit(
        Event(
            "login.confirm",
            f"Confirm the code {device.user_code} at {device.url}",
            {"code": device.user_code, "url": device.url},
        )
    )
    if open_browser and sys.stdout.isatty() and device.url.startswith(("https://", "http://")):
        import webbrowser

        webbrowser.open(device.url)


def _wait_for_token(oidc: _Oidc, device: _Device) -> dict[str, Any]:
    """Ask until the user has confirmed. The service's errors are the states of the wait."""
    interval = device.interval
    end = time.monotonic() + device.lasts
    while time.monotonic() < end:
        time.sleep(interval)
        try:
            return oidc.call(
                "create_token",
                clientId=device.client["clientId"],
                clientSecret=device.client["clientSecret"],
                grantType=_GRANT,
                deviceCode=device.code,
            )
        except AwsError as error:
            if error.aws_code == "SlowDownException":
                interval += _SLOWER
            elif error.aws_code == "AccessDeniedException":
                raise TcError(
                    "the login was refused in the browser", code="login", hint=_AGAIN
                ) from error
            elif error.aws_code == "ExpiredTokenException":
                break
            elif error.aws_code != "AuthorizationPendingException":
                raise
    raise TcError(
        f"the code wasn't confirmed in the browser within {device.lasts / 60:.0f} min",
        code="login",
        hint=_AGAIN,
    )


def _store(sso: Sso, device: _Device, token: dict[str, Any], expires: datetime) -> None:
    """Put the token where botocore finds it, in the AWS CLI's format."""
    content = {
        "startUrl": sso.start_url,
        "region": sso.region,
        "accessToken": token["accessToken"],
        "expiresAt": _stamp(expires),
        "clientId": device.client["clientId"],
        "clientSecret": device.client["clientSecret"],
        "registrationExpiresAt": _stamp(
            datetime.fromtimestamp(device.client["clientSecretExpiresAt"], UTC)
        ),
    }
    if "refreshToken" in token:
        content["refreshToken"] = token["refreshToken"]
    name = hashlib.sha1((sso.session or sso.start_url).encode()).hexdigest()  # noqa: S324
    directory = Path("~/.aws/sso/cache").expanduser()
    try:
        for parent in (directory.parent.parent, directory.parent, directory):
            parent.mkdir(mode=0o700, exist_ok=True)
        _replace(directory / f"{name}.json", json.dumps(content))
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise TcError(
            f"the login can't be stored: {reason}",
            code="login",
            where=str(directory),
            hint="make that a directory that you can write",
        ) from error


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
