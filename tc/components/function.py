"""Lambda functions: code and configuration.

Code is unchanged only when the live CodeSha256 is the one tc put there for
these inputs: small packages are stored uncompressed and have one SHA-256
everywhere; large ones are remembered in the tag ``tc:code`` as ``{input
digest}:{CodeSha256}``, void when the live sum differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from tc.components import defaults
from tc.components.addresses import check_addresses, fill_addresses
from tc.components.log_group import log_key
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import key_of_arn, role_arn, role_key
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.artifact import Artifact
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.fetched import filled_in, is_reference, revealed
from tc.spec.finding import Finding
from tc.spec.function import Function
from tc.spec.runtimes import warning
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Topology

KIND = "function"
PLURAL = "functions"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {
    "code": frozenset({"code"}),
    "vars": frozenset({"memory_mb", "timeout_s", "environment", "storage_mb", "tracing"}),
    "layers": frozenset({"layers"}),
    "tags": frozenset({"tags"}),
}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(
    addresses={
        "name": lambda topology, name: topology.function_name(name),
        "arn": lambda topology, name: topology.function_arn(name),
    }
)
trace = defaults.nothing_to_trace

CODE_TAG = "tc:code"
#: bytes of environment variables in a function, names and values (Lambda quota)
ENVIRONMENT_LIMIT = 4096
_LAYERS_LIMIT = 5
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]+\Z")
#: reserved environment variables (Lambda developer guide), those that matter here
_RESERVED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }
)
_READY = frozenset({"Active", "Inactive"})

#: prop -> (key of the Lambda API, from the prop's value to the API's)
_CONFIGURATION: Mapping[str, str] = {
    "runtime": "Runtime",
    "handler": "Handler",
    "role": "Role",
    "description": "Description",
    "memory_mb": "MemorySize",
    "timeout_s": "Timeout",
    "environment": "Environment",
    "layers": "Layers",
    "storage_mb": "EphemeralStorage",
    "tracing": "TracingConfig",
}


def function_key(topology: Topology, name: str) -> str:
    return f"{KIND}/{topology.function_name(name)}"


def check(topology: Topology) -> Iterable[Finding]:
    yield from _deprecated(topology)
    for function in topology.functions.values():
        yield from _bad_variables(function)
        yield from check_addresses(topology, function)
        size = environment_bytes(function.environment)
        if size > ENVIRONMENT_LIMIT:
            yield Finding(
                "environment-too-long",
                f"the environment of `{function.name}` has {size:,} bytes; "
                f"Lambda takes {ENVIRONMENT_LIMIT:,}",
                function.address / "runtime" / "environment",
                "keep large values in a file of the package or in SSM",
            )
        if len(function.layers) > _LAYERS_LIMIT:
            yield Finding(
                "too-many-layers",
                f"`{function.name}` lists {len(function.layers)} layers; Lambda takes 5",
                function.address / "runtime" / "layers",
            )


def environment_bytes(environment: Mapping[str, Any]) -> int:
    """What Lambda counts: names and values; of a value that isn't fetched yet only its name."""
    return sum(
        len(name.encode()) + (0 if is_reference(value) else len(str(revealed(value)).encode()))
        for name, value in environment.items()
    )


def _bad_variables(function: Function) -> Iterable[Finding]:
    """Names of variables that Lambda refuses, or sets itself."""
    for name in function.environment:
        if not _VARIABLE.match(name):
            why = "a letter, then letters, digits and `_`"
        elif name in _RESERVED:
            why = "Lambda sets this one itself"
        else:
            continue
        yield Finding(
            "bad-variable",
            f"`{name}` can't be a variable of `{function.name}`",
            function.address / "runtime" / "environment" / name,
            why,
            at="key",
        )


def _deprecated(topology: Topology) -> Iterable[Finding]:
    """One warning for each runtime, however many functions use it."""
    users: dict[str, list[Function]] = {}
    for function in topology.functions.values():
        users.setdefault(function.runtime, []).append(function)
    for runtime, functions in users.items():
        said = warning(runtime, date.today())
        if said:
            names = ", ".join(function.name for function in functions)
            yield Finding(
                "runtime-date",
                f"{said} ({names})",
                functions[0].address,
                "choose a newer `runtime.lang`",
                severity="warning",
            )


