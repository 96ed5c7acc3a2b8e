"""What a function's role may do, to the letter."""

from __future__ import annotations

import json
from typing import Any

from composing import Directory

from tc.components.role import policy_of

ACCOUNT = "eu-west-1:111122223333"
POINT = f"arn:aws:elasticfilesystem:{ACCOUNT}:access-point/fsap-0123456789abcdef0"
FILES = f"arn:aws:s3files:{ACCOUNT}:file-system/fs-0123456789abcdef0"
KEY = f"arn:aws:kms:{ACCOUNT}:key/k1"
NETWORK = {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}
LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": [f"arn:aws:logs:{ACCOUNT}:log-group:/aws/lambda/etl_one_bob:*"],
}
VPC = [
    {
        "Effect": "Allow",
        "Action": [
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ],
        "Resource": ["*"],
    },
    {
        "Effect": "Allow",
        "Action": [
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:UnassignPrivateIpAddresses",
        ],
        "Resource": [f"arn:aws:ec2:{ACCOUNT}:*/*"],
    },
]


def statements(
    directory: Directory, runtime: dict[str, Any], variables: dict[str, Any], policy: Any = None
) -> list[Any]:
    topology = {"name": "etl", "functions": {"one": {"runtime": runtime}}}
    files = {"infrastructure/tc/etl/vars/one.json": json.dumps({"default": variables})}
    if policy:
        files["infrastructure/tc/etl/roles/one.json"] = json.dumps(policy)
    (role,) = directory.write(json.dumps(topology), "one", files).topology().roles
    found: list[Any] = policy_of(role)["Statement"]
    return found


def test_a_vpc(directory: Directory) -> None:
    assert statements(directory, {}, {"network": NETWORK}) == [LOGS, *VPC]


def test_a_file_system_by_its_access_point(directory: Directory) -> None:
    found = statements(directory, {}, {"network": NETWORK, "filesystem": {"arn": POINT}})
    assert found == [
        LOGS,
        *VPC,
        {
            "Effect": "Allow",
            "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
            "Resource": [f"arn:aws:elasticfilesystem:{ACCOUNT}:file-system/*"],
            "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": POINT}},
        },
    ]


def test_a_file_system_of_s3(directory: Directory) -> None:
    point = f"{FILES}/access-point/fsap-0123456789abcdef0"
    runtime = {"fs": {"kind": "s3", "access_point": point}}
    assert statements(directory, runtime, {"network": NETWORK})[-1] == {
        "Effect": "Allow",
        "Action": ["s3files:ClientMount", "s3files:ClientWrite"],
        "Resource": [FILES],
        "Condition": {"StringEquals": {"s3files:AccessPointArn": point}},
    }


def test_a_key(directory: Directory) -> None:
    assert statements(directory, {"kms_key": KEY}, {}) == [
        LOGS,
        {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": [KEY]},
    ]


def test_a_document_is_merged_whole(directory: Directory) -> None:
    written = [
        {
            "Sid": "Most",
            "Effect": "Allow",
            "NotAction": ["iam:*"],
            "NotResource": ["arn:aws:s3:::secret/*"],
            "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
        },
        {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::secret/*"},
    ]
    policy = {"Version": "2012-10-17", "Id": "mine", "Statement": written}
    assert statements(directory, {}, {}, policy) == [LOGS, *written]
    assert statements(directory, {}, {}, {**policy, "inherit": False}) == written
    assert statements(directory, {}, {}, {"Statement": written[1]}) == [LOGS, written[1]]


def test_who_has_another_role_gets_none(directory: Directory) -> None:
    topology = {"name": "etl", "functions": {"one": {"runtime": {"role": "mine"}}}}
    assert directory.write(json.dumps(topology), "one").topology().roles == ()
