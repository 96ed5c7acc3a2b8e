"""The layers of functions, looked up: what they list, and the one of their own dependencies.

A name means the newest version with all of its parts, ``name:3`` the pinned one. The layer that
a function's dependencies are in is attached first when the function doesn't list it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

from tc.components.protocol import Aws
from tc.errors import TcError
from tc.events import Emit, Event
from tc.publish.versions import Published, marked, newest, pinned
from tc.records import dataclass
from tc.spec.artifact import UNPACKED, Artifact
from tc.spec.fetched import Secret, is_reference, reference, revealed
from tc.spec.function import Function
from tc.spec.layer import MOST_LAYERS, STABLE
from tc.spec.scope import Scope

#: (Lambda API reference, LayerVersionArn)
_LAYER_ARN = re.compile(r"arn:[a-z0-9-]+:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+\Z")


@dataclass(frozen=True, slots=True)
class OwnLayer:
    """A layer that can be built from files here: `digest` is of these, `source` the file that
    says what is needed, `users` the functions by the names people use."""

    name: str
    digest: str
    source: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Buildable:
    """`layers` by their names; `of` has the one of each function, by its name on AWS."""

    layers: Mapping[str, OwnLayer] = field(default_factory=dict)
    of: Mapping[str, str] = field(default_factory=dict)


def _nothing(functions: Mapping[str, Function]) -> Buildable:  # noqa: ARG001
    return Buildable()


@dataclass(frozen=True, slots=True)
class LayerSource:
    """Where layers come from.

    `buildable` reads what functions (by their names on AWS) need. `publish` builds and publishes
    layers by their names: on `local`, unless nothing may be written. `central` is the door to
    the account that has the layers, where that isn't the sandbox's. `exact` has the digests of
    those, by their names, that must be found as they are: a version is deployed with its own
    layers, which are published where they are missing. Unless `needed`, a layer that can be built
    and isn't there is told, also on AWS: nothing is deployed without it.
    """

    buildable: Callable[[Mapping[str, Function]], Buildable] = _nothing
    publish: Callable[[Sequence[str]], None] | None = None
    central: Callable[[], Aws] | None = None
    exact: Mapping[str, str] = field(default_factory=dict)
    needed: bool = True


@dataclass(frozen=True, slots=True)
class LookedUp:
    """By the names of functions on AWS: the ARNs of their layers, and the bytes of these
    unpacked, as far as anybody says."""

    arns: Mapping[str, tuple[str, ...]]
    unpacked: Mapping[str, int]


def look_up(
    aws: Aws,
    functions: Mapping[str, Function],
    source: LayerSource,
    scope: Scope,
    emit: Emit,
    values: Mapping[str, Secret] | None = None,
) -> LookedUp:
    """The layers of `functions`, by their names on AWS; `values` has those that stand in SSM.

    What is missing on the local engine is built where it can be, else told; on AWS it is an
    error, which names every function that lists it. Raises TcError ``too-many-layers`` too.
    """
    buildable = source.buildable(functions)
    listed = {name: _listed(name, one, buildable) for name, one in functions.items()}
    names = sorted({layer for layers in listed.values() for layer in layers})
    fetched = {name: _fetched(name, values or {}) for name in names if is_reference(name)}
    plain = {name: name for name in names if name.startswith("arn:")} | fetched
    asked = [name for name in names if name not in plain]
    door = source.central() if source.central and asked else aws
    find = _Finder(aws, door, source.exact, stable=scope.sandbox == "stable")
    found = find.all(asked)
    if source.exact:
        found = _published(found, source, find)
    else:
        found = _brought_up_to_date(found, buildable, source, find, scope, emit)
    users: dict[str, list[str]] = defaultdict(list)
    for name, layers in listed.items():
        for layer in layers:
            users[layer].append(functions[name].name)
    if not source.needed and not aws.local:
        found = _tell_unbuilt(found, buildable, scope, emit)
    _tell_missing(found, users, buildable, find, scope, emit)
    arns, unpacked = {}, {}
    for name, layers in listed.items():
        parts = [_arns(layer, plain, found) for layer in layers]
        arns[name] = tuple(dict.fromkeys(arn for part in parts for arn in part))
        there = [one for layer in layers if (one := found.get(layer))]
        unpacked[name] = sum(one.unpacked for one in there)
    _check_count(arns, functions)
    return LookedUp(arns, unpacked)


def check_sizes(
    artifacts: Mapping[str, Artifact], found: LookedUp, functions: Mapping[str, Function]
) -> None:
    """Raises TcError ``too-large`` for functions that Lambda can't unpack with their layers."""
    lines = []
    for name, artifact in artifacts.items():
        layers = found.unpacked.get(name, 0)
        if artifact.unpacked + layers > UNPACKED:
            lines.append(
                f"{functions[name].name}: {_mb(artifact.unpacked)} of its own and {_mb(layers)} "
                "of layers"
            )
    if lines:
        raise TcError(
            f"with its layers a function may be {_mb(UNPACKED)} unpacked:\n  " + "\n  ".join(lines),
            code="too-large",
            hint="need less, have dependencies on EFS (`assets.DEPS_PATH`), or make it an image "
            "(`package_type: image`: 10 GB)",
        )


