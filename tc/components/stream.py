"""Firehose delivery streams: records that are put one by one become objects of a bucket."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from tc.components import defaults
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import key_of_arn, role_arn, role_key
from tc.compose.things import bucket_arn, bucket_name, stream_arn, stream_name
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Entity, Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Entry, Topology


class StreamModel(Entity):
    """`streams.X`: a delivery stream and the bucket that its records go to."""

    bucket: str = Field(description="a bucket of the topology, or the ARN of another one")
    function: str | None = Field(None, description="the function that changes the records")
    prefix: str = Field("", description="how the keys of its objects begin; the date follows")
    error_prefix: str = Field(
        "", description="how the keys of what couldn't be delivered begin; `errors/…`"
    )
    buffer_mb: Annotated[int, Field(ge=1, le=128)] = Field(
        5, description="MB after which an object is written; 5"
    )
    buffer_seconds: Annotated[int, Field(ge=0, le=900)] = Field(
        300, description="seconds after which an object is written; 300"
    )
    compression: Literal["gzip", "zip", "snappy"] | None = Field(None, description="none")

    def targets(self) -> list[tuple[str, str]]:
        own = [] if self.bucket.startswith("arn:") else [("bucket", self.bucket)]
        return [*super().targets(), *own]

    def target_key(self, kind: str) -> str:
        return "bucket" if kind == "bucket" else super().target_key(kind)


KIND = "stream"
PLURAL = "streams"
SECTION: tuple[str, type[Strict]] | None = ("streams", StreamModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(
    switch="entry",
    addresses={
        "name": lambda topology, name: stream_name(topology.scope, name),
        "arn": lambda topology, name: stream_arn(topology.scope, name),
    },
)
trace = defaults.nothing_to_trace

_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z")
_BUCKET_ARN = re.compile(r"arn:[a-z-]+:s3:::[a-z0-9.-]{3,63}\Z")
_COMPRESSION = {"gzip": "GZIP", "zip": "ZIP", "snappy": "Snappy", None: "UNCOMPRESSED"}
#: prop -> its key in an S3 destination of the Firehose API
_FIELDS = {
    "bucket": "BucketARN",
    "role": "RoleARN",
    "prefix": "Prefix",
    "error_prefix": "ErrorOutputPrefix",
    "compression": "CompressionFormat",
}


def _model(entry: Entry) -> StreamModel:
    assert isinstance(entry.model, StreamModel)
    return entry.model


def check(topology: Topology) -> Iterator[Finding]:
    for entry in topology.entries.get("streams", {}).values():
        model = _model(entry)
        if not _NAME.match(entry.name):
            yield Finding(
                "bad-name",
                f"`{entry.name}` can't name a stream: letters, digits and `._-` only",
                entry.address,
                at="key",
            )
        if model.bucket.startswith("arn:") and not _BUCKET_ARN.match(model.bucket):
            yield Finding(
                "invalid-value",
                f"`{model.bucket}` is no ARN of a bucket",
                entry.address / "bucket",
                "it reads `arn:aws:s3:::NAME`",
            )
        if "!{" in model.prefix and not model.error_prefix:
            yield Finding(
                "missing-key",
                f"the prefix of `{entry.name}` has an expression, and Firehose then wants to know "
                "where failures go",
                entry.address / "prefix",
                "write `error_prefix: errors/!{firehose:error-output-type}/`",
            )
        for kind, name in entry.targets:
            if kind == "flow":
                yield Finding(
                    "no-such-edge",
                    f"`{name}` is the head of a flow, and the stream `{entry.name}` waits for "
                    "the changed records",
                    entry.address / "function",
                    "let a function without a target change them",
                )
        if topology.scope.local and model.compression:
            yield Finding(
                "local-compression",
                "the local engine doesn't compress what a stream delivers",
                entry.address / "compression",
                "leave it out on `-e local`",
            )


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for entry in topology.entries.get("streams", {}).values():
        model = _model(entry)
        name = stream_name(scope, entry.name)
        role = f"{KIND}.{entry.name}"
        own = [target for kind, target in entry.targets if kind == "bucket"]
        functions = [target for kind, target in entry.targets if kind == "function"]
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{name}",
            name=name,
            title=entry.name,
            owner=scope.owner,
            props={
                "bucket": bucket_arn(scope, own[0]) if own else model.bucket,
                "role": role_arn(scope, role),
                "prefix": model.prefix,
                "error_prefix": model.error_prefix,
                "compression": _COMPRESSION[model.compression],
                "buffer": {"mb": model.buffer_mb, "seconds": model.buffer_seconds},
                "function": _called(topology, functions[0]) if functions else "",
                "tags": dict(scope.tags),
            },
            needs=(
                role_key(scope, role),
                *(f"bucket/{bucket_name(scope, bucket)}" for bucket in own),
                *(topology.called_key(function) for function in functions),
            ),
            selectors=frozenset({PLURAL, f"{PLURAL}/{entry.name}"}),
            address=entry.address,
            payload={"tags": scope.marks},
        )


def _called(topology: Topology, name: str) -> str:
    """The function's ARN as Firehose wants it: with its version or alias."""
    arn = topology.function_arn(name)
    return arn if arn.count(":") > 6 else f"{arn}:$LATEST"


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """By their roles, and by their mark."""
    marker = ":deliverystream/"
    names = {arn.split(marker)[1] for arn in index.tagged if marker in arn}
    names |= {stream_name(scope, name) for name in index.names(KIND)}
    return defaults.named(KIND, scope, names)


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _described(aws: Aws, name: str) -> dict[str, Any]:
    """The stream as DescribeDeliveryStream tells it; empty when there is none."""
    try:
        answer = aws.call("firehose", "describe_delivery_stream", DeliveryStreamName=name)
    except AwsError as error:
        if error.missing:
            return {}
        raise
    stream: dict[str, Any] = answer["DeliveryStreamDescription"]
    return stream


