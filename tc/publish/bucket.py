"""The bucket for what is published, one for each account and region.

::

    packages/{sha}.zip      packages that are too large for a call, and those of versions
    layers/{sha}.zip        bodies of layers
    sources/{sha}.tar.gz    the files that a version was made of
    manifests/{namespace}/{version}.json
                            what a version consists of
    deployments/…           which version was deployed where, when and by whom
    assets/…                which versions of assets are on a file system
    transit/…               parts of assets on their way there; which layers are being published

Packages, layers, sources and parts are named by what they hold, and never written again, nor are
manifests.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tc.components.protocol import Aws
from tc.config.sections import Artifacts
from tc.errors import AwsError, TcError

#: the region that S3 doesn't want named
_NO_CONSTRAINT = "us-east-1"
#: what is deleted in one call (Amazon S3 API reference, DeleteObjects)
_BATCH = 1000
#: days after which what a run left on its way that nobody went on with is dropped
_UNFINISHED = 7
#: what the keys of assets on their way begin with
TRANSIT = "transit/"
#: says that tc made the bucket, and whether all of its settings are written
_TAG, _MAKING, _READY = "tc:artifacts", "making", "ready"
_REFUSED = frozenset({"403", "AccessDenied"})
_BLOCKED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


class Bucket:
    """The artifact bucket of the account and region of `aws`; used from many threads.

    `template` is its name, which may have ``{{account}}`` and ``{{region}}``; `region` is
    another one than the session's. Nothing is called before it is needed. Every call says
    whose bucket it must be, so nothing ever goes into somebody else's of that name.
    """

    def __init__(self, aws: Aws, template: str = Artifacts().bucket, region: str = ""):
        self._aws = aws
        self._template = template
        self._region = region or aws.region
        self._service = "s3" if self._region == aws.region else f"s3@{self._region}"
        self._lock = threading.Lock()
        self._ensured = False

    @property
    def name(self) -> str:
        name = self._template.replace(" ", "")
        name = name.replace("{{account}}", self._aws.account)
        return name.replace("{{region}}", self._region)

    @property
    def region(self) -> str:
        return self._region

    def uri(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def ensure(self) -> bool:
        """Makes the bucket where it is missing; whether it was. One read when it is there.

        It is private, takes calls over TLS alone, and drops what stopped on its way. A bucket that
        tc didn't make is used as it is. Raises TcError ``foreign-bucket`` for one of another
        account.
        """
        with self._lock:
            made = not self._ensured and self._ensure()
            self._ensured = True
        return made

    def has(self, key: str) -> bool:
        try:
            self._call("head_object", Key=key)
        except AwsError as error:
            if error.missing:
                return False
            raise
        return True

    def lacks(self, keys: Iterable[str]) -> list[str]:
        """Those of `keys` that aren't there; a read for each, all at once."""
        wanted = list(dict.fromkeys(keys))
        there = self._aws.map(self.has, wanted)
        return [key for key, found in zip(wanted, there, strict=True) if not found]

    def put(self, key: str, body: bytes | Path, *, again: bool = False) -> bool:
        """Writes `body`, at most 5 GB (Amazon S3 API reference, PutObject), under `key`; whether
        it was written. What is there is kept unless `again`. A file is streamed."""
        if not again and self.has(key):
            return False
        if isinstance(body, bytes):
            self._call("put_object", Key=key, Body=body)
            return True
        with body.open("rb") as file:
            self._call("put_object", Key=key, Body=file)
        return True

    def claim(self, key: str, body: bytes = b"") -> bool:
        """Writes `body` under `key` unless something is there; whether it was written. Of several
        at once one alone succeeds ("Conditional writes", Amazon S3 user guide)."""
        try:
            self._call("put_object", Key=key, Body=body, IfNoneMatch="*")
        except AwsError as error:
            if error.aws_code in ("PreconditionFailed", "ConditionalRequestConflict", "412"):
                return False
            raise
        return True

    def get(self, key: str) -> bytes:
        """What is under `key`. Raises AwsError (`missing`) when nothing is."""
        body: bytes = self._call("get_object", Key=key)["Body"]
        return body

    def read(self, key: str) -> bytes | None:
        """As `get`; None when nothing is there."""
        try:
            return self.get(key)
        except AwsError as error:
            if error.missing:
                return None
            raise

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that start with `prefix`, in their order; none while there is no bucket."""
        found = self._aws.pages(
            self._service,
            "list_objects_v2",
            "Contents",
            Bucket=self.name,
            ExpectedBucketOwner=self._aws.account,
            Prefix=prefix,
        )
        try:
            for one in found:
                yield one["Key"]
        except AwsError as error:
            if not error.missing:
                raise

    def delete(self, keys: Iterable[str]) -> None:
        """Deletes the objects under `keys`; those that aren't there are no error."""
        todo = list(keys)
        for start in range(0, len(todo), _BATCH):
            objects = [{"Key": key} for key in todo[start : start + _BATCH]]
            answer = self._call("delete_objects", Delete={"Objects": objects, "Quiet": True})
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise TcError(
                    f"S3 kept {first.get('Key')}: {first.get('Message')}",
                    code="aws",
                    where=self.name,
                )

    def _call(self, operation: str, /, **given: Any) -> dict[str, Any]:
        return self._aws.call(
            self._service,
            operation,
            Bucket=self.name,
            ExpectedBucketOwner=self._aws.account,
            **given,
        )

    def _ensure(self) -> bool:
        tags = self._tags()
        if tags is not None and tags.get(_TAG) != _MAKING:
            return False
        if tags is None:
            self._create()
        # the mark comes last: what is interrupted in between is finished by the next run
        self._call("put_public_access_block", PublicAccessBlockConfiguration=_BLOCKED)
        self._call("put_bucket_lifecycle_configuration", LifecycleConfiguration=_lifecycle())
        self._call("put_bucket_policy", Policy=json.dumps(self._policy()))
        self._call("put_bucket_tagging", Tagging={"TagSet": _tag_set(_READY)})
        return tags is None

    def _tags(self) -> dict[str, str] | None:
        """The bucket's; None where there is no bucket."""
        try:
            found = self._call("get_bucket_tagging")["TagSet"]
        except AwsError as error:
            if error.aws_code == "NoSuchTagSet":
                return {}
            if error.missing:
                return None
            if error.aws_code in _REFUSED:
                raise self._foreign(error) from error
            raise
        return {tag["Key"]: tag["Value"] for tag in found}

    def _create(self) -> None:
        place: dict[str, Any] = {"Tags": _tag_set(_MAKING)}
        if self._region != _NO_CONSTRAINT:
            place["LocationConstraint"] = self._region
        try:
            self._aws.call(
                self._service, "create_bucket", Bucket=self.name, CreateBucketConfiguration=place
            )
        except AwsError as error:
            # somebody else of this account was faster, or an answer was lost
            if error.aws_code == "BucketAlreadyOwnedByYou":
                return
            if error.exists:
                raise self._foreign(error) from error
            raise

    def _foreign(self, error: AwsError) -> TcError:
        return TcError(
            f"the bucket {self.name} belongs to another account than {self._aws.account}, or these "
            f"credentials may not use it ({error.aws_code})",
            code="foreign-bucket",
            where=self.name,
            hint="name another one in config.yml: `artifacts.bucket`",
        )

    def _policy(self) -> dict[str, Any]:
        arn = f"arn:{self._aws.partition}:s3:::{self.name}"
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OnlyTls",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn, f"{arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }


def _lifecycle() -> dict[str, Any]:
    return {
        "Rules": [
            {
                "ID": "unfinished-uploads",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _UNFINISHED},
            },
            {
                "ID": "assets-on-their-way",
                "Status": "Enabled",
                "Filter": {"Prefix": TRANSIT},
                "Expiration": {"Days": _UNFINISHED},
            },
        ]
    }


def _tag_set(state: str) -> list[dict[str, str]]:
    return [{"Key": "deployer", "Value": "tc"}, {"Key": _TAG, "Value": state}]
