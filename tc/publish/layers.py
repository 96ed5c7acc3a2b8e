"""Layers brought to AWS: what differs is published, from the artifact bucket of each region.

The leading part comes last, so that whoever looks a layer up finds all of its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tc.components.protocol import Aws
from tc.errors import TcError
from tc.events import Emit, Event
from tc.publish.bucket import Bucket
from tc.publish.part import key_of, publish_part, same
from tc.publish.sharing import share_with
from tc.publish.versions import Published, Version, latest, newest, service
from tc.records import dataclass
from tc.spec.layer import STABLE, BuiltLayer, LayerPart, Mark, part_names


@dataclass(frozen=True, slots=True)
class Step:
    """A layer in a region: what is there, and which parts are to be published, the leading one
    last; none when it is there already. `parts` are what is there of them by their whole
    names."""

    layer: BuiltLayer
    region: str
    there: Published | None
    todo: tuple[int, ...]
    parts: Mapping[str, Version | None]


def plan(
    aws: Aws, layers: Iterable[BuiltLayer], regions: Sequence[str], *, adopt: bool = False
) -> list[Step]:
    """What is to be published of `layers` in `regions`; only reads.

    Raises TcError ``not-owned`` when a layer of that name is somebody else's, unless `adopt`.
    """
    wanted = [(layer, region) for region in regions for layer in layers]
    steps = aws.map(lambda one: _step(aws, *one), wanted)
    foreign = [
        line
        for step in steps
        for version in step.parts.values()
        for line in _foreign(version, step.layer.owner, step.region)
    ]
    if not adopt:
        _refuse(foreign)
    return steps


def differing(
    aws: Aws, layers: Mapping[str, tuple[str, str]], regions: Sequence[str], *, adopt: bool = False
) -> list[tuple[str, str]]:
    """The layers, by name and region, that aren't published as they would be built: `layers` has
    the owner and the digest of each. Only reads; raises as `plan` does."""
    wanted = [(name, region) for region in regions for name in layers]
    found = dict(zip(wanted, aws.map(lambda one: newest(aws, *one), wanted), strict=True))
    foreign = [
        line
        for (name, region), there in found.items()
        for part in (there.parts if there else ())
        for line in _foreign(part, layers[name][0], region)
    ]
    if not adopt:
        _refuse(foreign)
    return [
        (name, region)
        for (name, region), there in found.items()
        if not (there and there.mark) or (there.mark.owner, there.mark.digest) != layers[name]
    ]


def _refuse(foreign: Sequence[str]) -> None:
    if foreign:
        raise TcError(
            "layers of these names belong to somebody else:\n  " + "\n  ".join(foreign),
            code="not-owned",
            hint="list another name in `runtime.layers`, or take them over with `--adopt`",
        )


def _step(aws: Aws, layer: BuiltLayer, region: str) -> Step:
    there = newest(aws, layer.name, region)
    if there and same(there.mark, layer.marks[0]):
        return Step(layer, region, there, (), {part.name: part for part in there.parts})
    names = part_names(layer.name, len(layer.parts))
    known = {part.name: part for part in there.parts} if there else {}
    unknown = [name for name in (layer.name, *names) if name not in known]
    looked = aws.map(lambda name: latest(aws, name, region), unknown)
    parts: dict[str, Version | None] = {**known, **dict(zip(unknown, looked, strict=True))}
    # what an interrupted run has published already; the leading part always comes last
    todo = [
        index
        for index, name in enumerate(names)
        if index == 0 or not same(_mark(parts.get(name)), layer.marks[index])
    ]
    return Step(layer, region, there, tuple(reversed(todo)), parts)


def _mark(version: Version | None) -> Mark | None:
    return version.mark if version else None


def _foreign(version: Version | None, owner: str, region: str) -> Iterator[str]:
    """A line for a version that isn't of `owner`."""
    if version and (version.mark is None or version.mark.owner != owner):
        whose = f"it belongs to {version.mark.owner}" if version.mark else "it has no mark of tc"
        yield f"layer {version.name} in {region}: {whose}"


