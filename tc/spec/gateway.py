"""routes.json: what operations say of a topology's own API, by env and sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any

from pydantic import Field

from tc.records import dataclass
from tc.spec.base import Strict
from tc.spec.scope import Scope

#: stands for every env, and for every sandbox of one
DEFAULT = "default"


class Throttling(Strict):
    """How many requests the API lets through."""

    burst_limit: Annotated[int, Field(ge=1)] = Field(description="requests at once")
    rate_limit: Annotated[float, Field(gt=0)] = Field(description="requests a second")


class RoutesFile(Strict):
    """routes.json: `env -> sandbox -> what`, `default` for any."""

    throttling: dict[str, dict[str, Throttling]] = Field({}, description="limits of the API")
    domains: dict[str, dict[str, str]] = Field({}, description="its domain name")


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What routes.json says of one sandbox: `throttling` has ``burst_limit`` and
    ``rate_limit`` or is empty, `domain` is a host name or ""."""

    throttling: Mapping[str, Any] = field(default_factory=dict)
    domain: str = ""


def settings(file: RoutesFile | None, scope: Scope) -> GatewaySettings:
    """The env's word for the sandbox, else its default, else that of any env."""
    if file is None:
        return GatewaySettings()
    limits = _chosen(file.throttling, scope)
    said = {"burst_limit": limits.burst_limit, "rate_limit": limits.rate_limit} if limits else {}
    return GatewaySettings(said, scope.fill(_chosen(file.domains, scope) or ""))


def _chosen(table: Mapping[str, Mapping[str, Any]], scope: Scope) -> Any:
    found = (
        table.get(env, {}).get(sandbox)
        for env in (scope.env, DEFAULT)
        for sandbox in (scope.sandbox, DEFAULT)
    )
    return next((value for value in found if value is not None), None)
