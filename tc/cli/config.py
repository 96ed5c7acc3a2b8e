"""``tc config``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.cli.run import Run
    from tc.config.explain import Setting


def config(
    key: Annotated[
        str | None,
        typer.Argument(
            help="Only this one, its value alone: region, layers.part_size; or a section: layers.",
            show_default=False,
        ),
    ] = None,
    sandbox: options.Sandbox = None,
    env: options.Env = None,
    region: options.Region = None,
    as_json: options.Json = False,
) -> None:
    """Show every setting with its value, and where that comes from.

    First what holds for the env: profile, region, account, role, what the credentials are;
    then config.yml's own settings and tc's directories. Nothing is called.
    """
    from tc.cli.run import running

    with running(as_json=as_json) as run:
        from tc.aws.explain import here, places
        from tc.config import check_region, read_config
        from tc.config.explain import settings

        check_region(region)
        found = read_config(Path.cwd())
        own = settings(found)
        sources = {one.key: one.source for one in own}
        told = [*here(run.emit, found, sources, sandbox, env, region), *own, *places(found)]
        if key is None:
            _tell(
                run, told if as_json else [one for one in told if one.is_set or one.text], as_json
            )
        else:
            _one(run, key, told, as_json)


def _one(run: Run, key: str, told: list[Setting], as_json: bool) -> None:
    """The value of `key` alone, or the settings of the section `key`."""
    from tc.errors import UsageError
    from tc.load.suggest import did_you_mean

    exact = [setting for setting in told if setting.key == key]
    below = [setting for setting in told if setting.key.startswith(f"{key}.")]
    if exact:
        (one,) = exact
        run.result(one.text, key=one.key, value=one.value, source=one.source)
    elif below:
        _tell(run, below, as_json)
    else:
        sections = {setting.key.partition(".")[0] for setting in told}
        known = sorted({*(setting.key for setting in told), *sections})
        hint = did_you_mean(key, known) or "tc config"
        raise UsageError(f"`{key}` is no setting", code="no-setting", hint=hint)


def _tell(run: Run, told: list[Setting], as_json: bool) -> None:
    """A table, what nobody has set dimmed; for scripts an object for each."""
    from tc.events import Event

    if as_json:
        for one in told:
            data = {"key": one.key, "value": one.value, "source": one.source, "set": one.is_set}
            run.emit(Event("setting", "", data))
        return
    rows = [[one.key, one.text, one.source] for one in told]
    dim = [index for index, one in enumerate(told) if not one.is_set]
    data = {"columns": ["setting", "value", "from"], "rows": rows, "dim": dim}
    run.emit(Event("table", "", data))