def carry_out(
    aws: Aws, steps: Sequence[Step], template: str, share: Sequence[str], emit: Emit
) -> dict[tuple[str, str], Published]:
    """Publishes what is to be, and lets `share` use every one of the layers, accounts or an
    organisation; by (name, region) what is there then. `template` is the bucket's name."""
    regions = {step.region for step in steps if step.todo}
    if len(regions) > 1 and "region" not in template:
        raise TcError(
            f"the bucket {template} can be in one region only, and layers go to "
            f"{', '.join(sorted(regions))}",
            code="one-bucket",
            where="config.yml",
            hint="put {{region}} into `artifacts.bucket`",
        )
    buckets = {region: Bucket(aws, template, region) for region in sorted(regions)}
    done = aws.map(lambda step: _carry_out(aws, step, buckets, emit), steps)
    parts = [
        (part, step.region) for step, one in zip(steps, done, strict=True) for part in one.parts
    ]
    aws.map(lambda one: share_with(aws, one[0], one[1], share), parts)
    return {(step.layer.name, step.region): one for step, one in zip(steps, done, strict=True)}


def _carry_out(aws: Aws, step: Step, buckets: Mapping[str, Bucket], emit: Emit) -> Published:
    if not step.todo:
        assert step.there
        return step.there
    bucket = buckets[step.region]
    if bucket.ensure():
        emit(Event("bucket.made", f"Created bucket {bucket.name}", {"bucket": bucket.name}))
    names = part_names(step.layer.name, len(step.layer.parts))
    parts = dict(step.parts)
    for index in step.todo:
        name = names[index]
        parts[name] = publish_part(aws, step.layer, index, parts.get(name), bucket, emit)
    return Published(tuple(found for name in names if (found := parts[name])))


def promote(
    aws: Aws,
    names: Iterable[str],
    regions: Sequence[str],
    template: str,
    share: Sequence[str],
    emit: Emit,
    *,
    adopt: bool = False,
) -> dict[tuple[str, str], Published]:
    """Publishes what the layers `names` are now as ``{name}-stable``, with their parts.

    Raises TcError ``no-layer`` when one isn't there, ``not-owned`` when it isn't tc's.
    """
    wanted = [(name, region) for region in regions for name in names]
    found = aws.map(lambda one: newest(aws, *one), wanted)
    missing = [one for one, there in zip(wanted, found, strict=True) if there is None]
    if missing:
        raise TcError(
            "there is nothing to promote: "
            + ", ".join(f"no layer {name} in {region}" for name, region in missing),
            code="no-layer",
            hint="tc build --publish",
        )
    steps: list[Step] = []
    for (name, region), there in zip(wanted, found, strict=True):
        assert there
        steps += plan(aws, [_as_stable(aws, name, there, region)], [region], adopt=adopt)
    _check_bodies(aws, steps, template)
    return carry_out(aws, steps, template, share, emit)


def _as_stable(aws: Aws, name: str, there: Published, region: str) -> BuiltLayer:
    if there.mark is None:
        raise TcError(
            f"the layer {name} in {region} has no mark of tc, so it can't be promoted",
            code="not-owned",
            hint="tc build --publish --adopt",
        )
    return replace(as_built(aws, name, there, there.mark, region), name=name + STABLE)


def as_built(aws: Aws, name: str, there: Published, mark: Mark, region: str) -> BuiltLayer:
    """What is published, and marked so, as if it were built; its bodies are in the bucket, not
    on disk. One read for each part."""
    from pathlib import Path

    from tc.spec.layer import Platform

    told = aws.map(
        lambda part: aws.call(
            service(aws, region),
            "get_layer_version",
            LayerName=part.name,
            VersionNumber=part.number,
        ),
        there.parts,
    )
    first = told[0]
    runtime = (first.get("CompatibleRuntimes") or [""])[0]
    arch = (first.get("CompatibleArchitectures") or ["x86_64"])[0]
    contents = [one["Content"] for one in told]
    parts = [
        LayerPart(Path(), content["CodeSha256"], content["CodeSize"], 0) for content in contents
    ]
    # the first has the unpacked size of all
    parts[0] = replace(parts[0], unpacked=there.unpacked)
    return BuiltLayer(
        name,
        mark.owner,
        mark.digest,
        Platform(runtime, arch),
        tuple(parts),
        cached=True,
    )


def _check_bodies(aws: Aws, steps: Iterable[Step], template: str) -> None:
    for step in steps:
        bucket = Bucket(aws, template, step.region)
        gone = [
            step.layer.parts[index]
            for index in step.todo
            if not bucket.has(key_of(step.layer.parts[index].sha256))
        ]
        if gone:
            raise TcError(
                f"the bucket {bucket.name} no longer has the body of "
                f"{step.layer.name.removesuffix(STABLE)}",
                code="no-body",
                hint="change the dependencies or publish the layer under another name; "
                "bodies are kept by their SHA-256 under layers/",
            )
