"""Roles that are assumed: those of the profile's chain, then the env's own.

botocore follows a profile's chain (``role_arn``, ``source_profile``, ``credential_source``)
and signs with what comes out of it. Added here are a session name that says who acts, the
question for an MFA code, and the env's role on top.
"""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError, UnknownCredentialError
from botocore.utils import JSONFileCache

from tc.aws.profiles import chain, takes_code
from tc.config import Environment
from tc.config.actor import actor
from tc.errors import TcError

#: where the AWS CLI keeps the credentials of roles, for its owner only
_CLI_CACHE = "~/.aws/cli/cache"


def session_name() -> str:
    """Who acts, as CloudTrail shows it: ``tc-anna``; what STS takes (its API reference,
    AssumeRole: 2 to 64 of these characters)."""
    return re.sub(r"[^\w+=,.@-]", "-", f"tc-{actor()}", flags=re.ASCII)[:64]


def prepare(session: Any, environment: Environment) -> None:
    """Let the roles of the profile's chain be assumed in the user's name, and ask for MFA codes.

    Credentials that took a code are kept where the AWS CLI keeps them, so that a code is
    asked for once an hour, not with each command; all others are never written.
    """
    name = environment.profile or session.profile or "default"
    for settings in chain(session.full_config, name):
        if "role_arn" in settings:
            settings.setdefault("role_session_name", session_name())
    if not takes_code(session.full_config, name):
        return
    try:
        provider = session.get_component("credential_provider").get_provider("assume-role")
    except UnknownCredentialError:
        return
    provider.cache = JSONFileCache(str(Path(_CLI_CACHE).expanduser()))
    provider._prompter = _asker(environment, name)


def _asker(environment: Environment, profile: str) -> Callable[[str], str]:
    """What botocore calls for an MFA code; its prompt names the device."""

    def ask(prompt: str) -> str:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            device = prompt.removeprefix("Enter MFA code for ").strip(": ")
            raise TcError(
                f"profile `{profile}` takes an MFA code of {device}, and there is no terminal to "
                "ask for it",
                code="credentials",
                where=f"env {environment.name}",
                hint=f"tc login -e {environment.name}, on a terminal; the role's credentials are "
                "then kept until they expire",
            )
        return getpass.getpass(prompt.replace("Enter MFA", "MFA")).strip()

    return ask


def assume(session: Any, environment: Environment, region: str) -> None:
    """Let `session` act as the env's role from now on; AWS is asked at the first call."""
    source = session.get_component("credential_provider")
    extra = {"RoleSessionName": session_name()}
    if environment.external_id:
        extra["ExternalId"] = environment.external_id

    class AssumedRole(CredentialProvider):  # type: ignore[misc]
        METHOD = "assume-role"

        def load(self) -> Any:
            credentials = source.load_credentials()
            if credentials is None:
                raise NoCredentialsError
            fetcher = AssumeRoleCredentialFetcher(
                client_creator=_nested_clients(session, region, environment.endpoint_url),
                source_credentials=credentials,
                role_arn=environment.role,
                extra_args=extra,
            )
            return DeferredRefreshableCredentials(
                method=self.METHOD, refresh_using=fetcher.fetch_credentials
            )

    session.register_component("credential_provider", CredentialResolver([AssumedRole()]))


def _nested_clients(session: Any, region: str, endpoint_url: str | None) -> Callable[..., Any]:
    def create(service: str, **settings: Any) -> Any:
        return session.create_client(
            service, **{"region_name": region, "endpoint_url": endpoint_url, **settings}
        )

    return create