def desired(topology: Topology, facts: Facts) -> Iterable[Resource]:
    for function in topology.functions.values():
        yield _desired(topology, function, facts)


def _desired(topology: Topology, function: Function, facts: Facts) -> Resource:
    scope = topology.scope
    name = topology.function_name(function.name)
    artifact = facts.artifacts.get(name)
    props: dict[str, Any] = {
        "runtime": function.runtime,
        "handler": function.handler,
        "arch": function.arch,
        "role": role_arn(scope, function.name),
        "description": function.description,
        "memory_mb": function.memory,
        "timeout_s": function.timeout,
        "layers": [arn for layer in function.layers for arn in facts.layers.get(layer, ())],
        "storage_mb": function.ephemeral_storage,
        "tracing": "Active" if function.tracing else "PassThrough",
        "tags": {**scope.tags, **function.tags},
    }
    environment = filled_in(function.environment, facts.values)
    if environment is not None:
        props["environment"] = {
            **{key: _addressed(topology, value) for key, value in environment.items()},
            "TC_EVENT_RESOURCE": scope.event_mark,
        }
    if artifact:
        props["code"] = artifact.sha256
    return Resource(
        kind=KIND,
        key=f"{KIND}/{name}",
        name=name,
        title=name,
        owner=scope.owner,
        props=props,
        needs=(role_key(scope, function.name), log_key(name)),
        selectors=frozenset({PLURAL, f"{PLURAL}/{function.name}"}),
        address=function.address,
        detail=_size(artifact.size) if artifact else "",
        payload={
            "artifact": artifact,
            "tags": {**scope.marks, **function.tags},
            "version": scope.version,
        },
    )


def _addressed(topology: Topology, value: Any) -> Any:
    """A variable with the addresses in it; what was fetched is nobody's template."""
    return fill_addresses(topology, value) if isinstance(value, str) else value


def _size(size: int) -> str:
    """Bytes as the seed prints them: 214 B, 10 KiB."""
    if size < 1024:
        return f"{size} B"
    if size < 1024 * 1024:
        return f"{size / 1024:.0f} KiB"
    return f"{size / 1024 / 1024:.1f} MiB"


def find(aws: Aws, scope: Scope, index: Index) -> Iterable[Resource]:
    marker = ":function:"
    tagged = {
        arn.split(marker, 1)[1] for arn in index.tagged if ":lambda:" in arn and marker in arn
    }
    for name in sorted(index.names(KIND) | tagged):
        yield Resource(KIND, f"{KIND}/{name}", name, name, scope.owner, {})


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    try:
        found = aws.call("lambda", "get_function", FunctionName=resource.name)
    except AwsError as error:
        if error.missing:
            return None
        raise
    live = found["Configuration"]
    tags = found.get("Tags", {})
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={
            "runtime": live.get("Runtime"),
            "handler": live.get("Handler"),
            "arch": (live.get("Architectures") or ["x86_64"])[0],
            "role": live["Role"],
            "description": live.get("Description", ""),
            "memory_mb": live["MemorySize"],
            "timeout_s": live["Timeout"],
            "environment": live.get("Environment", {}).get("Variables", {}),
            "layers": [layer["Arn"] for layer in live.get("Layers") or []],
            "storage_mb": (live.get("EphemeralStorage") or {}).get("Size", 512),
            "tracing": (live.get("TracingConfig") or {}).get("Mode", "PassThrough"),
            "tags": own_tags(tags),
            "code": _live_code(live["CodeSha256"], tags, resource),
        },
        outputs={
            "arn": live["FunctionArn"],
            "revision": live.get("RevisionId", ""),
            "location": found.get("Code", {}).get("Location", ""),
            "state": live.get("State", "Active"),
            "version": tags.get("version", ""),
        },
        info={
            "since": live.get("LastModified", ""),
            "version": tags.get("version", ""),
            "updated_by": tags.get("updated_by", ""),
            "size": _size(live.get("CodeSize", 0)),
        },
        needs=(key_of_arn(live["Role"]), log_key(resource.name)),
    )


