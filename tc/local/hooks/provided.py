"""Functions with a program of their own (Go, Rust) see Lambda's environment and no other.

Why: the engine gives them its whole environment, and the address of the engine's services only
when that is set for the engine itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import mounts
from .environment import TREES
from .needs import need, replace
from .runtimes import variables


def install() -> None:
    need("core.lambda_runtime", "execution_credentials", "config")
    shape = ("config", "code_dir", "port")
    replace("services.lambda_svc", "_provided_worker_env", environment, *shape)


def environment(config: dict[str, Any], code_dir: str, port: int) -> dict[str, str]:
    from ministack.core.lambda_runtime import execution_credentials
    from ministack.services.lambda_svc import _resolve_layer_zip

    scratch = TREES.root / f"tmp-{config['FunctionName']}"
    scratch.mkdir(exist_ok=True)
    # The engine doesn't unpack layers for these. They stay until it ends: nothing tells when
    # the program does.
    layers = [_resolve_layer_zip(layer) for layer in config.get("Layers") or []]
    opt = TREES.take(*(layer for layer in layers if layer))
    made = variables(config, execution_credentials(config), Path(code_dir), opt, scratch)
    made = mounts.install_before(Path(code_dir), made, mounts.of(config))
    name = config["FunctionName"]
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
    return {
        **made,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_LOG_GROUP_NAME": group,
    }
