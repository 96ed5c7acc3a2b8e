"""What can't be right about the assets of functions, found without asking AWS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tc.compose.assets import asset_network
from tc.spec.asset import MODEL, PATHS, SOURCE, asset_address
from tc.spec.finding import Finding
from tc.spec.function import Function
from tc.spec.topology import Topology

_KEYS = (*PATHS, SOURCE)
#: a colon would end an entry of PYTHONPATH, a dot first is what tc keeps versions under
_SEGMENT = re.compile(r"[A-Za-z0-9_=+@-][A-Za-z0-9_.=+@-]*\Z")
#: what stands in a path while the sandbox or the env isn't known
_TEMPLATE = re.compile(r"\{\{[a-z]+\}\}")
_WRITE = (
    "in config.yml: `efs: {default: {access_point: fsap-…, subnets: […], security_groups: […]}}`"
)


def check_assets(topology: Topology) -> Iterator[Finding]:
    having = [one for one in topology.functions.values() if one.assets]
    for function in having:
        yield from _keys(function)
        yield from _paths(function)
        yield from _kind(function)
    yield from _inside_another(having)
    if not topology.scope.local and "{{" not in topology.scope.env:
        yield from _nowhere(having, topology.scope.env)
        yield from _no_internet(topology, having)


def _keys(function: Function) -> Iterator[Finding]:
    for key in function.assets:
        if key not in _KEYS:
            message = f"`{key}` is not a key of `assets`"
            at = asset_address(function, key)
            yield Finding("unknown-key", message, at, f"there are: {', '.join(_KEYS)}", at="key")
    if function.assets.get(SOURCE) and not function.assets.get(MODEL):
        message = f"`{function.name}` has a source of artifacts, and nothing says where they go"
        yield Finding("asset-path", message, asset_address(function, SOURCE), f"write `{MODEL}`")


def _paths(function: Function) -> Iterator[Finding]:
    """Every path is below the mount, which is one for each function."""
    if function.wants_mount is False:
        return
    top = function.mount.path if function.mount else "/mnt/assets"
    for key, path in _of(function):
        segments = _TEMPLATE.sub("x", path).removeprefix(f"{top}/").split("/")
        at = asset_address(function, key)
        if not path.startswith(f"{top}/"):
            message = f"`{path}` isn't below `{top}`, where the file system is mounted"
            yield Finding("asset-path", message, at, f"for example {top}/{function.name}")
        elif not all(_SEGMENT.match(one) for one in segments):
            message = f"`{path}` is no path that assets can be published at"
            hint = "names of letters, digits and `_ - . = + @` between slashes, no `.` first"
            yield Finding("asset-path", message, at, hint)


def _of(function: Function) -> Iterator[tuple[str, str]]:
    return ((key, function.assets[key]) for key in PATHS if function.assets.get(key))


def _kind(function: Function) -> Iterator[Finding]:
    if function.mount and (
        function.mount.kind == "s3" or ":s3files:" in function.mount.access_point
    ):
        yield Finding(
            "asset-s3",
            f"`{function.name}` mounts a bucket, which tc doesn't publish assets to",
            function.written_at("fs"),
            "put the objects into that bucket: S3 Files shows them; or use EFS",
            severity="warning",
        )


def _inside_another(functions: Iterable[Function]) -> Iterator[Finding]:
    """A path leads to a version, which nothing else can be put into."""
    every = sorted(
        ((f"{path}/", key, function) for function in functions for key, path in _of(function)),
        key=lambda one: (one[0], one[1], one[2].name),
    )
    outer: tuple[str, str, Function] | None = None
    for path, key, function in every:
        if outer is None or not path.startswith(outer[0]):
            outer = (path, key, function)
            continue
        other, other_key, owner = outer
        if path == other and key == other_key:
            continue
        message = (
            f"`{path[:-1]}` ({key} of `{function.name}`) is in `{other[:-1]}` "
            f"({other_key} of `{owner.name}`)"
        )
        yield Finding("asset-path", message, asset_address(function, key), "put it beside")


def _nowhere(functions: Iterable[Function], env: str) -> Iterator[Finding]:
    """Assets of functions that have no file system here: they run, and find nothing."""
    lost = [one for one in functions if one.mount is None and one.wants_mount is not False]
    lost = [one for one in lost if any(_of(one))]
    if lost:
        names = ", ".join(f"`{one.name}`" for one in lost)
        key = next(key for key, _ in _of(lost[0]))
        message = f"the assets of {names} are on no file system in env `{env}`: nothing is mounted"
        at = asset_address(lost[0], key)
        yield Finding("no-file-system", message, at, _WRITE, severity="warning")


def _no_internet(topology: Topology, functions: Iterable[Function]) -> Iterator[Finding]:
    own = asset_network(topology.scope)
    inside = [one for one in functions if one.mount and own and one.network == own]
    if inside:
        names = ", ".join(f"`{one.name}`" for one in inside)
        message = f"what runs in the VPC of its assets reaches no internet without NAT: {names}"
        yield Finding(
            "vpc",
            message,
            inside[0].address,
            "AWS's services need endpoints there; S3's and DynamoDB's gateways cost nothing",
            severity="warning",
        )
