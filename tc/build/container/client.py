"""The container engine of this machine, and its refusals as sentences.

docker is imported when an engine is first asked, never before.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tc.errors import TcError

#: seconds that the engine may take for an answer that isn't a stream, and for its first
_PATIENCE = 120
_GREETING = 20
_INSTALL = "install Docker, or set DOCKER_HOST to an engine elsewhere"
_PODMAN = (
    "systemctl --user start podman.socket && "
    'export DOCKER_HOST="unix://$XDG_RUNTIME_DIR/podman/podman.sock"'
)
_FORWARD = (
    "ssh -fNL /tmp/docker.sock:/var/run/docker.sock HOST && "
    "export DOCKER_HOST=unix:///tmp/docker.sock"
)
#: nobody answers
_SILENT = (FileNotFoundError, ConnectionRefusedError, TimeoutError)
_FULL = ("no space left on device", "disk quota exceeded")
_FOREIGN_CPU = ("exec format error", "does not match the specified platform")


def connect() -> Any:
    """A client of the engine that DOCKER_HOST or docker's context names, else of this machine's.

    Raises TcError ``no-container-engine`` when none answers.
    """
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(
            timeout=_GREETING,
            environment={**os.environ, **_context()},
        )
        client.ping()
        client.api.timeout = _PATIENCE
    except (DockerException, OSError) as error:
        raise unreachable(error) from error
    return client


@contextmanager
def answers(api: Any) -> Iterator[list[Any]]:
    """The answers that the engine gives within, which may be streams that are still read."""
    found: list[Any] = []

    def note(answer: Any, **_: Any) -> None:
        found.append(answer)

    hooks = api.hooks["response"]
    hooks.append(note)
    try:
        yield found
    finally:
        hooks.remove(note)


def hang_up(answer: Any) -> None:
    """Ends a stream, whoever reads it: the engine doesn't remove a container whose files are
    on their way."""
    from docker.errors import DockerException
    from docker.types import CancellableStream

    # it was read to its end, or goes through something without a socket
    with suppress(OSError, AttributeError, DockerException):
        CancellableStream(iter(()), answer).close()


def is_remote(client: Any) -> bool:
    """Whether the engine is on another machine, whose files aren't these."""
    return not str(client.api.base_url).startswith("http+docker://local")


def _context() -> dict[str, str]:
    """The address of the context chosen by ``docker context use``, as DOCKER_HOST."""
    if os.environ.get("DOCKER_HOST"):
        return {}
    from docker.context import ContextAPI
    from docker.errors import DockerException

    try:
        chosen = ContextAPI.get_current_context()
    except (DockerException, OSError, ValueError):
        return {}
    host = getattr(chosen, "Host", "") if chosen else ""
    return {"DOCKER_HOST": host} if host and not host.startswith("http") else {}


def unreachable(error: BaseException) -> TcError:
    """Why no engine answers, and the way out."""
    host = os.environ.get("DOCKER_HOST", "")
    reasons = list(_reasons(error))
    if any(isinstance(one, PermissionError) for one in reasons):
        said, hint = (
            "this user may not use the container engine",
            'sudo usermod -aG docker "$USER", then log in again',
        )
    elif host.startswith("ssh://"):
        said, hint = f"no container engine is reached over ssh ({host})", _FORWARD
    elif shutil.which("docker") is None and not host:
        podman = shutil.which("podman") is not None
        said = f"there is no {'Docker' if podman else 'container engine'} on this machine"
        hint = _PODMAN if podman else _INSTALL
    elif any(isinstance(one, _SILENT) for one in reasons):
        said = f"no container engine answers at {host}" if host else "Docker isn't running"
        hint = "open Docker Desktop" if sys.platform == "darwin" else "sudo systemctl start docker"
        hint = "start the engine there, or unset DOCKER_HOST" if host else hint
    else:
        said, hint = f"the container engine can't be used: {_said(error)}", "docker info"
    return TcError(said, code="no-container-engine", hint=hint)


def _reasons(error: BaseException | None) -> Iterator[BaseException]:
    """`error`, and what it was raised from or carries, however deep."""
    todo, seen = [error], set()
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        todo += [one.__cause__, one.__context__, getattr(one, "reason", None)]
        todo += [arg for arg in one.args if isinstance(arg, BaseException)]
        # urllib3 hands a plain tuple on
        todo += [part for arg in one.args if isinstance(arg, tuple) for part in arg]
        todo = [one for one in todo if isinstance(one, BaseException)]


def _said(error: BaseException) -> str:
    """The engine's own words, one line, for the end of a sentence."""
    text = str(getattr(error, "explanation", None) or error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")


@contextmanager
def explained(
    what: str, image: str = "", arch: str = "", *, refusals: bool = True
) -> Iterator[None]:
    """What the engine refuses while `what` (``building dependencies of etl``) as TcError, and
    that it is gone; its refusals stay as they are without `refusals`."""
    import requests
    from docker.errors import APIError, DockerException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (DockerException, requests.RequestException, HTTPError) as error:
        if isinstance(error, APIError) and not refusals:
            raise
        raise _translated(error, what, image, arch) from error
    except OSError as error:
        # a connection that ended; files have sentences of their own
        if not isinstance(error, ConnectionError):
            raise
        raise _lost(what) from error


def _translated(error: BaseException, what: str, image: str, arch: str) -> TcError:
    said = _said(error)
    if is_full(said):
        return disk_full(what)
    if any(sign in said.lower() for sign in _FOREIGN_CPU):
        return foreign_cpu(image, arch)
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is None:
        return _lost(what)
    return TcError(
        f"the container engine failed while {what}: {said}", code="container-failed", where=image
    )


def _lost(what: str) -> TcError:
    return TcError(
        f"the container engine stopped answering while {what}; what was built before is untouched",
        code="container-lost",
        hint="docker info, then run this again",
    )


def is_full(said: str) -> bool:
    """Whether the engine says that it has no room left."""
    return any(sign in said.lower() for sign in _FULL)


def disk_full(what: str) -> TcError:
    return TcError(
        f"the container engine's disk is full while {what}",
        code="disk-full",
        hint="docker system prune, then run this again",
    )


def foreign_cpu(image: str, arch: str) -> TcError:
    """No emulation: the engine can't run programs of that CPU."""
    return TcError(
        f"this machine can't run {arch} programs, which `{image}` has",
        code="foreign-cpu",
        where=image,
        hint="docker run --privileged --rm tonistiigi/binfmt --install all, or build on a machine "
        f"of that CPU, or name an image for {arch} in `builder.images` of config.yml",
    )
