"""What a profile of ``~/.aws/config`` says about where its credentials come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tc.errors import UsageError
from tc.records import dataclass

_DEFAULT_SCOPES = ("sso:account:access",)


@dataclass(frozen=True, slots=True)
class Sso:
    """An SSO (IAM Identity Center) login. `session` is None for the older profile style."""

    start_url: str
    region: str
    session: str | None
    scopes: tuple[str, ...] = _DEFAULT_SCOPES


def sso_of(config: Mapping[str, Any], profile: str) -> Sso | None:
    """The login behind `profile`, through ``source_profile`` if need be; None without SSO.

    `config` is botocore's ``full_config``. Raises UsageError when the settings
    of the login are incomplete.
    """
    settings = sso_profile(config, profile)
    if settings is None:
        return None
    name = settings.get("sso_session")
    if name is not None:
        settings = config.get("sso_sessions", {}).get(name)
        if settings is None:
            raise UsageError(
                f"profile `{profile}` names the SSO session `{name}`, which doesn't exist",
                code="aws-config",
                hint=f"add [sso-session {name}] to ~/.aws/config",
            )
    missing = [key for key in ("sso_start_url", "sso_region") if not settings.get(key)]
    if missing:
        raise UsageError(
            f"the SSO settings of profile `{profile}` lack "
            f"{' and '.join(f'`{key}`' for key in missing)}",
            code="aws-config",
            hint=f"aws configure sso --profile {profile}",
        )
    scopes = str(settings.get("sso_registration_scopes") or "")
    return Sso(
        start_url=settings["sso_start_url"],
        region=settings["sso_region"],
        session=name,
        scopes=tuple(s.strip() for s in scopes.split(",") if s.strip()) or _DEFAULT_SCOPES,
    )


def sso_profile(config: Mapping[str, Any], profile: str) -> Mapping[str, Any] | None:
    """The settings of the profile that logs in for `profile`: its own or its source's."""
    for settings in chain(config, profile):
        if "sso_session" in settings or "sso_start_url" in settings:
            return settings
    return None


def chain(config: Mapping[str, Any], profile: str) -> Iterator[dict[str, Any]]:
    """The settings of `profile` and of those that it has its credentials from."""
    profiles = config.get("profiles", {})
    seen: set[str] = set()
    name: str | None = profile
    while name is not None and name not in seen and name in profiles:
        seen.add(name)
        yield profiles[name]
        name = profiles[name].get("source_profile")


def takes_code(config: Mapping[str, Any], profile: str) -> bool:
    """Whether a role of the chain is assumed with an MFA code."""
    return any("mfa_serial" in one and "role_arn" in one for one in chain(config, profile))


def describe(config: Mapping[str, Any], profile: str) -> str:
    """Where the credentials of a profile without SSO come from, for a sentence: "it uses …"."""
    settings: Mapping[str, Any] = config.get("profiles", {}).get(profile, {})
    if "role_arn" in settings:
        source = settings.get("source_profile") or settings.get("credential_source")
        if "web_identity_token_file" in settings:
            source = "a web identity token"
        return f"the role {settings['role_arn']}" + (f" by way of {source}" if source else "")
    if "credential_process" in settings:
        return "a credential process"
    if "login_session" in settings:
        return f"`aws login --profile {profile}`"
    if "aws_access_key_id" in settings:
        return "an access key"
    return "the credentials of the machine it runs on"
