"""The accounts that config.yml names besides a sandbox's own: of the layers, of the artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tc.aws.session import Aws
    from tc.cli.run import Run
    from tc.config import Config


def central(
    run: Run, config: Config, section: Literal["layers", "artifacts"], region: str | None
) -> Aws:
    """The door to the env that `layers.env` or `artifacts.env` names, opened once in a run.

    Its account is known to be the right one before anything is read there. Errors say which
    env it is and who names it.
    """
    from tc.cli.run import open_aws
    from tc.config import choose_env
    from tc.errors import TcError

    name = config.layers.env if section == "layers" else config.artifacts.env
    if (name, region) not in run.doors:
        try:
            aws, _ = open_aws(run, choose_env(name, config), region)
            aws.identify()
        except TcError as error:
            error.where = f"env {name}, which is `{section}.env` of config.yml"
            raise
        run.doors[name, region] = aws
    return run.doors[name, region]
