"""What the names in a page's dotenv template stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tc.components import mutation_model
from tc.components.addresses import fill_addresses
from tc.components.appsync import live_key
from tc.components.channel_api import mode_of
from tc.components.protocol import Aws
from tc.compose.appsync import event_api, graphql_api
from tc.plan.resource import Joined, Ref
from tc.spec.addresses import OWN_API, parse_address
from tc.spec.base import SECTION_KINDS
from tc.spec.scope import TEMPLATE_NAMES
from tc.spec.topology import Topology

Value = str | Ref | Joined

#: what the key of an API is called: in the page it is for everybody to read, and only there
_KEY = "api_key"
#: how what a plan tells of a key begins
_KEY_OF = "the key of "
#: name -> the address of the topology's first entry of a section
_FIRST = {
    "GRAPHQL_ENDPOINT": ("mutations", "url"),
    "GRAPHQL_API_KEY": ("mutations", _KEY),
    "CHANNEL_URL": ("channels", "url"),
    "CHANNEL_API_KEY": ("channels", _KEY),
}
#: names of keys, besides addresses that end so
_KEYS = frozenset({"GRAPHQL_API_KEY", "CHANNEL_API_KEY"})
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
    if attr == _KEY and name in known:
        return _keeper(topology, kind, name)
    component = by_kind().get(kind)
    told = component.TRAITS.addresses.get(attr) if component else None
    return told(topology, name) if told and name in known else None


def _keeper(topology: Topology, kind: str, name: str) -> Ref | None:
    """What stands for the key until the page is built: whose it is."""
    entry = topology.entries[_SECTIONS[kind]][name]
    if kind == "channel" and mode_of(entry) == "API_KEY":
        return replace(event_api(topology.scope, "id"), before=_KEY_OF)
    if kind == "mutation" and mutation_model.model_of(entry).api.authorizer is None:
        return replace(graphql_api(topology.scope, "id"), before=_KEY_OF)
    return None


def with_keys(aws: Aws, owner: str, values: Mapping[str, str]) -> dict[str, str] | None:
    """`values` with the key itself where there is whose it is; None when there is no such key.

    What this gives goes into the page and nowhere else.
    """
    apis = {value for name, value in values.items() if _is_key(name)}
    keys = {api: live_key(aws, api.removeprefix(_KEY_OF), owner) for api in sorted(apis)}
    if not all(keys.values()):
        return None
    ids = {api: str(key["id"]) for api, key in keys.items() if key}
    return {name: ids[value] if _is_key(name) else value for name, value in values.items()}


def _is_key(name: str) -> bool:
    return name in _KEYS or name.endswith(f".{_KEY}")