def _read(aws: Aws, resource: Resource) -> Actual | None:
    stream = _described(aws, resource.name)
    if not stream or stream["DeliveryStreamStatus"] == "DELETING":
        return None
    listed = aws.call("firehose", "list_tags_for_delivery_stream", DeliveryStreamName=resource.name)
    tags = {tag["Key"]: tag.get("Value", "") for tag in listed["Tags"]}
    destination = stream["Destinations"][0]
    live = destination.get("ExtendedS3DestinationDescription", {})
    buffer = live.get("BufferingHints", {})
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={
            **{prop: live.get(key, "") for prop, key in _FIELDS.items()},
            "buffer": {"mb": buffer.get("SizeInMBs"), "seconds": buffer.get("IntervalInSeconds")},
            "function": _live_function(live),
            "tags": own_tags(tags),
        },
        outputs={
            "arn": stream["DeliveryStreamARN"],
            "version": stream["VersionId"],
            "destination": destination["DestinationId"],
        },
        info={"since": str(stream.get("CreateTimestamp", "")), "version": tags.get("version", "")},
        needs=(
            key_of_arn(live.get("RoleARN", "")),
            f"bucket/{live.get('BucketARN', '').rpartition(':')[2]}",
        ),
    )


def _live_function(live: Mapping[str, Any]) -> str:
    processing = live.get("ProcessingConfiguration", {})
    for processor in processing.get("Processors", []) if processing.get("Enabled") else []:
        for parameter in processor.get("Parameters", []):
            if parameter["ParameterName"] == "LambdaArn":
                return str(parameter["ParameterValue"])
    return ""


def _destination(props: Mapping[str, Any]) -> dict[str, Any]:
    """The destination as Firehose takes it."""
    settings: dict[str, Any] = {key: props[prop] for prop, key in _FIELDS.items()}
    settings["BufferingHints"] = {
        "SizeInMBs": props["buffer"]["mb"],
        "IntervalInSeconds": props["buffer"]["seconds"],
    }
    settings["ProcessingConfiguration"] = {"Enabled": False, "Processors": []}
    if props["function"]:
        parameter = {"ParameterName": "LambdaArn", "ParameterValue": props["function"]}
        processor = {"Type": "Lambda", "Parameters": [parameter]}
        settings["ProcessingConfiguration"] = {"Enabled": True, "Processors": [processor]}
    return settings


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    made = aws.insist(
        f"role of {resource.name}",
        lambda: aws.call(
            "firehose",
            "create_delivery_stream",
            DeliveryStreamName=resource.name,
            DeliveryStreamType="DirectPut",
            ExtendedS3DestinationConfiguration=_destination(resource.props),
            Tags=defaults.tag_list(resource.payload["tags"]),
        ),
    )
    return {"arn": made["DeliveryStreamARN"]}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    if changed - {"tags", "owner"}:
        aws.insist(
            f"role of {resource.name}",
            lambda: aws.call(
                "firehose",
                "update_destination",
                DeliveryStreamName=resource.name,
                CurrentDeliveryStreamVersionId=actual.outputs["version"],
                DestinationId=actual.outputs["destination"],
                ExtendedS3DestinationUpdate=_destination(resource.props),
            ),
        )
    if changed & {"tags", "owner"}:
        _retag(aws, resource, actual)
    return actual.outputs


def _retag(aws: Aws, resource: Resource, actual: Actual) -> None:
    removed = defaults.dropped_tags(resource, actual)
    if removed:
        aws.call(
            "firehose",
            "untag_delivery_stream",
            DeliveryStreamName=resource.name,
            TagKeys=removed,
        )
    aws.call(
        "firehose",
        "tag_delivery_stream",
        DeliveryStreamName=resource.name,
        Tags=defaults.tag_list(resource.payload["tags"]),
    )


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.insist(
            f"stream {actual.name}",
            lambda: aws.call("firehose", "delete_delivery_stream", DeliveryStreamName=actual.name),
        )
    aws.wait(f"deletion of the stream {actual.name}", lambda: _status(aws, actual.name))


def _status(aws: Aws, name: str) -> str:
    return str(_described(aws, name).get("DeliveryStreamStatus", ""))


def settle(aws: Aws, resource: Resource) -> None:
    """Waits until records can be put."""

    def busy() -> str:
        state = _status(aws, resource.name)
        return "" if state in ("", "ACTIVE") else state

    aws.wait(f"stream {resource.name}", busy)