def _listed(name: str, function: Function, buildable: Buildable) -> tuple[str, ...]:
    """What the function lists, its own layer first where it doesn't list that."""
    own = buildable.of.get(name)
    names = {layer.partition(":")[0] for layer in function.layers}
    return (own, *function.layers) if own and own not in names else function.layers


def _arns(
    layer: str, plain: Mapping[str, str], found: Mapping[str, Published | None]
) -> tuple[str, ...]:
    if layer in plain:
        return (plain[layer],)
    there = found.get(layer)
    return there.arns if there else ()


@dataclass(frozen=True, slots=True)
class _Finder:
    """Looks layers up by name, in the account that has them, else in the sandbox's."""

    aws: Aws
    door: Aws
    exact: Mapping[str, str]
    stable: bool

    def all(self, names: Iterable[str]) -> dict[str, Published | None]:
        wanted = list(names)
        return dict(zip(wanted, self.door.map(self.one, wanted), strict=True))

    def one(self, layer: str) -> Published | None:
        found = self._in(self.door, layer)
        return found if found or self.door is self.aws else self._in(self.aws, layer)

    def _in(self, aws: Aws, layer: str) -> Published | None:
        name, colon, version = layer.partition(":")
        if colon:
            return pinned(aws, name, int(version)) if version.isdecimal() else None
        if digest := self.exact.get(name):
            return marked(aws, name, digest)
        promoted = newest(aws, name + STABLE) if self.stable else None
        return promoted or newest(aws, name)


def _published(
    found: Mapping[str, Published | None], source: LayerSource, find: _Finder
) -> dict[str, Published | None]:
    """`found`, after those of `source.exact` that weren't there were published."""
    missing = [name for name, there in found.items() if there is None and name in source.exact]
    if missing and source.publish:
        source.publish(missing)
        return {**found, **find.all(missing)}
    return dict(found)


def _brought_up_to_date(
    found: Mapping[str, Published | None],
    buildable: Buildable,
    source: LayerSource,
    find: _Finder,
    scope: Scope,
    emit: Emit,
) -> dict[str, Published | None]:
    """`found`, after layers whose files are here and differ were built where that is tc's to
    do; else it is told."""
    differing = [
        (buildable.layers[name], there)
        for name, there in found.items()
        if name in buildable.layers and _differs(buildable.layers[name], there)
    ]
    if find.aws.local and source.publish and differing:
        names = [layer.name for layer, _ in differing]
        source.publish(names)
        return {**found, **find.all(names)}
    for layer, there in differing:
        if there:
            text = (
                f"the layer `{layer.name}` was built of something else than "
                f"{layer.source} asks for now"
            )
            hint = f"tc build --publish -e {scope.env} -c {layer.users[0]}"
            emit(Event("warning", text, {"code": "old-layer", "hint": hint}))
    return dict(found)


def _differs(layer: OwnLayer, there: Published | None) -> bool:
    # a layer without a mark is somebody's own, made in another way
    return there is None or (there.mark is not None and there.mark.digest != layer.digest)


def _tell_unbuilt(
    found: Mapping[str, Published | None], buildable: Buildable, scope: Scope, emit: Emit
) -> dict[str, Published | None]:
    """`found` without the layers that aren't there and can be built, which are told."""
    unbuilt = [name for name, there in found.items() if there is None and name in buildable.layers]
    for name in unbuilt:
        text = f"the layer `{name}` isn't there yet, so what it changes isn't shown"
        hint = f"tc build --publish -e {scope.env} -c {buildable.layers[name].users[0]}"
        emit(Event("warning", text, {"code": "no-layer", "hint": hint}))
    return {name: there for name, there in found.items() if name not in unbuilt}


