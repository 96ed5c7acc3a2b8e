"""``tc compose -c roles``: each role, and because of which edge it may do what."""

from __future__ import annotations

import json

import pytest
import yaml
from composing import Directory

from tc.compose.formats import write_roles
from tc.errors import UsageError
from tc.spec.topology import Topology

TEXT = """
name: etl
recursive: true
functions: {enhancer: {}, loader: {}}
routes: {/start: {state: flow, async: true}, /in: {function: enhancer}}
events: {Done: {state: flow}}
flow:
  StartAt: go
  States:
    go: {Type: Task, Resource: 'arn:aws:states:::lambda:invoke',
         Parameters: {FunctionName: '{{namespace}}_enhancer_{{sandbox}}'}, End: true}
"""
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Read",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::{{sandbox}}/*",
            "Condition": {"Bool": {"aws:SecureTransport": "true"}},
        },
        {"Effect": "Deny", "NotAction": ["s3:*"], "NotResource": ["*"]},
    ],
}
FILES = {
    "infrastructure/tc/etl/roles/enhancer.json": json.dumps(POLICY),
    "below/topology.yml": "name: below\n",
    "below/deep/handler.py": "x = 1\n",
}


@pytest.fixture
def topology(directory: Directory) -> Topology:
    return directory.write(TEXT, "enhancer loader", FILES).topology()


def test_the_tree_says_because_of_what(topology: Topology) -> None:
    text = write_roles(topology, "tree", ["roles/enhancer"])
    log_group = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/etl_enhancer_bob:*"
    assert text.splitlines() == [
        "etl",
        "└── roles/enhancer  for function enhancer, assumed by lambda.amazonaws.com",
        "    ├── its log group",
        "    │   └── may logs:CreateLogStream, logs:PutLogEvents",
        f"    │       └── on {log_group}",
        "    └── roles/enhancer.json",
        "        ├── may s3:GetObject",
        "        │   ├── on arn:aws:s3:::bob/*",
        "        │   └── if Bool aws:SecureTransport: true",
        "        └── may never anything but s3:*",
        "            └── on anything but *",
    ]


def test_every_role_of_every_topology_is_there(topology: Topology) -> None:
    text = write_roles(topology, "tree", ["roles"])
    heads = [
        line.split("roles/")[1].split(" ")[0] for line in text.splitlines() if "  for " in line
    ]
    assert heads == ["enhancer", "loader", "flow.etl", "event.Done", "api.etl", "deep"]
    assert [line for line in text.splitlines() if line[0].isalpha()] == ["etl", "below"]


@pytest.mark.parametrize(("form", "parse"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_data_has_whole_statements_with_their_cause(topology: Topology, form, parse) -> None:
    found = parse(write_roles(topology, form, ["roles"]))
    assert set(found["nodes"]["below"]["roles"]) == {"deep"}
    roles = found["roles"]
    assert roles["enhancer"]["for"] == "function/enhancer"
    assert roles["enhancer"]["assumed_by"] == "lambda.amazonaws.com"
    written = [s for s in roles["enhancer"]["statements"] if s["because"] == "roles/enhancer.json"]
    assert [{k: v for k, v in s.items() if k != "because"} for s in written] == [
        {**POLICY["Statement"][0], "Resource": "arn:aws:s3:::bob/*"},
        POLICY["Statement"][1],
    ]
    [go] = roles["flow.etl"]["statements"]
    assert (go["because"], go["Action"]) == ("state go", ["lambda:InvokeFunction"])
    [start] = roles["api.etl"]["statements"]
    assert (start["because"], start["Action"]) == ("route /start", ["states:StartExecution"])


def test_a_document_that_replaces_is_all_there_is(directory: Directory) -> None:
    path = "infrastructure/tc/etl/roles/enhancer.json"
    files = {path: json.dumps({**POLICY, "inherit": False, "Statement": POLICY["Statement"][0]})}
    topology = directory.write(TEXT, "enhancer loader", {**FILES, **files}).topology()
    found = json.loads(write_roles(topology, "json", ["roles/enhancer"]))
    [only] = found["roles"]["enhancer"]["statements"]
    assert only["Sid"] == "Read"


def test_several_may_be_named_but_nothing_else(topology: Topology) -> None:
    found = json.loads(write_roles(topology, "json", ["roles/loader", "roles/flow.etl"]))
    assert set(found["roles"]) == {"loader", "flow.etl"}
    for wrong in ("routes", "role", "roles/nobody", "roles/", "enhancer"):
        with pytest.raises(UsageError) as refused:
            write_roles(topology, "tree", ["roles", wrong])
        assert refused.value.code == "component"
        assert "roles/enhancer, roles/event.Done, roles/flow.etl" in refused.value.hint
    for form in ("mermaid", "dot", "asl"):
        with pytest.raises(UsageError, match=form):
            write_roles(topology, form, ["roles"])
