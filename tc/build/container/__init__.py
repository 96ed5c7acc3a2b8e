"""Builds in containers: the one importer of docker, and only once a container is needed.

::

    job ──► builder image ──► container ──► files in ──► commands ──► files out, libraries
            Dockerfile.builder  no mounts      tar       secrets in      tar
            upon a base         of the project           their env alone
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tc.build.tools import WORK, Job
from tc.build.words import shown
from tc.errors import TcError
from tc.events import Emit, Event
from tc.processes import Running
from tc.spec.layer import Platform

if TYPE_CHECKING:
    from tc.build.container.box import Box

#: lines of output that an error tells
_TAIL = 30


def engine(
    images: Mapping[str, str],
    runtime_images: Mapping[str, str],
    cache: Path,
    emit: Emit,
    running: Running,
) -> Engine:
    """The container engine of this machine; nothing is asked of it yet.

    `images` and `runtime_images` are those of `builder` in config.yml, by runtime or by
    runtime and CPU; `cache` is the user's.
    """
    return Engine(images, runtime_images, cache, emit, running)


class Engine:
    """The `Containers` of `tc.build.tools`; used from many threads."""

    def __init__(
        self,
        images: Mapping[str, str],
        runtime_images: Mapping[str, str],
        cache: Path,
        emit: Emit,
        running: Running,
    ):
        self._images = images
        self._runtime_images = runtime_images
        self._cache = cache
        self._emit = emit
        self._running = running
        self._builders: dict[Platform, str] = {}
        self._provided: dict[Platform, frozenset[str]] = {}
        self._lock = threading.Lock()

    def run(self, job: Job) -> None:
        """Does `job`. Raises TcError ``no-container-engine``, ``no-builder``, ``build-failed``,
        …; `job.directory` is changed by nothing but the commands' result, whole, at the end."""
        from tc.build.container.files import packed, replaced, unpacked

        made = job.directory.parent / f".{job.directory.name}.made"
        shutil.rmtree(made, ignore_errors=True)
        try:
            with self.box(job.platform, f"building {job.what}", ssh=job.ssh) as box:
                box.put(packed(job.directory, WORK.lstrip("/")))
                self._commands(job, box)
                self._bring_libraries(job, box)
                result = box.get(f"{WORK}/{job.result}".removesuffix("/."))
                if result is not None:
                    unpacked(result, made)
            if result is not None:
                replaced(job.directory if job.result == "." else job.directory / job.result, made)
        finally:
            shutil.rmtree(made, ignore_errors=True)

    @contextlib.contextmanager
    def box(self, platform: Platform, what: str, *, ssh: bool = False) -> Iterator[Box]:
        """A running builder for `platform`, with the certificates of this machine."""
        from tc.build.container import settings
        from tc.build.container.box import Box
        from tc.build.container.builder import LABEL
        from tc.build.container.client import connect, explained
        from tc.build.container.files import one_file

        client = connect()
        try:
            image = self._builder(client, platform)
            volume = f"tc-build-cache-{image.rpartition(':')[2]}"
            mounts = {volume: {"bind": settings.CACHE, "mode": "rw"}}
            if ssh:
                mounts |= _agent(client)
            with explained(what, image, platform.arch):
                client.volumes.create(volume, labels={LABEL: "build"})
            box = Box(client, image, platform, what, self._cache)
            with self._running.ended_by(box.end), box.opened(mounts):
                box.output(f"mkdir -p {WORK}")
                for name, content in _brought(ssh=ssh).items():
                    box.put(one_file(name, content))
                yield box
        finally:
            client.close()

    def environment(self, job: Job) -> dict[str, str]:
        """The variables of the job's commands: nobody else sees them."""
        from tc.build.container import settings

        trusting = bool(settings.certificates(os.environ))
        made = settings.handed_in(os.environ, trusting=trusting)
        made |= settings.git_credentials(job, os.environ, self._running)
        return made | _ssh(job.ssh) | dict(job.environment) | dict(job.secrets)

    def provided(self, platform: Platform) -> frozenset[str]:
        """What is in the image that is like Lambda, where config.yml names one or a builder was
        used; else what is known of Lambda's runtimes."""
        from tc.build.container.libraries import known, provided

        with self._lock:
            if platform not in self._provided:
                asked = bool(self._builders) or bool(self._runtime_images)
                self._provided[platform] = (
                    provided(platform, self._runtime_images, self._cache, self._emit, self._running)
                    if asked and not platform.host
                    else known(platform)
                )
            return self._provided[platform]

    def _builder(self, client: Any, platform: Platform) -> str:
        from tc.build.container.builder import builder_image

        with self._lock:
            if platform not in self._builders:
                self._builders[platform] = builder_image(
                    client, platform, self._images, self._emit, self._running
                )
            return self._builders[platform]

    def _commands(self, job: Job, box: Box) -> None:
        environment = self.environment(job)
        for command in job.commands:
            tail: deque[str] = deque(maxlen=_TAIL)

            def tell(line: str, tail: deque[str] = tail) -> None:
                said = _masked(line, environment, job)
                tail.append(said)
                if said.strip():
                    self._emit(Event("progress", f"{job.what}: {said}", {"what": job.what}))

            words = ["/bin/sh", "-c", command] if isinstance(command, str) else command
            code = box.run(words, environment, tell)
            if code:
                raise _failed(job, _masked(_text(command), environment, job), code, tail)

    def _bring_libraries(self, job: Job, box: Box) -> None:
        from tc.build.container.libraries import copy_missing

        copied = copy_missing(box, job.result, job.platform, self.provided)
        if copied:
            text = f"{job.what}: copied {', '.join(copied)}, which Lambda lacks"
            self._emit(Event("log", text, {"what": job.what, "libraries": copied}))


