"""What a build works with, besides what it builds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol

from tc.errors import TcError
from tc.events import Emit
from tc.processes import Running
from tc.records import dataclass
from tc.spec.layer import Platform

#: where a container has the files of its job
WORK = "/build"


@dataclass(frozen=True, slots=True)
class Job:
    """Work for a container.

    The files of `directory` are copied in as `WORK`, but those that are secret; what the
    commands leave in out there (`result`; ``.`` for all of it) replaces `directory`/out, with
    the libraries in its lib/ that Lambda lacks. A command that is text is the user's own and
    goes to a shell; one that is words is started as it stands. `secrets` are variables that only
    the commands see: they are in no image, no log and no error. With `ssh` the user's ssh-agent
    answers inside. `what` is for messages: ``dependencies of enhancer``, and `source` where it
    is the user's: `directory` may be a copy.
    """

    what: str
    platform: Platform
    directory: Path
    commands: tuple[str | Sequence[str], ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    ssh: bool = False
    result: str = "out"
    source: Path | None = None


class Containers(Protocol):
    """The container engine of this machine; nothing is asked of it before it is needed."""

    def run(self, job: Job) -> None:
        """Does `job`; raises TcError when there is no engine, or a command fails."""

    def provided(self, platform: Platform) -> frozenset[str]:
        """The names of the shared libraries (``libz.so.1``) that Lambda's runtime has."""


class NoContainers:
    """Where there is no container engine to ask."""

    def run(self, job: Job) -> None:
        raise TcError(
            f"{job.what} can't be built without a container here", code="no-container-engine"
        )

    def provided(self, platform: Platform) -> frozenset[str]:
        from tc.build.runtimes import provided

        return provided(platform.runtime)


@dataclass(frozen=True, slots=True)
class Tools:
    """`cache` is the user's (see `tc.build.cache`); with `always` everything that can be built
    in a container is, else only what can't be had without one. `credentials` gives those of the
    env as variables (``AWS_ACCESS_KEY_ID``, …), fetched when they are needed and kept nowhere."""

    cache: Path
    emit: Emit
    running: Running
    containers: Containers
    always: bool = False
    credentials: Callable[[], Mapping[str, str]] = dict
