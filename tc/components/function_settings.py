"""What a function's configuration is: as props of a plan, and in the words of Lambda."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any

from tc.components.addresses import fill_addresses
from tc.components.protocol import Aws
from tc.components.role import role_arn
from tc.errors import TcError
from tc.spec.artifact import Artifact
from tc.spec.facts import Facts
from tc.spec.fetched import filled_in, revealed
from tc.spec.function import Function
from tc.spec.topology import Topology

#: remembers of a large package ``{input digest}:{CodeSha256}``
CODE_TAG = "tc:code"
#: tells that a function has, or is about to have, an alias
ALIAS_TAG = "tc:alias"
_READY = frozenset({"Active", "Inactive"})


def _same(value: Any) -> Any:
    return value


def _variables(environment: Mapping[str, Any]) -> dict[str, Any]:
    return {"Variables": {name: revealed(text) for name, text in environment.items()}}


def _vpc(vpc: Mapping[str, Any]) -> dict[str, Any]:
    return {"SubnetIds": vpc["subnets"], "SecurityGroupIds": vpc["security_groups"]}


def _file_systems(mounts: list[Mapping[str, str]]) -> list[dict[str, str]]:
    return [{"Arn": one["access_point"], "LocalMountPath": one["path"]} for one in mounts]


#: prop -> (key of the Lambda API, from the prop's value to the API's)
CONFIGURATION: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "runtime": ("Runtime", _same),
    "handler": ("Handler", _same),
    "command": ("ImageConfig", lambda command: {"Command": command}),
    "role": ("Role", _same),
    "description": ("Description", _same),
    "memory_mb": ("MemorySize", _same),
    "timeout_s": ("Timeout", _same),
    "environment": ("Environment", _variables),
    "layers": ("Layers", _same),
    "storage_mb": ("EphemeralStorage", lambda size: {"Size": size}),
    "tracing": ("TracingConfig", lambda mode: {"Mode": mode}),
    "vpc": ("VpcConfig", _vpc),
    "file_systems": ("FileSystemConfigs", _file_systems),
    "kms_key": ("KMSKeyArn", _same),
    "snapstart": ("SnapStart", lambda on: {"ApplyOn": "PublishedVersions" if on else "None"}),
}
#: props that a new function has anyway when nothing is said
_BLANK: Mapping[str, Any] = {
    "command": [],
    "vpc": {"subnets": [], "security_groups": []},
    "file_systems": [],
    "kms_key": "",
    "snapstart": False,
}


def desired_settings(topology: Topology, function: Function, facts: Facts) -> dict[str, Any]:
    """The props that a version of the function has; what isn't in `facts` is left out."""
    props = {**_plain(function), "role": function.role or role_arn(topology.scope, function.name)}
    environment = filled_in(function.environment, facts.values)
    if environment is not None:
        props["environment"] = {
            **{key: _addressed(topology, value) for key, value in environment.items()},
            "TC_EVENT_RESOURCE": topology.scope.event_mark,
        }
    if function.is_image:
        # language, handler and layers are in the image
        command = [function.handler] if function.handler else []
        image = function.image_uri or facts.images.get(topology.function_name(function.name))
        return {**props, "command": command, **({"code": image} if image else {})}
    name = topology.function_name(function.name)
    artifact = facts.artifacts.get(name)
    if artifact:
        props["code"] = artifact.sha256
    if name in facts.layers:
        props["layers"] = list(facts.layers[name])
    return {**props, "runtime": function.runtime, "handler": function.handler}


def _plain(function: Function) -> dict[str, Any]:
    network, mount = function.network, function.mount
    return {
        "package_type": "Image" if function.is_image else "Zip",
        "arch": function.arch,
        "description": function.description,
        "memory_mb": function.memory,
        "timeout_s": function.timeout,
        "storage_mb": function.ephemeral_storage,
        "tracing": "Active" if function.tracing else "PassThrough",
        "vpc": {
            "subnets": list(network.subnets) if network else [],
            "security_groups": list(network.security_groups) if network else [],
        },
        "file_systems": [{"access_point": mount.access_point, "path": mount.path}] if mount else [],
        "kms_key": function.kms_key,
        "snapstart": function.snapstart,
    }


