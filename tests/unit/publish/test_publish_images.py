"""The registry of images: repositories made once, images found by tag, used by digest."""

from __future__ import annotations

import hashlib
import json

import pytest

from tc.aws.session import Aws
from tc.errors import TcError
from tc.publish.images import TAG, Images, place_of

ACCOUNT = "123456789012"
HOST = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.fixture
def images(aws: Aws) -> Images:
    place = place_of(aws)
    assert place is not None
    return Images(aws, place)


def ensure(images: Images, owner: str = "etl", *, named: bool = False, adopt: bool = False) -> bool:
    return images.ensure("etl/one", owner, named=named, tags={"team": "data"}, adopt=adopt)


def put(aws: Aws, *tags: str, text: str = "a") -> str:
    """An image with `tags`; its digest."""
    config = {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": 1,
        "digest": "sha256:" + hashlib.sha256(text.encode()).hexdigest(),
    }
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
    digest = ""
    for tag in tags:
        answer = aws.call(
            "ecr",
            "put_image",
            repositoryName="etl/one",
            imageManifest=json.dumps(manifest),
            imageTag=tag,
        )
        digest = str(answer["image"]["imageId"]["imageDigest"])
    return digest


def tags_of(aws: Aws) -> dict[str, str]:
    arn = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/etl/one"
    listed = aws.call("ecr", "list_tags_for_resource", resourceArn=arn)["tags"]
    return {tag["Key"]: tag["Value"] for tag in listed}


def test_a_repository_is_made_once_scanned_and_marked(aws: Aws, images: Images) -> None:
    assert ensure(images) is True
    (found,) = aws.call("ecr", "describe_repositories")["repositories"]
    assert found["repositoryName"] == "etl/one"
    assert found["imageScanningConfiguration"] == {"scanOnPush": True}
    assert tags_of(aws) == {"team": "data", TAG: "etl"}
    written = aws.written
    assert ensure(images) is False
    assert aws.written == written


def test_a_repository_of_somebody_else_is_refused_unless_it_is_adopted_or_named(
    aws: Aws, images: Images
) -> None:
    aws.call("ecr", "create_repository", repositoryName="etl/one")
    written = aws.written
    with pytest.raises(TcError) as caught:
        ensure(images)
    assert caught.value.code == "foreign-repository"
    # people wrote its name: it is used as it is
    assert ensure(images, named=True) is False
    assert aws.written == written
    assert ensure(images, adopt=True) is False
    assert tags_of(aws) == {TAG: "etl"}
    with pytest.raises(TcError, match="belongs to etl"):
        ensure(images, "other")


def test_images_are_found_by_tag_and_used_by_digest(aws: Aws, images: Images) -> None:
    assert images.find("etl/one", ["tc-1"]) == {}
    ensure(images)
    digest = put(aws, "tc-1", "1.0")
    assert images.find("etl/one", ["tc-1", "1.0"]) == {"tc-1": digest, "1.0": digest}
    # one that is missing doesn't hide the other
    assert images.find("etl/one", ["tc-1", "2.0"]) == {"tc-1": digest}
    assert images.find("etl/one", ["2.0"]) == {}
    assert images.uri("etl/one", digest) == f"{HOST}/etl/one@{digest}"


def test_a_lookup_is_one_call(aws: Aws, images: Images) -> None:
    ensure(images)
    put(aws, "tc-1", "1.0")
    before = sum(aws.calls.values())
    images.find("etl/one", ["tc-1", "1.0"])
    assert sum(aws.calls.values()) == before + 1


def test_other_accounts_may_pull_and_nobody_else(aws: Aws, images: Images) -> None:
    ensure(images)
    assert images.share("etl/one", [ACCOUNT]) is False
    assert images.share("etl/one", [ACCOUNT, "111122223333"]) is True
    answer = aws.call("ecr", "get_repository_policy", repositoryName="etl/one")
    accounts, functions = json.loads(answer["policyText"])["Statement"]
    assert accounts["Principal"] == {"AWS": ["arn:aws:iam::111122223333:root"]}
    assert functions["Principal"] == {"Service": "lambda.amazonaws.com"}
    source = functions["Condition"]["StringLike"]["aws:sourceArn"]
    assert source == ["arn:aws:lambda:eu-west-1:111122223333:function:*"]
    written = aws.written
    assert images.share("etl/one", ["111122223333"]) is False
    assert aws.written == written


def test_the_login_is_what_docker_takes(images: Images) -> None:
    assert images.login().keys() == {"username", "password"}
    assert images.login()["username"] == "AWS"


def test_the_registry_is_the_accounts_own_or_the_one_that_is_written(aws: Aws) -> None:
    own = place_of(aws)
    assert own is not None
    assert own.host == HOST
    other = place_of(aws, "999988887777.dkr.ecr.us-east-2.amazonaws.com")
    assert other is not None
    assert (other.account, other.region) == ("999988887777", "us-east-2")
    assert place_of(aws, "127.0.0.1:5000") is None
