# ruff: noqa: N803  the parameters are named as AWS names them
"""The account of `fake_store`, with a file system: invoking the publisher runs its own code, in
this process, on a directory."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from fake_store import FakeStore, refuse

from tc.publish import publisher
from tc.publish.publisher import asset


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


class FakeFiles(FakeStore):
    """`mount` is the directory that the publisher sees as its file system."""

    def __init__(self, mount: Path, patch: pytest.MonkeyPatch, **given: Any) -> None:
        super().__init__(**given)
        self.roles: dict[str, dict[str, Any]] = {}
        self.policies: dict[str, dict[str, Any]] = {}
        self.live: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, int] = {}
        self.sent: list[int] = []
        patch.setenv("MOUNT", str(mount))
        patch.setattr(asset.Asset, "fetch", self._fetch())

    def _fetch(self) -> Any:
        def fetch(one: asset.Asset, key: str) -> bytes | None:
            found: bytes | None = self.objects(one.bucket).get(key)
            return found

        return fetch

    def objects(self, bucket: str = "") -> dict[str, bytes]:
        name = bucket or next(iter(self.store.buckets))
        found: dict[str, bytes] = self.store.buckets[name]["objects"]
        return found

    def parts(self) -> list[str]:
        """What is on its way in the bucket."""
        return [key for key in self.objects() if "transit/" in key]

    def s3_put_object(self, region: str, Key: str, Body: Any, **given: Any) -> None:
        if "transit/" in Key:
            self.sent.append(len(Body))
        super().s3_put_object(region, Key=Key, Body=Body, **given)

    # IAM, logs

    def iam_create_role(self, region: str, RoleName: str, **given: Any) -> Any:
        if RoleName in self.roles:
            raise refuse("EntityAlreadyExists")
        self.roles[RoleName] = given
        return {"Role": given}

    def iam_get_role(self, region: str, RoleName: str) -> Any:
        return {"Role": self.roles[RoleName]}

    def iam_put_role_policy(
        self, region: str, RoleName: str, PolicyDocument: str, **_: Any
    ) -> None:
        self.policies[RoleName] = json.loads(PolicyDocument)

    def logs_create_log_group(self, region: str, logGroupName: str, **_: Any) -> None:
        if logGroupName in self.groups:
            raise refuse("ResourceAlreadyExistsException")
        self.groups[logGroupName] = 0

    def logs_put_retention_policy(
        self, region: str, logGroupName: str, retentionInDays: int
    ) -> None:
        self.groups[logGroupName] = retentionInDays

    # Lambda

    def lambda_get_function(self, region: str, FunctionName: str) -> Any:
        if FunctionName not in self.live:
            raise refuse("ResourceNotFoundException")
        found = self.live[FunctionName]
        return {"Configuration": found, "Tags": found["Tags"]}

    def lambda_create_function(
        self, region: str, FunctionName: str, Code: Any, **given: Any
    ) -> Any:
        if FunctionName in self.live:
            raise refuse("ResourceConflictException", "Function already exist")
        digest = base64.b64encode(hashlib.sha256(Code["ZipFile"]).digest()).decode()
        self.live[FunctionName] = {**given, "CodeSha256": digest, "State": "Active"}
        return {}

    def lambda_update_function_code(self, region: str, FunctionName: str, ZipFile: bytes) -> None:
        digest = base64.b64encode(hashlib.sha256(ZipFile).digest()).decode()
        self.live[FunctionName]["CodeSha256"] = digest

    def lambda_update_function_configuration(
        self, region: str, FunctionName: str, **given: Any
    ) -> None:
        self.live[FunctionName].update(given)

    def lambda_invoke(self, region: str, FunctionName: str, Payload: bytes) -> Any:
        assert FunctionName in self.live
        assert len(Payload) < 6 * 1024 * 1024
        answer = json.dumps(publisher.handler(json.loads(Payload), Context())).encode()
        assert len(answer) < 6 * 1024 * 1024
        return {"Payload": answer}
