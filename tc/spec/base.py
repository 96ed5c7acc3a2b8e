"""Strict models: what a user may write, and nothing else."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A mapping in a user's file: unknown keys and wrong types are errors.

    Keys that start with ``x-`` are the user's own; `tc.load` takes them out
    before validation. A field's description is its documentation in the JSON
    Schema and in the docs.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        populate_by_name=True,
        # A model is made ready when it is first used: a model in another one once, not twice.
        defer_build=True,
    )


class Targets(Strict):
    """The keys by which an entity names what it hands its data to."""

    function: str | None = None
    functions: list[str] | None = None
    event: str | None = None
    state: str | None = None

    def targets(self) -> list[tuple[str, str]]:
        """(kind of target, name as written), in the order of the keys."""
        found: list[tuple[str, str]] = []
        for key in TARGET_KEYS:
            value: Any = getattr(self, key, None)
            if isinstance(value, str):
                found.append((TARGET_KEYS[key], value))
            elif isinstance(value, list):
                found += [(TARGET_KEYS[key], name) for name in value]
        return found

    def target_key(self, kind: str) -> str:
        """The key under which a target of `kind` was written."""
        return next(
            key for key, of in TARGET_KEYS.items() if of == kind and getattr(self, key, None)
        )

    def label(self, name: str) -> str:
        """What the entity `name` is called in pictures."""
        return name

    def waits(self) -> bool:
        """Whether the entity waits for its target's answer."""
        return False

    def deployed(self, _: str, /) -> bool:
        """Whether anything is made of the entity in this sandbox, or it is only documentation."""
        return True


#: target key -> the kind of the thing it names
TARGET_KEYS = {
    "function": "function",
    "functions": "function",
    "event": "event",
    "state": "flow",
    "queue": "queue",
    "channel": "channel",
    "mutation": "mutation",
}
