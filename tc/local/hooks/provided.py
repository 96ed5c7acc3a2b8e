"""Functions with a program of their own (Go, Rust) see Lambda's environment and no other.

Why: the engine gives them its whole environment, and the address of the engine's services only
when that is set for the engine itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .environment import TREES
from .needs import need, replace
from .runtimes import variables


def install() -> None:
    need("core.lambda_runtime", "execution_credentials", "config")
    shape = ("config", "code_dir", "port")
    replace("services.lambda_svc", "_provided_worker_env", environment, *shape)


def environment(config: dict[str, Any], code_dir: str, port: int) -> dict[str, str]:
    from ministack.core.lambda_runtime import execution_credentials

    scratch = TREES.root / f"tmp-{config['FunctionName']}"
    scratch.mkdir(exist_ok=True)
    # The engine doesn't unpack layers for these: /opt is empty.
    opt = TREES.root / "none"
    made = variables(config, execution_credentials(config), Path(code_dir), opt, scratch)
    name = config["FunctionName"]
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
    return {
        **made,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_LOG_GROUP_NAME": group,
    }
