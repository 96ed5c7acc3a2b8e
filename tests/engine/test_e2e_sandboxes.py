"""Sandboxes side by side, and things that belong to somebody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e_support import ACCOUNT, Lab, Project, copied, deployed

pytestmark = pytest.mark.engine

ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
PASS = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}})
TOPOLOGY = """\
name: mine
routes:
  /one: { function: one }
events:
  Placed: { producer: shop, function: one }
flow:
  StartAt: first
  States:
    first:
      Type: Task
      Resource: arn:{{partition}}:states:::lambda:invoke
      Parameters: { FunctionName: '{{namespace}}_one_{{sandbox}}', Payload.$: $ }
      End: true
"""


def test_deleting_one_sandbox_leaves_the_other_intact(lab: Lab, tmp_path: Path) -> None:
    bob = copied(lab, "chain", tmp_path)
    alice = bob.in_sandbox("alice")
    with deployed(bob):
        with deployed(alice):
            pass
        bob.same()
        bob.tc("invoke", "--sync", "--payload", '{"order": "o", "quantity": 2}')


def test_an_event_of_one_sandbox_fires_nothing_of_another(lab: Lab, tmp_path: Path) -> None:
    bob = copied(lab, "chain", tmp_path)
    alice = bob.in_sandbox("alice")
    with deployed(bob), deployed(alice):
        bob.tc("invoke", "--sync", "--payload", '{"order": "of bob", "quantity": 2}')
        bob.tc("invoke", "-c", "events/Shipped", "--payload", '{"order": "sent by bob"}')
        assert len(lab.wait_logged("chain_record_bob", 2)) == 2
        assert lab.logged("chain_record_alice") == []

        entry = {"DetailType": "Shipped", "Source": "default", "Detail": '{"order": "others"}'}
        lab.client("events").put_events(Entries=[entry])
        assert "others" in lab.wait_logged("chain_record_bob", 3)[2]
        assert "others" in lab.wait_logged("chain_record_alice")[0]


def test_two_sandboxes_share_a_gateway_that_goes_with_the_last(lab: Lab, tmp_path: Path) -> None:
    bob = copied(lab, "gateway", tmp_path)
    alice, stable = bob.in_sandbox("alice"), bob.in_sandbox("stable")
    with deployed(bob) as at_bob:
        with deployed(alice) as at_alice, deployed(stable) as at_stable:
            (b,), (a,), (s,) = at_bob.values(), at_alice.values(), at_stable.values()
            assert lab.http("GET", a).json == {"hello": "alice", "path": "/alice/hello"}
            assert lab.http("GET", s).json == {"hello": "stable", "path": "/hello"}
            assert lab.http("GET", b).json == {"hello": "bob", "path": "/bob/hello"}
        bob.same()
        assert lab.http("GET", b).status == 200
        assert lab.http("GET", a).status == 404


def test_a_gateway_that_tc_did_not_make_is_used_and_kept(lab: Lab, tmp_path: Path) -> None:
    apis = lab.client("apigatewayv2")
    api = apis.create_api(Name="shared-by-all", ProtocolType="HTTP")["ApiId"]
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    try:
        with deployed(copied(lab, "gateway", tmp_path)) as at:
            (url,) = at.values()
            assert lab.http("GET", url).status == 200
        assert apis.get_routes(ApiId=api)["Items"] == []
        assert apis.get_integrations(ApiId=api)["Items"] == []
        apis.get_api(ApiId=api)
    finally:
        apis.delete_api(ApiId=api)


def test_a_route_key_of_somebody_else_on_a_shared_gateway_is_left_alone(
    lab: Lab, tmp_path: Path
) -> None:
    apis = lab.client("apigatewayv2")
    api = apis.create_api(Name="shared-by-all", ProtocolType="HTTP")["ApiId"]
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    apis.create_route(ApiId=api, RouteKey="GET /bob/hello")
    try:
        project = copied(lab, "gateway", tmp_path, env="aws")
        with lab.proxy.counting() as calls:
            said = project.tc("create", code=1)
        assert [call.name for call in calls if call.writes] == []
        assert "error[" in said.err
        assert "route hello" in said.err
        assert len(apis.get_routes(ApiId=api)["Items"]) == 1
    finally:
        apis.delete_api(ApiId=api)


def foreign_function(lab: Lab) -> str:
    archive = b"PK\x05\x06" + 18 * b"\0"
    lab.client("lambda").create_function(
        FunctionName="mine_one_bob",
        Role=ROLE,
        Code={"ZipFile": archive},
        Runtime="python3.11",
        Handler="a.b",
    )
    return "mine_one_bob"


def foreign_role(lab: Lab) -> str:
    name = "tc_mine_one_bob_us-east-1"
    lab.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    return name


def foreign_flow(lab: Lab) -> str:
    lab.client("stepfunctions").create_state_machine(name="mine_bob", roleArn=ROLE, definition=PASS)
    return "mine_bob"


def foreign_rule(lab: Lab) -> str:
    lab.client("events").put_rule(Name="tc_mine_Placed_bob", EventPattern='{"source": ["x"]}')
    return "Placed"


def foreign_log_group(lab: Lab) -> str:
    lab.client("logs").create_log_group(logGroupName="/aws/lambda/mine_one_bob")
    return "/aws/lambda/mine_one_bob"


def foreign_api(lab: Lab) -> str:
    lab.client("apigatewayv2").create_api(Name="mine_bob", ProtocolType="HTTP")
    return "mine_bob"


FOREIGN = [
    foreign_function,
    foreign_role,
    foreign_flow,
    foreign_rule,
    foreign_log_group,
    foreign_api,
]


@pytest.mark.parametrize("make", FOREIGN)
def test_a_namesake_without_the_mark_stops_the_run_and_adopt_takes_it_over(
    lab: Lab, tmp_path: Path, make: Callable[[Lab], str]
) -> None:
    files = {".git/HEAD": "", "topology.yml": TOPOLOGY, "one/handler.py": "def handler(e, c): 1\n"}
    project = Project(lab, tmp_path, env="aws").write(files)
    before = lab.inventory()
    name = make(lab)
    with lab.proxy.counting() as calls:
        said = project.tc("create", code=1)
    assert [call.name for call in calls if call.writes] == []
    assert "error[not-owned]" in said.err
    assert name in said.err
    assert "--adopt" in said.err
    project.tc("delete", "-y")
    assert lab.inventory() != before, "delete took what was somebody else's"
    project.tc("create", "--adopt")
    project.same()
    project.delete()
    assert lab.inventory() == before
