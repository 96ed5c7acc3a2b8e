"""What the embedded engine lacks, one file per subject.

`install_all` applies every hook before the first request. A hook is a module with `install()`;
its docstring says why it exists. None of them imports tc: they run in the engine's environment.
"""

from __future__ import annotations

import importlib

from .control import control
from .needs import EngineMismatch, engine_version

__all__ = ["HOOKS", "EngineMismatch", "close", "control", "engine_version", "install_all"]

HOOKS = (
    "environments",
    "provided",
    "function_logs",
    "http_apis",
    "http_integrations",
    "rest_integrations",
    "http_import",
    "rest_import",
    "tokens",
    "flows",
    "flow_versions",
    "flow_timeouts",
    "function_aliases",
    "tagged",
    "athena",
    "glue",
    "events",
    "deliveries",
    "sdk_targets",
    "schedules",
    "pipes",
    "pools",
    "pages",
    "appsync_addresses",
    "appsync_events",
    "graphql_apis",
)


def install_all() -> list[str]:
    """The names of the hooks, all installed. `EngineMismatch` names the hook that can't be."""
    for name in HOOKS:
        try:
            importlib.import_module(f".{name}", __name__).install()
        except EngineMismatch as error:
            raise EngineMismatch(f'hook "{name}": {error}') from error
    return list(HOOKS)


def close() -> None:
    """After the last request: no process and no file of a function stays behind."""
    importlib.import_module(".environments", __name__).close()