def _brought(*, ssh: bool) -> dict[str, bytes]:
    """Files that every container gets: nothing secret."""
    from tc.build.container import settings

    found = {settings.CERTIFICATES: settings.certificates(os.environ)}
    if ssh:
        found[settings.KNOWN_HOSTS] = settings.known_hosts(os.environ)
    return {name.lstrip("/"): content for name, content in found.items() if content}


def _agent(client: Any) -> dict[str, dict[str, str]]:
    """The mount of the user's ssh-agent. Raises TcError without one."""
    from tc.build.container import settings
    from tc.build.container.box import AGENT
    from tc.build.container.client import is_remote

    socket = settings.agent_socket(os.environ, sys.platform)
    if not socket:
        raise TcError(
            "a dependency is fetched over ssh, and no ssh-agent holds a key",
            code="no-ssh-agent",
            hint='eval "$(ssh-agent)" && ssh-add',
        )
    if is_remote(client):
        raise TcError(
            "an ssh-agent can't be handed to a container engine on another machine",
            code="no-ssh-agent",
            hint="unset DOCKER_HOST, or fetch the dependency over https with a token",
        )
    return {socket: {"bind": AGENT, "mode": "rw"}}


def _ssh(wanted: bool) -> dict[str, str]:
    from tc.build.container import settings
    from tc.build.container.box import AGENT

    if not wanted:
        return {}
    options = "-o BatchMode=yes -o StrictHostKeyChecking=yes"
    return {
        "SSH_AUTH_SOCK": AGENT,
        "GIT_SSH_COMMAND": f"ssh {options} -o UserKnownHostsFile={settings.KNOWN_HOSTS}",
    }


def _text(command: str | Sequence[str]) -> str:
    return command if isinstance(command, str) else " ".join(command)


def _masked(text: str, environment: Mapping[str, str], job: Job) -> str:
    """`text` without the job's secrets, and what else is named like one."""
    from tc.build.commands import masked

    hidden = {f"SECRET_{name}": value for name, value in job.secrets.items()}
    return masked(text, {**os.environ, **environment, **hidden})


def _failed(job: Job, command: str, code: int, tail: Sequence[str]) -> TcError:
    from tc.build.run import UNREACHED, unreached

    output = "\n".join(f"  {line}".rstrip() for line in tail).rstrip()
    how = f"ended with exit code {code}"
    hint = "tc build --shell opens the container it ran in"
    if code == 137:
        how, hint = "was killed, as for want of memory", "give the container engine more memory"
    if unreached(output):
        hint = UNREACHED
    if "no space left on device" in output.lower():
        hint = "docker system prune, then run this again"
    return TcError(
        f"building {job.what} in a container failed: `{command}` {how}"
        + (f"; its output ended:\n{output}" if output else " and printed nothing"),
        code="build-failed",
        where=shown(job.source or job.directory),
        hint=hint,
    )
