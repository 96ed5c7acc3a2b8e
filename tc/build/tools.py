"""What a build works with, besides what it builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tc.events import Emit
from tc.processes import Running
from tc.spec.layer import Platform


@dataclass(frozen=True, slots=True)
class Job:
    """Work for a container.

    The files of `directory` are copied in as /work; what the commands leave in /work/out
    replaces `directory`/out. A command that is text is the user's own and goes to a shell;
    one that is words is started as it stands. `secrets` are variables that only the commands
    see: they are in no image, no log and no error. `what` is for messages: ``dependencies of
    enhancer``.
    """

    what: str
    platform: Platform
    directory: Path
    commands: tuple[str | Sequence[str], ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    ssh: bool = False


class Containers(Protocol):
    """The container engine of this machine; nothing is asked of it before it is needed."""

    def run(self, job: Job) -> None:
        """Does `job`; raises TcError when there is no engine, or a command fails."""

    def provided(self, platform: Platform) -> frozenset[str]:
        """The names of the shared libraries (``libz.so.1``) that Lambda's runtime has."""


@dataclass(frozen=True, slots=True)
class Tools:
    """`cache` is the user's (see `tc.build.cache`); with `always` everything that can be built
    in a container is, else only what can't be had without one."""

    cache: Path
    emit: Emit
    running: Running
    containers: Containers
    always: bool = False
