"""The APIs of a topology: which of its routes are on which, and what that makes of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tc.components.api_names import HTTP_STAGE, REST_STAGE, Protocol, api_key, own_name
from tc.components.route_model import Authorizer, Cors, RouteModel, cors, methods, model_of
from tc.records import dataclass
from tc.spec.topology import Entry, Topology


@dataclass(frozen=True, slots=True)
class Gateway:
    """An API as the routes in `entries` want it; `shared` by others, or the sandbox's own."""

    name: str
    shared: bool
    protocol: Protocol
    entries: tuple[Entry, ...]

    @property
    def key(self) -> str:
        return api_key(self.name, shared=self.shared)

    @property
    def stage(self) -> str:
        """The stage that the routes name; on a shared API "" means the one that it has."""
        written = next((m.stage for m in self._models() if m.stage), "")
        return written or ("" if self.shared else self.usual_stage)

    @property
    def usual_stage(self) -> str:
        return REST_STAGE if self.protocol == "REST" else HTTP_STAGE

    @property
    def variables(self) -> dict[str, str]:
        """The stage's variables, of all its routes together."""
        return {k: v for m in self._models() for k, v in (m.stage_variables or {}).items()}

    @property
    def cors(self) -> dict[str, Any]:
        """What an HTTP API as a whole says of CORS, empty for nothing."""
        found = cors(self.entries[0])
        if found is None or self.protocol == "REST" or self.shared:
            return {}
        return cors_of(found, [m for entry in self.entries for m in methods(entry)])

    def _models(self) -> Iterator[RouteModel]:
        return (model_of(entry) for entry in self.entries)


def cors_of(written: Cors, used: list[str]) -> dict[str, Any]:
    """Origins, methods and headers in a fixed order; `used` are the routes' own methods."""
    found: list[str] = list(written.methods or used)
    every = "*" if "ANY" in found else ""
    return {
        "origins": sorted(written.origins),
        "methods": [every] if every else sorted({*found, "OPTIONS"}),
        "headers": sorted(name.lower() for name in written.headers),
    }


def deployed(topology: Topology) -> list[Entry]:
    """The routes that are more than documentation."""
    sandbox = topology.scope.sandbox
    routes = topology.entries.get("routes", {}).values()
    return [entry for entry in routes if model_of(entry).deployed(sandbox)]


def gateways(topology: Topology) -> list[Gateway]:
    """Every API that the topology has routes on, the own one first."""
    grouped: dict[str | None, list[Entry]] = {}
    for entry in deployed(topology):
        grouped.setdefault(model_of(entry).gateway, []).append(entry)
    found = [_gateway(topology, name, entries) for name, entries in grouped.items()]
    return sorted(found, key=lambda gateway: gateway.shared)


def _gateway(topology: Topology, name: str | None, entries: list[Entry]) -> Gateway:
    needs = [rest_need(entry, entries) or model_of(entry).kind == "rest" for entry in entries]
    return Gateway(
        name=name or own_name(topology.scope),
        shared=name is not None,
        protocol="REST" if any(needs) else "HTTP",
        entries=tuple(entries),
    )


def rest_reason(gateway: Gateway) -> str:
    """Why an API is a REST API, for people: its first route that asks for one."""
    for entry in gateway.entries:
        need = rest_need(entry, gateway.entries) or (
            "`kind: rest`" if model_of(entry).kind == "rest" else ""
        )
        if need:
            return f"`{entry.name}` makes it one: {need}"
    return ""


def rest_need(entry: Entry, siblings: list[Entry] | tuple[Entry, ...]) -> str:
    """What of this route only a REST API can do, empty when an HTTP API will do.

    `siblings` are all routes of its API.
    """
    model = model_of(entry)
    kinds = {kind for kind, _ in entry.targets}
    if model.async_ and "function" in kinds:
        return "`async` on a route to a function"
    if not model.async_ and "flow" in kinds:
        return "a route that answers with its flow's output"
    if model.request_template and (model.request_template != "detail" or "function" in kinds):
        return "`request_template`"
    if model.response_template:
        return "`response_template`"
    if model.response_params:
        return "`response_params`"
    if any(name.startswith("integration.request.") for name in model.request_params or {}):
        return "`request_params` of an `integration.request`"
    if _needs_user_pools(model.authorizer):
        return "a Cognito authorizer without `audience`"
    if cors(entry) and (model.gateway or any(cors(other) != cors(entry) for other in siblings)):
        return "CORS of one route"
    return ""


def _needs_user_pools(written: str | Authorizer | None) -> bool:
    """An HTTP API must be told the app clients; of a pool of the topology tc knows them."""
    if not isinstance(written, Authorizer) or written.audience:
        return False
    return (written.cognito or "").startswith("arn:")
