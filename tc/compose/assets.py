"""What a function with assets gets by itself: variables that say where they are, the file system
that has them, and the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tc.spec.asset import BASE_DEPS, DEPS, PATHS, access_point_arn, local_point
from tc.spec.fetched import is_reference
from tc.spec.function import Function, Mount, Network
from tc.spec.scope import Scope

#: where Lambda's own runtimes look, by the start of their names, with the variable that says so
#: ("Defined runtime environment variables", AWS Lambda developer guide). Lambda's Python leaves
#: layers out when PYTHONPATH is set, so they are named in it.
_LOOKED_IN = {
    "python": (
        "PYTHONPATH",
        "/opt/python/lib/{runtime}/site-packages:/opt/python",
        "",
    ),
    "nodejs": (
        "NODE_PATH",
        "/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules",
        "/node_modules",
    ),
    "ruby": (
        "GEM_PATH",
        "/var/task/vendor/bundle/ruby/{version}.0:/opt/ruby/gems/{version}.0",
        "/gems/{version}.0",
    ),
}


def filled_assets(function: Function, scope: Scope) -> dict[str, str]:
    """The function's assets, templates filled, paths without a slash at their end."""
    filled = {key: scope.fill(text) for key, text in function.assets.items()}
    return {key: text.rstrip("/") if key in PATHS else text for key, text in filled.items()}


def with_asset_variables(
    own: Mapping[str, Any], function: Function, assets: Mapping[str, str]
) -> dict[str, Any]:
    """The variables `own` of the function, the paths under their own names, and the dependencies
    where the language looks for them: behind what the function itself says there."""
    found = {key: assets[key] for key in PATHS if assets.get(key)} | dict(own)
    places = [assets[key] for key in (DEPS, BASE_DEPS) if assets.get(key)]
    for start, (name, usual, below) in _LOOKED_IN.items():
        if places and function.runtime.startswith(start) and not is_reference(own.get(name)):
            words = _words(function.runtime, start)
            before = str(own.get(name) or usual.format(**words)).split(":")
            wanted = [place + below.format(**words) for place in places]
            found[name] = ":".join([*before, *(one for one in wanted if one not in before)])
    return found


def _words(runtime: str, language: str) -> dict[str, str]:
    """``ruby3.3`` is version 3.3, ``nodejs22.x`` has the major version 22."""
    version = runtime.removeprefix(language)
    return {"runtime": runtime, "version": version, "major": version.partition(".")[0]}


def asset_mount(mount: Mount | None, assets: Mapping[str, str], scope: Scope) -> Mount | None:
    """`mount`, with the access point of the env's file system when it names none; the env's own
    when there are assets and no mount. None when there is none either."""
    store = scope.store
    point = access_point_arn(scope.fill(store.access_point), scope)
    if scope.local and not point:
        point = local_point(scope)
    if mount is not None:
        return (
            mount
            if mount.access_point or mount.kind == "s3"
            else replace(mount, access_point=point)
        )
    if point and any(assets.get(key) for key in PATHS):
        return Mount(point, store.mount_point)
    return None


def asset_network(scope: Scope) -> Network | None:
    """The VPC that the env's file system is in; none on the local engine, where nothing is."""
    store = scope.store
    if scope.local or not (store.subnets or store.security_groups):
        return None
    # sorted: AWS tells them in an order of its own
    subnets = sorted({scope.fill(one) for one in store.subnets})
    groups = sorted({scope.fill(one) for one in store.security_groups})
    return Network(tuple(subnets), tuple(groups))
