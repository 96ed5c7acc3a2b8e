"""A function in one sandbox: its overlays merged, its templates filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tc.compose.assets import asset_mount, asset_network, filled_assets, with_asset_variables
from tc.spec.asset import access_point_arn
from tc.spec.finding import Address
from tc.spec.function import Function, Mount, Network
from tc.spec.scope import Scope

#: keys of a vars file that are merged key by key; of the others the last one counts
_NESTED = ("environment", "tags", "network", "filesystem")
#: keys of a vars file that `runtime` has under another name
_OWN_WORDS = {"memory_size": "memory", "filesystem": "fs"}


def settled(function: Function, scope: Scope) -> Function:
    """`function` with what its vars say here: default < env < sandbox."""
    said, origins = _overlays(function, scope)
    assets = filled_assets(function, scope)
    mount = asset_mount(_mount(function, scope.fill(said["filesystem"]), scope), assets, scope)
    if function.wants_mount is False:
        mount = None
    own = {**function.environment, **said["environment"]}
    environment = with_asset_variables(own, function, assets)
    tags = {**function.tags, **said["tags"]}
    return replace(
        function,
        description=scope.fill(function.description),
        memory=said.get("memory_size", function.memory),
        timeout=said.get("timeout", function.timeout),
        environment={key: scope.fill(_text(value)) for key, value in environment.items()},
        tags={key: scope.fill(_text(value)) for key, value in tags.items()},
        origins={**function.origins, **origins},
        layers=tuple(scope.fill(layer) for layer in function.layers),
        inline=replace(function.inline, text=scope.fill(function.inline.text))
        if function.inline
        else None,
        policy=scope.fill(function.policy) if function.policy else None,
        targets=tuple((kind, scope.fill(written)) for kind, written in function.targets),
        image_uri=scope.fill(said.get("image_uri", function.image_uri)),
        reserved_concurrency=said.get("reserved_concurrency", function.reserved_concurrency),
        provisioned_concurrency=said.get(
            "provisioned_concurrency", function.provisioned_concurrency
        ),
        kms_key=scope.fill(function.kms_key),
        role=_role(scope.fill(function.role), scope),
        network=_network(function, scope.fill(said["network"]), scope, mount),
        mount=mount,
        assets=assets,
    )


def _overlays(function: Function, scope: Scope) -> tuple[dict[str, Any], dict[str, Address]]:
    """What the vars say here, and where each of it stands, by the function's own words."""
    said: dict[str, Any] = {key: {} for key in _NESTED}
    origins: dict[str, Address] = {}
    for layer in ("default", scope.env, scope.sandbox):
        for key, value in function.vars.get(layer, {}).items():
            said[key] = {**said[key], **value} if key in _NESTED else value
            if function.vars_address:
                at = function.vars_address / layer / key
                name = _OWN_WORDS.get(key, key)
                origins[name] = at
                if key in _NESTED:
                    origins |= {f"{name}.{one}": at / one for one in value}
    return said, origins


def _text(value: Any) -> str:
    """A variable's value as Lambda takes it: booleans as in JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _role(written: str, scope: Scope) -> str:
    """The ARN of a role that exists; a name is one of this account, without a path."""
    if not written or written.startswith("arn:"):
        return written
    return f"arn:{scope.partition}:iam::{scope.account}:role/{written}"


def _network(
    function: Function, said: Mapping[str, Any], scope: Scope, mount: Mount | None
) -> Network | None:
    if function.wants_network is False:
        return None
    # a file system is only in its VPC
    if not said and mount and (found := asset_network(scope)):
        return found
    if not (function.wants_network or said):
        return None
    # sorted: AWS tells them in an order of its own
    return Network(
        tuple(sorted(set(said.get("subnets", ())))),
        tuple(sorted(set(said.get("security_groups", ())))),
    )


def _mount(function: Function, said: Mapping[str, Any], scope: Scope) -> Mount | None:
    if function.wants_mount is False or not (function.wants_mount or function.mount or said):
        return None
    mount = function.mount or Mount()
    point = scope.fill(said.get("arn") or mount.access_point)
    if mount.kind != "s3":
        point = access_point_arn(point, scope)
    return replace(mount, access_point=point, path=said.get("mount_point") or mount.path)
