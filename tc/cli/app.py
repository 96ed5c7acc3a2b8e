"""The command line: one thin file for each command, its imports in its body."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence

import typer

from tc.cli import (
    build,
    compose,
    create,
    delete,
    diff,
    invoke,
    list_,
    local,
    login,
    logs,
    prune,
    resolve,
    run_task,
    scaffold,
    schema,
    update,
    validate,
)

app = typer.Typer(
    name="tc",
    help="Compose, deploy and run AWS serverless topologies: a sandbox of your own in seconds.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: tc create -s SANDBOX -e local",
)

app.command("create")(create.create)
app.command("update")(update.update)
app.command("diff")(diff.diff)
app.command("build")(build.build)
app.command("delete")(delete.delete)
app.command("invoke")(invoke.invoke)
app.command("logs")(logs.logs)
app.command("list")(list_.list_)
app.command("prune")(prune.prune)
app.command("compose")(compose.compose)
app.command("validate")(validate.validate)
app.command("resolve")(resolve.resolve)
app.command("schema")(schema.schema)
app.command("scaffold")(scaffold.scaffold)
app.command("run")(run_task.run_task)
app.command("login")(login.login)
app.add_typer(local.app, name="local")


@app.callback()
def top(
    version: bool = typer.Option(False, "--version", "-V", help="Show the version and exit."),
    debug: bool = typer.Option(
        False, "--debug", help="Show the traceback of an unexpected error. [also: TC_DEBUG=1]"
    ),
) -> None:
    if debug:
        os.environ["TC_DEBUG"] = "1"
    if version:
        from tc import __version__

        typer.echo(f"tc {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Runs one command; returns its exit code. A wrong option is told with the usage, code 2."""
    try:
        _narrowed(arguments)(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _narrowed(arguments: Sequence[str]) -> typer.Typer:
    """The app with only the command that comes first, if one does: Typer inspects
    the signature of every command it has, 5 ms for all of them."""
    named = [c for c in app.registered_commands if c.name in arguments[:1]]
    if not named:
        return app
    narrowed = copy.copy(app)
    narrowed.registered_commands, narrowed.registered_groups = named, []
    return narrowed
