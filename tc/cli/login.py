"""``tc login``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tc.cli import options


def login(
    env: options.Env = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the address in a browser.")
    ] = True,
    as_json: options.Json = False,
) -> None:
    """Log in to an env by AWS SSO, and show who you are there."""
    from tc.cli.run import running

    with running(as_json=as_json) as run:
        from tc.aws.login import login as log_in
        from tc.config import choose_env, read_config

        environment = choose_env(env, read_config(Path.cwd()))
        identity = log_in(environment, run.emit, open_browser=browser)
        until = f", until {identity.expires:%Y-%m-%d %H:%M}" if identity.expires else ""
        run.result(
            f"{identity.arn} in account {identity.account}{until}",
            account=identity.account,
            arn=identity.arn,
            expires=identity.expires.isoformat() if identity.expires else None,
        )
