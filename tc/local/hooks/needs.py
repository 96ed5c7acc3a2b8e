"""How a hook takes hold of the engine: every private name it uses is asked for here, first.

The engine's internals are private and move between versions. So a hook never reaches for a name
when a request comes in: it asks at start, with the parameters it relies on, and a launcher whose
engine looks different doesn't start.
"""

from __future__ import annotations

import importlib
import inspect
from importlib.metadata import PackageNotFoundError, version
from typing import Any


class EngineMismatch(Exception):
    """The engine lacks a name, or has it in another shape. The text names both."""


def engine_version() -> str:
    try:
        return version("ministack")
    except PackageNotFoundError:
        return "missing"


def need(module: str, name: str, *parameters: str) -> Any:
    """`ministack.{module}.{name}`, whose first parameters are called `parameters`."""
    path = f"ministack.{module}"
    try:
        owner = importlib.import_module(path)
    except ImportError as error:
        raise EngineMismatch(f"{path} can't be imported: {error}") from error
    if not hasattr(owner, name):
        raise EngineMismatch(f"{path}.{name} does not exist")
    value = getattr(owner, name)
    if parameters:
        found = tuple(inspect.signature(value).parameters)
        if found[: len(parameters)] != parameters:
            wanted = ", ".join(parameters)
            raise EngineMismatch(f"{path}.{name} takes ({', '.join(found)}), not ({wanted})")
    return value


def replace(module: str, name: str, new: Any, *parameters: str) -> Any:
    """Put `new` where the engine looks for `name`; gives back what was there."""
    old = need(module, name, *parameters)
    setattr(importlib.import_module(f"ministack.{module}"), name, new)
    return old
