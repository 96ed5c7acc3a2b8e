"""What an API and its routes are called, and where they answer."""

from __future__ import annotations

from typing import Literal

from tc.spec.names import shorten
from tc.spec.scope import Scope
from tc.spec.topology import Entry, Topology

Protocol = Literal["HTTP", "REST"]

#: the stage of an own REST API; HTTP APIs use ``$default``, which is not in the address
REST_STAGE = "live"
HTTP_STAGE = "$default"


def api_name(topology: Topology, entry: Entry) -> str:
    """The name of the API that the route `entry` is on: its gateway, or the sandbox's own."""
    gateway: str | None = getattr(entry.model, "gateway", None)
    return gateway or own_name(topology.scope)


def own_name(scope: Scope) -> str:
    return scope.name(scope.namespace, scope.sandbox, limit=128)


def api_key(name: str, *, shared: bool) -> str:
    """Own and shared APIs of one name are two things."""
    return f"api/{'shared ' if shared else ''}{name}"


def route_key(api: str, owner: str, name: str, *, shared: bool) -> str:
    """On a shared API, routes of one name belong to many owners."""
    return f"route/{api}/{owner} {name}" if shared else f"route/{api}/{name}"


def route_id(entry: str, method: str, *, several: bool) -> str:
    """How a live route names its entry (operation name: at most 64 characters)."""
    return shorten(f"{entry} {method}" if several else entry, 64)


def public_path(scope: Scope, path: str, *, shared: bool) -> str:
    """On a shared gateway everything but `stable` lives under ``/{sandbox}``."""
    if shared and scope.sandbox != "stable":
        return f"/{scope.sandbox}{path}".rstrip("/") or "/"
    return path
