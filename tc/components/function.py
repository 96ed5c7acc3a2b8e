"""Lambda functions: code and configuration.

Code is unchanged only when the live CodeSha256 is the one tc put there for
these inputs: small packages are stored uncompressed and have one SHA-256
everywhere; large ones are remembered in the tag ``tc:code`` as ``{input
digest}:{CodeSha256}``, void when the live sum differs. Of an image the code is
its URI.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tc.components import alias, defaults, function_check, version
from tc.components.function_settings import (
    ALIAS_TAG,
    CODE_TAG,
    CONFIGURATION,
    desired_settings,
    live_settings,
    wait_until_ready,
    written_settings,
)
from tc.components.log_group import log_key
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import key_of_arn, role_key
from tc.components.variables import unsaid
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.artifact import Artifact
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.function import Function
from tc.spec.scope import FROZEN_TAG, OWNER_TAG, Scope, own_tags
from tc.spec.topology import Topology

KIND = "function"
PLURAL = "functions"
SECTION: tuple[str, type[Strict]] | None = None
_VARS = {"memory_mb", "timeout_s", "environment", "storage_mb", "tracing", "vpc"}
_VARS |= {"file_systems", "kms_key", "snapstart"}
ASPECTS: Mapping[str, frozenset[str]] = {
    "code": frozenset({"code"}),
    "vars": frozenset(_VARS),
    "layers": frozenset({"layers"}),
    "tags": frozenset({"tags"}),
    "concurrency": frozenset({"reserved_concurrency", "provisioned_concurrency"}),
}
REPLACE: frozenset[str] = frozenset({"package_type"})
TRAITS = Traits(
    switch="beside",
    addresses={
        "name": lambda topology, name: topology.called_name(name),
        "arn": lambda topology, name: topology.function_arn(name),
    },
)
trace = defaults.nothing_to_trace
check = function_check.check


def desired(topology: Topology, facts: Facts) -> Iterable[Resource]:
    for function in topology.functions.values():
        yield _desired(topology, function, facts)


def _desired(topology: Topology, function: Function, facts: Facts) -> Resource:
    scope = topology.scope
    name = topology.function_name(function.name)
    artifact = facts.artifacts.get(name)
    role = () if function.role else (role_key(scope, function.name),)
    has_alias = function.is_called_by_alias(scope)
    tagged = alias.tag(function.provisioned_concurrency) if has_alias else {}
    return Resource(
        kind=KIND,
        key=f"{KIND}/{name}",
        name=name,
        title=name,
        owner=scope.owner,
        props={
            **desired_settings(topology, function, facts),
            "reserved_concurrency": function.reserved_concurrency,
            "tags": {**scope.tags, **function.tags},
        },
        needs=(*role, log_key(name)),
        selectors=frozenset({PLURAL, f"{PLURAL}/{function.name}"}),
        address=function.address,
        detail=_size(artifact.size) if artifact else "",
        payload={
            "artifact": artifact,
            "bucket": facts.bucket,
            "tags": {**scope.marks, **function.tags, **tagged},
            "provisioned": function.provisioned_concurrency,
            "version": scope.version,
        },
    )


def _size(size: int) -> str:
    """Bytes as the seed prints them: 214 B, 10 KiB."""
    if size < 1024:
        return f"{size} B"
    if size < 1024 * 1024:
        return f"{size / 1024:.0f} KiB"
    return f"{size / 1024 / 1024:.1f} MiB"


def owned(index: Index) -> frozenset[str]:
    """The names on AWS of the functions that a sandbox owns."""
    marker = ":function:"
    tagged = {
        arn.split(marker, 1)[1] for arn in index.tagged if ":lambda:" in arn and marker in arn
    }
    return index.names(KIND) | tagged


def find(aws: Aws, scope: Scope, index: Index) -> Iterable[Resource]:
    for name in sorted(owned(index)):
        yield Resource(KIND, f"{KIND}/{name}", name, name, scope.owner, {})


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    """The functions, and the aliases of those that have one or should."""
    return [actual for found in aws.map(lambda r: _read(aws, r), resources) for actual in found]


def _read(aws: Aws, resource: Resource) -> list[Actual]:
    try:
        found = aws.call("lambda", "get_function", FunctionName=resource.name)
    except AwsError as error:
        if error.missing:
            return []
        raise
    payload = resource.payload or {}
    actual = _actual(resource, found)
    tags = found.get("Tags", {})
    if tags.get(ALIAS_TAG) or payload.get("children"):
        return _with_alias(aws, actual, tags, payload.get("children", ()))
    return [actual]


def _with_alias(
    aws: Aws, function: Actual, tags: Mapping[str, str], wanted: Sequence[Resource]
) -> list[Actual]:
    """The function, its alias, and the version that should be called."""
    by_kind = {child.kind: child for child in wanted}
    aliases = list(alias.read_live(aws, function, tags, by_kind.get(alias.KIND)))
    called = next((one.props["version"] for one in aliases), "")
    versions = version.read_live(aws, function, by_kind.get(version.KIND), called)
    provisioned = sum(one.props["provisioned_concurrency"] for one in aliases)
    outputs = {**function.outputs, "provisioned": str(provisioned)}
    return [replace(function, outputs=outputs), *aliases, *versions]


def _actual(resource: Resource, found: Mapping[str, Any]) -> Actual:
    live, tags = found["Configuration"], found.get("Tags", {})
    reserved = (found.get("Concurrency") or {}).get("ReservedConcurrentExecutions")
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={
            **live_settings(found, tags, (resource.payload or {}).get("artifact")),
            "reserved_concurrency": reserved,
            "tags": own_tags(tags),
        },
        outputs={
            "arn": live["FunctionArn"],
            "revision": live.get("RevisionId", ""),
            "location": found.get("Code", {}).get("Location", ""),
            "state": live.get("State", "Active"),
            "version": tags.get("version", ""),
            "alias": tags.get(ALIAS_TAG, ""),
            "frozen": tags.get(FROZEN_TAG, ""),
        },
        info={
            "since": live.get("LastModified", ""),
            "version": tags.get("version", ""),
            "updated_by": tags.get("updated_by", ""),
            "size": _size(live.get("CodeSize", 0)),
        },
        needs=(key_of_arn(live["Role"]), log_key(resource.name)),
    )


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    with unsaid(resource.props.get("environment", {})):
        created = aws.insist(
            f"role of {resource.name}",
            lambda: aws.call(
                "lambda",
                "create_function",
                FunctionName=resource.name,
                PackageType=resource.props["package_type"],
                Architectures=[resource.props["arch"]],
                Code=_code(resource),
                Tags=_tags(resource),
                **written_settings(resource.props),
            ),
        )
    if resource.props["reserved_concurrency"] is not None:
        _reserve(aws, resource)
    return {
        "arn": created["FunctionArn"],
        "alias": resource.payload["tags"].get(ALIAS_TAG, ""),
    }


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    """Code, then configuration, then the rest: Lambda takes one change at a time."""
    changed = defaults.changed(changes)
    if actual.outputs.get("state") == "Pending":
        settle(aws, resource)
    if changed & {"code", "arch"}:
        aws.insist(
            f"function {resource.name}",
            lambda: aws.call(
                "lambda",
                "update_function_code",
                FunctionName=resource.name,
                Architectures=[resource.props["arch"]],
                **_code(resource),
            ),
        )
    if changed & CONFIGURATION.keys():
        if changed & {"code", "arch"}:
            settle(aws, resource)
        _configure(aws, resource, changed)
    if "reserved_concurrency" in changed:
        _make_room(aws, resource, actual)
        _reserve(aws, resource)
    _retag(aws, resource, actual, changed)
    return actual.outputs


def _configure(aws: Aws, resource: Resource, changed: set[str]) -> None:
    with unsaid(resource.props.get("environment", {})):
        aws.insist(
            f"function {resource.name}",
            lambda: aws.call(
                "lambda",
                "update_function_configuration",
                FunctionName=resource.name,
                **written_settings(resource.props, changed),
            ),
        )


def _make_room(aws: Aws, resource: Resource, actual: Actual) -> None:
    """Lambda never reserves less than is provisioned: that is brought down first."""
    wanted = resource.props["reserved_concurrency"]
    if wanted is not None and int(actual.outputs.get("provisioned", 0)) > wanted:
        alias.provision(aws, resource.name, resource.payload["provisioned"])


def _reserve(aws: Aws, resource: Resource) -> None:
    reserved = resource.props["reserved_concurrency"]
    if reserved is None:
        aws.call("lambda", "delete_function_concurrency", FunctionName=resource.name)
        return
    aws.insist(
        f"function {resource.name}",
        lambda: aws.call(
            "lambda",
            "put_function_concurrency",
            FunctionName=resource.name,
            ReservedConcurrentExecutions=reserved,
        ),
    )


def _retag(aws: Aws, resource: Resource, actual: Actual, changed: set[str]) -> None:
    """Writes tags when they differ, or when a change makes those for people stale."""
    artifact: Artifact | None = resource.payload["artifact"]
    large = bool(artifact and not artifact.stored and "code" in changed)
    stale = actual.outputs.get("version") != resource.payload["version"]
    if not (changed & {"tags", "owner"} or large or stale):
        return
    arn = actual.outputs["arn"]
    removed = defaults.dropped_tags(resource, actual)
    if removed and "tags" in changed:
        aws.call("lambda", "untag_resource", Resource=arn, TagKeys=removed)
    aws.call("lambda", "tag_resource", Resource=arn, Tags=_tags(resource))


def _code(resource: Resource) -> dict[str, Any]:
    if resource.props["package_type"] == "Image":
        return {"ImageUri": resource.props["code"]}
    artifact: Artifact | None = resource.payload["artifact"]
    if artifact is None:
        raise TcError(f"the function {resource.name} has no package", where=resource.name)
    if artifact.from_bucket:
        return {"S3Bucket": resource.payload["bucket"], "S3Key": artifact.key}
    return {"ZipFile": Path(artifact.path).read_bytes()}


def _tags(resource: Resource) -> dict[str, str]:
    artifact: Artifact | None = resource.payload["artifact"]
    tags: dict[str, str] = dict(resource.payload["tags"])
    if artifact and not artifact.stored:
        tags[CODE_TAG] = f"{artifact.digest}:{artifact.sha256}"
    return tags


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.insist(
            f"function {actual.name}",
            lambda: aws.call("lambda", "delete_function", FunctionName=actual.name),
        )


def settle(aws: Aws, resource: Resource) -> None:
    """Until Lambda says that the last change is in force; its own reason when it failed."""
    wait_until_ready(aws, resource.name)
