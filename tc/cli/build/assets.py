"""``tc build --kind artifacts`` and ``--kind deps``: what functions read from a file system."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tc.records import dataclass

if TYPE_CHECKING:
    from tc.aws.session import Aws
    from tc.cli.build import Build
    from tc.config import Environment
    from tc.errors import TcError
    from tc.publish.assets import Asset
    from tc.publish.bucket import Bucket
    from tc.publish.publisher_function import Place
    from tc.spec.asset import Manifest
    from tc.spec.function import Function

#: the directory to publish for a function, and why it was built now; None for nothing
Source = Callable[["Function"], "tuple[Path, str] | None"]


@dataclass(frozen=True, slots=True)
class _Ready:
    """An asset that was built: whose, where it goes, what it is; `why` as in `Made`."""

    kind: str
    functions: tuple[str, ...]
    path: str
    manifest: Manifest
    why: str
    seconds: float


def build_artifacts(build: Build) -> None:
    """MODEL_PATH of the chosen functions: built, and published when asked."""
    from tc.build.asset_sources import artifacts_of
    from tc.spec.asset import MODEL, SOURCE

    def source(function: Function) -> tuple[Path, str]:
        written = function.assets.get(SOURCE, "")
        if written.startswith("s3://"):
            return _fetched(build, written), ""
        return artifacts_of(function, build.tools)

    _build(build, "artifacts", MODEL, source)


def build_deps(build: Build) -> None:
    """The dependencies of the chosen functions: on the file system for those that have
    DEPS_PATH, in layers for the others."""
    from tc.build.asset_sources import dependencies_of
    from tc.cli.build.layers import build_layers, host_for
    from tc.spec.asset import DEPS

    on_files = {label: f for label, f in build.functions.items() if f.assets.get(DEPS)}
    others = {label: f for label, f in build.functions.items() if label not in on_files}
    if on_files:
        host = host_for(build)
        only = replace(build, functions=on_files)
        _build(only, "deps", DEPS, lambda one: dependencies_of(one, build.tools, host))
    if others:
        build_layers(replace(build, functions=others))


def _build(build: Build, kind: str, key: str, source: Source) -> None:
    from tc.errors import AwsError, TcError

    wanted = {label: f for label, f in build.functions.items() if f.assets.get(key)}
    if not wanted:
        names = ", ".join(build.functions)
        raise TcError(
            f"nothing to build: `assets.{key}` is in no function file of {names}",
            code="no-asset",
            hint=f'write `"assets": {{"{key}": "/mnt/assets/…"}}` into function.json',
        )
    door = _Door(build) if build.publish else None
    try:
        ready = _ready(build, kind, wanted, key, source, door)
    except OSError as error:
        raise _unwritten(error, build) from error
    for one in ready:
        try:
            _finish(build, one, door)
        except AwsError:
            raise
        except TcError as error:
            # the others are published all the same
            build.failures.append(error)


def _finish(build: Build, one: _Ready, door: _Door | None) -> None:
    if door is None:
        _tell(build, one)
    elif build.dry_run:
        _tell_difference(build, one, door)
    else:
        _publish(build, one, door)


def _unwritten(error: OSError, build: Build) -> TcError:
    import errno

    from tc.build.words import reason
    from tc.errors import TcError

    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return TcError(
        f"this can't be written: {reason(error)}",
        code="disk-full" if full else "cache",
        where=str(error.filename or build.tools.cache),
        hint="make room, or set TC_CACHE_DIR to a directory with more of it",
    )


def _ready(
    build: Build,
    kind: str,
    wanted: Mapping[str, Function],
    key: str,
    source: Source,
    door: _Door | None,
) -> list[_Ready]:
    """What is to be at which path; functions may share one."""
    from tc.errors import TcError

    found: dict[str, _Ready] = {}
    for label, function in wanted.items():
        path = door.settled(label).assets[key] if door else function.assets[key]
        try:
            one = _one(build, (kind, label, path), partial(source, function))
        except TcError as error:
            # the other functions' are built all the same
            build.failures.append(error)
            continue
        if one is None:
            continue
        other = found.get(path)
        if other and other.manifest.digest != one.manifest.digest:
            raise TcError(
                f"{other.functions[0]} and {label} would publish different files at {path}",
                code="shared-asset",
                where=path,
                hint=f"give each its own `assets.{key}`",
            )
        found[path] = replace(one, functions=(*other.functions, label)) if other else one
    return list(found.values())


def _one(
    build: Build, name: tuple[str, str, str], source: Callable[[], tuple[Path, str] | None]
) -> _Ready | None:
    """One function's; `name` is its kind, the function and the path."""
    from tc.build.assets import manifest_of

    begun = time.monotonic()
    kind, label, path = name
    made = source()
    if made is None:
        return None
    directory, why = made
    manifest = manifest_of(directory, build.tools.cache, build.run.emit, f"{kind} of {label}")
    return _Ready(kind, (label,), path, manifest, why, time.monotonic() - begun)


def _tell(build: Build, one: _Ready, **changes: object) -> None:
    from tc.cli.build import Made

    made = Made(
        kind=one.kind,
        name=one.path,
        functions=one.functions,
        size=one.manifest.size,
        unpacked=one.manifest.size,
        cached=not one.why,
        why=one.why,
        seconds=one.seconds,
    )
    build.tell(replace(made, **changes))  # type: ignore[arg-type]