def _live_code(live: str, tags: Mapping[str, str], resource: Resource) -> str:
    """The live code's sum; that of the desired package when it has the same inputs."""
    artifact: Artifact | None = (resource.payload or {}).get("artifact")
    if artifact and not artifact.stored and tags.get(CODE_TAG) == f"{artifact.digest}:{live}":
        return artifact.sha256
    return live


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    artifact = _artifact(resource)
    settings = _settings(resource, _CONFIGURATION)
    created = aws.insist(
        f"role of {resource.name}",
        lambda: aws.call(
            "lambda",
            "create_function",
            FunctionName=resource.name,
            PackageType="Zip",
            Architectures=[resource.props["arch"]],
            Code={"ZipFile": _body(artifact)},
            Tags=_tags(resource, artifact),
            **settings,
        ),
    )
    return {"arn": created["FunctionArn"]}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    """Code, then configuration, then tags: Lambda takes one change at a time."""
    changed = {change.path.split(".")[0] for change in changes}
    if actual.outputs.get("state") == "Pending":
        settle(aws, resource)
    if changed & {"code", "arch"}:
        aws.insist(
            f"function {resource.name}",
            lambda: aws.call(
                "lambda",
                "update_function_code",
                FunctionName=resource.name,
                ZipFile=_body(_artifact(resource)),
                Architectures=[resource.props["arch"]],
            ),
        )
    configuration = {prop: key for prop, key in _CONFIGURATION.items() if prop in changed}
    if configuration:
        if changed & {"code", "arch"}:
            settle(aws, resource)
        aws.insist(
            f"function {resource.name}",
            lambda: aws.call(
                "lambda",
                "update_function_configuration",
                FunctionName=resource.name,
                **_settings(resource, configuration),
            ),
        )
    _retag(aws, resource, actual, changed)
    return actual.outputs


def _retag(aws: Aws, resource: Resource, actual: Actual, changed: set[str]) -> None:
    """Writes tags when they differ, or when a change makes those for people stale."""
    artifact: Artifact | None = resource.payload["artifact"]
    large = bool(artifact and not artifact.stored and "code" in changed)
    stale = actual.outputs.get("version") != resource.payload["version"]
    if not (changed & {"tags", "owner"} or large or stale):
        return
    arn = actual.outputs["arn"]
    removed = sorted(set(actual.props["tags"]) - set(resource.props["tags"]))
    if removed and "tags" in changed:
        aws.call("lambda", "untag_resource", Resource=arn, TagKeys=removed)
    aws.call("lambda", "tag_resource", Resource=arn, Tags=_tags(resource, artifact))


def _artifact(resource: Resource) -> Artifact:
    artifact: Artifact | None = resource.payload["artifact"]
    if artifact is None:
        raise TcError(f"the function {resource.name} has no package", where=resource.name)
    return artifact


def _body(artifact: Artifact) -> bytes:
    return Path(artifact.path).read_bytes()


def _tags(resource: Resource, artifact: Artifact | None) -> dict[str, str]:
    tags: dict[str, str] = dict(resource.payload["tags"])
    if artifact and not artifact.stored:
        tags[CODE_TAG] = f"{artifact.digest}:{artifact.sha256}"
    return tags


def _settings(resource: Resource, keys: Mapping[str, str]) -> dict[str, Any]:
    """The props under `keys` in the words of the Lambda API."""
    settings: dict[str, Any] = {}
    for prop, key in keys.items():
        value = resource.props[prop]
        if prop == "environment":
            value = {"Variables": {name: revealed(text) for name, text in value.items()}}
        elif prop == "storage_mb":
            value = {"Size": value}
        elif prop == "tracing":
            value = {"Mode": value}
        settings[key] = value
    return settings


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.insist(
            f"function {actual.name}",
            lambda: aws.call("lambda", "delete_function", FunctionName=actual.name),
        )


def settle(aws: Aws, resource: Resource) -> None:
    """Until Lambda says that the last change is in force; its own reason when it failed."""

    def probe() -> str:
        found = aws.call("lambda", "get_function", FunctionName=resource.name)["Configuration"]
        state = found.get("State", "Active")
        status = found.get("LastUpdateStatus", "Successful")
        if state == "Failed" or status == "Failed":
            reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or state
            raise TcError(
                f"Lambda can't run {resource.name}: {reason}",
                code="function-failed",
                where=resource.name,
            )
        if state in _READY and status == "Successful":
            return ""
        return str(state if state not in _READY else status)

    aws.wait(f"function {resource.name}", probe, first=0.55 if aws.local else 1.0)
