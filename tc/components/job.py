"""Glue jobs: scripts of Python or Spark that run for minutes and hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults, job_model
from tc.components.addresses import fill_addresses
from tc.components.job_model import JobModel, model_of, script_file, script_url
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import key_of_arn, role_arn, role_key
from tc.compose.things import JOB_SCRIPTS, bucket_name, job_arn, job_name
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Entry, Topology

KIND = "job"
PLURAL = "jobs"
SECTION: tuple[str, type[Strict]] | None = (PLURAL, JobModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(
    switch="beside",
    addresses={
        "arn": lambda topology, name: job_arn(topology.scope, name),
        "name": lambda topology, name: job_name(topology.scope, name),
    },
)
check = job_model.check
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

_PYTHON = "3.9"
#: what Glue calls the types, and the version of Glue that each has by default
_COMMANDS = {"python": ("pythonshell", "3.0"), "spark": ("glueetl", "5.0")}
_TYPES = {command: kind for kind, (command, _) in _COMMANDS.items()}


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for name, entry in topology.entries.get(PLURAL, {}).items():
        model, full = model_of(entry), job_name(scope, name)
        bucket = (f"bucket/{bucket_name(scope, model.bucket)}",) if model.bucket else ()
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{full}",
            name=full,
            title=full,
            owner=scope.owner,
            props=_props(topology, entry),
            needs=(role_key(scope, f"{KIND}.{name}"), *bucket),
            selectors=frozenset({PLURAL, f"{PLURAL}/{name}"}),
            address=entry.address,
            payload={
                "tags": scope.marks,
                "arn": job_arn(scope, name),
                "file": script_file(topology, entry),
            },
        )


def _props(topology: Topology, entry: Entry) -> dict[str, Any]:
    model = model_of(entry)
    spark = model.type == "spark"
    return {
        "role": role_arn(topology.scope, f"{KIND}.{entry.name}"),
        "type": model.type,
        "script": script_url(topology, entry),
        "glue_version": model.version or _COMMANDS[model.type][1],
        "workers": (model.workers or 2) if spark else None,
        "worker_type": (model.worker_type or "G.1X") if spark else None,
        "capacity": None if spark else float(model.capacity or 0.0625),
        "timeout_min": model.timeout,
        "retries": model.retries,
        "arguments": {k: fill_addresses(topology, text) for k, text in model.arguments.items()},
        "connections": list(model.connections),
        "tags": dict(topology.scope.tags),
    }


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    marker = ":job/"
    tagged = {
        a.split(marker, 1)[1] for a in index.tagged if a.split(":")[2] == "glue" and marker in a
    }
    for name in sorted(tagged | index.names(KIND)):
        arn = f"arn:{aws.partition}:glue:{aws.region}:{aws.account}:job/{name}"
        yield Resource(KIND, f"{KIND}/{name}", name, name, scope.owner, {}, payload={"arn": arn})


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    try:
        live = aws.call("glue", "get_job", JobName=resource.name)["Job"]
    except AwsError as error:
        if error.missing:
            return None
        raise
    tags = aws.call("glue", "get_tags", ResourceArn=resource.payload["arn"])["Tags"]
    command = live["Command"]
    kind = _TYPES.get(command["Name"], command["Name"])
    spark = kind == "spark"
    bucket = command["ScriptLocation"].removeprefix("s3://").split("/")[0]
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={
            "role": live["Role"],
            "type": kind,
            "script": command["ScriptLocation"],
            "glue_version": live.get("GlueVersion", ""),
            "workers": live.get("NumberOfWorkers") if spark else None,
            "worker_type": live.get("WorkerType") if spark else None,
            "capacity": None if spark else live.get("MaxCapacity"),
            "timeout_min": live.get("Timeout"),
            "retries": live.get("MaxRetries", 0),
            "arguments": dict(live.get("DefaultArguments", {})),
            "connections": list(live.get("Connections", {}).get("Connections", [])),
            "tags": own_tags(tags),
        },
        outputs={"arn": resource.payload["arn"], "script": command["ScriptLocation"]},
        info={"since": str(live.get("CreatedOn", "")), "version": tags.get("version", "")},
        needs=(key_of_arn(live["Role"]), f"bucket/{bucket}"),
    )


def _settings(resource: Resource) -> dict[str, Any]:
    """The whole job: UpdateJob forgets what it isn't told."""
    props = resource.props
    command = {"Name": _COMMANDS[props["type"]][0], "ScriptLocation": props["script"]}
    if props["type"] == "python":
        size: dict[str, Any] = {"MaxCapacity": props["capacity"]}
        command["PythonVersion"] = _PYTHON
    else:
        size = {"NumberOfWorkers": props["workers"], "WorkerType": props["worker_type"]}
        command["PythonVersion"] = "3"
    return {
        "Role": props["role"],
        "Command": command,
        "GlueVersion": props["glue_version"],
        "Timeout": props["timeout_min"],
        "MaxRetries": props["retries"],
        "DefaultArguments": dict(props["arguments"]),
        "Connections": {"Connections": list(props["connections"])},
        **size,
    }


def _upload(aws: Aws, resource: Resource) -> None:
    file = resource.payload["file"]
    if file is not None:
        bucket, _, key = resource.props["script"].removeprefix("s3://").partition("/")
        aws.call("s3", "put_object", Bucket=bucket, Key=key, Body=file.read_bytes())


def _forget_script(aws: Aws, url: str) -> None:
    """Takes away a script that tc put there, with every version that its bucket keeps."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not key.startswith(JOB_SCRIPTS):
        return
    with defaults.if_there():
        page = aws.call("s3", "list_object_versions", Bucket=bucket, Prefix=key)
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": key, "VersionId": one["VersionId"]} for one in found]
        if objects:
            what = {"Objects": objects, "Quiet": True}
            aws.call("s3", "delete_objects", Bucket=bucket, Delete=what)


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    _upload(aws, resource)
    aws.insist(
        f"role of {resource.name}",
        lambda: aws.call(
            "glue",
            "create_job",
            Name=resource.name,
            Tags=resource.payload["tags"],
            **_settings(resource),
        ),
    )
    return {"arn": resource.payload["arn"], "script": resource.props["script"]}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    if "script" in changed:
        _upload(aws, resource)
    if changed - {"tags", "owner"}:
        settings = _settings(resource)
        aws.insist(
            f"role of {resource.name}",
            lambda: aws.call("glue", "update_job", JobName=resource.name, JobUpdate=settings),
        )
    if "script" in changed:
        _forget_script(aws, actual.outputs["script"])
    if changed & {"tags", "owner"}:
        arn = actual.outputs["arn"]
        removed = defaults.dropped_tags(resource, actual)
        if removed:
            aws.call("glue", "untag_resource", ResourceArn=arn, TagsToRemove=removed)
        aws.call("glue", "tag_resource", ResourceArn=arn, TagsToAdd=resource.payload["tags"])
    return {**actual.outputs, "script": resource.props["script"]}


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.call("glue", "delete_job", JobName=actual.name)
    _forget_script(aws, actual.outputs["script"])
