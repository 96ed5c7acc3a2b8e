"""The AWS SDK for JavaScript of Node.js functions: Lambda has it, this machine may not.

The engine's own Node.js worker carries small stand-ins for `@aws-sdk/client-*`. Our worker
replaces that one, so the part with the stand-ins is taken out of it at run time.
"""

from __future__ import annotations

import threading
from pathlib import Path

from .needs import EngineMismatch, need

BEGIN = "(function _installAwsSdkV3Stubs() {"
END = "function patchAwsSdk() {"
USED = ("fs", "path", "http", "https", "url")


def node_sdk(folder: Path) -> Path:
    """The file with the stand-ins, written on first use."""
    path = folder / "node_sdk.js"
    if not path.exists():
        part = folder / f"node_sdk.{threading.get_ident()}"
        part.write_text(_text(), encoding="utf-8")
        part.replace(path)
    return path


def check_node_sdk() -> None:
    """Raises EngineMismatch when the engine's worker is laid out otherwise."""
    _text()


def _text() -> str:
    script: str = need("core.lambda_runtime", "_NODEJS_WORKER_SCRIPT")
    start, end = script.find(BEGIN), script.find(END)
    if start < 0 or end < start:
        raise EngineMismatch("core.lambda_runtime._NODEJS_WORKER_SCRIPT is laid out otherwise")
    names = [f'const {name} = require("{name}");' for name in USED]
    return "\n".join([*names, 'const Module = require("module");', script[start:end]])
