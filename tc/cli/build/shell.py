"""``tc build --shell``"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from tc.cli.build import Build
    from tc.spec.function import Function


def open_shell(build: Build) -> None:
    """A shell in the container that the one chosen function is built in."""
    from tc.build.cache import private, staging
    from tc.build.commands import Commands
    from tc.build.container import engine
    from tc.build.container.functions import job_of
    from tc.build.container.terminal import is_terminal
    from tc.build.container.terminal import open_shell as opened
    from tc.build.files import sources
    from tc.build.package import copy_entries
    from tc.build.tools import WORK
    from tc.errors import UsageError

    label, function = _chosen(build)
    if not is_terminal():
        raise UsageError(
            "a shell needs a terminal",
            code="no-terminal",
            where="--shell",
            hint="run this in a terminal, or write the commands into `build.pre`",
        )
    builder = build.config.builder
    tools = build.tools
    containers = engine(
        builder.images, builder.runtime_images, tools.cache, tools.emit, tools.running
    )
    with staging(tools.cache) as place:
        directory = private(place / "function")
        copy_entries(sources(function.dir, function.ignore), directory)
        job = job_of(function, Commands.of(function), directory, tools)
        build.run.log(f"The files of {label} are in {WORK}; `exit` or Ctrl-D leaves, and they go")
        code = opened(containers, job)
    if code:
        raise typer.Exit(1)


def _chosen(build: Build) -> tuple[str, Function]:
    """The one function that is meant; UsageError when there are none, or several."""
    from tc.errors import UsageError

    found = list(build.functions.items())
    if len(found) == 1:
        return found[0]
    names = ", ".join(build.functions)
    raise UsageError(
        f"a shell is for one function; there are: {names}" if names else "there is no function",
        code="no-function",
        where="--shell",
        hint=f"tc build --shell -c {found[0][0]}" if found else "",
    )
