"""Layers brought to AWS: what differs is published, from the artifact bucket of each region.

PublishLayerVersion has no idempotency token: it is sent once, and when its answer is lost, a look
tells whether it took effect. The leading part comes last, so that whoever looks a layer up finds
all of its parts.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tc.components.protocol import Aws
from tc.errors import AwsError, TcError
from tc.events import Emit, Event
from tc.publish.bucket import Bucket
from tc.publish.sharing import share_with
from tc.publish.versions import Published, Version, latest, newest, service
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
    foreign = [line for step in steps for line in _foreign(step)]
    if foreign and not adopt:
        raise TcError(
            f"{len(foreign)} layer{'s' if len(foreign) != 1 else ''} of these names exist and "
            "belong to somebody else:\n  " + "\n  ".join(foreign),
            code="not-owned",
            hint="list another name in `runtime.layers`, or take them over with `--adopt`",
        )
    return steps


def _step(aws: Aws, layer: BuiltLayer, region: str) -> Step:
    there = newest(aws, layer.name, region)
    if there and _same(there.mark, layer.marks[0]):
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
        if index == 0 or not _same(_mark(parts.get(name)), layer.marks[index])
    ]
    return Step(layer, region, there, tuple(reversed(todo)), parts)


def _mark(version: Version | None) -> Mark | None:
    return version.mark if version else None


def _same(one: Mark | None, other: Mark) -> bool:
    return one is not None and (one.owner, one.digest, one.part, one.of) == (
        other.owner,
        other.digest,
        other.part,
        other.of,
    )


def _foreign(step: Step) -> Iterable[str]:
    for name, version in sorted(step.parts.items()):
        if version and (version.mark is None or version.mark.owner != step.layer.owner):
            owner = version.mark.owner if version.mark else ""
            whose = f"it belongs to {owner}" if owner else "it has no mark of tc"
            yield f"layer {name} in {step.region}: {whose}"


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
        part = step.layer.parts[index]
        key = key_of(part.sha256)
        bucket.put(key, part.path)
        version = _publish(aws, step, names[index], step.layer.marks[index], bucket.name, key)
        parts[names[index]] = version
        _tell(emit, version, step.region, part)
    return Published(tuple(found for name in names if (found := parts[name])))


def key_of(sha256: str) -> str:
    """What a body is called in the bucket; `sha256` as Lambda says it, in base64."""
    return f"layers/{b64decode(sha256).hex()}.zip"


def _publish(aws: Aws, step: Step, name: str, mark: Mark, bucket: str, key: str) -> Version:
    platform = step.layer.platform
    before = step.parts.get(name)
    try:
        made = aws.call(
            service(aws, step.region),
            "publish_layer_version",
            LayerName=name,
            Description=str(mark),
            Content={"S3Bucket": bucket, "S3Key": key},
            CompatibleRuntimes=_runtimes(platform.runtime),
            CompatibleArchitectures=[platform.arch],
        )
    except AwsError as error:
        if error.status and error.status < 500:
            raise
        # no answer came, or none that says whether it took effect
        found = latest(aws, name, step.region)
        if found is None or found == before or not _same(found.mark, mark):
            raise
        return found
    return Version(
        name, int(made["Version"]), made["LayerVersionArn"], made.get("CreatedDate", ""), mark
    )


def _tell(emit: Emit, version: Version, region: str, part: LayerPart) -> None:
    data = {
        "layer": version.name,
        "version": version.number,
        "region": region,
        "arn": version.arn,
        "bytes": part.size,
        "unpacked": part.unpacked,
    }
    text = f"Published layer {version.name}:{version.number} in {region}"
    emit(Event("layer.published", text, data))


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
    """What is published, as if it were built; its bodies are in the bucket, not on disk."""
    from pathlib import Path

    from tc.spec.layer import Platform

    if there.mark is None:
        raise TcError(
            f"the layer {name} in {region} has no mark of tc, so it can't be promoted",
            code="not-owned",
            hint="tc build --publish --adopt",
        )
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
        name + STABLE,
        there.mark.owner,
        there.mark.digest,
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


def _runtimes(runtime: str) -> list[str]:
    """An extension is a program of its own: it stands beside functions of all runtimes."""
    return [] if runtime in ("", "provided.al2023") else [runtime]
