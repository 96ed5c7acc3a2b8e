"""The sections of config.yml: what they may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from tc.records import dataclass

#: an account, an organisation (Organizations API reference, Organization)
_SHARED_WITH = re.compile(r"\d{12}|o-[a-z0-9]{10,32}")
_ACCESS_POINT = re.compile(
    r"fsap-[0-9a-f]{8,40}|arn:[a-z0-9-]+:(elasticfilesystem|s3files):[a-z0-9-]+:\d{12}:\S+"
)
#: (Amazon S3 user guide, "General purpose bucket naming rules"; templates besides)
_BUCKET = re.compile(r"(?:[a-z0-9.-]|\{\{\s*(?:account|region)\s*\}\}){3,}")
#: without TLS only to this machine
_WEBHOOK = re.compile(
    r"https://[!-~]+|http://(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/][!-~]*)?"
    r"|(?:ssm|secretsmanager):[!-~]+"
)


#: as tc.spec.names has it, for JSON Schema too
SANDBOX = re.compile(r"[a-z0-9][a-z0-9-]*")
#: the sandboxes that go live by versions and aliases, unless config.yml says otherwise
STABLE = ("stable",)


@dataclass(frozen=True, slots=True)
class Key:
    """What a key of a section takes; a `secret` is in no message."""

    kind: Literal["text", "texts", "count", "map", "lists"]
    description: str
    pattern: re.Pattern[str] | None = None
    example: str = ""
    secret: bool = False


#: section -> its keys
SECTIONS: Mapping[str, Mapping[str, Key]] = {
    "layers": {
        "env": Key("text", "the env whose account has the layers; the env they are used in"),
        "share": Key(
            "texts",
            "accounts, or one organisation, that may use them; nobody else",
            _SHARED_WITH,
            "012345678901, or o-a1b2c3d4e5",
        ),
        "part_size": Key("count", "MB, zipped, above which a layer is split; 40"),
        "keep": Key("count", "versions of a layer that are kept; 10"),
    },
    "artifacts": {
        "env": Key("text", "the env whose account has the bucket; the env of the sandbox"),
        "bucket": Key(
            "text",
            "the bucket for what is published, which may have {{account}} and {{region}}; "
            "tc-artifacts-{{account}}-{{region}}, made when it is needed",
            _BUCKET,
            "artifacts-{{account}}-{{region}}",
        ),
    },
    "builder": {
        "images": Key(
            "map",
            "runtime, or runtime-CPU (python3.12-arm64) -> image to build in",
        ),
        "runtime_images": Key(
            "map",
            "runtime, or runtime-CPU -> image that is like Lambda, whose libraries count as there",
        ),
        "registry": Key("text", "the registry for images; the account's own in ECR"),
    },
    "versions": {
        "keep": Key("count", "published versions of a function that are kept; 5"),
    },
    "release": {
        "env": Key("text", "the env that `tc release` deploys to; qa"),
        "sandbox": Key("text", "the sandbox that it deploys to; stable", SANDBOX, "stable"),
    },
    "guards": {
        "ci": Key("texts", "sandboxes that only CI may change", SANDBOX, "stable"),
        "clean": Key("texts", "sandboxes that take nothing uncommitted", SANDBOX, "stable"),
        "envs": Key("lists", "sandbox -> the envs where it may be changed"),
        "approvals": Key(
            "map",
            "env -> the tag that a commit must have to be deployed there, which may have "
            "{{namespace}}, {{version}} and {{env}}",
        ),
    },
}
#: keys of `notify.NAME`
NOTIFY: Mapping[str, Key] = {
    "url": Key(
        "text",
        "where to: https://…, or ssm:/path or secretsmanager:name that has it",
        _WEBHOOK,
        "https://hooks.example.com/…, ssm:/path or secretsmanager:name; http:// only to 127.0.0.1",
        secret=True,
    ),
    "envs": Key("texts", "envs of which it is told; every env"),
    "sandboxes": Key("texts", "sandboxes of which it is told; those called stable"),
    "format": Key("text", "slack, or json; slack", re.compile("slack|json"), "slack"),
}
#: keys of `efs.default` and `efs.ENV`
FILE_SYSTEM: Mapping[str, Key] = {
    "access_point": Key(
        "text",
        "ARN or id of the access point that assets are published to",
        _ACCESS_POINT,
        "fsap-0123456789abcdef0",
    ),
    "mount_point": Key("text", "where functions see it; /mnt/assets"),
    "subnets": Key("texts", "ids of subnets that reach it"),
    "security_groups": Key("texts", "ids of security groups that may reach it"),
    "keep": Key("count", "versions of an asset that are kept; 3"),
}


@dataclass(frozen=True, slots=True)
class Layers:
    """Where layers are published, and who may use them. `part_size` in MB, zipped."""

    env: str = ""
    share: tuple[str, ...] = ()
    part_size: int = 40
    keep: int = 10


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The bucket for what is published; `bucket` may have ``{{account}}``, ``{{region}}``."""

    env: str = ""
    bucket: str = "tc-artifacts-{{account}}-{{region}}"


@dataclass(frozen=True, slots=True)
class Builder:
    """Images by runtime (``python3.12``), or by runtime and CPU (``python3.12-arm64``)."""

    images: Mapping[str, str] = field(default_factory=dict)
    runtime_images: Mapping[str, str] = field(default_factory=dict)
    registry: str = ""


@dataclass(frozen=True, slots=True)
class FileSystem:
    """The file system that assets are published to, and how it is reached."""

    access_point: str = ""
    mount_point: str = "/mnt/assets"
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    keep: int = 3


@dataclass(frozen=True, slots=True)
class Versions:
    """Published versions of a function: how many are kept besides those that are in use."""

    keep: int = 5


@dataclass(frozen=True, slots=True)
class Release:
    """Where `tc release` deploys to."""

    env: str = "qa"
    sandbox: str = "stable"


@dataclass(frozen=True, slots=True)
class Guards:
    """What must be so before a sandbox is changed; each is off while it is empty.

    `ci` and `clean` are sandboxes, `envs` has the envs of a sandbox, `approvals` the tag that a
    commit must have, by env.
    """

    ci: tuple[str, ...] = ()
    clean: tuple[str, ...] = ()
    envs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    approvals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """Who is told when a sandbox of one of `envs` (empty: of any) has changed."""

    url: str = ""
    envs: tuple[str, ...] = ()
    sandboxes: tuple[str, ...] = ()
    format: str = "slack"


def schema(keys: Mapping[str, Key]) -> dict[str, Any]:
    """A section as JSON Schema."""
    text: dict[str, Any] = {"type": ["string", "number", "null"]}
    shapes: dict[str, dict[str, Any]] = {
        "text": text,
        "texts": {"type": ["array", "null"], "items": {"type": ["string", "number"]}},
        "count": {"type": ["integer", "null"], "minimum": 1},
        "map": {"type": ["object", "null"], "additionalProperties": text},
        "lists": {
            "type": ["object", "null"],
            "additionalProperties": {"type": "array", "items": {"type": ["string", "number"]}},
        },
    }
    properties = {}
    for name, key in keys.items():
        shape = {**shapes[key.kind], "description": key.description}
        if key.pattern and key.kind == "text":
            shape["pattern"] = f"^(?:{key.pattern.pattern})$"
        if key.pattern and key.kind == "texts":
            shape["items"] = {**shape["items"], "pattern": f"^(?:{key.pattern.pattern})$"}
        properties[name] = shape
    return {
        "type": ["object", "null"],
        "patternProperties": {"^x-": {}},
        "properties": properties,
        "additionalProperties": False,
    }