def _addressed(topology: Topology, value: Any) -> Any:
    """A variable with the addresses in it; what was fetched is nobody's template."""
    return fill_addresses(topology, value) if isinstance(value, str) else value


def live_settings(
    found: Mapping[str, Any], tags: Mapping[str, str], artifact: Artifact | None
) -> dict[str, Any]:
    """The same props, as GetFunction tells them; `tags` are the function's, `artifact` the
    package that should be."""
    live = found["Configuration"]
    vpc = live.get("VpcConfig") or {}
    image = (live.get("ImageConfigResponse") or {}).get("ImageConfig") or {}
    package_type = live.get("PackageType", "Zip")
    return {
        "package_type": package_type,
        "runtime": live.get("Runtime"),
        "handler": live.get("Handler"),
        "command": image.get("Command") or [],
        "arch": (live.get("Architectures") or ["x86_64"])[0],
        "role": live["Role"],
        "description": live.get("Description", ""),
        "memory_mb": live["MemorySize"],
        "timeout_s": live["Timeout"],
        "environment": (live.get("Environment") or {}).get("Variables", {}),
        "layers": [layer["Arn"] for layer in live.get("Layers") or []],
        "storage_mb": (live.get("EphemeralStorage") or {}).get("Size", 512),
        "tracing": (live.get("TracingConfig") or {}).get("Mode", "PassThrough"),
        "vpc": {
            "subnets": sorted(vpc.get("SubnetIds") or []),
            "security_groups": sorted(vpc.get("SecurityGroupIds") or []),
        },
        "file_systems": [
            {"access_point": one["Arn"], "path": one["LocalMountPath"]}
            for one in live.get("FileSystemConfigs") or []
        ],
        "kms_key": live.get("KMSKeyArn") or "",
        "snapstart": (live.get("SnapStart") or {}).get("ApplyOn") == "PublishedVersions",
        "code": found.get("Code", {}).get("ImageUri", "")
        if package_type == "Image"
        else _live_code(live.get("CodeSha256", ""), tags, artifact),
    }


def _live_code(live: str, tags: Mapping[str, str], artifact: Artifact | None) -> str:
    """The live code's sum; that of the desired package when it has the same inputs."""
    if artifact and not artifact.stored and tags.get(CODE_TAG) == f"{artifact.digest}:{live}":
        return artifact.sha256
    return live


def written_settings(props: Mapping[str, Any], only: Set[str] | None = None) -> dict[str, Any]:
    """`props` in the words of the Lambda API: those in `only`, or all that a new function
    doesn't have anyway."""
    return {
        key: written(props[prop])
        for prop, (key, written) in CONFIGURATION.items()
        if prop in props and (prop in only if only is not None else _BLANK.get(prop) != props[prop])
    }


def wait_until_ready(aws: Aws, function: str, version: str = "", *, new: bool = True) -> None:
    """Until Lambda says that the last change of `function` is in force, or that its `version`
    can be called; its own reason when it failed. What isn't `new` is most likely ready."""
    name = f"{function}:{version}" if version else function

    def probe() -> str:
        state, status = live_state(aws, name)
        if state in _READY and (version or status == "Successful"):
            return ""
        return state if state not in _READY else status

    first = (0.55 if aws.local else 1.0) if new else None
    aws.wait(f"function {name}", probe, first=first)


def live_state(aws: Aws, function: str) -> tuple[str, str]:
    """(state, status of the last update) of a function, or of ``function:version``. Raises
    TcError with Lambda's own reason when one of them is that it failed."""
    found = aws.call("lambda", "get_function", FunctionName=function)["Configuration"]
    state = str(found.get("State", "Active"))
    status = str(found.get("LastUpdateStatus", "Successful"))
    if state == "Failed" or status == "Failed":
        reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or state
        raise TcError(
            f"Lambda can't run {function}: {reason}",
            code="function-failed",
            where=function.partition(":")[0],
        )
    return state, status
