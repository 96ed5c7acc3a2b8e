"""Athena workgroups: where queries write their results, and how much one may read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from tc.components import defaults
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.compose.things import bucket_name, workgroup_arn, workgroup_name, workgroup_output
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Entity, Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Entry, Topology


class WorkgroupModel(Entity):
    """`workgroups.X`: an Athena workgroup."""

    output: str | None = Field(None, description="where results go: `s3://bucket/prefix/`")
    bucket: str | None = Field(
        None, description="a bucket of the topology for the results, instead of `output`"
    )
    bytes_limit: Annotated[int, Field(ge=10_000_000)] | None = Field(
        None, description="bytes that one query may read, 10,000,000 or more; no limit"
    )


KIND = "workgroup"
PLURAL = "workgroups"
SECTION: tuple[str, type[Strict]] | None = (PLURAL, WorkgroupModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(
    switch="beside",
    addresses={
        "arn": lambda topology, name: workgroup_arn(topology.scope, name),
        "name": lambda topology, name: workgroup_name(topology.scope, name),
    },
)
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

_MARKER = ":workgroup/"
_NAME = re.compile(r"[A-Za-z0-9._-]+\Z")
_OUTPUT = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?\Z")


def _model(entry: Entry) -> WorkgroupModel:
    assert isinstance(entry.model, WorkgroupModel)
    return entry.model


def check(topology: Topology) -> Iterator[Finding]:
    yield from defaults.check_names(topology, PLURAL, _NAME)
    for entry in topology.entries.get(PLURAL, {}).values():
        model = _model(entry)
        yield from defaults.check_bucket(topology, entry, model.bucket)
        if model.bucket and model.output:
            message = "write `bucket` or `output`, not both"
            yield Finding("both", message, entry.address / "output", at="key")
        elif not model.bucket and not model.output:
            message = f"the workgroup `{entry.name}` doesn't say where results go"
            hint = "`output: s3://bucket/prefix/`, or `bucket: NAME`"
            yield Finding("missing-key", message, entry.address, hint, "key")
        if model.output and "{{" not in model.output and not _OUTPUT.match(model.output):
            hint = "`s3://bucket/prefix/`"
            message = f"`{model.output}` is no place in S3"
            yield Finding("invalid-value", message, entry.address / "output", hint)


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for name, entry in topology.entries.get(PLURAL, {}).items():
        model = _model(entry)
        full = workgroup_name(scope, name)
        needs = (f"bucket/{bucket_name(scope, model.bucket)}",) if model.bucket else ()
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{full}",
            name=full,
            title=full,
            owner=scope.owner,
            props={
                "output": workgroup_output(scope, entry),
                "bytes_limit": model.bytes_limit,
                "tags": dict(scope.tags),
            },
            needs=needs,
            selectors=frozenset({PLURAL, f"{PLURAL}/{name}"}),
            address=entry.address,
            payload={"tags": scope.marks, "arn": workgroup_arn(scope, name)},
        )


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    for arn in index.tagged:
        if arn.split(":")[2] == "athena" and _MARKER in arn:
            name = arn.split(_MARKER, 1)[1]
            yield Resource(
                KIND, f"{KIND}/{name}", name, name, scope.owner, {}, payload={"arn": arn}
            )


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    arn = resource.payload["arn"]
    try:
        live = aws.call("athena", "get_work_group", WorkGroup=resource.name)["WorkGroup"]
    except AwsError as error:
        if _is_missing(error):
            return None
        raise
    found = aws.call("athena", "list_tags_for_resource", ResourceARN=arn)["Tags"]
    tags = {tag["Key"]: tag["Value"] for tag in found}
    configuration = live.get("Configuration", {})
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={
            "output": configuration.get("ResultConfiguration", {}).get("OutputLocation", ""),
            "bytes_limit": configuration.get("BytesScannedCutoffPerQuery"),
            "tags": own_tags(tags),
        },
        outputs={"arn": arn},
        info={"since": str(live.get("CreationTime", "")), "version": tags.get("version", "")},
    )


def _is_missing(error: AwsError) -> bool:
    """Athena says it in words: ``WorkGroup is not found``."""
    unknown = error.aws_code == "InvalidRequestException" and "not found" in error.message
    return error.missing or unknown


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    configuration: dict[str, Any] = {
        "ResultConfiguration": {"OutputLocation": resource.props["output"]},
        "EnforceWorkGroupConfiguration": True,
    }
    if resource.props["bytes_limit"] is not None:
        configuration["BytesScannedCutoffPerQuery"] = resource.props["bytes_limit"]
    aws.call(
        "athena",
        "create_work_group",
        Name=resource.name,
        Configuration=configuration,
        Tags=defaults.tag_list(resource.payload["tags"]),
    )
    return {"arn": resource.payload["arn"]}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    arn = actual.outputs["arn"]
    updates: dict[str, Any] = {}
    if "output" in changed:
        updates["ResultConfigurationUpdates"] = {"OutputLocation": resource.props["output"]}
    if "bytes_limit" in changed:
        limit = resource.props["bytes_limit"]
        if limit is None:
            updates["RemoveBytesScannedCutoffPerQuery"] = True
        else:
            updates["BytesScannedCutoffPerQuery"] = limit
    if updates:
        aws.call(
            "athena", "update_work_group", WorkGroup=resource.name, ConfigurationUpdates=updates
        )
    if changed & {"tags", "owner"}:
        removed = defaults.dropped_tags(resource, actual)
        if removed:
            aws.call("athena", "untag_resource", ResourceARN=arn, TagKeys=removed)
        tags = defaults.tag_list(resource.payload["tags"])
        aws.call("athena", "tag_resource", ResourceARN=arn, Tags=tags)
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    """With its saved queries and the history of those that ran."""
    try:
        aws.call("athena", "delete_work_group", WorkGroup=actual.name, RecursiveDeleteOption=True)
    except AwsError as error:
        if not _is_missing(error):
            raise
