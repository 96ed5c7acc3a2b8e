"""Questions before what can't be taken back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from tc.errors import UsageError

if TYPE_CHECKING:
    from tc.cli.run import Run


def ask(
    run: Run, question: str, *, yes: bool, doing: str, hint: str = "add -y to the command", no: str
) -> None:
    """Goes on when somebody says yes, or `yes` did; asks on standard error.

    Raises UsageError, which says that `doing` needs a yes, without a terminal, and typer.Exit 1
    after `no` was told to who doesn't want it.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{doing} needs a yes", hint=hint)
    # click writes a blank to standard output, whatever it is told
    typer.echo(f"{question} [y/N]: ", nl=False, err=True)
    answer = sys.stdin.readline()
    if not answer:
        raise KeyboardInterrupt
    if answer.strip().lower() not in ("y", "yes"):
        run.log(no)
        raise typer.Exit(1)