def _tell_missing(
    found: Mapping[str, Published | None],
    users: Mapping[str, Sequence[str]],
    buildable: Buildable,
    find: _Finder,
    scope: Scope,
    emit: Emit,
) -> None:
    """A layer that isn't there is told on `local`, and on AWS an error."""
    missing = [name for name, there in found.items() if there is None]
    for name in [name for name in missing if name in find.exact]:
        missing.remove(name)
        text = f"the layer `{name}` isn't there yet: tc deploy publishes it"
        emit(Event("warning", text, {"code": "no-layer", "hint": ""}))
    empty = [name for name in missing if _is_empty(name, users[name], buildable, scope)]
    if len(empty) < len(missing) and not find.aws.local:
        raise _not_there(
            [name for name in missing if name not in empty], users, buildable, find, scope
        )
    for name in empty:
        text = (
            f"the layer `{name}` would be empty, so there is none: it has no dependencies to hold"
        )
        emit(Event("warning", text, {"code": "no-layer", "hint": ""}))
    for name in [name for name in missing if name not in empty]:
        if name in buildable.layers:
            text = f"the layer `{name}` isn't there yet: tc create builds it"
        else:
            text = f"the layer `{name}` isn't there: {_run(users[name])} without it"
        emit(Event("warning", text, {"code": "no-layer", "hint": ""}))


def _is_empty(layer: str, users: Sequence[str], buildable: Buildable, scope: Scope) -> bool:
    """Whether `layer` is a function's own, and the function depends on nothing."""
    own = any(layer == f"{scope.namespace}-{user}" for user in users)
    return own and layer not in buildable.layers


def _run(functions: Sequence[str]) -> str:
    names = ", ".join(functions)
    return f"{names} runs" if len(functions) == 1 else f"{names} run"


def _not_there(
    missing: Sequence[str],
    users: Mapping[str, Sequence[str]],
    buildable: Buildable,
    find: _Finder,
    scope: Scope,
) -> TcError:
    pins = {name: why for name in missing if (why := _wrong_pin(name, find))}
    lines = [f"`{name}`, used by {', '.join(users[name])}{pins.get(name, '')}" for name in missing]
    here = [buildable.layers[name] for name in missing if name in buildable.layers]
    build = f"tc build --publish -e {scope.env}"
    if len(pins) == len(missing):
        hint = "tc build --list; a name without a version is the newest"
    elif len(here) + len(pins) == len(missing):
        hint = f"{build} -c {here[0].users[0]}" if len(here) == 1 else build
    else:
        others = [name for name in missing if name not in buildable.layers and name not in pins]
        hint = f"{build}, in the topology that has the dependencies of {others[0]}"
    accounts = " or ".join(dict.fromkeys((find.door.account, find.aws.account)))
    return TcError(
        f"{len(missing)} layer{'s' if len(missing) != 1 else ''} "
        f"can't be found in account {accounts}, {find.aws.region}:\n  " + "\n  ".join(lines),
        code="no-layer",
        where=here[0].source if here else "",
        hint=hint,
    )


def _wrong_pin(layer: str, find: _Finder) -> str:
    """What is wrong with the version of `layer`; empty when its name is."""
    name, colon, version = layer.partition(":")
    if not colon:
        return ""
    if not version.isdecimal():
        return f": `{version}` is no version"
    newest = find.one(name)
    return f": its newest version is {newest.parts[0].number}" if newest else ""


def _fetched(layer: str, values: Mapping[str, Secret]) -> str:
    """The ARN that stands where `layer` says. It is no secret, anything else there may be."""
    arn = str(revealed(values[layer]))
    if not _LAYER_ARN.match(arn):
        raise TcError(
            f"what stands in `{reference(layer)}` is no ARN of a layer version",
            code="no-value",
            hint="arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION",
        )
    return arn


def _check_count(arns: Mapping[str, Sequence[str]], functions: Mapping[str, Function]) -> None:
    lines = [
        f"{functions[name].name}: {', '.join(arn.split(':layer:')[-1] for arn in layers)}"
        for name, layers in arns.items()
        if len(layers) > MOST_LAYERS
    ]
    if lines:
        raise TcError(
            f"a function may have {MOST_LAYERS} layers, parts included:\n  " + "\n  ".join(lines),
            code="too-many-layers",
            hint="list fewer; larger parts: `layers.part_size` in config.yml; or have "
            "dependencies on EFS: `assets.DEPS_PATH`",
        )


def _mb(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB"
