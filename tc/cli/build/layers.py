"""``tc build --kind layer``: dependencies as layers, built, published, listed, promoted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tc.aws.session import Aws
    from tc.build.wanted import Host, Wanted
    from tc.cli.build import Build
    from tc.publish.versions import Published
    from tc.spec.function import Function
    from tc.spec.layer import BuiltLayer

#: bytes of a layer from which its sizes are told before it is published
_LARGE = 10 * 1024 * 1024
#: as wide as the name of most layers
_NAME_WIDTH = 42


def build_layers(build: Build) -> None:
    """Builds the layers of the chosen functions, and publishes them when asked."""
    from tc.build.layer import build_layers as build_all
    from tc.build.wanted import wanted

    layers = wanted(_functions(build), host_for(build))
    if not layers:
        return
    if build.dry_run:
        _tell_plan(build, layers)
        return
    if build.publish:
        # credentials that are no good are told before the work, not after it
        _door(build).identify()
    built = build_all(layers, build.tools, build.config.layers.part_size)
    published = _publish(build, built) if build.publish else {}
    for layer in built:
        arns = [
            arn for (name, _), one in published.items() if name == layer.name for arn in one.arns
        ]
        _tell(build, layer, arns)


def _tell(build: Build, layer: BuiltLayer, arns: Sequence[str]) -> None:
    from tc.cli.build import Made

    build.tell(
        Made(
            "layer",
            layer.name,
            layer.users,
            layer.size,
            layer.unpacked,
            layer.cached,
            layer.why,
            layer.seconds,
            layer.parts[0].path.parent,
            tuple(arns),
        )
    )


def _tell_plan(build: Build, layers: Sequence[Wanted]) -> None:
    """What would be built, and where it would be published; only reads."""
    from tc.build.layer_cache import cached
    from tc.build.words import few, shown
    from tc.cli.build.tell import would

    for layer in layers:
        size, contained = build.config.layers.part_size, build.tools.always
        if found := cached(layer, build.tools.cache, size, contained=contained):
            _tell(build, found, ())
        else:
            detail = f"{shown(layer.source)} of {few(layer.users)}"
            would(build, "build", "layer", layer.name, detail)
    if not build.publish:
        return
    from tc.publish.layers import differing

    aws = _door(build)
    marks = {layer.name: (layer.owner, layer.digest) for layer in layers}
    for name, region in differing(aws, marks, _regions(build, aws), adopt=build.adopt):
        would(build, "publish", "layer", name, f"in account {aws.account}, {region}")


def _functions(build: Build, *, every: bool = False) -> list[tuple[str, Function]]:
    """The chosen functions and libraries (or all), each with its namespace, as they are
    composed."""
    chosen = {(function.name, function.dir) for function in build.functions.values()}
    return [
        (part.scope.namespace, function)
        for part in build.topology.family()
        for function in (*part.functions.values(), *part.libraries.values())
        if every or (function.name, function.dir) in chosen
    ]


def _is_local(build: Build) -> bool:
    from tc.errors import UsageError

    try:
        return build.environment(build.config.layers.env).local
    except UsageError:
        # nothing says where; that matters only when it is published
        if build.publish:
            raise
        return False


def host_for(build: Build) -> Host:
    """What will run the functions: on `local` programs of this machine."""
    from tc.cli.layers import host_of

    return host_of(local=_is_local(build))


def _door(build: Build) -> Aws:
    return build.aws(build.environment(build.config.layers.env))


def _regions(build: Build, aws: Aws) -> list[str]:
    """Where layers are published: in every region of the envs, unless --region says one."""
    if aws.local or build.region:
        return [aws.region]
    regions = {env.region for env in build.config.envs.values() if env.region and not env.local}
    return sorted({aws.region, *regions})


def _publish(build: Build, built: Sequence[BuiltLayer]) -> dict[tuple[str, str], Published]:
    from tc.cli.layers import prune_old
    from tc.publish.layers import carry_out, plan

    config = build.config
    aws = _door(build)
    steps = plan(aws, built, _regions(build, aws), adopt=build.adopt)
    for step in steps:
        if step.todo:
            _tell_sizes(build, step.layer, step.region)
    published = carry_out(aws, steps, config.artifacts.bucket, config.layers.share, build.run.emit)
    every = [function for _, function in _functions(build, every=True)]
    changed = [step for step in steps if step.todo]
    build.sent.extend(step.layer.name for step in changed)
    for region in sorted({step.region for step in changed}):
        names = [step.layer.name for step in changed if step.region == region]
        prune_old(build.run, aws, every, names, region, config.layers.keep)
    return published


def _tell_sizes(build: Build, layer: BuiltLayer, region: str) -> None:
    """What is about to be uploaded, where it is much."""
    from tc.build.words import amount
    from tc.events import Event

    if layer.size < _LARGE:
        return
    largest = sorted(layer.packages, key=lambda one: (-one.size, one.name))[:10]
    listed = ", ".join(f"{one.name} {amount(one.size)}" for one in largest)
    parts = f" in {len(layer.parts)} parts" if len(layer.parts) > 1 else ""
    text = (
        f"Uploading layer {layer.name} to {region}: {amount(layer.size)}{parts}, "
        f"{amount(layer.unpacked)} unpacked; the largest in it: {listed}"
    )
    data = {
        "layer": layer.name,
        "region": region,
        "bytes": layer.size,
        "unpacked": layer.unpacked,
        "parts": len(layer.parts),
        "largest": {one.name: one.size for one in largest},
    }
    build.run.emit(Event("layer.upload", text, data))


def _names(build: Build, *, every: bool) -> list[str]:
    """The layers that the chosen functions need, or all of the topology."""
    from tc.build.wanted import wanted

    return [one.name for one in wanted(_functions(build, every=every), host_for(build))]


def list_published(build: Build) -> None:
    """The newest version of each layer of the topology, a line for each part."""
    from tc.publish.versions import newest

    aws = _door(build)
    found = aws.map(lambda name: newest(aws, name), _names(build, every=True))
    versions = [part for one in found if one for part in one.parts]
    rows = [[part.name, str(part.number), part.created] for part in versions]
    data = [
        {"name": part.name, "version": part.number, "created_date": part.created, "arn": part.arn}
        for part in versions
    ]
    build.run.result(_table(rows), layers=data)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """``name | version | created_date``, a line of dashes, the rows."""
    head = ("name", "version", "created_date")
    widths = [
        max(least, *(len(row[index]) for row in (head, *rows)))
        for index, least in enumerate((_NAME_WIDTH, 7, 28))
    ]
    lines = [
        " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in (head, *rows)
    ]
    dashes = "-+-".join("-" * width for width in widths) + "-"
    return "\n".join(line.rstrip() for line in (lines[0], dashes, *lines[1:]))


def promote_layers(build: Build) -> None:
    """Publishes the newest version of each layer again, as what `stable` sandboxes use."""
    from tc.cli.layers import prune_old
    from tc.events import Event
    from tc.publish.layers import promote

    config = build.config
    aws = _door(build)
    regions = _regions(build, aws)
    names = _names(build, every=False)
    if not names:
        build.run.emit(Event("done", "Nothing to promote: no function here has a layer of its own"))
        return
    if build.dry_run:
        for name in names:
            text = f"Would promote layer {name} to {name}-stable in {', '.join(regions)}"
            build.run.emit(Event("build.planned", text, {"layer": name, "regions": regions}))
        return
    template, share = config.artifacts.bucket, config.layers.share
    done = promote(aws, names, regions, template, share, build.run.emit, adopt=build.adopt)
    every = [function for _, function in _functions(build, every=True)]
    for region in regions:
        stable = [name for name, where in done if where == region]
        prune_old(build.run, aws, every, stable, region, config.layers.keep)
    for (name, region), one in done.items():
        text = f"Layer {name} in {region}: {', '.join(one.arns)}"
        build.run.emit(Event("layer.promoted", text, {"layer": name, "arns": list(one.arns)}))
