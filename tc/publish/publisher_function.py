"""The publisher of an access point: the function ``tc-publisher-{id}`` with the file system
mounted, its role and its log group. Made when it is first needed, changed when it differs.

The role may read what is below the access point's prefix in the artifact bucket, write its log,
have a network interface, and mount the file system through that access point; no more.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tc.components import defaults
from tc.components.function_settings import live_state, wait_until_ready
from tc.components.protocol import Aws
from tc.config import Roles
from tc.errors import AwsError, TcError
from tc.publish.bucket import TRANSIT
from tc.records import dataclass
from tc.spec.names import shorten
from tc.spec.scope import Scope

#: what marks the function and the role; its value is the access point's id
_TAG = "tc:publisher"
#: "Lambda quotas": seconds an invocation may take; MB with which it has a whole CPU
_TIMEOUT, _MEMORY = 900, 1769
_RUNTIME = "python3.13"
_LOG_DAYS = 14
_POLICY = "tc"
#: what Lambda says of a function that nobody has called for weeks: the call begins to restore its
#: way into the VPC ("Lambda function states"; "Invoke", AWS Lambda API reference)
_ASLEEP = frozenset({"ResourceNotReadyException", "ENINotReadyException"})
#: errors after which a step is called again, in the first seconds: a role that was just made can't
#: mount yet; an answer was lost, in the word of botocore
_PASSING = frozenset({"EFSMountFailureException", "ConnectionClosedError"})
_SOON = 30.0
#: errors of the file system in the words of Lambda, with what to look at
_NFS = "let NFS (port 2049) through, and have a mount target in the zone of each subnet"
_MOUNTS = {
    "EFSMountConnectivityException": _NFS,
    "EFSMountTimeoutException": _NFS,
    "EFSMountFailureException": "look at the file system's policy, and the access point's user",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A file system to publish to: the ARN of an access point of EFS, where functions see it,
    ids of subnets and security groups that reach it (none on the local engine)."""

    access_point: str
    mount_point: str
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """``fsap-0123456789abcdef0``"""
        return self.access_point.rsplit("/", 1)[-1]

    @property
    def prefix(self) -> str:
        """Of what the artifact bucket keeps of its assets."""
        return f"assets/{self.id}/"

    @property
    def transit(self) -> str:
        """Of what is on its way."""
        return f"{TRANSIT}{self.id}/"


def publisher_name(place: Place) -> str:
    return f"tc-publisher-{place.id}"


def ensure_publisher(aws: Aws, place: Place, bucket: str, roles: Roles) -> str:
    """The name of the publisher of `place`, which is there and as it should be.

    One read when it is. Raises TcError ``foreign`` when a function of its name isn't tc's.
    """
    name = publisher_name(place)
    found = _live(aws, name)
    role = _Role(aws, place, bucket, roles)
    settings = _settings(place, role.arn, bucket)
    if found is None:
        role.ensure()
        _ensure_logs(aws, name)
        _create(aws, name, place, settings)
        wait_until_ready(aws, name)
        return name
    if found.get("Tags", {}).get(_TAG) != place.id:
        raise TcError(
            f"the function {name} isn't tc's, and the publisher of {place.id} would be called so",
            code="not-owned",
            where=name,
            hint=f"delete it, or give it the tag {_TAG}={place.id}",
        )
    live = found["Configuration"]
    if live.get("State") == "Pending" or live.get("LastUpdateStatus") == "InProgress":
        wait_until_ready(aws, name)
    # one that Lambda couldn't connect to its VPC or its file system tries again when it is updated
    if live.get("State") == "Failed" or not _same(settings, live):
        role.ensure()
        _update(aws, name, "update_function_configuration", **settings)
    if live["CodeSha256"] != b64encode(hashlib.sha256(_code()).digest()).decode():
        _update(aws, name, "update_function_code", ZipFile=_code())
    return name


