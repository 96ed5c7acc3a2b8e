"""What happens, told once: the terminal, the line output and ``--json`` print the same stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from tc.records import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """A fact.

    `name` is for scripts (``step.done``), `text` for people (``Creating function
    etl_enhancer_bob (214 B)``), `data` the fact's fields, JSON values only and
    free of secrets.
    """

    name: str
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


Emit = Callable[[Event], None]


def silent(event: Event) -> None:
    """An `Emit` that tells nobody."""
