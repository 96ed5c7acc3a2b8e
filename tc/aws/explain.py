"""What holds for a command here: env, region, account, what the credentials are; and where each
of these was said. Nothing is called, and botocore isn't needed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from tc.aws.profiles import describe, sso_of
from tc.config import Config, Environment, choose_env
from tc.config.explain import UNSET, Setting, address
from tc.config.profiles import aws_settings, file_of
from tc.errors import UsageError
from tc.events import Emit, Event
from tc.places import cache_place, state_place


def here(
    emit: Emit,
    found: Config,
    written: Mapping[str, str],
    sandbox: str | None,
    env: str | None,
    region: str | None,
) -> Iterator[Setting]:
    """What a command here would use: the values of ``-s``, ``-e`` and ``--region``, then the
    environment, then files; `written` says where config.yml has what.

    Raises UsageError when there is no such `env`; of one that isn't given here, and isn't there,
    `emit` is told a warning.
    """
    name = sandbox or os.environ.get("TC_SANDBOX")
    yield Setting("sandbox", name, "-s" if sandbox else "$TC_SANDBOX" if name else UNSET)
    sources = {
        "-e": env,
        "$TC_ENV": os.environ.get("TC_ENV"),
        written["default_env"]: found.default_env,
        "$AWS_PROFILE": os.environ.get("AWS_PROFILE"),
    }
    yield _first("env", sources)
    chosen = next((source for source, value in sources.items() if value), None)
    if chosen is None:
        return
    try:
        environment = choose_env(env, found)
    except UsageError as error:
        if env:
            raise
        hint = {"code": error.code, "hint": error.hint, "message": error.message}
        emit(Event("warning", error.message, hint))
        return
    above = f"envs.{environment.name}"
    profile = written.get(f"{above}.profile", chosen) if environment.profile else UNSET
    yield Setting("profile", environment.profile, profile)
    yield _region(environment, written.get(f"{above}.region", UNSET), region)
    for key in ("account", "role", "external_id"):
        yield Setting(key, getattr(environment, key), written.get(f"{above}.{key}", UNSET))
    yield _endpoint(environment, written.get(f"{above}.endpoint_url", UNSET))
    yield _credentials(environment)


def _region(environment: Environment, written: str, asked: str | None) -> Setting:
    """As `tc.aws.session` and botocore find it."""
    if environment.local:
        return _first("region", {"--region": asked, UNSET: "us-east-1"})
    value, source = _of_profile(environment, "region")
    ways = {
        "--region": asked,
        written: environment.region,
        "$AWS_REGION": os.environ.get("AWS_REGION"),
        "$AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION"),
        source: value,
    }
    return _first("region", ways)


def _endpoint(environment: Environment, written: str) -> Setting:
    """Where AWS answers, when that isn't AWS."""
    if environment.local:
        return Setting("endpoint_url", None, UNSET)
    value, source = _of_profile(environment, "endpoint_url")
    ways = {
        written: environment.endpoint_url,
        "$AWS_ENDPOINT_URL": os.environ.get("AWS_ENDPOINT_URL"),
        source: value,
    }
    return _first("endpoint_url", {way: address(url) for way, url in ways.items()})


def _first(key: str, ways: Mapping[str, str | None]) -> Setting:
    """The first way that leads to a value."""
    way = next((way for way, value in ways.items() if value), UNSET)
    return Setting(key, ways.get(way), way)


def _profile(environment: Environment) -> str:
    return environment.profile or os.environ.get("AWS_PROFILE") or "default"


def _of_profile(environment: Environment, *keys: str) -> tuple[str | None, str]:
    """What the profile says of the first of `keys`, and where: nothing when it says nothing."""
    name = _profile(environment)
    settings = aws_settings()["profiles"].get(name, {})
    path = file_of(name, keys)
    return settings.get(keys[0]), f"{path}, profile {name}" if path else UNSET


#: the keys of a profile that say what its credentials are
_SOURCES = (
    *("sso_session", "sso_start_url", "role_arn", "credential_process", "login_session"),
    *("aws_access_key_id", "source_profile"),
)


def _credentials(environment: Environment) -> Setting:
    """What the credentials are, never themselves."""
    if environment.local:
        return Setting("credentials", "none are needed", "-e local")
    if environment.profile is None and os.environ.get("AWS_ACCESS_KEY_ID"):
        return Setting("credentials", "an access key", "$AWS_ACCESS_KEY_ID")
    settings, name = aws_settings(), _profile(environment)
    sso = sso_of(settings, name)
    what = f"the SSO login at {sso.start_url}" if sso else describe(settings, name)
    return Setting("credentials", what, _of_profile(environment, *_SOURCES)[1])


def places(found: Config) -> Iterator[Setting]:
    """Where tc's own files are, and what else of the environment it heeds."""
    variable = "$TC_CONFIG_PATH" if os.environ.get("TC_CONFIG_PATH") else "git root"
    path = str(found.path) if found.path else None
    yield Setting("config", path, variable if path else UNSET)
    for key, place, variables in (
        ("cache", cache_place(), ("TC_CACHE_DIR", "XDG_CACHE_HOME")),
        ("state", state_place(), ("TC_HOME", "XDG_STATE_HOME")),
    ):
        named = next((f"${name}" for name in variables if os.environ.get(name)), UNSET)
        yield Setting(key, str(place), named)
    for key, names in (
        ("proxy", ("HTTPS_PROXY", "https_proxy")),
        ("no_proxy", ("NO_PROXY", "no_proxy")),
        ("ca_bundle", ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")),
    ):
        named = next((name for name in names if os.environ.get(name)), "")
        if named:
            value = os.environ[named]
            yield Setting(key, address(value) if key == "proxy" else value, f"${named}")
