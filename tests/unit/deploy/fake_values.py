# ruff: noqa: N803  the parameters are named as AWS names them
"""An account in memory that also has parameters, secrets and objects."""

from __future__ import annotations

import re
from typing import Any

from fake_aws import FakeAws
from fake_services import refuse


class ValuesAws(FakeAws):
    """`parameters` by name, `secrets` by name (text or bytes), `objects` by bucket/key."""

    def __init__(self) -> None:
        super().__init__()
        self.parameters: dict[str, str] = {}
        self.secrets: dict[str, str | bytes] = {}
        self.objects: dict[str, bytes] = {}
        #: names of secrets that may not be read
        self.closed: set[str] = set()

    def writes(self) -> list[str]:
        return [name for name in super().writes() if ".batch_get_" not in name]

    def ssm_get_parameters(self, Names: list[str], WithDecryption: bool) -> Any:
        assert WithDecryption
        assert 0 < len(Names) <= 10
        assert len(set(Names)) == len(Names), "AWS refuses duplicates"
        found = []
        for name in Names:
            bare, _, label = name.partition(":")
            if bare in self.parameters:
                chosen = {"Selector": f":{label}"} if label else {}
                found.append({"Name": bare, "Value": self.parameters[bare] + label, **chosen})
        missing = [name for name in Names if name.partition(":")[0] not in self.parameters]
        return {"Parameters": found[::-1], "InvalidParameters": missing}

    def secretsmanager_batch_get_secret_value(
        self, SecretIdList: list[str], NextToken: str = ""
    ) -> Any:
        """One page holds up to 15 values."""
        assert 0 < len(SecretIdList) <= 20
        assert len(set(SecretIdList)) == len(SecretIdList)
        values, errors = [], []
        start = int(NextToken or 0)
        for written in SecretIdList[start : start + 15]:
            name = re.sub(r"arn:.*:secret:(.*?)(-[A-Za-z]{6})?\Z", r"\1", written)
            if name in self.closed:
                errors.append(error(written, "AccessDeniedException", "not for you."))
            elif name in self.secrets:
                held = self.secrets[name]
                key = "SecretString" if isinstance(held, str) else "SecretBinary"
                arn = self.arn("secretsmanager", f"secret:{name}-AbCdEf")
                values.append({"Name": name, "ARN": arn, key: held})
            else:
                errors.append(error(written, "ResourceNotFoundException", "can't find it"))
        more = {"NextToken": str(start + 15)} if start + 15 < len(SecretIdList) else {}
        return {"SecretValues": values, "Errors": errors, **more}

    def s3_get_object(self, Bucket: str, Key: str, Range: str) -> Any:
        body = self.objects.get(f"{Bucket}/{Key}")
        if body is None:
            known = {name.partition("/")[0] for name in self.objects}
            raise refuse("NoSuchKey" if Bucket in known else "NoSuchBucket", "no")
        if not body:
            raise refuse("InvalidRange", "The requested range is not satisfiable")
        first, last = (int(number) for number in Range.removeprefix("bytes=").split("-"))
        return {"Body": body[first : last + 1]}


def error(name: str, code: str, message: str) -> dict[str, str]:
    return {"SecretId": name, "ErrorCode": code, "Message": message}
