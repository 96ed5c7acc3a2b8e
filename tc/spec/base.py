"""Strict models: what a user may write, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, WithJsonSchema

#: text that may stand there as a number or a truth value; `tc.load` keeps it as it was written
AsWritten = Annotated[str, WithJsonSchema({"type": ["string", "number", "boolean"]})]

#: tags by name; names that start with `aws:` or `tc:` are not the user's to take
Tags = Annotated[
    dict[str, AsWritten],
    Field(json_schema_extra={"propertyNames": {"not": {"pattern": "^([Aa][Ww][Ss]|[Tt][Cc]):"}}}),
]


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


class Entity(Strict):
    """An entry of a section: a thing with a name that may hand its data to others.

    What it hands it to stands under those of `TARGET_KEYS` that the model has.
    """

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


class Whole(Strict):
    """A section that is one thing: its entries stand below the key `ENTRIES` of it."""

    ENTRIES: ClassVar[str]

    def entries(self) -> Mapping[str, Entity]:
        """The entries by name."""
        found: Mapping[str, Entity] = getattr(self, self.ENTRIES)
        return found


def keys(model: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """Field of `model` -> the keys a user may write for it: its name, then its aliases.

    Where a model isn't populated by name, a field with aliases has only those.
    """
    by_name = bool(model.model_config.get("populate_by_name"))
    found: dict[str, tuple[str, ...]] = {}
    for name, field in model.model_fields.items():
        aliases = _aliases(field)
        own = [name] if by_name or not aliases else []
        found[name] = tuple(dict.fromkeys([*own, *aliases]))
    return found


def _aliases(field: Any) -> list[str]:
    alias = field.validation_alias or field.alias
    if isinstance(alias, AliasChoices):
        return [choice for choice in alias.choices if isinstance(choice, str)]
    return [alias] if isinstance(alias, str) else []


class Targets(Entity):
    """The usual keys by which an entity names what it hands its data to."""

    function: str | None = Field(None, description="the function that gets its data")
    functions: list[str] | None = Field(None, description="several functions, all at once")
    event: str | None = Field(None, description="the event that its data is sent as")
    state: str | None = Field(None, description="`flow`: the flow that its data starts")


#: target key -> the kind of the thing it names
TARGET_KEYS = {
    "function": "function",
    "functions": "function",
    "event": "event",
    "state": "flow",
    "queue": "queue",
    "channel": "channel",
    "mutation": "mutation",
    "table": "table",
}

#: section of topology.yml -> the kind of its entries
SECTION_KINDS = {
    "functions": "function",
    "routes": "route",
    "events": "event",
    "queues": "queue",
    "channels": "channel",
    "mutations": "mutation",
    "schedules": "schedule",
    "pages": "page",
    "pools": "pool",
    "triggers": "trigger",
    "buckets": "bucket",
    "tables": "table",
    "streams": "stream",
    "activities": "activity",
    "jobs": "job",
    "workgroups": "workgroup",
}
