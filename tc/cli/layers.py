"""The layers of a sandbox's functions: what can be built here, and on `local` is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tc.aws.session import Aws
    from tc.build.tools import Tools
    from tc.build.wanted import Host, Wanted
    from tc.cli.run import Run, Target
    from tc.config import Config
    from tc.deploy.layers import Buildable, LayerSource
    from tc.spec.function import Function
    from tc.spec.topology import Topology


def layer_source(run: Run, target: Target, *, write: bool) -> LayerSource:
    """Where the layers of `target` come from; nothing is published unless `write`, and nothing
    ever but on `local`."""
    from tc.config import read_config
    from tc.deploy.layers import LayerSource

    config = read_config(Path.cwd())
    layers = Layers(run, target, config)
    local = target.environment.local
    return LayerSource(
        layers.buildable,
        layers.publish if local and write else None,
        layers.door if layers.apart else None,
    )


def host_of(*, local: bool) -> Host:
    """What runs functions: on `local` programs of this machine."""
    if local:
        from tc.local.hosts import host

        return host
    from tc.build.wanted import on_lambda

    return on_lambda


def bucket_name() -> str:
    """The artifact bucket's, with its templates."""
    from tc.config import read_config

    return read_config(Path.cwd()).artifacts.bucket


def tools_of(run: Run, config: Config) -> Tools:
    """What builds on the way of another command work with."""
    from tc.build.cache import cache_dir
    from tc.build.container import engine
    from tc.build.tools import Tools
    from tc.processes import Running

    running = Running()
    run.closing.append(running.stop)
    cache, builder = cache_dir(), config.builder
    containers = engine(builder.images, builder.runtime_images, cache, run.emit, running)
    return Tools(cache, run.emit, running, containers)


class Layers:
    """The layers of a target's functions that can be built here."""

    def __init__(self, run: Run, target: Target, config: Config):
        self._run = run
        self._target = target
        self._config = config
        self.wanted: dict[str, Wanted] = {}

    def buildable(self, functions: Mapping[str, Function]) -> Buildable:
        from tc.build.wanted import joined, wanted_by
        from tc.build.words import shown
        from tc.deploy.layers import Buildable, OwnLayer

        host = host_of(local=self._target.environment.local)
        found = {}
        for part in self._target.topology.family():
            named = {part.function_name(name): f for name, f in part.functions.items()}
            for name in sorted(named.keys() & functions.keys()):
                if one := wanted_by(functions[name], part.scope.namespace, host):
                    found[name] = one
        listed = {layer for one in functions.values() for layer in one.libraries}
        libraries = [
            one
            for owner, library in libraries_of(self._target.topology)
            if (one := wanted_by(library, owner, host)) and one.name in listed
        ]
        wanted = joined([*found.values(), *libraries])
        self.wanted |= {one.name: one for one in wanted}
        layers = {
            one.name: OwnLayer(one.name, one.digest, shown(one.source), one.users) for one in wanted
        }
        return Buildable(layers, {name: one.name for name, one in found.items()})

    def publish(self, names: Sequence[str]) -> None:
        """Builds the layers and publishes them to the engine."""
        from tc.build.layer import build_layers
        from tc.publish.layers import carry_out, plan

        run, aws, config = self._run, self._target.aws, self._config
        wanted = [self.wanted[name] for name in names]
        built = build_layers(wanted, tools_of(run, config), config.layers.part_size)
        steps = plan(aws, built, [aws.region])
        carry_out(aws, steps, config.artifacts.bucket, (), run.emit)
        parts = self._target.topology.family()
        functions = [function for part in parts for function in part.functions.values()]
        prune_old(run, aws, functions, names, aws.region, config.layers.keep)

    @property
    def apart(self) -> bool:
        """Whether another account has the layers."""
        own = ("", self._target.environment.name)
        return self._config.layers.env not in own and not self._target.environment.local

    def door(self) -> Aws:
        """The account that has the layers, in the sandbox's region; opened once."""
        from tc.cli.accounts import central

        if not self.apart:
            return self._target.aws
        return central(self._run, self._config, "layers", self._target.aws.region)


def prune_old(
    run: Run,
    aws: Aws,
    functions: Iterable[Function],
    names: Iterable[str],
    region: str,
    keep: int,
) -> None:
    """Deletes old versions of the layers `names`, but the newest `keep` and what something uses
    or one of `functions` pins."""
    from tc.events import Event
    from tc.publish.pruning import prune
    from tc.publish.versions import newest, pinned

    listed = {layer for function in functions for layer in function.layers}
    parts: list[str] = []
    kept: set[str] = set()
    for name in names:
        pins = [layer.removeprefix(f"{name}:") for layer in listed if layer.startswith(f"{name}:")]
        numbers = sorted(int(pin) for pin in pins if pin.isdecimal())
        found = [one for number in numbers if (one := pinned(aws, name, number, region))]
        kept |= {part.arn for one in found for part in one.parts}
        now = newest(aws, name, region)
        parts += [part.name for part in now.parts] if now else []
    for gone in prune(aws, parts, region, keep, kept):
        text = f"Deleted old layer {gone.name}:{gone.number} in {region}"
        run.emit(Event("layer.pruned", text, {"layer": gone.name, "arn": gone.arn}))


def extensions_of(topology: Topology) -> dict[str, tuple[str, ...]]:
    """The layers with extensions that each function lists, by its name."""
    from tc.spec.layer import own_layer

    own = {
        own_layer(library, owner)
        for owner, library in libraries_of(topology)
        if library.build_kind == "extension"
    }
    return {
        name: tuple(
            layer
            for layer in function.layers
            if layer in function.extensions or layer.partition(":")[0] in own
        )
        for part in topology.family()
        for name, function in part.functions.items()
    }


def libraries_of(topology: Topology) -> list[tuple[str, Function]]:
    """What is built into layers and is no function, each with its namespace."""
    return [
        (part.scope.namespace, library)
        for part in topology.family()
        for library in part.libraries.values()
    ]
