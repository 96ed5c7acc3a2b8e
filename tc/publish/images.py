"""The registry of images: Amazon ECR, one for each account and region.

A repository is named ``{namespace}/{function}``, or as `build.image_name` says. tc makes it where
it is missing and marks it; one of a derived name that tc didn't make is refused. Functions are
given images by their digest, so that a tag that moves changes nothing that runs.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tc.components.protocol import Aws
from tc.errors import AwsError, TcError
from tc.records import dataclass
from tc.spec.scope import dns_suffix

#: whose images a repository has
TAG = "tc:images"
#: a host of ECR (Amazon ECR user guide, "Private registries"; other partitions end otherwise)
_HOST = re.compile(r"(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+\Z")
_MISSING = frozenset({"RepositoryNotFoundException", "ImageNotFoundException"})
#: what the accounts that use an image may do, and Lambda for them (AWS Lambda developer guide,
#: "Amazon ECR cross-account permissions")
_PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


@dataclass(frozen=True, slots=True)
class Place:
    """A registry of ECR: of another account than the session's where `account` says so."""

    account: str
    region: str
    host: str


def place_of(aws: Aws, host: str = "") -> Place | None:
    """The registry to use: the one at `host`, else the account's own; None for a registry
    that isn't ECR."""
    if not host:
        own = f"{aws.account}.dkr.ecr.{aws.region}.{dns_suffix(aws.partition)}"
        return Place(aws.account, aws.region, own)
    found = _HOST.match(host)
    return Place(found[1], found[2], host) if found else None


class Images:
    """The images in `place`, by repository and tag. Nothing is called before it is needed."""

    def __init__(self, aws: Aws, place: Place):
        self._aws = aws
        self._place = place

    def _call(self, operation: str, **kwargs: Any) -> dict[str, Any]:
        region = self._place.region
        service = "ecr" if region == self._aws.region else f"ecr@{region}"
        return self._aws.call(service, operation, **kwargs)

    def uri(self, repository: str, digest: str) -> str:
        """The address of an image for Lambda, by its digest."""
        return f"{self._place.host}/{repository}@{digest}"

    def find(self, repository: str, tags: Iterable[str]) -> dict[str, str]:
        """The digests (``sha256:…``) of those `tags` that are there; one call."""
        wanted = list(dict.fromkeys(tags))
        found: dict[str, str] = {}
        try:
            answer = self._describe(repository, wanted)
        except AwsError as error:
            if error.aws_code not in _MISSING:
                raise
            if len(wanted) == 1 or error.aws_code == "RepositoryNotFoundException":
                return {}
            # one that is missing hides the others
            for tag in wanted:
                found |= self.find(repository, [tag])
            return found
        for image in answer["imageDetails"]:
            for tag in image.get("imageTags", ()):
                if tag in wanted:
                    found[tag] = str(image["imageDigest"])
        return found

    def has(self, repository: str, digest: str) -> bool:
        """Whether the image of a digest (``sha256:…``) is there."""
        try:
            self._call(
                "describe_images",
                registryId=self._place.account,
                repositoryName=repository,
                imageIds=[{"imageDigest": digest}],
            )
        except AwsError as error:
            if error.aws_code not in _MISSING:
                raise
            return False
        return True

    def _describe(self, repository: str, tags: list[str]) -> dict[str, Any]:
        return self._call(
            "describe_images",
            registryId=self._place.account,
            repositoryName=repository,
            imageIds=[{"imageTag": tag} for tag in tags],
        )

    def ensure(
        self, repository: str, owner: str, *, named: bool, tags: Mapping[str, str], adopt: bool
    ) -> bool:
        """Makes the repository where it is missing; whether it was.

        `owner` is the namespace whose images it has. With `named`, people have written its name
        and it is used as it is. Raises TcError ``foreign-repository`` for another's.
        """
        try:
            answer = self._call(
                "describe_repositories",
                registryId=self._place.account,
                repositoryNames=[repository],
            )
        except AwsError as error:
            if error.aws_code not in _MISSING:
                raise
            self._create(repository, owner, tags)
            return True
        if not named:
            self._check(answer["repositories"][0], owner, adopt=adopt)
        return False

    def _create(self, repository: str, owner: str, tags: Mapping[str, str]) -> None:
        marked = {**tags, TAG: owner}
        try:
            self._call(
                "create_repository",
                registryId=self._place.account,
                repositoryName=repository,
                imageScanningConfiguration={"scanOnPush": True},
                tags=[{"Key": key, "Value": value} for key, value in sorted(marked.items())],
            )
        except AwsError as error:
            # another run was quicker, or the answer to this call was lost
            if error.aws_code != "RepositoryAlreadyExistsException":
                raise
            answer = self._call("describe_repositories", repositoryNames=[repository])
            self._check(answer["repositories"][0], owner, adopt=False)

    def _check(self, found: Mapping[str, Any], owner: str, *, adopt: bool) -> None:
        arn = str(found["repositoryArn"])
        listed = self._call("list_tags_for_resource", resourceArn=arn)["tags"]
        mark = next((tag["Value"] for tag in listed if tag["Key"] == TAG), "")
        if mark == owner:
            return
        if not adopt:
            whose = f"belongs to {mark}" if mark else "wasn't made by tc"
            raise TcError(
                f"the repository `{found['repositoryName']}` {whose}",
                code="foreign-repository",
                where=arn,
                hint="write another `build.image_name`, or use this one: --adopt",
            )
        self._call("tag_resource", resourceArn=arn, tags=[{"Key": TAG, "Value": owner}])

    def share(self, repository: str, accounts: Iterable[str]) -> bool:
        """Lets `accounts` use the images: them and nobody else, Lambda for them besides; whether
        that had to be written."""
        import json

        others = sorted({one for one in accounts if one and one != self._place.account})
        if not others:
            return False
        wanted = json.dumps(pull_policy(others, self._aws.partition, self._place.region))
        try:
            answer = self._call(
                "get_repository_policy",
                registryId=self._place.account,
                repositoryName=repository,
            )
            if json.loads(answer["policyText"]) == json.loads(wanted):
                return False
        except AwsError as error:
            if error.aws_code != "RepositoryPolicyNotFoundException":
                raise
        self._call("set_repository_policy", repositoryName=repository, policyText=wanted)
        return True

    def login(self) -> dict[str, str]:
        """User name and password for the registry, for twelve hours; kept in memory alone."""
        answer = self._call("get_authorization_token")
        token = answer["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        return {"username": user, "password": password}


def pull_policy(accounts: Iterable[str], partition: str, region: str) -> dict[str, Any]:
    """Who may use the images of a repository, besides its own account."""
    named = list(accounts)
    roots = [f"arn:{partition}:iam::{account}:root" for account in named]
    functions = [f"arn:{partition}:lambda:{region}:{account}:function:*" for account in named]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Accounts",
                "Effect": "Allow",
                "Principal": {"AWS": roots},
                "Action": _PULL,
            },
            {
                "Sid": "Functions",
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": _PULL,
                "Condition": {"StringLike": {"aws:sourceArn": functions}},
            },
        ],
    }


def missing(function: str, name: str, where: str) -> TcError:
    """The image of a function isn't in the registry."""
    return TcError(
        f"the image {name} of `{function}` isn't there",
        code="no-image",
        where=where,
        hint=f"tc build --kind image --publish -c {function}",
    )
