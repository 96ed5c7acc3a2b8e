"""``tc login``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.aws.login import Login


def login(
    env: options.Env = None,
    browser: Annotated[
        bool,
        typer.Option(
            "--browser/--no-browser", help="Open the address in a browser, on a terminal."
        ),
    ] = True,
    force: Annotated[
        bool, typer.Option("--force", help="Log in anew, though the login still lasts.")
    ] = False,
    region: options.Region = None,
    as_json: options.Json = False,
) -> None:
    """Log in to an env by AWS SSO, and show who you are there.

    A login that lasts is left as it is. An env without SSO has nothing to log in to: what it
    uses is said, and who that is; a role that takes an MFA code asks for it here.
    """
    from tc.cli.run import running

    with running(as_json=as_json) as run:
        from tc.aws.login import login as log_in
        from tc.config import check_region, choose_env, read_config

        check_region(region)
        environment = choose_env(env, read_config(Path.cwd()))
        found = log_in(environment, run.emit, region=region, open_browser=browser, force=force)
        who = found.identity
        run.result(
            _sentence(environment.name, found),
            env=environment.name,
            account=who.account,
            arn=who.arn,
            partition=who.partition,
            region=found.region,
            uses=found.uses,
            expires=found.until.isoformat() if found.until else None,
            renewable=found.renewable,
            fresh=found.fresh,
        )


def _sentence(env: str, found: Login) -> str:
    how = f"Logged in to {env} by" if found.fresh else f"{env} uses"
    until = ""
    if found.until:
        until = f", until {found.until.astimezone():%Y-%m-%d %H:%M %Z}"
        until += ", then renewed by itself" if found.renewable else ""
    who = found.identity
    place = f"{who.arn} in account {who.account}, region {found.region}"
    return f"{how} {found.uses}\n{place}{until}"
