"""The Python environment in which the engine runs, made once per version.

The engine pins botocore exactly, so it shares no environment with tc. The
directory is below the user's cache and is named by what is in it::

    engine-1.5.33-py3.11.7-{digest}/
      venv/       the engine; its interpreter is the one tc runs on
      handlers/   boto3, which Lambda has and handlers expect, and nothing of the engine's
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from pathlib import Path

from tc.errors import TcError
from tc.events import Emit, Event
from tc.local.home import explained, private_dir
from tc.places import cache_place
from tc.records import dataclass

#: the version whose private names the launcher's hooks rely on
ENGINE = "1.5.33"
_REQUIREMENTS = (f"ministack=={ENGINE}",)
_HANDLER_REQUIREMENTS = ("boto3==1.43.106",)
#: handlers of every Python that Lambda has find the same boto3
_HANDLER_PYTHON = "3.10"
_DEADLINE = 600
_TAIL = 8


@dataclass(frozen=True, slots=True)
class Environment:
    path: Path

    @property
    def python(self) -> Path:
        return self.path / "venv" / "bin" / "python"

    @property
    def handlers(self) -> Path:
        return self.path / "handlers"

    def complete(self) -> bool:
        """False also when the interpreter it was made with is gone."""
        return self.python.exists() and self.handlers.is_dir()


def own_python() -> str:
    """The interpreter that tc runs on, outside of any virtual environment."""
    base: str = getattr(sys, "_base_executable", "") or sys.executable
    return os.path.realpath(base)


def own_version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def locate() -> Environment:
    """Where the environment is, made or not."""
    version = own_version()
    machine = os.uname().machine
    content = [*_REQUIREMENTS, *_HANDLER_REQUIREMENTS, version, own_python(), machine]
    digest = hashlib.sha256("\n".join(content).encode()).hexdigest()[:12]
    return Environment(cache_place() / f"engine-{ENGINE}-py{version}-{digest}")


def ensure(emit: Emit) -> Environment:
    """The environment, made now if it is missing or its interpreter is gone."""
    environment = locate()
    if environment.complete():
        return environment
    _make(environment, emit)
    return environment


def _make(environment: Environment, emit: Emit) -> None:
    import shutil
    import tempfile

    begun = time.monotonic()
    emit(Event("log", f"Installing the local engine {ENGINE} (once, below {environment.path})"))
    parent = private_dir(environment.path.parent)
    with explained(parent):
        staging = Path(tempfile.mkdtemp(prefix=".engine-", dir=parent))
    try:
        _fill(Environment(staging), emit)
        with explained(environment.path):
            shutil.rmtree(environment.path, ignore_errors=True)
            staging.rename(environment.path)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    emit(Event("log", f"Installed the local engine ({time.monotonic() - begun:.1f} s)"))


def _fill(environment: Environment, emit: Emit) -> None:
    from tc.indexes import uv_arguments

    python, options = str(environment.python), uv_arguments(os.environ)
    steps = {
        "environment": ["venv", "--no-project", "--python", own_python(), "venv"],
        "engine": ["pip", "install", "--python", python, *options, *_REQUIREMENTS],
        "boto3 for handlers": [
            *("pip", "install", "--python", python, "--target", str(environment.handlers)),
            *("--python-version", _HANDLER_PYTHON, *options, *_HANDLER_REQUIREMENTS),
        ],
    }
    for number, (what, arguments) in enumerate(steps.items()):
        data = {"what": what, "done": number, "total": len(steps), "unit": "steps"}
        emit(Event("progress", f"Installing the local engine: {what}", data))
        _uv(arguments, environment.path)


def _uv(arguments: list[str], directory: Path) -> None:
    """Runs uv in `directory`, far from any project's own settings."""
    import subprocess

    import uv

    from tc.indexes import uv_environment

    env = uv_environment(os.environ, directory.parent / "uv")
    try:
        command = [uv.find_uv_bin(), *arguments, "--quiet", "--color", "never"]
        ended = subprocess.run(
            command,
            cwd=directory,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_DEADLINE,
            check=False,
        )
    except FileNotFoundError:
        raise TcError(
            "the program uv, which installs the local engine, is missing",
            code="local-install",
            hint="pip install uv",
        ) from None
    except subprocess.TimeoutExpired:
        raise TcError(
            f"the local engine wasn't installed within {_DEADLINE} s",
            code="local-install",
            hint="check the connection to the package index, then run this again",
        ) from None
    if ended.returncode != 0:
        raise _failure(ended.stderr)


#: what uv says -> (our sentence, the way out)
_FAILURES = (
    (
        r"os error 28|No space left",
        "the disk is full",
        "free 100 MB, or set TC_CACHE_DIR to a directory on another disk",
    ),
    (
        r"os error 30|Read-only file system|os error 13|Permission denied",
        "the cache can't be written",
        "set TC_CACHE_DIR and UV_CACHE_DIR to directories that you can write",
    ),
    (
        r"invalid peer certificate|certificate",
        "the package index shows a certificate that this machine doesn't trust",
        "set SSL_CERT_FILE to the file with your CA certificates",
    ),
    (
        r"401 Unauthorized|403 Forbidden|407 Proxy",
        "the package index refuses access",
        "check the index address and its credentials (pip's `index-url`, UV_DEFAULT_INDEX)",
    ),
    (
        r"Failed to fetch|error sending request|dns error|Connect|timed out|Network",
        "the package index can't be reached",
        "check the connection and the proxy, or set PIP_INDEX_URL to an index that you can reach",
    ),
    (
        r"No solution found|no version of|not found in",
        f"the package index lacks {_REQUIREMENTS[0]} or {_HANDLER_REQUIREMENTS[0]}",
        "set PIP_INDEX_URL or PIP_FIND_LINKS to a place that has both",
    ),
)


def _failure(output: str) -> TcError:
    shown = "\n".join(f"  {line}" for line in _without_passwords(output).splitlines()[-_TAIL:])
    known = (
        (sentence, hint) for pattern, sentence, hint in _FAILURES if re.search(pattern, output)
    )
    sentence, hint = next(known, ("uv failed", "mend what uv says, then run this again"))
    return TcError(
        f"the local engine can't be installed: {sentence}\n{shown}",
        code="local-install",
        hint=hint,
    )


def _without_passwords(text: str) -> str:
    return re.sub(r"(://)[^/@\s]+@", r"\1", text)
