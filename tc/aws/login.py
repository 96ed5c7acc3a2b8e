"""``tc login``: the SSO login of a profile, by confirming a code in a browser.

A profile without SSO has nothing to log in to: what it uses is said instead, and who that is.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tc.aws.profiles import Sso, describe, sso_of
from tc.aws.session import Identity, open_session
from tc.aws.tokens import SOON, store, stored
from tc.config import Environment
from tc.errors import AwsError, TcError, UsageError
from tc.events import Emit, Event
from tc.records import dataclass

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
#: seconds between two questions when the service names none (RFC 8628, 3.2)
_INTERVAL = 5
#: seconds to add when the service says slow_down (RFC 8628, 3.5)
_SLOWER = 5
#: what an answer must have (botocore takes a web page for one that has nothing)
_NEEDED = {
    "register_client": ("clientId", "clientSecret", "clientSecretExpiresAt"),
    "start_device_authorization": ("deviceCode", "userCode", "verificationUri", "expiresIn"),
    "create_token": ("accessToken", "expiresIn"),
}


@dataclass(frozen=True, slots=True)
class Login:
    """Who one is in an env, and by what.

    `uses` completes "it uses …". `until` is when it ends; None when nothing is known of an end.
    `renewable`: a new one then comes by itself. `fresh`: somebody logged in just now.
    """

    identity: Identity
    region: str
    uses: str
    until: datetime | None
    renewable: bool
    fresh: bool


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
        self._origin = faults.Origin(environment, sso.region, login=True)
        self._client = sdk.oidc_client(session, sso.region)

    def call(self, operation: str, **kwargs: Any) -> dict[str, Any]:
        name = f"sso-oidc.{operation}"
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**kwargs)
        except self._faults.RAISED as error:
            raise self._faults.translate(error, self._origin, name, login=True) from error
        if not answer.keys() >= set(_NEEDED[operation]):
            raise self._faults.not_aws(name)
        return answer

    def ended(self, message: str) -> TcError:
        """The login came to nothing."""
        return TcError(message, code="login", where=self._origin.where, hint=self._origin.renew)


def login(
    environment: Environment,
    emit: Emit,
    *,
    region: str | None = None,
    open_browser: bool = True,
    force: bool = False,
) -> Login:
    """Log in where that takes a browser, and say who that is; `region` is the user's ``--region``.

    A login that lasts is left as it is, unless `force`. Raises UsageError on `local`, TcError
    when the login was refused, ran out of time, or led to another account than the env's.
    """
    if environment.local:
        where = f"env {environment.name}"
        raise UsageError("env `local` needs no login", code="no-sso", where=where)
    session, sso = _session_and_sso(environment)
    if sso is None:
        return _who(environment, session, None, emit, region)
    token = stored(sso)
    if not force and token and (token.renewable or token.until > datetime.now(UTC) + SOON):
        try:
            return _who(environment, session, sso, emit, region)
        except TcError as error:
            if error.code != "credentials":
                raise
    _log_in(session, environment, sso, emit, open_browser)
    return _who(environment, session, sso, emit, region, fresh=True)


def _session_and_sso(environment: Environment) -> tuple[Any, Sso | None]:
    from tc.aws import faults, sdk

    try:
        session = sdk.new_session(environment)
        config, profile = session.full_config, _profile(session)
    except faults.RAISED as error:
        raise faults.translate(error, faults.Origin(environment)) from error
    return session, sso_of(config, profile) if profile else None


def _profile(session: Any) -> str | None:
    """The profile whose credentials are used; keys in the environment win over AWS_PROFILE."""
    explicit = session.instance_variables().get("profile")
    if explicit is None and os.environ.get("AWS_ACCESS_KEY_ID"):
        return None
    profile: str | None = session.profile
    return profile


def _who(
    environment: Environment,
    session: Any,
    sso: Sso | None,
    emit: Emit,
    asked: str | None,
    *,
    fresh: bool = False,
) -> Login:
    """Ask AWS who that is, and say how long it lasts."""
    known = asked or environment.region or os.environ.get("AWS_REGION")
    known = known or session.get_config_variable("region")
    # who one is can be asked anywhere
    with open_session(environment, asked if known or not sso else sso.region, emit) as aws:
        identity = aws.identify()
        token = stored(sso) if sso else None
        return Login(
            identity,
            aws.region,
            _uses(environment, session, sso),
            token.until if token else aws.ends,
            renewable=token is not None and token.renewable,
            fresh=fresh,
        )


#: botocore's name of where credentials are from -> what is said of it
_AMBIENT = {
    "env": "the access key in AWS_ACCESS_KEY_ID",
    "shared-credentials-file": "the access key in ~/.aws/credentials",
    "config-file": "the access key in ~/.aws/config",
    "iam-role": "the role of this instance",
    "container-role": "the role of this container",
    "assume-role-with-web-identity": "the web identity token of this machine",
    "custom-process": "a credential process",
}


def _uses(environment: Environment, session: Any, sso: Sso | None) -> str:
    profile = _profile(session)
    if sso is not None:
        found = f"the SSO login at {sso.start_url}"
    elif profile is not None:
        found = describe(session.full_config, profile)
    else:
        method = getattr(session.get_credentials(), "method", "")
        found = _AMBIENT.get(method, "the credentials of the machine it runs on")
    return f"{found}, then the role {environment.role}" if environment.role else found


def _log_in(
    session: Any, environment: Environment, sso: Sso, emit: Emit, open_browser: bool
) -> None:
    oidc = _Oidc(session, environment, sso)
    device = _start(oidc, sso)
    _show(device, emit, open_browser)
    token = _wait_for_token(oidc, device)
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=token["expiresIn"])
    store(sso, device.client, token, expires)


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
                raise oidc.ended("the login was refused in the browser") from error
            elif error.aws_code == "ExpiredTokenException":
                break
            elif error.aws_code != "AuthorizationPendingException":
                raise
    minutes = f"{device.lasts / 60:.0f} min"
    raise oidc.ended(f"the code wasn't confirmed in the browser within {minutes}")
