"""What `tc.load` hands on: the user's files, valid and plain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tc.spec.base import Strict
from tc.spec.finding import Address
from tc.spec.function import Function

Mode = Literal["Standard", "Express"]


@dataclass(frozen=True, slots=True)
class WrittenFlow:
    """The flow as written: ASL with its templates, and where it stands."""

    definition: Mapping[str, Any]
    address: Address


@dataclass(frozen=True, slots=True)
class Spec:
    """One topology directory.

    `sections` has the entries of each kind by name, as models of that kind
    (``sections["routes"]["/api/etl"]``). `broken` names entries (section, name)
    that exist but were invalid, so that a reference to them is no second error.
    """

    name: str
    dir: Path
    address: Address
    version: str | None = None
    mode: Mode | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    sections: Mapping[str, Mapping[str, Strict]] = field(default_factory=dict)
    addresses: Mapping[tuple[str, str], Address] = field(default_factory=dict)
    flow: WrittenFlow | None = None
    nodes: tuple[Spec, ...] = ()
    broken: frozenset[tuple[str, str]] = frozenset()

    def family(self) -> list[Spec]:
        """This topology and every nested one, parents first."""
        return [self, *(spec for node in self.nodes for spec in node.family())]
