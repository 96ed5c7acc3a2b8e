"""What a user says of a table, and what DynamoDB would refuse of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import AliasChoices, Field

from tc.compose.producers import readers
from tc.spec.base import Entity, Strict
from tc.spec.finding import Address, Finding
from tc.spec.topology import Entry, Topology

Type = Literal["S", "N", "B"]
#: the name of a text attribute, or the name of one with its type
Attribute = str | dict[str, Type]
View = Literal["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]


class IndexModel(Strict):
    """`tables.X.indexes.Y`: another way to find the items."""

    key: Attribute = Field(description="the attribute that items are found by: `id`, `{id: N}`")
    sort: Attribute | None = Field(
        None,
        validation_alias=AliasChoices("sort", "range"),
        description="the attribute that the items of one key are ordered by",
    )
    projection: Literal["ALL", "KEYS_ONLY"] | list[str] = Field(
        "ALL", description="the attributes that the index has: ALL, KEYS_ONLY or their names"
    )


class TableModel(Entity):
    """`tables.X`: a table, and the functions that get its changes."""

    key: Attribute = Field(description="the attribute that items are found by: `id`, `{id: N}`")
    sort: Attribute | None = Field(
        None,
        validation_alias=AliasChoices("sort", "range"),
        description="the attribute that the items of one key are ordered by",
    )
    ttl: str | None = Field(
        None, description="the attribute with the second (Unix time) at which an item goes"
    )
    stream: bool | View = Field(
        False, description="its changes can be read; `true` is NEW_AND_OLD_IMAGES"
    )
    indexes: dict[str, IndexModel] = Field({}, description="global secondary indexes by name")
    function: str | None = Field(None, description="the function that gets its changes")
    functions: list[str] | None = Field(None, description="several functions")
    state: str | None = Field(None, description="`flow`: the flow that its changes start")
    batch_size: Annotated[int, Field(ge=1, le=10000)] | None = Field(
        None, description="changes a call; 100, and 1 for a flow"
    )
    window: Annotated[int, Field(ge=0, le=300)] | None = Field(
        None, description="seconds to wait for a full batch; 0"
    )
    retries: Annotated[int, Field(ge=0, le=10000)] | None = Field(
        None, description="calls again when the function fails; until the change is a day old"
    )
    partial_failures: bool = Field(
        False, description="the function tells which change failed; it goes on from there"
    )


_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z")
_INDEX_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}\Z")
#: indexes of a table, functions that read a stream (DynamoDB quotas)
_INDEXES = 20
_READERS = 2


def model_of(entry: Entry) -> TableModel:
    assert isinstance(entry.model, TableModel)
    return entry.model


def named(attribute: Attribute) -> tuple[str, str]:
    """The name of an attribute, and its type."""
    if isinstance(attribute, str):
        return attribute, "S"
    return next(iter(attribute.items()), ("", "S"))


def check(topology: Topology) -> Iterator[Finding]:
    read_by = readers(topology.entries, topology.scope.sandbox)
    for entry in topology.entries.get("tables", {}).values():
        model = model_of(entry)
        if not _NAME.match(entry.name):
            yield Finding(
                "bad-name",
                f"`{entry.name}` can't name a table: letters, digits and `._-` only",
                entry.address,
                at="key",
            )
        yield from _check_attributes(entry, model)
        yield from _check_indexes(entry, model)
        targets = [target for table, target in read_by if table == entry.name]
        yield from _check_readers(entry, targets)


def _check_attributes(entry: Entry, model: TableModel) -> Iterator[Finding]:
    """Keys name one attribute, each attribute has one type."""
    types: dict[str, str] = {}
    for attribute, address in _attributes(model, entry.address):
        if isinstance(attribute, dict) and len(attribute) != 1:
            yield Finding("invalid-value", "a key is one attribute: `id` or `{id: N}`", address)
            continue
        name, kind = named(attribute)
        if types.setdefault(name, kind) != kind:
            yield Finding(
                "conflict",
                f"`{name}` is of type {types[name]} in one key and {kind} in another",
                address,
            )


def _attributes(model: TableModel, address: Address) -> Iterator[tuple[Attribute, Address]]:
    yield model.key, address / "key"
    if model.sort is not None:
        yield model.sort, address / "sort"
    for name, index in model.indexes.items():
        at = address / "indexes" / name
        yield index.key, at / "key"
        if index.sort is not None:
            yield index.sort, at / "sort"


def _check_indexes(entry: Entry, model: TableModel) -> Iterator[Finding]:
    if len(model.indexes) > _INDEXES:
        yield Finding(
            "too-many-indexes",
            f"the table `{entry.name}` has {len(model.indexes)} indexes; DynamoDB takes {_INDEXES}",
            entry.address / "indexes",
            at="key",
        )
    for name in model.indexes:
        if not _INDEX_NAME.match(name):
            yield Finding(
                "bad-name",
                f"`{name}` can't name an index: 3 to 255 letters, digits and `._-`",
                entry.address / "indexes" / name,
                at="key",
            )


def _check_readers(entry: Entry, targets: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    if len(targets) > _READERS:
        yield Finding(
            "too-many-targets",
            f"{len(targets)} things read the changes of the table `{entry.name}`; "
            f"a stream takes {_READERS}",
            entry.address,
            "let one function send them on as an event",
            at="key",
        )
