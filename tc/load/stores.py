"""`stores`: tables and buckets in one section, told apart by their `kind`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tc.load.reader import Reader
from tc.load.sections import Sections, load_section
from tc.spec.base import Strict
from tc.spec.finding import Address, Finding

_SECTIONS = {"dynamodb": "tables", "s3": "buckets"}


def load_stores(
    data: Any,
    address: Address,
    models: Mapping[str, type[Strict]],
    reader: Reader,
    result: Sections,
) -> None:
    """Adds the stores, the mapping at `address`, to the tables and buckets of `result`."""
    if not isinstance(data, Mapping):
        return  # no stores, or none that can be read: the topology's own keys tell of that
    for name, value in data.items():
        at = address / name
        if name.startswith("x-"):
            continue
        kind = value.get("kind") if isinstance(value, Mapping) else None
        section = _SECTIONS.get(kind) if isinstance(kind, str) else None
        if section is None:
            reader.findings.append(_no_kind(name, kind, at))
            continue
        entry = {key: item for key, item in value.items() if key != "kind"}
        load_section(section, models[section], {name: entry}, address, reader, result)


def _no_kind(name: str, kind: Any, at: Address) -> Finding:
    hint = "`dynamodb` or `s3`"
    if kind is None:
        return Finding("missing-key", f"the store `{name}` has no `kind`", at, hint, at="key")
    return Finding("invalid-value", f"`{kind}` is no kind of store", at / "kind", hint)
