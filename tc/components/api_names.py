"""What an API and its routes are called, where they answer, and where functions do."""

from __future__ import annotations

from typing import Literal

from tc.components.protocol import Aws
from tc.spec.names import shorten
from tc.spec.scope import Scope, dns_suffix
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


def lambda_uri(region: str, partition: str, function_arn: str) -> str:
    """The address by which API Gateway invokes a function."""
    return (
        f"arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/"
        f"{function_arn}/invocations"
    )


def api_url(aws: Aws, api_id: str, stage: str) -> str:
    """Where the API answers; paths follow it."""
    if aws.local:
        # a shell would take `$default` for a variable of its own
        return f"{aws.endpoint}/_aws/execute-api/{api_id}/{stage.replace('$', '%24')}"
    root = f"https://{api_id}.execute-api.{aws.region}.{dns_suffix(aws.partition)}"
    return root if stage == HTTP_STAGE else f"{root}/{stage}"
