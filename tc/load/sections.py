"""Entries by name: routes, events and whatever else the registry has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tc.load.reader import Reader, kind_of
from tc.load.scalars import plain
from tc.load.validate import Checked, lost_target, validate, without
from tc.spec.base import TARGET_KEYS, Strict, Whole
from tc.spec.finding import Address, Finding

DEFAULT_ROUTE = "default"
#: section -> keys below which older files have more of its entries
GROUPS: Mapping[str, tuple[str, ...]] = {"events": ("consumes", "produces")}
#: sections that may be a list of names: entries without settings
LISTS = frozenset({"pools"})
_TARGETS = frozenset((*TARGET_KEYS, "proxy"))
#: keys that say where an event is from
_SOURCES = frozenset({"source", "producer", "producers", "pattern"})


@dataclass(slots=True)
class Sections:
    """Models by section and name, with their addresses; `broken` as in `Spec`."""

    good: dict[str, dict[str, Strict]] = field(default_factory=dict)
    addresses: dict[tuple[str, str], Address] = field(default_factory=dict)
    broken: set[tuple[str, str]] = field(default_factory=set)


def load_section(
    section: str,
    model: type[Strict],
    data: Any,
    address: Address,
    reader: Reader,
    result: Sections,
) -> None:
    """Adds the entries of `data`, the mapping at `address`, to `result`."""
    listed = section in LISTS and isinstance(data, list)
    if not isinstance(data, Mapping) and not listed:
        message = f"`{section}` must be a mapping of names, not {kind_of(data)}"
        reader.findings.append(Finding("wrong-type", message, address, at="key"))
        return
    if issubclass(model, Whole):
        _load_whole(section, model, data, address, reader, result)
        return
    default: dict[str, Any] = {}
    if section == "routes" and isinstance(data.get(DEFAULT_ROUTE), Mapping):
        default = _default(model, data[DEFAULT_ROUTE], address / DEFAULT_ROUTE, section, reader)
        data = {key: value for key, value in data.items() if key != DEFAULT_ROUTE}
    good = result.good.setdefault(section, {})
    entries = _listed if listed else _entries
    for name, value, at in entries(section, data, address, reader):
        if (section, name) in result.addresses:
            message = f"there are two {section} `{name}`"
            reader.findings.append(Finding("duplicate-name", message, at, "take one out", "key"))
            continue
        result.addresses[(section, name)] = at
        filled = _filled(value, default)
        checked = validate(model, filled, at, section)
        if not checked.findings and (as_plain := plain(filled)) is not filled:
            checked = validate(model, as_plain, at, section)
        reader.findings += checked.findings
        if checked.model is None or lost_target(checked):
            result.broken.add((section, name))
        else:
            good[name] = checked.model


def _load_whole(
    section: str,
    model: type[Whole],
    data: Mapping[str, Any],
    address: Address,
    reader: Reader,
    result: Sections,
) -> None:
    """The entries of a section that is one thing."""
    checked = validate(model, plain(data), address, section)
    reader.findings += checked.findings
    written = data.get(model.ENTRIES)
    listed = written if isinstance(written, Mapping) else {}
    names = [name for name in listed if not name.startswith("x-")]
    good = result.good.setdefault(section, {})
    entries = checked.model.entries() if checked.model else {}
    spoilt = {path[1] for path in checked.removed if path[0] == model.ENTRIES and len(path) > 1}
    for name in names:
        result.addresses[(section, name)] = address / model.ENTRIES / name
        if name in entries and name not in spoilt:
            good[name] = entries[name]
        else:
            result.broken.add((section, name))


def _default(
    model: type[Strict], data: Mapping[str, Any], address: Address, section: str, reader: Reader
) -> dict[str, Any]:
    """What every entry inherits: checked here, so that a mistake is told once."""
    checked: Checked[Strict] = validate(model, dict(data), address, section)
    own = [f for f in checked.findings if f.address != address]
    reader.findings += own
    depth = len(address.path)
    wrong = [finding.address.path[depth:] for finding in own]
    kept = without(dict(data), wrong)
    return {key: value for key, value in kept.items() if not key.startswith("x-")}


def _filled(value: Any, default: Mapping[str, Any]) -> Any:
    """`value` with what it leaves out; a target of its own replaces the inherited one."""
    value = {} if value is None else value
    if not default or not isinstance(value, Mapping):
        return value
    inherited = dict(default)
    if not _TARGETS.isdisjoint(value):
        inherited = {key: item for key, item in default.items() if key not in _TARGETS}
    return {**inherited, **value}


def _listed(
    section: str, data: list[Any], address: Address, reader: Reader
) -> Iterator[tuple[str, Any, Address]]:
    """The entries of a list of names."""
    for place, name in enumerate(data):
        if isinstance(name, str):
            yield name, {}, address / place
        else:
            message = f"`{section}` lists names, and this is {kind_of(name)}"
            reader.findings.append(Finding("wrong-type", message, address / place))


def _entries(
    section: str, data: Mapping[str, Any], address: Address, reader: Reader
) -> Iterator[tuple[str, Any, Address]]:
    """Name, data and address of each entry; of events in both generations of the grammar."""
    for name, value in data.items():
        at = address / name
        if name.startswith("x-"):
            continue
        if name not in GROUPS.get(section, ()):
            yield name, value, at
        elif isinstance(value, Mapping):
            yield from _old_events(name, value, at)
        elif value is not None:
            message = f"`{name}` must be a mapping of events, not {kind_of(value)}"
            reader.findings.append(Finding("wrong-type", message, at, at="key"))


def _old_events(
    direction: str, data: Mapping[str, Any], address: Address
) -> Iterator[tuple[str, Any, Address]]:
    for name, value in data.items():
        if name.startswith("x-"):
            continue
        if direction == "produces":
            value = _produced(value)
        yield name, value, address / name


def _produced(value: Any) -> Any:
    """An event that the topology itself puts: its source is the topology unless it says more."""
    value = {} if value is None else value
    if not isinstance(value, Mapping) or not _SOURCES.isdisjoint(value):
        return value
    return {"source": "{{namespace}}", **value}
