"""One container, in which commands run; it ends with whoever has opened it.

Its main program reads an input that only this process holds open. When the process is gone,
killed even, the input ends, with it the program, and the engine removes the container. What an
engine that died itself left behind is swept by the next `Box`.
"""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import secrets
import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tc.build.cache import private
from tc.build.container.builder import CPUS, LABEL
from tc.build.container.client import answers, explained, foreign_cpu, hang_up
from tc.build.tools import WORK
from tc.errors import TcError
from tc.spec.layer import Platform

_RUN = "tc.run"
#: seconds after which a container of another machine's tc counts as left behind
_STALE = 24 * 3600
#: seconds to wait for what a program wrote before it ended
_LAST_WORDS = 2.0
#: where the user's ssh-agent answers inside
AGENT = "/run/tc/agent"


class Box:
    """A running container of `image`; `what` is for messages, `agent` a socket to mount."""

    def __init__(self, client: Any, image: str, platform: Platform, what: str, cache: Path):
        self.client = client
        self._api = client.api
        self._image = image
        self._platform = platform
        self._what = what
        self._cache = cache
        self.id = ""
        self._held: Any = None
        self._coming: list[Any] = []

    @contextlib.contextmanager
    def opened(self, volumes: Mapping[str, Mapping[str, str]]) -> Iterator[Box]:
        """The container runs within; afterwards it is gone, whatever happened."""
        places = private(self._cache / "containers")
        with _owned(places) as run, explained(self._what, self._image, self._platform.arch):
            sweep(self._api, places)
            try:
                self._create(run, volumes)
                streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                self._held = self._api.attach_socket(self.id, params=streams)
                with contextlib.closing(self._held):
                    self._api.start(self.id)
                    yield self
            finally:
                self.end()

    def _create(self, run: str, volumes: Mapping[str, Mapping[str, str]]) -> None:
        config = self._api.create_host_config(
            auto_remove=True, init=True, binds=dict(volumes), network_mode="default"
        )
        made = self._api.create_container(
            self._image,
            # reads its input to the end; a shell has it where nothing else is
            command=["cat"],
            entrypoint=[],
            stdin_open=True,
            user="0",
            working_dir="/",
            labels={LABEL: "build", _RUN: run},
            host_config=config,
            platform=f"linux/{CPUS[self._platform.arch]}",
        )
        self.id = str(made["Id"])

    def end(self) -> None:
        """Removes the container; called from any thread, and more than once."""
        from docker.errors import APIError
        from requests import RequestException

        for answer in self._coming:
            hang_up(answer)
        if self.id:
            # gone already, on its way, or with an engine that is gone
            with contextlib.suppress(APIError, RequestException):
                self._api.remove_container(self.id, force=True, v=True)

    def put(self, archive: IO[bytes], path: str = "/") -> None:
        with archive, self._alive():
            self._api.put_archive(self.id, path, archive)

    def get(self, path: str) -> Iterator[bytes] | None:
        """A file or directory as a tar; None when it isn't there."""
        from docker.errors import NotFound

        try:
            with answers(self._api) as self._coming:
                chunks, _ = self._api.get_archive(self.id, path)
        except NotFound:
            return None
        archive: Iterator[bytes] = iter(chunks)
        return archive

    def run(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        tell: Callable[[str], None],
        directory: str = WORK,
    ) -> int:
        """Runs a command; tells each line of its output as it comes. Its exit code."""
        with self._alive():
            made = self._api.exec_create(
                self.id, list(words), environment=dict(environment), workdir=directory
            )
            rest, decoder = "", codecs.getincrementaldecoder("utf-8")("replace")
            for chunk in self._api.exec_start(made["Id"], stream=True):
                *lines, rest = (rest + decoder.decode(chunk)).split("\n")
                for line in lines:
                    tell(line.rstrip("\r").rpartition("\r")[2])
            if rest:
                tell(rest)
            code = self._api.exec_inspect(made["Id"])["ExitCode"]
        if code is None:
            raise self._gone()
        return int(code)

    def output(self, script: str) -> list[str]:
        """The lines that a script of tc's own prints."""
        lines: list[str] = []
        self.run(["/bin/sh", "-c", script], {}, lines.append, "/")
        return lines

    @contextlib.contextmanager
    def _alive(self) -> Iterator[None]:
        """Says it when the container itself has ended."""
        from docker.errors import APIError

        try:
            yield
        except APIError as error:
            # removed meanwhile, or it isn't running
            if error.status_code not in (404, 409) and "is not running" not in str(error):
                raise
            if "exec format error" in self._said().lower():
                raise foreign_cpu(self._image, self._platform.arch) from error
            raise self._gone() from error

    def _said(self) -> str:
        """What the container's own program wrote, which is nothing while it runs."""
        stream = getattr(self._held, "_sock", self._held)
        with contextlib.suppress(OSError):
            if select.select([stream], [], [], _LAST_WORDS)[0]:
                return bytes(stream.recv(4096)).decode("utf-8", "replace")
        return ""

    def _gone(self) -> TcError:
        return TcError(
            f"the container ended while {self._what}; what was built before is untouched",
            code="container-lost",
            where=self._image,
            hint="run this again; when it was killed for want of memory, give the engine more",
        )


@contextlib.contextmanager
def _owned(places: Path) -> Iterator[str]:
    """A name for this run, whose file is locked for as long as the process lives."""
    run = secrets.token_hex(8)
    path = places / run
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield run
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def sweep(api: Any, places: Path) -> int:
    """Removes containers whose tc is gone; how many there were."""
    from docker.errors import APIError

    swept = 0
    for found in api.containers(all=True, filters={"label": f"{LABEL}=build"}):
        if not _abandoned(found, places):
            continue
        # somebody else's sweep may have been quicker
        with contextlib.suppress(APIError):
            api.remove_container(found["Id"], force=True, v=True)
            swept += 1
    for path in places.iterdir():
        if not _held(path):
            path.unlink(missing_ok=True)
    return swept


def _abandoned(found: Mapping[str, Any], places: Path) -> bool:
    run = found["Labels"].get(_RUN, "")
    path = places / Path(run).name
    if run and path.exists():
        return not _held(path)
    # made by a tc that has another cache: alive as far as anybody knows
    return bool(time.time() - found["Created"] > _STALE)


def _held(path: Path) -> bool:
    """Whether the process that made the file still lives."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
