"""A function's own build commands in a container, where they'd run in a copy of its directory."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tc.build.commands import Commands
from tc.build.container.settings import named_in
from tc.build.tools import Job, Tools
from tc.spec.function import Function
from tc.spec.layer import Platform

#: an address of a git repository that is reached over ssh, in a command or a dependency file
_SSH = re.compile(r"ssh://|git@[\w.-]+:|GIT_SSH")
#: files that name repositories
_NAMING = ("*.txt", "*.toml", "*.lock", "Gemfile", "package*.json", "go.mod", ".gitmodules")


def run_in_container(function: Function, commands: Commands, directory: Path, tools: Tools) -> None:
    """Runs the function's commands in a container; `directory`, a copy of its own, becomes what
    they leave of it.

    Raises TcError at the first failure.
    """
    tools.containers.run(job_of(function, commands, directory, tools))


def job_of(function: Function, commands: Commands, directory: Path, tools: Tools) -> Job:
    """The commands as a job: they see the variables that they name, and with `build.post` the
    AWS credentials of the env besides."""
    environment = named_in(commands.all, os.environ)
    secrets = dict(tools.credentials()) if commands.post else {}
    regions = {name: secrets.pop(name) for name in list(secrets) if name.endswith("REGION")}
    return Job(
        what=f"`{function.name}`",
        platform=Platform(function.runtime, function.arch),
        directory=directory,
        commands=commands.all,
        environment=environment | regions,
        secrets=secrets,
        ssh=wants_ssh(directory, commands.all),
        result=".",
        source=function.dir,
    )


def wants_ssh(directory: Path, commands: tuple[str, ...]) -> bool:
    """Whether something there is fetched over ssh."""
    if any(_SSH.search(command) for command in commands):
        return True
    files = (path for pattern in _NAMING for path in directory.glob(pattern) if path.is_file())
    return any(_SSH.search(path.read_text("utf-8", "replace")) for path in files)
