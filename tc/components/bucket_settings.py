"""The settings that a bucket may have: each is read and written by a call of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tc.components.protocol import Aws
from tc.errors import AwsError
from tc.records import dataclass

#: what the answers of a bucket without such a setting are called
_UNSET = frozenset(
    {
        "NoSuchCORSConfiguration",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "NoSuchTagSet",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)


def asked(aws: Aws, operation: str, bucket: str) -> dict[str, Any]:
    """The answer; empty where the bucket has no such setting."""
    try:
        return aws.call("s3", operation, Bucket=bucket)
    except AwsError as error:
        if error.aws_code in _UNSET:
            return {}
        raise


def _read_versioning(aws: Aws, name: str) -> bool:
    return asked(aws, "get_bucket_versioning", name).get("Status") == "Enabled"


def _put_versioning(aws: Aws, name: str, on: bool) -> None:
    state = "Enabled" if on else "Suspended"
    aws.call("s3", "put_bucket_versioning", Bucket=name, VersioningConfiguration={"Status": state})


def _read_encryption(aws: Aws, name: str) -> str:
    found = asked(aws, "get_bucket_encryption", name)
    rules = found.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
    return str(default.get("KMSMasterKeyID", ""))


def _put_encryption(aws: Aws, name: str, key: str) -> None:
    if not key:
        aws.call("s3", "delete_bucket_encryption", Bucket=name)
        return
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    aws.call(
        "s3",
        "put_bucket_encryption",
        Bucket=name,
        ServerSideEncryptionConfiguration={"Rules": [rule]},
    )


def _read_lifecycle(aws: Aws, name: str) -> list[dict[str, Any]]:
    rules = asked(aws, "get_bucket_lifecycle_configuration", name).get("Rules", [])
    return [
        {
            "prefix": rule.get("Filter", {}).get("Prefix", rule.get("Prefix", "")),
            "expire": rule.get("Expiration", {}).get("Days"),
            "expire_versions": rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
            "abort_uploads": rule.get("AbortIncompleteMultipartUpload", {}).get(
                "DaysAfterInitiation"
            ),
        }
        for rule in rules
        if rule.get("Status") == "Enabled"
    ]


def _put_lifecycle(aws: Aws, name: str, rules: Sequence[Mapping[str, Any]]) -> None:
    if not rules:
        aws.call("s3", "delete_bucket_lifecycle", Bucket=name)
        return
    written = [_lifecycle_rule(place, rule) for place, rule in enumerate(rules)]
    aws.call(
        "s3",
        "put_bucket_lifecycle_configuration",
        Bucket=name,
        LifecycleConfiguration={"Rules": written},
    )


def _lifecycle_rule(place: int, rule: Mapping[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = {
        "ID": f"tc-{place}",
        "Status": "Enabled",
        "Filter": {"Prefix": rule["prefix"]},
    }
    if rule["expire"]:
        written["Expiration"] = {"Days": rule["expire"]}
    if rule["expire_versions"]:
        written["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["expire_versions"]}
    if rule["abort_uploads"]:
        days = {"DaysAfterInitiation": rule["abort_uploads"]}
        written["AbortIncompleteMultipartUpload"] = days
    return written


def _read_cors(aws: Aws, name: str) -> dict[str, Any]:
    rules = asked(aws, "get_bucket_cors", name).get("CORSRules", [])
    if not rules:
        return {}
    rule = rules[0]
    return {
        "origins": rule.get("AllowedOrigins", []),
        "methods": rule.get("AllowedMethods", []),
        "headers": rule.get("AllowedHeaders", []),
        "expose": rule.get("ExposeHeaders", []),
        "max_age": rule.get("MaxAgeSeconds"),
    }


def _put_cors(aws: Aws, name: str, cors: Mapping[str, Any]) -> None:
    if not cors:
        aws.call("s3", "delete_bucket_cors", Bucket=name)
        return
    rule: dict[str, Any] = {
        "AllowedOrigins": cors["origins"],
        "AllowedMethods": cors["methods"],
        "AllowedHeaders": cors["headers"],
        "ExposeHeaders": cors["expose"],
    }
    if cors["max_age"] is not None:
        rule["MaxAgeSeconds"] = cors["max_age"]
    aws.call("s3", "put_bucket_cors", Bucket=name, CORSConfiguration={"CORSRules": [rule]})


def _read_notifies(aws: Aws, name: str) -> bool:
    found = asked(aws, "get_bucket_notification_configuration", name)
    return "EventBridgeConfiguration" in found


def _put_notifies(aws: Aws, name: str, on: bool) -> None:
    """Keeps what others want to be told of the bucket."""
    found = asked(aws, "get_bucket_notification_configuration", name)
    kept = {key: value for key, value in found.items() if key.endswith("Configurations")}
    own: dict[str, Any] = {"EventBridgeConfiguration": {}} if on else {}
    aws.call(
        "s3",
        "put_bucket_notification_configuration",
        Bucket=name,
        NotificationConfiguration={**kept, **own},
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """How a setting is read and written, and what it is where nobody gave it."""

    unset: Any
    read: Callable[[Aws, str], Any]
    put: Callable[[Aws, str, Any], None]


SETTINGS: Mapping[str, Setting] = {
    "versioning": Setting(False, _read_versioning, _put_versioning),
    "encryption": Setting("", _read_encryption, _put_encryption),
    "lifecycle": Setting([], _read_lifecycle, _put_lifecycle),
    "cors": Setting({}, _read_cors, _put_cors),
    "notifies": Setting(False, _read_notifies, _put_notifies),
}