def invoked(aws: Aws, name: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Lambda's answer to `event`, which may reach the publisher more than once.

    Waits for a publisher that was idle for weeks. Raises TcError with Lambda's own reason when it
    can't be woken, and ``file-system`` when it can't mount.
    """
    payload = json.dumps(event).encode()
    answers: list[dict[str, Any]] = []
    begun = time.monotonic()

    def invoke() -> dict[str, Any]:
        return aws.call("lambda", "invoke", FunctionName=name, Payload=payload)

    def probe() -> str:
        try:
            answers.append(aws.insist(f"function {name}", invoke))
        except AwsError as error:
            if error.aws_code in _ASLEEP:
                return live_state(aws, name)[0]
            if error.aws_code in _PASSING and time.monotonic() - begun < _SOON:
                return error.message
            if hint := _MOUNTS.get(error.aws_code):
                raise TcError(error.message, code="file-system", where=name, hint=hint) from error
            raise
        return ""

    aws.wait(f"function {name}", probe)
    return answers[-1]


def _live(aws: Aws, name: str) -> dict[str, Any] | None:
    try:
        return aws.call("lambda", "get_function", FunctionName=name)
    except AwsError as error:
        if error.missing:
            return None
        raise


def _code() -> bytes:
    """Its package: the files of `tc.publish.publisher`, the same bytes everywhere."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_STORED) as out:
        for file in sorted(Path(__file__).with_name("publisher").glob("*.py")):
            info = zipfile.ZipInfo(f"publisher/{file.name}")
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            out.writestr(info, file.read_bytes())
    return body.getvalue()


def _settings(place: Place, role: str, bucket: str) -> dict[str, Any]:
    """Its configuration, in the words of Lambda. All that decides what its role may do is in
    it, so that the role is only looked at when this differs."""
    return {
        "Role": role,
        "Handler": "publisher.handler",
        "Runtime": _RUNTIME,
        "Timeout": _TIMEOUT,
        "MemorySize": _MEMORY,
        "Description": f"tc publishes assets from {bucket} to {place.id}",
        "Environment": {"Variables": {"MOUNT": place.mount_point}},
        "FileSystemConfigs": [
            {"Arn": place.access_point, "LocalMountPath": place.mount_point},
        ],
        "VpcConfig": {
            "SubnetIds": sorted(place.subnets),
            "SecurityGroupIds": sorted(place.security_groups),
        },
    }


def _same(settings: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    vpc = live.get("VpcConfig") or {}
    read = {
        **{key: live.get(key) for key in settings},
        "Environment": {"Variables": (live.get("Environment") or {}).get("Variables", {})},
        "VpcConfig": {
            "SubnetIds": sorted(vpc.get("SubnetIds") or []),
            "SecurityGroupIds": sorted(vpc.get("SecurityGroupIds") or []),
        },
    }
    return read == settings


def _create(aws: Aws, name: str, place: Place, settings: Mapping[str, Any]) -> None:
    given = dict(settings)
    if not place.subnets:
        del given["VpcConfig"]

    def create() -> None:
        try:
            aws.call(
                "lambda",
                "create_function",
                FunctionName=name,
                Code={"ZipFile": _code()},
                Tags={"deployer": "tc", _TAG: place.id},
                **given,
            )
        except AwsError as error:
            # another run was faster, or the answer to ours was lost
            if not error.exists:
                raise

    aws.insist(f"role of {name}", create)


def _update(aws: Aws, name: str, operation: str, **given: Any) -> None:
    aws.insist(
        f"function {name}", lambda: aws.call("lambda", operation, FunctionName=name, **given)
    )
    wait_until_ready(aws, name)


def _ensure_logs(aws: Aws, name: str) -> None:
    group = f"/aws/lambda/{name}"
    try:
        aws.call("logs", "create_log_group", logGroupName=group, tags={"deployer": "tc"})
    except AwsError as error:
        if not error.exists:
            raise
    aws.call("logs", "put_retention_policy", logGroupName=group, retentionInDays=_LOG_DAYS)


class _Role:
    """The publisher's role, outside of the paths that sandboxes' roles have."""

    def __init__(self, aws: Aws, place: Place, bucket: str, roles: Roles):
        self._aws = aws
        self._place = place
        self._bucket = bucket
        self._roles = roles
        self._name = shorten(f"{publisher_name(place)}-{aws.region}", 64)
        self._path = f"{roles.path_prefix}/tc-publisher/"

    @property
    def arn(self) -> str:
        aws = self._aws
        return f"arn:{aws.partition}:iam::{aws.account}:role{self._path}{self._name}"

    def ensure(self) -> None:
        aws = self._aws
        here = Scope("", account=aws.account, region=aws.region, partition=aws.partition)
        boundary = here.fill(self._roles.boundary)
        trust = _allow(None, ["sts:AssumeRole"], Principal={"Service": "lambda.amazonaws.com"})
        try:
            self._aws.call(
                "iam",
                "create_role",
                RoleName=self._name,
                Path=self._path,
                Description=f"publisher of assets to {self._place.id}",
                AssumeRolePolicyDocument=_document([trust]),
                Tags=defaults.tag_list({"deployer": "tc", _TAG: self._place.id}),
                **({"PermissionsBoundary": boundary} if boundary else {}),
            )
        except AwsError as error:
            if not error.exists:
                raise
            self._check()
        self._aws.call(
            "iam",
            "put_role_policy",
            RoleName=self._name,
            PolicyName=_POLICY,
            PolicyDocument=_document(self._statements()),
        )

    def _check(self) -> None:
        """A role of that name that isn't ours gets no rights from us."""
        role = self._aws.call("iam", "get_role", RoleName=self._name)["Role"]
        tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])}
        if role["Path"] != self._path or tags.get(_TAG) != self._place.id:
            raise TcError(
                f"the role {self._name} isn't tc's, and the publisher's would be called so",
                code="not-owned",
                where=self._name,
                hint="delete or rename it",
            )

    def _statements(self) -> list[dict[str, Any]]:
        group = f"log-group:/aws/lambda/{publisher_name(self._place)}:*"
        bucket = f"arn:{self._aws.partition}:s3:::{self._bucket}"
        statements = [
            _allow(self._arn("logs", group), ["logs:CreateLogStream", "logs:PutLogEvents"]),
            _allow(
                [f"{bucket}/{prefix}*" for prefix in (self._place.prefix, self._place.transit)],
                ["s3:GetObject"],
            ),
            _allow(
                self._arn("elasticfilesystem", "file-system/*"),
                ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
                Condition={
                    "StringEquals": {"elasticfilesystem:AccessPointArn": self._place.access_point}
                },
            ),
        ]
        return [*statements, *self._network()] if self._place.subnets else statements

    def _network(self) -> list[dict[str, Any]]:
        """What Lambda does in the VPC ("Giving Lambda functions access to resources in an Amazon
        VPC"); EC2's describing actions know no resources."""
        describing = ["NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs"]
        changing = [
            "AssignPrivateIpAddresses",
            "CreateNetworkInterface",
            "DeleteNetworkInterface",
            "UnassignPrivateIpAddresses",
        ]
        return [
            _allow("*", [f"ec2:Describe{what}" for what in describing]),
            _allow(self._arn("ec2", "*/*"), [f"ec2:{what}" for what in changing]),
        ]

    def _arn(self, service: str, resource: str) -> str:
        aws = self._aws
        return f"arn:{aws.partition}:{service}:{aws.region}:{aws.account}:{resource}"


def _allow(resource: str | list[str] | None, actions: list[str], **more: Any) -> dict[str, Any]:
    on = {"Resource": resource} if resource else {}
    return {"Effect": "Allow", "Action": actions, **on, **more}


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
