"""Who may read the bucket of a page: its distribution, by one statement of the bucket's policy.

Other statements are the user's and stay.
"""

from __future__ import annotations

import json
from typing import Any

from tc.components import defaults
from tc.components.page_model import Place
from tc.components.protocol import Aws
from tc.errors import AwsError

_VERSION = "2012-10-17"


def read_policy(aws: Aws, bucket: str) -> dict[str, Any] | None:
    """The bucket's policy, empty where it has none; None where there is no bucket."""
    try:
        return dict(json.loads(aws.call("s3", "get_bucket_policy", Bucket=bucket)["Policy"]))
    except AwsError as error:
        if error.aws_code == "NoSuchBucketPolicy":
            return {}
        if error.missing:
            return None
        raise


def reader(policy: dict[str, Any] | None, place: Place) -> str:
    """The ARN of the distribution that may read the page; empty for none."""
    for statement in (policy or {}).get("Statement", []):
        if statement.get("Sid") == place.sid:
            conditions = statement.get("Condition", {})
            return str(conditions.get("StringEquals", {}).get("AWS:SourceArn", ""))
    return ""


def let_read(aws: Aws, place: Place, distribution: str) -> None:
    """Lets the distribution with this ARN read the page, and no other one."""
    statement = {
        "Sid": place.sid,
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:{aws.partition}:s3:::{place.bucket}/{place.prefix}*",
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution}},
    }
    policy = read_policy(aws, place.bucket) or {"Version": _VERSION}
    others = [one for one in policy.get("Statement", []) if one.get("Sid") != place.sid]
    _put(aws, place.bucket, {**policy, "Statement": [*others, statement]})


def let_nobody_read(aws: Aws, place: Place) -> None:
    policy = read_policy(aws, place.bucket)
    if not reader(policy, place):
        return
    assert policy
    others = [one for one in policy["Statement"] if one.get("Sid") != place.sid]
    with defaults.if_there():
        if others:
            _put(aws, place.bucket, {**policy, "Statement": others})
        else:
            aws.call("s3", "delete_bucket_policy", Bucket=place.bucket)


def _put(aws: Aws, bucket: str, policy: dict[str, Any]) -> None:
    aws.call("s3", "put_bucket_policy", Bucket=bucket, Policy=json.dumps(policy))
