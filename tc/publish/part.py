"""One part of a layer, published once.

PublishLayerVersion has no idempotency token. It is sent once, and when its answer is lost, a look
tells whether it took effect. Of several runs at once the one publishes that first writes an object
which says so; the others wait for what it publishes.

::

    transit/layers/{part}-{digest}
"""

from __future__ import annotations

from base64 import b64decode

from tc.components.protocol import Aws
from tc.errors import AwsError, TcError
from tc.events import Emit, Event
from tc.publish.bucket import TRANSIT, Bucket
from tc.publish.versions import Version, latest, service
from tc.spec.layer import BuiltLayer, Mark, part_names

#: seconds that another run has to publish; then it was stopped
_PATIENCE = 20


def publish_part(
    aws: Aws, layer: BuiltLayer, index: int, known: Version | None, bucket: Bucket, emit: Emit
) -> Version:
    """Publishes part `index` of `layer` from `bucket`, in its region, unless somebody else did
    since `known` was the newest."""
    name = part_names(layer.name, len(layer.parts))[index]
    part, mark = layer.parts[index], layer.marks[index]
    bucket.put(key_of(part.sha256), part.path)
    claim = f"{TRANSIT}layers/{name}-{mark.digest}"
    if not bucket.claim(claim) and (found := _awaited(aws, name, known, mark, bucket.region)):
        return found
    try:
        before = latest(aws, name, bucket.region)
        if found := _new(before, known, mark):
            return found
        version = _publish(aws, layer, index, before, bucket)
    finally:
        bucket.delete([claim])
    _tell(emit, version, bucket.region, part.size, part.unpacked)
    return version


def key_of(sha256: str) -> str:
    """What a body is called in the bucket; `sha256` as Lambda says it, in base64."""
    return f"layers/{b64decode(sha256).hex()}.zip"


def same(one: Mark | None, other: Mark) -> bool:
    """Whether both are of the same part of the same layer."""
    return one is not None and (one.owner, one.digest, one.part, one.of) == (
        other.owner,
        other.digest,
        other.part,
        other.of,
    )


def _new(found: Version | None, before: Version | None, mark: Mark) -> Version | None:
    """`found`, when it came after `before` and is what would be published."""
    return found if found and found != before and same(found.mark, mark) else None


def _awaited(
    aws: Aws, name: str, before: Version | None, mark: Mark, region: str
) -> Version | None:
    """What another run publishes; None when it was stopped."""
    found: list[Version] = []

    def probe() -> str:
        if now := _new(latest(aws, name, region), before, mark):
            found.append(now)
        return "" if now else "published by another run"

    try:
        aws.wait(f"layer {name}", probe, deadline=_PATIENCE)
    except TcError as error:
        if error.code != "timeout":
            raise
    return found[0] if found else None


def _publish(
    aws: Aws, layer: BuiltLayer, index: int, before: Version | None, bucket: Bucket
) -> Version:
    mark, platform = layer.marks[index], layer.platform
    name = part_names(layer.name, len(layer.parts))[index]
    try:
        made = aws.call(
            service(aws, bucket.region),
            "publish_layer_version",
            LayerName=name,
            Description=str(mark),
            Content={"S3Bucket": bucket.name, "S3Key": key_of(layer.parts[index].sha256)},
            CompatibleRuntimes=_runtimes(platform.runtime),
            CompatibleArchitectures=[platform.arch],
        )
    except AwsError as error:
        if error.status and error.status < 500:
            raise
        # no answer came, or none that says whether it took effect
        found = _new(latest(aws, name, bucket.region), before, mark)
        if not found:
            raise
        return found
    return Version(
        name, int(made["Version"]), made["LayerVersionArn"], made.get("CreatedDate", ""), mark
    )


def _tell(emit: Emit, version: Version, region: str, size: int, unpacked: int) -> None:
    data = {
        "layer": version.name,
        "version": version.number,
        "region": region,
        "arn": version.arn,
        "bytes": size,
        "unpacked": unpacked,
    }
    text = f"Published layer {version.name}:{version.number} in {region}"
    emit(Event("layer.published", text, data))


def _runtimes(runtime: str) -> list[str]:
    """An extension is a program of its own: it stands beside functions of all runtimes."""
    return [] if runtime in ("", "provided.al2023") else [runtime]
