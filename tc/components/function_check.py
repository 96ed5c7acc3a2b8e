"""What Lambda would refuse of a function, found without asking it.

Sources: the Lambda developer guide ("Lambda quotas", "Improving startup performance with
Lambda SnapStart", "Configuring provisioned concurrency", "Configuring file system access",
"Giving Lambda functions access to resources in an Amazon VPC") and the API reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from tc.components.addresses import check_addresses
from tc.components.asset_check import check_assets
from tc.components.variables import check_variables
from tc.spec.finding import Finding
from tc.spec.function import Function
from tc.spec.runtimes import warning
from tc.spec.topology import Topology

_LAYERS_LIMIT = 5
_SUBNETS_LIMIT = 16
_GROUPS_LIMIT = 5
#: MB in /tmp that every function has
_STORAGE_MB = 512
_SUBNET = re.compile(r"subnet-[0-9a-z]+\Z")
_GROUP = re.compile(r"sg-[0-9a-zA-Z]+\Z")
_MOUNT_PATH = re.compile(r"/mnt/[a-zA-Z0-9_.-]+\Z")
_ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+\Z")
_KEY = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[a-zA-Z0-9-]+\Z")
_EFS = r"arn:[a-z-]+:elasticfilesystem:[a-z0-9-]+:\d{12}:access-point/fsap-[a-f0-9]{17}"
_S3_FILES = (
    r"arn:[a-z-]+:s3files:[a-z0-9-]+:\d{12}:file-system/fs-[0-9a-f]{17,40}"
    r"/access-point/fsap-[0-9a-f]{17,40}"
)
#: kind of a file system -> what the ARN of its access point looks like
_ACCESS_POINT = {
    "": re.compile(f"(?:{_EFS}|{_S3_FILES})\\Z"),
    "efs": re.compile(f"(?:{_EFS})\\Z"),
    "s3": re.compile(f"(?:{_S3_FILES})\\Z"),
}
#: those of tc's runtimes that have SnapStart
_SNAPSTART = re.compile(r"(python3\.(1[2-9]|[2-9]\d)|java(1[1-9]|[2-9]\d))\Z")
#: (Lambda API reference, FunctionName without version and ARN)
_FULL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
#: what stands in a name while the sandbox or the account isn't known
_TEMPLATE = re.compile(r"\{\{[a-z]+\}\}")


def check(topology: Topology) -> Iterable[Finding]:
    yield from _deprecated(topology)
    yield from check_assets(topology)
    for function in topology.functions.values():
        yield from check_variables(function)
        yield from _bad_name(topology, function)
        yield from check_addresses(topology, function)
        yield from _package(topology, function)
        yield from _role(function)
        yield from _network(function)
        yield from _mount(function, topology.scope.local)
        yield from _concurrency(function)
        yield from _snapstart(function)
        if topology.scope.local:
            yield from _local(function)


def _bad_name(topology: Topology, function: Function) -> Iterable[Finding]:
    """A written name that Lambda refuses, or that another function here has."""
    if not function.fqn:
        return
    name = topology.function_name(function.name)
    others = [o.name for o in topology.functions.values() if topology.function_name(o.name) == name]
    at = function.address / "fqn"
    if not _FULL_NAME.match(_TEMPLATE.sub("x", name)):
        message = f"`{name}` can't name a function on AWS"
        yield Finding("bad-name", message, at, "up to 64 letters, digits, `-` and `_`")
    if len(others) > 1:
        message = f"{' and '.join(others)} would both be `{name}` on AWS"
        yield Finding("duplicate-name", message, at)


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


def _package(topology: Topology, function: Function) -> Iterator[Finding]:
    if len(function.layers) > _LAYERS_LIMIT:
        message = f"`{function.name}` lists {len(function.layers)} layers; Lambda takes 5"
        yield Finding("too-many-layers", message, function.written_at("layers"))
    buildable = function.has_dockerfile or function.image_runtime
    if function.is_image and not (function.image_uri or buildable):
        message = f"`{function.name}` is an image, and nothing says which"
        hint = "write a Dockerfile, or `runtime.lang`, or `image_uri` in its vars file"
        yield Finding("no-image", message, function.written_at("package_type"), hint)
    if function.image_uri and not function.is_image:
        message = f"`{function.name}` has an `image_uri` and is no image"
        at = function.written_at("image_uri")
        yield Finding("both", message, at, "write `package_type: image`")


def _role(function: Function) -> Iterator[Finding]:
    if function.role and function.policy is not None:
        message = f"`{function.name}` uses a role that exists: its policy document would be lost"
        at = function.written_at("role")
        yield Finding("both", message, at, "take `role` or the document out")
    if function.role and not _ROLE.match(_TEMPLATE.sub("000000000000", function.role)):
        message = f"`{function.role}` is no role"
        at = function.written_at("role")
        yield Finding("invalid-value", message, at, "write its name or its ARN")
    if function.kms_key and not _KEY.match(_TEMPLATE.sub("000000000000", function.kms_key)):
        message = f"`{function.kms_key}` is no ARN of a KMS key"
        hint = "arn:aws:kms:REGION:ACCOUNT:key/ID; IAM knows no aliases"
        yield Finding("invalid-value", message, function.written_at("kms_key"), hint)


def _network(function: Function) -> Iterator[Finding]:
    network = function.network
    if network is None:
        return
    for what, ids, pattern, limit in (
        ("subnets", network.subnets, _SUBNET, _SUBNETS_LIMIT),
        ("security_groups", network.security_groups, _GROUP, _GROUPS_LIMIT),
    ):
        at = function.written_at("network", what)
        if not ids:
            message = f"`{function.name}` is to be in a VPC, and its vars have no `{what}` here"
            hint = f"`network: {{subnets: […], security_groups: […]}}` in vars/{function.name}.json"
            yield Finding("no-network", message, at, hint)
        if len(ids) > limit:
            message = f"`{function.name}` has {len(ids)} {what}; Lambda takes {limit}"
            yield Finding("no-network", message, at)
        for one in ids:
            if not pattern.match(_TEMPLATE.sub("0", one)):
                yield Finding("invalid-value", f"`{one}` is none of {what}", at)


def _mount(function: Function, local: bool) -> Iterator[Finding]:
    mount = function.mount
    if mount is None:
        return
    at = function.written_at("fs")
    if not mount.access_point:
        message = f"`{function.name}` is to have a file system, and nothing says which"
        hint = (
            f"filesystem: {{arn: …}} in vars/{function.name}.json, `fs.access_point`, or `efs` "
            "in config.yml"
        )
        yield Finding("no-file-system", message, at, hint)
    elif not _ACCESS_POINT[mount.kind].match(_TEMPLATE.sub("000000000000", mount.access_point)):
        message = f"`{mount.access_point}` is no ARN of an access point"
        yield Finding("invalid-value", message, at, "of EFS, or of S3 Files with `kind: s3`")
    if not _MOUNT_PATH.match(mount.path):
        message = f"Lambda can't mount a file system at `{mount.path}`"
        yield Finding("bad-path", message, at, "write `/mnt/` and one name: /mnt/assets")
    if function.network is None and not local:
        message = f"the file system of `{function.name}` is only in its VPC"
        hint = "write `network: true` and subnets in its vars, or subnets at `efs` in config.yml"
        yield Finding("no-network", message, at, hint)


def _concurrency(function: Function) -> Iterator[Finding]:
    reserved, provisioned = function.reserved_concurrency, function.provisioned_concurrency
    if reserved is not None and provisioned > reserved:
        yield Finding(
            "concurrency",
            f"`{function.name}` has {provisioned} provisioned of {reserved} reserved",
            function.written_at("provisioned_concurrency"),
            "reserve at least as many",
        )


def _snapstart(function: Function) -> Iterator[Finding]:
    if not function.snapstart:
        return
    why = ""
    if function.runtime and not _SNAPSTART.match(function.runtime):
        why = f"not with {function.runtime}: it takes python3.12 and later, and java21"
    elif function.provisioned_concurrency:
        why = "not with provisioned concurrency"
    elif function.mount:
        why = "not with a file system"
    elif function.ephemeral_storage > _STORAGE_MB:
        why = f"not with more than {_STORAGE_MB} MB in /tmp"
    if why:
        message = f"`{function.name}` can't have SnapStart"
        yield Finding("no-snapstart", message, function.written_at("snapstart"), why)


def _local(function: Function) -> Iterator[Finding]:
    """What the local engine can't do, and what it takes without doing it."""
    if function.is_image:
        message = f"`{function.name}` is an image, which the local engine can't run"
        at = function.written_at("package_type")
        yield Finding("local-image", message, at, "deploy it to an AWS account")
    ignored = {
        "network": function.network is not None,
        "provisioned_concurrency": function.provisioned_concurrency > 0,
        "kms_key": bool(function.kms_key),
    }
    names = [f"`{key}`" for key, is_set in ignored.items() if is_set]
    if names:
        message = f"{', '.join(names)} of `{function.name}` changes nothing on the local engine"
        at = function.written_at(next(key for key, is_set in ignored.items() if is_set))
        yield Finding("local-no-effect", message, at, severity="warning")
