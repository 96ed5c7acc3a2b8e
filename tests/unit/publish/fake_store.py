# ruff: noqa: N803  the parameters are named as AWS names them
"""S3 and the layers of Lambda in memory, in several regions, as strict as AWS where tc relies
on it."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tc.errors import AwsError, TcError

Hook = Callable[[str, dict[str, Any]], Exception | None]
_ARN = re.compile(r"arn:aws:lambda:([a-z0-9-]+):(\d{12}):layer:([\w-]+)(?::(\d+))?")


def refuse(code: str, message: str = "") -> AwsError:
    return AwsError(message or code, aws_code=code, operation="fake", status=400)


class Store:
    """What several doors share: buckets by name, layer versions by (region, name)."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, Any]] = {}
        self.layers: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.functions: dict[str, list[dict[str, Any]]] = {}
        self.clock = itertools.count()


class FakeStore:
    """The `Aws` protocol. `hook` sees a call before, `after` when it has taken effect; each may
    give the error to raise."""

    partition = "aws"
    endpoint = None

    def __init__(
        self, store: Store | None = None, *, account: str = "111122223333", local: bool = False
    ) -> None:
        self.store = store or Store()
        self.account = account
        self.region = "eu-west-1"
        self.local = local
        self.calls: list[str] = []
        self.hook: Hook = lambda operation, given: None
        self.after: Hook = lambda operation, given: None

    def call(self, service: str, operation: str, /, **given: Any) -> dict[str, Any]:
        name = f"{service}.{operation}"
        self.calls.append(name)
        if error := self.hook(name, given):
            raise error
        plain, _, region = service.partition("@")
        method = getattr(self, f"{plain}_{operation}")
        answer: dict[str, Any] = method(region or self.region, **given) or {}
        if error := self.after(name, given):
            raise error
        return answer

    def pages(
        self, service: str, operation: str, key: str, /, **given: Any
    ) -> Iterator[dict[str, Any]]:
        given.pop("PaginationConfig", None)
        yield from self.call(service, operation, **given)[key]

    def map(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> list[Any]:
        return [function(item) for item in items]

    def insist(self, what: str, call: Callable[[], Any], /) -> Any:
        return call()

    def wait(self, what: str, probe: Callable[[], str], /, **_: Any) -> None:
        if state := probe():
            raise TcError(f"{what}: {state}", code="timeout")

    def names(self) -> Counter[str]:
        return Counter(self.calls)

    def writes(self) -> list[str]:
        reads = ("get_", "list_", "head_")
        return [name for name in self.calls if not name.split(".")[1].startswith(reads)]

    # S3

    def _bucket(self, Bucket: str, ExpectedBucketOwner: str) -> dict[str, Any]:
        if Bucket not in self.store.buckets:
            raise refuse("NoSuchBucket")
        bucket = self.store.buckets[Bucket]
        if bucket["owner"] != ExpectedBucketOwner:
            raise refuse("AccessDenied")
        return bucket

    def s3_create_bucket(
        self, region: str, Bucket: str, CreateBucketConfiguration: dict[str, Any]
    ) -> None:
        if Bucket in self.store.buckets:
            owned = self.store.buckets[Bucket]["owner"] == self.account
            raise refuse("BucketAlreadyOwnedByYou" if owned else "BucketAlreadyExists")
        place = CreateBucketConfiguration.get("LocationConstraint", "us-east-1")
        assert place == region
        tags = CreateBucketConfiguration["Tags"]
        bucket = {"owner": self.account, "region": region, "tags": tags, "objects": {}}
        self.store.buckets[Bucket] = bucket

    def s3_get_bucket_tagging(self, region: str, **given: Any) -> Any:
        tags = self._bucket(**given)["tags"]
        if not tags:
            raise refuse("NoSuchTagSet")
        return {"TagSet": tags}

    def s3_put_bucket_tagging(self, region: str, Tagging: Any, **given: Any) -> None:
        self._bucket(**given)["tags"] = Tagging["TagSet"]

    def s3_put_public_access_block(
        self, region: str, PublicAccessBlockConfiguration: Any, **given: Any
    ) -> None:
        self._bucket(**given)["block"] = PublicAccessBlockConfiguration

    def s3_put_bucket_lifecycle_configuration(
        self, region: str, LifecycleConfiguration: Any, **given: Any
    ) -> None:
        self._bucket(**given)["lifecycle"] = LifecycleConfiguration

    def s3_put_bucket_policy(self, region: str, Policy: str, **given: Any) -> None:
        self._bucket(**given)["policy"] = json.loads(Policy)

    def s3_head_object(self, region: str, Key: str, **given: Any) -> None:
        if Key not in self._bucket(**given)["objects"]:
            raise refuse("404")

    def s3_get_object(self, region: str, Key: str, **given: Any) -> Any:
        objects = self._bucket(**given)["objects"]
        if Key not in objects:
            raise refuse("NoSuchKey")
        return {"Body": objects[Key]}

    def s3_put_object(
        self, region: str, Key: str, Body: Any, IfNoneMatch: str = "", **given: Any
    ) -> None:
        body = Body if isinstance(Body, bytes) else Body.read()
        objects = self._bucket(**given)["objects"]
        if IfNoneMatch == "*" and Key in objects:
            raise refuse("PreconditionFailed")
        objects[Key] = body

    def s3_list_objects_v2(self, region: str, Prefix: str, **given: Any) -> Any:
        names = sorted(self._bucket(**given)["objects"])
        return {"Contents": [{"Key": name} for name in names if name.startswith(Prefix)]}

    def s3_delete_objects(self, region: str, Delete: Any, **given: Any) -> None:
        assert len(Delete["Objects"]) <= 1000
        for one in Delete["Objects"]:
            self._bucket(**given)["objects"].pop(one["Key"], None)

    # Lambda

    def _versions(self, region: str, name: str) -> list[dict[str, Any]]:
        found = _ARN.fullmatch(name)
        if found:
            assert found[1] == region
            name = found[3]
        return self.store.layers.setdefault((region, name), [])

    def _version(self, region: str, name: str, number: int) -> dict[str, Any]:
        for version in self._versions(region, name):
            if version["Version"] == number:
                return version
        raise refuse("ResourceNotFoundException", "no such layer version")

    def publish(self, name: str, description: str = "", region: str = "", size: int = 1) -> str:
        """Publishes as anybody could; the ARN of the version."""
        answer = self.lambda_publish_layer_version(
            region or self.region, name, Content={"ZipFile": b"x" * size}, Description=description
        )
        return str(answer["LayerVersionArn"])

    def lambda_publish_layer_version(
        self, region: str, LayerName: str, Content: Any, Description: str = "", **given: Any
    ) -> Any:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,140}", LayerName)
        assert len(Description) <= 256
        body = Content.get("ZipFile")
        if body is None:
            bucket = self.store.buckets[Content["S3Bucket"]]
            assert bucket["region"] == region, "the bucket is in another region"
            body = bucket["objects"][Content["S3Key"]]
        versions = self._versions(region, LayerName)
        arn = f"arn:aws:lambda:{region}:{self.account}:layer:{LayerName}"
        tick = next(self.store.clock)
        version = {
            "LayerArn": arn,
            "Version": versions[0]["Version"] + 1 if versions else 1,
            "Description": Description,
            "CreatedDate": f"2024-01-04T17:24:{tick % 60:02}.363+0000",
            "Content": {
                "CodeSha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
                "CodeSize": len(body),
            },
            **given,
            "policy": {},
        }
        version["LayerVersionArn"] = f"{arn}:{version['Version']}"
        versions.insert(0, version)
        return version

    def lambda_list_layer_versions(
        self, region: str, LayerName: str, MaxItems: int = 50, **_: Any
    ) -> Any:
        told = [
            {k: v for k, v in version.items() if k not in {"Content", "policy", "LayerArn"}}
            for version in self._versions(region, LayerName)
        ]
        return {"LayerVersions": told[:MaxItems]}

    def lambda_list_layers(self, region: str, **_: Any) -> Any:
        return {
            "Layers": [
                {"LayerName": name, "LatestMatchingVersion": versions[0]}
                for (where, name), versions in sorted(self.store.layers.items())
                if where == region and versions
            ]
        }

    def lambda_get_layer_version(self, region: str, LayerName: str, VersionNumber: int) -> Any:
        return self._version(region, LayerName, VersionNumber)

    def lambda_get_layer_version_by_arn(self, region: str, Arn: str) -> Any:
        found = _ARN.fullmatch(Arn)
        assert found
        return self._version(found[1], found[3], int(found[4]))

    def lambda_delete_layer_version(self, region: str, LayerName: str, VersionNumber: int) -> None:
        versions = self._versions(region, LayerName)
        versions[:] = [one for one in versions if one["Version"] != VersionNumber]

    def lambda_get_layer_version_policy(
        self, region: str, LayerName: str, VersionNumber: int
    ) -> Any:
        policy = self._version(region, LayerName, VersionNumber)["policy"]
        if not policy:
            raise refuse("ResourceNotFoundException", "No policy is associated")
        return {"Policy": json.dumps({"Statement": list(policy.values())})}

    def lambda_add_layer_version_permission(
        self,
        region: str,
        LayerName: str,
        VersionNumber: int,
        StatementId: str,
        Principal: str,
        Action: str,
        OrganizationId: str = "",
    ) -> None:
        assert Action == "lambda:GetLayerVersion"
        policy = self._version(region, LayerName, VersionNumber)["policy"]
        if StatementId in policy:
            raise refuse("ResourceConflictException", "The statement id already exists.")
        condition = {"StringEquals": {"aws:PrincipalOrgID": OrganizationId}}
        policy[StatementId] = {
            "Sid": StatementId,
            "Effect": "Allow",
            "Principal": "*" if Principal == "*" else {"AWS": f"arn:aws:iam::{Principal}:root"},
            "Action": Action,
            **({"Condition": condition} if OrganizationId else {}),
        }

    def lambda_remove_layer_version_permission(
        self, region: str, LayerName: str, VersionNumber: int, StatementId: str
    ) -> None:
        del self._version(region, LayerName, VersionNumber)["policy"][StatementId]

    def lambda_list_functions(self, region: str, FunctionVersion: str = "", **_: Any) -> Any:
        found = self.store.functions.get(region, [])
        live = [one for one in found if one.get("Version", "$LATEST") == "$LATEST"]
        return {"Functions": found if FunctionVersion == "ALL" else live}