def _tell_difference(build: Build, one: _Ready, door: _Door) -> None:
    """A line of ``--dry-run``: what would move."""
    from tc.build.words import amount
    from tc.cli.build.tell import would_build
    from tc.publish.assets import difference

    found = difference(door.bucket, door.asset(one), adopt=build.adopt)
    count = len(one.manifest.files)
    whole = f"{count} file{'s' if count != 1 else ''}, {amount(one.manifest.size)}"
    moves = f"{found.files} of them move, {amount(found.size)}" if found.files else "nothing moves"
    would_build(build, one.kind, one.path, f"{whole}; {moves}")


def _publish(build: Build, one: _Ready, door: _Door) -> None:
    from tc.build.words import amount
    from tc.events import Event
    from tc.publish.assets import publish

    begun = time.monotonic()
    asset, roles = door.asset(one), build.config.roles
    done = publish(door.aws, door.bucket, asset, roles, build.run.emit, adopt=build.adopt)
    _tell(
        build,
        one,
        cached=done.unchanged,
        why=one.why or ("not published before" if done.first else "its files changed"),
        seconds=one.seconds + time.monotonic() - begun,
    )
    if done.unchanged:
        return
    build.sent.append(one.path)
    count = len(one.manifest.files)
    text = f"Published {count} file{'s' if count != 1 else ''} at {one.path}"
    text += f": {done.files} new, {amount(done.moved)} moved"
    if done.removed:
        text += f", {done.removed} old version{'s' if done.removed != 1 else ''} removed"
    data = {
        "path": one.path,
        "files": count,
        "new": done.files,
        "moved": done.moved,
        "removed": done.removed,
    }
    build.run.emit(Event("asset.published", text, data))


class _Door:
    """Where assets are published: the env of -e, its file system, its bucket.

    The bucket is that of the file system's account and region, whatever `artifacts` says of
    another env: the publisher's role reads it.
    """

    def __init__(self, build: Build):
        from tc.config.sections import Artifacts
        from tc.publish.bucket import Bucket

        said = build.config.artifacts
        self._build = build
        self.environment: Environment = build.environment()
        self.aws: Aws = build.aws(self.environment)
        central = said.env and said.env != self.environment.name
        self.bucket: Bucket = Bucket(self.aws, Artifacts().bucket if central else said.bucket)
        self._store = build.config.file_system(self.environment.name)

    def settled(self, label: str) -> Function:
        """The function as it is in this env; raises TcError when it has no file system there."""
        from tc.cli.scopes import store_of
        from tc.compose.settings import settled

        build, aws = self._build, self.aws
        scope = replace(
            build.topology.scope,
            namespace=build.namespace(label),
            env=self.environment.name,
            local=self.environment.local,
            account=aws.account,
            region=aws.region,
            partition=aws.partition,
            store=store_of(self.environment, build.config),
        )
        function = settled(build.functions[label], scope)
        self._check(label, function)
        return function

    def _check(self, label: str, function: Function) -> None:
        from tc.errors import TcError

        mount, where = function.mount, f"env {self.environment.name}"
        if mount is None or not mount.access_point:
            raise TcError(
                f"nothing says which file system the assets of `{label}` are on",
                code="no-file-system",
                where=where,
                hint=f"config.yml: efs: {{{self.environment.name}: {{access_point: fsap-…, "
                "subnets: [subnet-…], security_groups: [sg-…]}}",
            )
        if mount.kind == "s3" or ":s3files:" in mount.access_point:
            raise TcError(
                f"`{label}` mounts a bucket, which tc doesn't publish assets to",
                code="asset-s3",
                where=where,
                hint="put the objects into that bucket: S3 Files shows them; or use EFS",
            )
        if function.network is None and not self.environment.local:
            raise TcError(
                f"nothing says in which subnets the file system of `{label}` is",
                code="no-network",
                where=where,
                hint=f"config.yml: efs: {{{self.environment.name}: {{subnets: [subnet-…], "
                "security_groups: [sg-…]}}",
            )

    def place(self, label: str) -> Place:
        from tc.publish.publisher_function import Place

        function = self.settled(label)
        mount, network = function.mount, function.network
        assert mount is not None
        return Place(
            mount.access_point,
            mount.path,
            network.subnets if network and not self.environment.local else (),
            network.security_groups if network and not self.environment.local else (),
        )

    def asset(self, one: _Ready) -> Asset:
        from tc.errors import TcError
        from tc.publish.assets import Asset

        place = self.place(one.functions[0])
        if "{{" in one.path:
            raise TcError(
                f"`{one.path}` isn't the same for every sandbox, and assets belong to the env",
                code="asset-path",
                where=one.functions[0],
                hint="write a path without {{sandbox}}",
            )
        below = one.path.removeprefix(f"{place.mount_point}/")
        name = f"{one.kind} of {', '.join(one.functions)}"
        owner = self._build.namespace(one.functions[0])
        return Asset(name, owner, place, below, one.manifest, self._store.keep)


def _fetched(build: Build, uri: str) -> Path:
    """The artifacts that are on S3, in the cache."""
    import hashlib

    from tc.publish.asset_source import fetch_source

    aws = build.aws(build.environment())
    name = hashlib.sha256(uri.encode()).hexdigest()[:32]
    directory = build.tools.cache / "assets" / "s3" / name
    return fetch_source(aws, uri, directory, build.run.emit)
