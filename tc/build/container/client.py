"""The container engine of this machine, and its refusals as sentences.

docker is imported when an engine is first asked, never before.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tc.errors import TcError

#: seconds that the engine may take for an answer that isn't a stream
_PATIENCE = 120
_INSTALL = "install Docker, or set DOCKER_HOST to an engine elsewhere"
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
            timeout=_PATIENCE,
            environment={**os.environ, **_context()},
            use_ssh_client=os.environ.get("DOCKER_HOST", "").startswith("ssh://"),
        )
        client.ping()
    except (DockerException, OSError) as error:
        raise unreachable(error) from error
    return client


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
    elif shutil.which("docker") is None and not host:
        said, hint = "there is no container engine on this machine", _INSTALL
    elif any(isinstance(one, FileNotFoundError | ConnectionRefusedError) for one in reasons):
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
def explained(what: str, image: str = "", arch: str = "") -> Iterator[None]:
    """What the engine refuses while `what` (``building dependencies of etl``) as TcError."""
    import requests
    from docker.errors import DockerException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (DockerException, requests.RequestException, HTTPError) as error:
        raise _translated(error, what, image, arch) from error
    except OSError as error:
        # a connection that ended; files have sentences of their own
        if not isinstance(error, ConnectionError):
            raise
        raise _lost(what) from error


def _translated(error: BaseException, what: str, image: str, arch: str) -> TcError:
    said = _said(error)
    if any(sign in said.lower() for sign in _FULL):
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
