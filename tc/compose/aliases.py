"""Flows call functions that have an alias through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tc.compose.asl.check import TaskUse, resources
from tc.compose.calls import LAMBDA_ARN, invoked_function
from tc.spec.function import ALIAS, Function
from tc.spec.scope import Scope
from tc.spec.topology import Flow


def through_aliases(flow: Flow, functions: Mapping[str, Function], scope: Scope) -> Flow:
    """`flow` with the alias at the name of each function that has one.

    A task that names a version or an alias itself is left as it is.
    """
    names = {f.full_name(scope) for f in functions.values() if f.has_alias}
    definition: Any = flow.definition
    for use in resources(flow.definition):
        name = invoked_function(use)
        place, written = _named_at(use)
        if name in names and written.split(":function:")[-1] == name:
            definition = _with_alias(definition, place)
    return replace(flow, definition=definition)


def _named_at(use: TaskUse) -> tuple[tuple[Any, ...], str]:
    """Where in the definition a task names its function, and how."""
    if LAMBDA_ARN.match(use.resource):
        return (*use.path, "Resource"), use.resource
    arguments = "Arguments" if use.query_language == "JSONata" else "Parameters"
    written = use.arguments.get("FunctionName")
    return (*use.path, arguments, "FunctionName"), written if isinstance(written, str) else ""


def _with_alias(value: Any, path: tuple[Any, ...]) -> Any:
    """A copy of `value` with the alias behind the text at `path`."""
    if not path:
        return f"{value}:{ALIAS}"
    if isinstance(value, list):
        return [_with_alias(v, path[1:]) if i == path[0] else v for i, v in enumerate(value)]
    return {**value, path[0]: _with_alias(value[path[0]], path[1:])}
