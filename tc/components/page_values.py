"""What the names in a page's dotenv template stand for."""

from __future__ import annotations

from collections.abc import Callable

from tc.components.addresses import fill_addresses
from tc.plan.resource import Joined, Ref
from tc.spec.addresses import OWN_API, parse_address
from tc.spec.base import SECTION_KINDS
from tc.spec.scope import TEMPLATE_NAMES
from tc.spec.topology import Topology

Value = str | Ref | Joined

#: name -> the address of the topology's first entry of a section
_FIRST = {
    "GRAPHQL_ENDPOINT": ("mutations", "url"),
    "GRAPHQL_API_KEY": ("mutations", "api_key"),
    "CHANNEL_URL": ("channels", "url"),
}
_PLACES: dict[str, Callable[[Topology], str]] = {
    "REGION": lambda topology: topology.scope.region,
    "ACCOUNT": lambda topology: topology.scope.account,
}
_SECTIONS = {kind: section for section, kind in SECTION_KINDS.items()}
NAMES = ("REST_ENDPOINT", *_FIRST, *_PLACES)


def value_of(topology: Topology, name: str) -> Value | None:
    """The value of ``{{name}}``; None where the topology has no such thing."""
    if name in _PLACES:
        return _PLACES[name](topology)
    if name in TEMPLATE_NAMES:
        return str(getattr(topology.scope, name))
    if name in ("REST_ENDPOINT", OWN_API):
        return fill_addresses(topology, f"{{{{{OWN_API}}}}}") if _own_routes(topology) else None
    if name in _FIRST:
        section, attr = _FIRST[name]
        first = next(iter(topology.entries.get(section, {})), "")
        return _told(topology, SECTION_KINDS[section], first, attr) if first else None
    address = parse_address(name)
    if address is None:
        return None
    return _told(topology, address.kind, address.name, address.attr)


def _own_routes(topology: Topology) -> bool:
    return any(
        getattr(entry.model, "gateway", None) is None
        for entry in topology.entries.get("routes", {}).values()
    )


def _told(topology: Topology, kind: str, name: str, attr: str) -> Value | None:
    from tc.components import by_kind

    known = topology.functions if kind == "function" else topology.entries.get(_SECTIONS[kind], {})
    component = by_kind().get(kind)
    told = component.TRAITS.addresses.get(attr) if component else None
    return told(topology, name) if told and name in known else None
