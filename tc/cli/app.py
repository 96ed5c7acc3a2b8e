"""The command line: one thin file for each command, its imports in its body."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from importlib import import_module

import typer

#: command -> its module here, and its function there, or its app of subcommands
COMMANDS: dict[str, tuple[str, str]] = {
    "create": ("create", "create"),
    "update": ("update", "update"),
    "diff": ("diff", "diff"),
    "build": ("build", "build"),
    "delete": ("delete", "delete"),
    "invoke": ("invoke", "invoke"),
    "logs": ("logs", "logs"),
    "list": ("list_", "list_"),
    "prune": ("prune", "prune"),
    "freeze": ("freeze", "freeze"),
    "unfreeze": ("freeze", "unfreeze"),
    "deploy": ("deploy", "deploy"),
    "release": ("release", "release"),
    "promote": ("promote", "promote"),
    "snapshot": ("snapshot", "snapshot"),
    "rollback": ("rollback", "rollback"),
    "tag": ("tag", "tag"),
    "version": ("version", "version"),
    "changelog": ("changelog", "changelog"),
    "changed": ("changed", "changed"),
    "compose": ("compose", "compose"),
    "validate": ("validate", "validate"),
    "resolve": ("resolve", "resolve"),
    "schema": ("schema", "schema"),
    "scaffold": ("scaffold", "scaffold"),
    "test": ("test", "run_tests"),
    "run": ("run_task", "run_task"),
    "login": ("login", "login"),
    "config": ("config", "config"),
    "local": ("local", "app"),
}


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


def command_line(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The app with the commands `names`; only their modules are loaded."""
    app = typer.Typer(
        name="tc",
        help="Compose, deploy and run AWS serverless topologies: a sandbox of your own in seconds.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Start with: tc create -s SANDBOX -e local",
    )
    app.callback()(top)
    for name in names:
        module, attribute = COMMANDS[name]
        found = getattr(import_module(f"tc.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def run(arguments: Sequence[str]) -> int:
    """Runs one command; returns its exit code. A wrong option is told with the usage, code 2."""
    named = [name for name in arguments[:1] if name in COMMANDS]
    try:
        command_line(named or COMMANDS)(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0
