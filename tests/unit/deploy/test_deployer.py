"""The policy of a deployer: it allows what tc calls, and nothing that tc never calls."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from composing import Directory
from deploying import create, delete, failures, plan
from every_kind import FILES, text
from fake_aws import FakeAws
from fake_store import FakeStore

import tc
from tc.components import actions, grants, kinds
from tc.deploy import deployer
from tc.events import silent
from tc.publish import layers
from tc.publish.pruning import prune
from tc.spec.layer import BuiltLayer, LayerPart, Platform
from tc.spec.topology import Topology

PROJECT = Path(tc.__file__).parent
#: names of services in botocore -> in IAM, where these differ
SERVICES = {"resourcegroupstaggingapi": "tag", "stepfunctions": "states"}
#: operations whose action in IAM is named otherwise, or that take others besides
NAMED = {
    "cloudfront.create_distribution_with_tags": "CreateDistribution TagResource",
    "cognito-idp.create_user_pool": "CreateUserPool TagResource",
    "lambda.invoke": "InvokeFunction",
    "s3.delete_bucket_cors": "PutBucketCORS",
    "s3.delete_bucket_encryption": "PutEncryptionConfiguration",
    "s3.delete_bucket_lifecycle": "PutLifecycleConfiguration",
    "s3.delete_objects": "DeleteObject",
    "s3.get_bucket_cors": "GetBucketCORS",
    "s3.get_bucket_encryption": "GetEncryptionConfiguration",
    "s3.get_bucket_lifecycle_configuration": "GetLifecycleConfiguration",
    "s3.get_bucket_notification_configuration": "GetBucketNotification",
    "s3.get_public_access_block": "GetBucketPublicAccessBlock",
    "s3.head_object": "GetObject",
    "s3.list_buckets": "ListAllMyBuckets",
    "s3.list_object_versions": "ListBucketVersions",
    "s3.list_objects_v2": "ListBucket",
    "s3.put_bucket_cors": "PutBucketCORS",
    "s3.put_bucket_encryption": "PutEncryptionConfiguration",
    "s3.put_bucket_lifecycle_configuration": "PutLifecycleConfiguration",
    "s3.put_bucket_notification_configuration": "PutBucketNotification",
    "s3.put_public_access_block": "PutBucketPublicAccessBlock",
    "stepfunctions.start_sync_execution": "StartSyncExecution",
}
#: what AWS wants besides the action that is called (their API references)
BESIDES = {
    "apigateway:TagResource",
    "cloudfront:TagResource",
    "cognito-idp:TagResource",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:GetRepositoryPolicy",
    "elasticfilesystem:DescribeAccessPoints",
    "elasticfilesystem:DescribeMountTargets",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "s3:DeleteObjectVersion",
    "s3:TagResource",
    "secretsmanager:CreateSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecret",
}
#: the services that tc calls, in botocore
CALLED = (
    "acm",
    "apigateway",
    "apigatewayv2",
    "appsync",
    "athena",
    "cloudfront",
    "cloudwatch",
    "cognito-idp",
    "dynamodb",
    "ecr",
    "events",
    "firehose",
    "glue",
    "iam",
    "lambda",
    "logs",
    "pipes",
    "resourcegroupstaggingapi",
    "s3",
    "scheduler",
    "secretsmanager",
    "sqs",
    "ssm",
    "stepfunctions",
)
#: actions that take no ARN
ANYWHERE = re.compile(r"[a-z0-9-]+:(List|BatchGet|Describe(LogGroups|S|V|M|A)|GetResources)\w*\Z")


@cache
def model(service: str) -> dict[str, Any]:
    """The operations of a service by their names in Python."""
    loader = botocore.session.get_session().get_component("data_loader")
    found = loader.load_service_model(service, "service-2")["operations"]
    return {xform_name(name): operation for name, operation in found.items()}


def allowed_by(operation: str) -> set[str]:
    """The actions of IAM that a call takes: ``apigatewayv2.get_apis`` is ``apigateway:GET``."""
    service, _, name = operation.partition(".")
    service = service.partition("@")[0]
    if service.startswith("apigateway"):
        return {f"apigateway:{model(service)[name]['http']['method']}"}
    # CloudFront's operations end in the date of their version
    words = NAMED.get(operation) or re.sub(r"\d{4}_\d\d_\d\d\Z", "", model(service)[name]["name"])
    return {f"{SERVICES.get(service, service)}:{word}" for word in words.split()}


def written(*directories: str) -> Iterator[str]:
    """Every call that stands in the code: ``lambda.get_function``."""
    services = set(botocore.session.get_session().get_available_services())
    for directory in directories:
        for file in (PROJECT / directory).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call | ast.Tuple):
                    parts = node.args if isinstance(node, ast.Call) else node.elts
                    yield from _pairs(parts, services)


def _pairs(parts: list[ast.expr], services: set[str]) -> Iterator[str]:
    for first, second in pairwise(parts):
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            service = first.value.partition("@")[0]
            for one in ast.walk(second) if service in services else ():
                if isinstance(one, ast.Constant) and one.value in model(service):
                    yield f"{service}.{one.value}"


def spoken_of() -> Iterator[str]:
    """Every operation whose name is a text in the code, wherever it stands."""
    nodes = (
        node for file in PROJECT.rglob("*.py") for node in ast.walk(ast.parse(file.read_text()))
    )
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    for service in CALLED:
        yield from (f"{service}.{name}" for name in model(service) if name in texts)


def given(found: list[dict[str, Any]]) -> set[str]:
    return {action for statement in found for action in statement["Action"]}


def allows(found: list[dict[str, Any]], action: str, arn: str) -> bool:
    return any(
        action in statement["Action"]
        and any(fnmatchcase(arn, pattern) for pattern in statement["Resource"])
        for statement in found
    )


@pytest.fixture
def topology(directory: Directory) -> Topology:
    return directory.write(text("etl", ("a", "b", "c")), "a b c", FILES).composed().topology


def test_every_kind_says_what_it_takes() -> None:
    assert {kind.KIND for kind in kinds()} - set(actions.ACTIONS) == set()


def test_each_call_that_is_made_is_allowed(topology: Topology) -> None:
    found = deployer.statements(topology)
    aws = FakeAws()
    assert failures(create(aws, topology)) == []
    plan(aws, topology)
    delete(aws, topology)
    refused = {name for name in aws.names() if not allowed_by(name) <= given(found)}
    assert refused == set()


def test_each_call_for_a_small_topology_is_allowed(directory: Directory) -> None:
    topology = directory.write("name: etl", "a").composed().topology
    found = deployer.statements(topology)
    aws = FakeAws()
    assert failures(create(aws, topology)) == []
    plan(aws, topology)
    delete(aws, topology)
    refused = {name for name in aws.names() if not allowed_by(name) <= given(found)}
    assert refused == set()


def test_a_diff_takes_what_the_reader_may(topology: Topology) -> None:
    aws = FakeAws()
    create(aws, topology)
    aws.forget()
    plan(aws, topology)
    found = deployer.statements(topology, writes=False)
    refused = {name for name in aws.names() if not allowed_by(name) <= given(found)}
    assert refused == set()
    writing = [a for a in given(found) if not re.match(r"[\w-]+:(Get|GET|List|Desc|Scan|Filt)", a)]
    assert writing == []


def test_each_call_of_a_kind_that_stands_in_the_code_is_allowed() -> None:
    every = [*grants.ALWAYS, *grants.LAYERS]
    every += [grant for some in actions.ACTIONS.values() for grant in some]
    known = {action for grant in every for action in grant.actions(writes=True)}
    known |= {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}
    refused = {name for name in written("components") if not allowed_by(name) <= known}
    # nobody who deploys may take a boundary off
    assert refused == {"iam.delete_role_permissions_boundary"}


def test_nothing_is_allowed_that_is_never_called() -> None:
    tables = [*actions.ACTIONS.values(), *grants.TRIALS.values()]
    tables += [grants.ALWAYS, grants.ARTIFACTS, grants.LAYERS, grants.IMAGES, actions.CANARY]
    tables += [grants.PUBLISHING, grants.BODIES]
    known = {a for table in tables for grant in table for a in grant.actions(writes=True)}
    called = {action for name in spoken_of() for action in allowed_by(name)}
    assert known - called - BESIDES == set()


def test_what_is_made_has_names_that_the_policy_is_limited_to(topology: Topology) -> None:
    found = deployer.statements(topology)
    aws = FakeAws()
    create(aws, topology)
    base = "arn:aws:{}:eu-west-1:111122223333:{}"
    for function in aws.functions.values():
        assert allows(found, "lambda:CreateFunction", function["arn"])
    for role in aws.roles.values():
        assert allows(found, "iam:CreateRole", role["role"]["Arn"])
        assert allows(found, "iam:PassRole", role["role"]["Arn"])
    for machine in aws.machines.values():
        assert allows(found, "states:CreateStateMachine", machine["stateMachineArn"])
    for name in aws.groups:
        assert allows(found, "logs:CreateLogGroup", base.format("logs", f"log-group:{name}"))
    for name in aws.tables:
        assert allows(found, "dynamodb:CreateTable", base.format("dynamodb", f"table/{name}"))
    for name in aws.buckets:
        assert allows(found, "s3:CreateBucket", f"arn:aws:s3:::{name}")
    assert not allows(found, "lambda:DeleteFunction", base.format("lambda", "function:etl_a_amy"))
    assert not allows(found, "lambda:DeleteFunction", base.format("lambda", "function:pay_a_bob"))
    assert not allows(found, "iam:PassRole", "arn:aws:iam::111122223333:role/admin")


def test_only_what_takes_no_arn_is_allowed_everywhere(topology: Topology) -> None:
    found = deployer.statements(topology)
    anywhere = [a for one in found if one["Resource"] == ["*"] for a in one["Action"]]
    creates = {
        "appsync:CreateApi",
        "appsync:CreateGraphqlApi",
        "cloudfront:CreateOriginAccessControl",
        "cloudfront:CreateResponseHeadersPolicy",
        "cognito-idp:CreateUserPool",
        "lambda:CreateEventSourceMapping",
    }
    assert {a for a in anywhere if not ANYWHERE.match(a)} == creates


def test_it_is_for_every_sandbox_where_none_is_named(directory: Directory) -> None:
    topology = directory.write("name: etl", "a").composed(sandbox="{{sandbox}}").topology
    found = deployer.statements(topology)
    for sandbox in ("bob", "pr-7"):
        arn = f"arn:aws:lambda:eu-west-1:111122223333:function:etl_a_{sandbox}"
        assert allows(found, "lambda:CreateFunction", arn)


def test_what_may_be_stable_goes_live_by_versions(directory: Directory) -> None:
    written = directory.write("name: etl", "a")
    stable = given(deployer.statements(written.composed(sandbox="live", stable=True).topology))
    every = given(deployer.statements(written.composed(sandbox="{{sandbox}}").topology))
    bob = given(deployer.statements(written.composed().topology))
    more = {"lambda:PublishVersion", "lambda:UpdateAlias", "scheduler:CreateSchedule"}
    assert more <= stable
    assert more <= every
    assert not more & bob


def test_a_name_that_is_cut_is_named(directory: Directory) -> None:
    name = "f" * 60
    topology = directory.write("name: etl", name).composed().topology
    cut = topology.function_name(name)
    assert len(cut) == 64
    found = deployer.statements(topology)
    for action in ("CreateFunction", "InvokeFunction"):
        arn = f"arn:aws:lambda:eu-west-1:111122223333:function:{cut}"
        assert allows(found, f"lambda:{action}", arn)


def test_a_boundary_is_a_condition_of_making_roles(directory: Directory) -> None:
    boundary = "arn:aws:iam::{{account}}:policy/edge"
    topology = directory.write("name: etl", "a").composed(role_boundary=boundary).topology
    found = deployer.statements(topology)
    making = [one for one in found if "iam:CreateRole" in one["Action"]]
    assert len(making) == 1
    assert making[0]["Action"] == [
        "iam:CreateRole",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
    ]
    known = "arn:aws:iam::111122223333:policy/edge"
    assert making[0]["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": known}}


def test_roles_are_handed_to_the_services_of_the_topology_only(directory: Directory) -> None:
    found = deployer.statements(directory.write("name: etl", "a").composed().topology)
    passing = [one for one in found if "iam:PassRole" in one["Action"]]
    assert [one["Condition"] for one in passing] == [
        {"StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com"]}}
    ]
    # a schedule ends a canary whose command line has died
    stable = deployer.statements(directory.write("name: etl", "a").composed(stable=True).topology)
    (condition,) = [one["Condition"] for one in stable if "iam:PassRole" in one["Action"]]
    services = ["lambda.amazonaws.com", "scheduler.amazonaws.com"]
    assert condition == {"StringEquals": {"iam:PassedToService": services}}


def test_values_are_read_by_name(directory: Directory) -> None:
    variables = {
        "A": "ssm:/etl/key",
        "B": "secretsmanager:etl/db#password",
        "C": "s3://keys/etl.txt",
        "D": "plain",
    }
    function = {"runtime": {"lang": "python3.13", "environment": variables}}
    text = json.dumps({"name": "etl", "functions": {"a": function}})
    found = deployer.statements(directory.write(text, "a").composed().topology, writes=False)
    base = "arn:aws:{}:eu-west-1:111122223333:{}"
    assert allows(found, "ssm:GetParameters", base.format("ssm", "parameter/etl/key"))
    assert allows(
        found,
        "secretsmanager:GetSecretValue",
        base.format("secretsmanager", "secret:etl/db-AbCdEf"),
    )
    assert allows(found, "s3:GetObject", "arn:aws:s3:::keys/etl.txt")


def test_a_policy_that_is_too_long_is_split(topology: Topology) -> None:
    whole = deployer.statements(topology, bucket="artifacts")
    parts = deployer.split(whole)
    assert len(parts) > 1
    assert [one for part in parts for one in part] == whole
    assert all(deployer.size(part) <= deployer.POLICY_LIMIT for part in parts)
    joined = json.dumps(deployer.document(parts[0]), separators=(",", ":"))
    assert len(joined) == deployer.size(parts[0])


def test_a_statement_that_fits_in_no_policy_is_split(directory: Directory) -> None:
    variables = {f"V{number}": f"ssm:/etl/{'long' * 20}/{number}" for number in range(100)}
    function = {"runtime": {"lang": "python3.13", "environment": variables}}
    written = json.dumps({"name": "etl", "functions": {"a": function}})
    whole = deployer.statements(directory.write(written, "a").composed().topology)
    parts = deployer.split(whole)
    assert all(deployer.size(part) <= deployer.POLICY_LIMIT for part in parts)

    def rights(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
        return {(action, on) for one in found for action in one["Action"] for on in one["Resource"]}

    assert rights([one for part in parts for one in part]) == rights(whole)


LAYER = "arn:aws:lambda:us-east-1:111122223333:layer:{}"


def test_who_deploys_publishes_the_layers_of_the_topology_where_they_are(
    directory: Directory,
) -> None:
    topology = directory.write("name: etl", "a").composed().topology
    found = deployer.statements(topology, layers=["etl-a"])
    assert "lambda:ListLayerVersions" in given(found)
    for name in ("etl-a", "etl-a-0", "etl-a-12"):
        assert allows(found, "lambda:PublishLayerVersion", LAYER.format(name))
        assert allows(found, "lambda:DeleteLayerVersion", LAYER.format(f"{name}:3"))
    for name in ("etl-a-stable", "pay-a", "etl-b"):
        assert not allows(found, "lambda:PublishLayerVersion", LAYER.format(name))
    for other in ({"apart": True}, {"writes": False}):
        found = deployer.statements(topology, layers=["etl-a"], **other)
        assert "lambda:ListLayerVersions" in given(found)
        assert "lambda:PublishLayerVersion" not in given(found)


def test_who_keeps_layers_for_others_may_write_versions_only_for_stable_sandboxes(
    directory: Directory,
) -> None:
    written = directory.write("name: etl", "a")
    bucket = "tc-{{account}}-{{region}}"
    for stable in (False, True):
        topology = written.composed(sandbox="pr-7", stable=stable).topology
        found = deployer.publishing(topology, bucket=bucket, layers=["etl-a"])
        there = "arn:aws:s3:::tc-111122223333-us-east-1/"
        assert allows(found, "lambda:PublishLayerVersion", LAYER.format("etl-a"))
        assert allows(found, "s3:PutObject", f"{there}layers/1f.zip")
        assert not allows(found, "s3:DeleteObject", f"{there}layers/1f.zip")
        assert allows(found, "s3:PutObject", f"{there}manifests/etl/0.1.0.json") is stable
        assert "lambda:CreateFunction" not in given(found)
    without = deployer.publishing(topology, bucket=bucket, layers=[])
    assert {action.partition(":")[0] for action in given(without)} == {"s3"}


def test_each_call_that_publishes_layers_is_allowed(tmp_path: Path, directory: Directory) -> None:
    topology = directory.write("name: etl", "a").composed().topology
    allowed = given(deployer.publishing(topology, bucket="artifacts", layers=["etl-a"]))
    aws = FakeStore()
    for body in (b"one", b"two", b"three"):
        sha = hashlib.sha256(body).digest()
        (tmp_path / "body").write_bytes(body)
        part = LayerPart(tmp_path / "body", b64encode(sha).decode(), len(body), 9)
        layer = BuiltLayer("etl-a", "etl", sha.hex(), Platform("python3.12", "arm64"), (part,))
        steps = layers.plan(aws, [layer], ["eu-west-1"])
        layers.carry_out(aws, steps, "artifacts", ("999999999999",), silent)
    assert prune(aws, ["etl-a"], "eu-west-1", 1)
    refused = {name for name in aws.names() if not allowed_by(name) <= allowed}
    assert refused == set()
