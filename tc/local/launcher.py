"""Run the embedded engine with our hooks: `ENGINE_PYTHON tc/local/launcher.py`.

This file and `hooks/` run inside the engine's own Python environment and never import tc. They
are started by `engine.py` with a scrubbed environment; `GATEWAY_PORT` is the only variable
without which nothing works. Exit codes: 0 stopped, 2 wrong settings, 3 the engine is not the one
the hooks were written for (one line on stderr says which hook and which version), 4 the port
is taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib.util
import os
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

VERSION = "1"
HERE = Path(__file__).resolve().parent


def main() -> int:
    """Hooks first, then serve until SIGTERM or SIGINT. The returned number is the exit code."""
    os.umask(0o077)
    # At INFO the engine writes what handlers print into its log.
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    port = os.environ.get("GATEWAY_PORT", "")
    if not port.isdigit():
        return _fail(2, f"GATEWAY_PORT is {port!r}: it must be the number of a port")
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    hooks = load_hooks()
    try:
        names = hooks.install_all()
    except hooks.EngineMismatch as error:
        return _fail(3, f"{error} (engine ministack {hooks.engine_version()})")
    try:
        asyncio.run(serve(int(port), hooks.control(VERSION, names)))
        hooks.close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return _fail(4, f"port {port} on 127.0.0.1 is taken by another program")
    return 0


def load_hooks() -> ModuleType:
    """The package beside this file, under a name of its own: `tc` isn't importable here."""
    spec = importlib.util.spec_from_file_location(
        "tc_hooks", HERE / "hooks" / "__init__.py", submodule_search_locations=[str(HERE / "hooks")]
    )
    if spec is None or spec.loader is None:
        raise FileNotFoundError(HERE / "hooks" / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["tc_hooks"] = module
    spec.loader.exec_module(module)
    return module


async def serve(port: int, app: Any) -> None:
    """Serve until a signal; the engine's own shutdown then saves its state."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    # Requests in flight (a long poll, a running flow) must not hold the save back.
    config.graceful_timeout = 2
    config.loglevel = os.environ["LOG_LEVEL"].upper()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with contextlib.suppress(asyncio.CancelledError):
        await hypercorn_serve(app, config, shutdown_trigger=stop.wait)


def _fail(code: int, message: str) -> int:
    print(f"tc launcher: {message}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    # The engine leaves threads behind that would hold the process after its state is saved.
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
