"""One thing is edited, or changed behind tc's back: `diff` names it, `update` does it, no more."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from e2e_proxy import Call
from e2e_support import ACCOUNT, Lab, Project, deployed

pytestmark = pytest.mark.engine

HANDLER = "def handler(event, context):\n    return {'from': 'NAME'}\n"
TOPOLOGY = """\
name: edits

routes:
  /one: { function: one }
  GET /two/{id}: { function: two }
  /run: { state: flow, async: true }

events:
  Placed: { producer: shop, function: one }

functions:
  one:
    runtime: { memory: 128, timeout: 10, environment: { LEVEL: low-4711 } }

flow:
  StartAt: first
  States:
    first:
      Type: Task
      Resource: arn:{{partition}}:states:::lambda:invoke
      Parameters: { FunctionName: '{{namespace}}_two_{{sandbox}}', Payload.$: $ }
      OutputPath: $.Payload
      End: true
"""
ONE, TWO = "edits_one_bob", "edits_two_bob"
LAMBDA = "/2015-03-31/functions"
NEW_ROUTE = ["POST /v2/apis/ID/integrations", "POST /v2/apis/ID/routes"]
ROUTE_GONE = ["DELETE /v2/apis/ID/integrations/ID", "DELETE /v2/apis/ID/routes/ID"]


@pytest.fixture(scope="module")
def project(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = tmp_path_factory.mktemp("edits")
    files = {
        ".git/HEAD": "",
        "topology.yml": TOPOLOGY,
        "one/handler.py": HANDLER.replace("NAME", "one"),
        "two/handler.py": HANDLER.replace("NAME", "two"),
    }
    made = Project(lab, root, env="aws").write(files)
    with deployed(made):
        yield made


def topology(old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.edit("topology.yml", old, new)


def add_function(project: Project) -> None:
    project.write({"three/handler.py": HANDLER.replace("NAME", "three")})


def remove_function(project: Project) -> None:
    (project.root / "three" / "handler.py").unlink()
    (project.root / "three").rmdir()


#: name: (the edit, what diff says, what -c means it, the writing calls)
EDITS: dict[str, tuple[Callable[[Project], None], list[str], str, list[str]]] = {
    "handler": (
        lambda project: project.edit("one/handler.py", "'one'", "'new'"),
        [f"~ function {ONE} code"],
        "one",
        [f"PUT {LAMBDA}/{ONE}/code"],
    ),
    "memory": (
        topology("memory: 128", "memory: 256"),
        [f"~ function {ONE} memory_mb"],
        "functions/one",
        [f"PUT {LAMBDA}/{ONE}/configuration"],
    ),
    "timeout": (
        topology("timeout: 10", "timeout: 20"),
        [f"~ function {ONE} timeout_s"],
        "functions",
        [f"PUT {LAMBDA}/{ONE}/configuration"],
    ),
    "environment": (
        topology("LEVEL: low-4711", "LEVEL: high-4712"),
        [f"~ function {ONE} environment.LEVEL"],
        "vars",
        [f"PUT {LAMBDA}/{ONE}/configuration"],
    ),
    "path": (
        topology("  /one:", "  /uno:"),
        ["+ route /uno", "- route /one"],
        "routes",
        NEW_ROUTE + ROUTE_GONE,
    ),
    "method": (
        topology("GET /two", "PUT /two"),
        ["+ route PUT /two/{id}", "- route GET /two/{id}"],
        "routes",
        NEW_ROUTE + ROUTE_GONE,
    ),
    "route's timeout": (
        topology("/uno: { function: one", "/uno: { timeout: 7, function: one"),
        ["~ route /uno timeout_ms"],
        "routes//uno",
        ["PATCH /v2/apis/ID/integrations/ID"],
    ),
    "route's target": (
        topology("/uno: { timeout: 7, function: one }", "/uno: { timeout: 7, function: two }"),
        ["~ route /uno integration.uri", f"- permission {ONE} for api edits-bob"],
        "routes",
        [f"DELETE {LAMBDA}/{ONE}/policy/SID", "PATCH /v2/apis/ID/integrations/ID"],
    ),
    "new route": (
        topology("routes:\n", "routes:\n  ANY /all: { function: two }\n"),
        ["+ route ANY /all"],
        "routes",
        NEW_ROUTE,
    ),
    "route gone": (
        topology("  ANY /all: { function: two }\n", ""),
        ["- route ANY /all"],
        "routes",
        ROUTE_GONE,
    ),
    "pattern": (
        topology("producer: shop", "filter: { n: [1] }, producer: shop"),
        ["~ event Placed pattern.detail"],
        "events",
        ["put_rule"],
    ),
    "event's target": (
        topology("producer: shop, function: one", "producer: shop, function: two"),
        [
            "~ event Placed targets.function.one targets.function.two",
            f"+ permission {TWO} for event Placed",
            f"- permission {ONE} for event Placed",
        ],
        "events",
        [
            f"DELETE {LAMBDA}/{ONE}/policy/SID",
            f"POST {LAMBDA}/{TWO}/policy",
            "put_targets",
            "remove_targets",
        ],
    ),
    "new event": (
        topology("events:\n", "events:\n  Paid: { function: one }\n"),
        ["+ event Paid", f"+ permission {ONE} for event Paid"],
        "events",
        [f"POST {LAMBDA}/{ONE}/policy", "put_rule", "put_targets"],
    ),
    "event gone": (
        topology("  Paid: { function: one }\n", ""),
        ["- event Paid", f"- permission {ONE} for event Paid"],
        "events",
        [f"DELETE {LAMBDA}/{ONE}/policy/SID", "delete_rule", "remove_targets"],
    ),
    "state": (
        topology("    first:\n", "    first:\n      Comment: the first\n"),
        ["~ flow edits_bob definition.States.first.Comment"],
        "flow",
        ["update_state_machine"],
    ),
    "new function": (
        add_function,
        [
            "+ function edits_three_bob",
            "+ log group /aws/lambda/edits_three_bob",
            "+ role tc_edits_three_bob_us-east-1",
        ],
        "three",
        [
            f"POST {LAMBDA}",
            "create_log_group",
            "create_role",
            "put_retention_policy",
            "put_role_policy",
        ],
    ),
    "function gone": (
        remove_function,
        [
            "- function edits_three_bob",
            "- log group /aws/lambda/edits_three_bob",
            "- role tc_edits_three_bob_us-east-1",
        ],
        "",
        [
            f"DELETE {LAMBDA}/edits_three_bob",
            "delete_log_group",
            "delete_role",
            "delete_role_policy",
        ],
    ),
}


def written(calls: list[Call]) -> list[str]:
    return sorted(call.shape for call in calls if call.writes)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_named_by_diff_and_done_by_update(lab: Lab, project: Project, name: str) -> None:
    edit, changes, component, writes = EDITS[name]
    edit(project)
    assert project.plan() == sorted(changes)
    if name == "environment":
        assert "471" not in project.tc("diff").text, "the value of a variable is shown"
    with lab.proxy.counting() as calls:
        project.tc("update", *(["-c", component] if component else []))
    assert written(calls) == sorted(writes)
    project.same()


def test_update_of_one_component_leaves_the_others_alone(lab: Lab, project: Project) -> None:
    project.edit("two/handler.py", "'two'", "'later'")
    project.edit("topology.yml", "Comment: the first", "Comment: once more")
    project.tc("update", "-c", "flow")
    assert project.plan() == [f"~ function {TWO} code"]
    assert "~ function" in project.tc("diff", "--exit-code", "-c", "two", code=3).out
    project.tc("diff", "--exit-code", "-c", "flow", "-c", "one")
    project.tc("update", "-c", "two")
    project.same()
    assert '"from": "later"' in project.tc("invoke", "-c", "two").out


def test_the_changed_lines_of_a_handler_are_shown(project: Project) -> None:
    project.edit("one/handler.py", "    return", "    # for a moment\n    return")
    project.write({"one/more.py": "MORE = 1\n"})
    lines = project.tc("diff").out.splitlines()
    assert "    +    # for a moment" in lines
    assert "    added more.py (9 B)" in lines
    project.edit("one/handler.py", "    # for a moment\n", "")
    (project.root / "one" / "more.py").unlink()
    project.same()


def archive(text: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as opened:
        opened.writestr("handler.py", text)
    return data.getvalue()


def drift_memory(lab: Lab) -> None:
    lab.client("lambda").update_function_configuration(FunctionName=ONE, MemorySize=1024)


def drift_environment(lab: Lab) -> None:
    aws = lab.client("lambda")
    live = aws.get_function_configuration(FunctionName=ONE)["Environment"]["Variables"]
    variables = {**live, "LEVEL": "odd-4713", "EXTRA": "odd-4714"}
    aws.update_function_configuration(FunctionName=ONE, Environment={"Variables": variables})


def drift_code(lab: Lab) -> None:
    code = archive("def handler(event, context):\n    return 'by hand'\n")
    lab.client("lambda").update_function_code(FunctionName=ONE, ZipFile=code)


def drift_route(lab: Lab) -> None:
    aws, api = http_api(lab)
    for route in aws.get_routes(ApiId=api)["Items"]:
        if route["RouteKey"] == "POST /run":
            aws.delete_route(ApiId=api, RouteId=route["RouteId"])


def drift_foreign_route(lab: Lab) -> None:
    aws, api = http_api(lab)
    target = aws.get_routes(ApiId=api)["Items"][0]["Target"]
    aws.create_route(ApiId=api, RouteKey="GET /by-hand", Target=target)


def drift_integration(lab: Lab) -> None:
    aws, api = http_api(lab)
    for integration in aws.get_integrations(ApiId=api)["Items"]:
        if TWO in integration.get("IntegrationUri", ""):
            aws.update_integration(
                ApiId=api, IntegrationId=integration["IntegrationId"], TimeoutInMillis=1234
            )
            return


def http_api(lab: Lab) -> tuple[Any, str]:
    aws = lab.client("apigatewayv2")
    return aws, next(a["ApiId"] for a in aws.get_apis()["Items"] if a["Name"] == "edits_bob")


def drift_pattern(lab: Lab) -> None:
    pattern = json.dumps({"source": ["somebody"]})
    lab.client("events").put_rule(Name="tc_edits_Placed_bob", EventPattern=pattern)


def drift_disabled(lab: Lab) -> None:
    lab.client("events").disable_rule(Name="tc_edits_Placed_bob")


def drift_targets(lab: Lab) -> None:
    aws = lab.client("events")
    targets = aws.list_targets_by_rule(Rule="tc_edits_Placed_bob")["Targets"]
    aws.remove_targets(Rule="tc_edits_Placed_bob", Ids=[target["Id"] for target in targets])


def drift_flow(lab: Lab) -> None:
    definition = {"StartAt": "odd", "States": {"odd": {"Type": "Succeed"}}}
    lab.client("stepfunctions").update_state_machine(
        stateMachineArn=f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:edits_bob",
        definition=json.dumps(definition),
    )


def drift_policy(lab: Lab) -> None:
    aws, role = lab.client("iam"), f"tc_{ONE}_us-east-1"
    (name,) = aws.list_role_policies(RoleName=role)["PolicyNames"]
    policy = aws.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    policy["Statement"].append({"Effect": "Allow", "Action": "*", "Resource": "*"})
    aws.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))


def drift_retention(lab: Lab) -> None:
    lab.client("logs").put_retention_policy(logGroupName=f"/aws/lambda/{ONE}", retentionInDays=365)


def drift_permission(lab: Lab) -> None:
    aws = lab.client("lambda")
    policy = json.loads(aws.get_policy(FunctionName=TWO)["Policy"])
    for statement in policy["Statement"]:
        aws.remove_permission(FunctionName=TWO, StatementId=statement["Sid"])


def drift_gone(lab: Lab) -> None:
    lab.client("lambda").delete_function(FunctionName=TWO)


DRIFT: dict[str, tuple[Callable[[Lab], None], list[str]]] = {
    "memory": (drift_memory, [f"~ function {ONE} memory_mb"]),
    "environment": (
        drift_environment,
        [f"~ function {ONE} environment.LEVEL environment.EXTRA"],
    ),
    "code": (drift_code, [f"~ function {ONE} code"]),
    "function": (
        drift_gone,
        [
            f"+ function {TWO}",
            f"+ permission {TWO} for api edits_bob",
            f"+ permission {TWO} for event Placed",
        ],
    ),
    "route": (drift_route, ["+ route /run"]),
    "foreign route": (drift_foreign_route, ["- route GET /by-hand"]),
    "integration": (drift_integration, ["~ route /uno timeout_ms"]),
    "pattern": (
        drift_pattern,
        [
            "~ event Placed pattern.source.0 pattern.resources pattern.detail-type pattern.detail",
        ],
    ),
    "disabled": (drift_disabled, ["~ event Placed state"]),
    "targets": (drift_targets, ["~ event Placed targets.function.two"]),
    "flow": (
        drift_flow,
        ["~ flow edits_bob definition.StartAt definition.States.odd definition.States.first"],
    ),
    "policy": (drift_policy, [f"~ role tc_{ONE}_us-east-1 policy.Statement"]),
    "retention": (drift_retention, [f"~ log group /aws/lambda/{ONE} retention_days"]),
    "permission": (
        drift_permission,
        [f"+ permission {TWO} for api edits_bob", f"+ permission {TWO} for event Placed"],
    ),
}


@pytest.mark.parametrize("name", DRIFT)
def test_what_was_changed_on_aws_is_named_and_mended(lab: Lab, project: Project, name: str) -> None:
    change, differences = DRIFT[name]
    change(lab)
    try:
        assert project.plan() == sorted(differences)
        if name == "environment":
            assert "471" not in project.tc("diff").text, "the value of a variable is shown"
    finally:
        project.create()
    project.same()


def test_tags_of_the_user_come_and_go(lab: Lab, project: Project) -> None:
    project.edit("topology.yml", "name: edits\n", "name: edits\ntags: { team: red }\n")
    changed = project.plan()
    assert f"~ function {ONE} tags.team" in changed
    assert {line.split()[1] for line in changed} == {
        "api",
        "event",
        "flow",
        "function",
        "log",
        "role",
    }
    project.create()
    project.same()
    live = lab.client("lambda").get_function(FunctionName=ONE)["Tags"]
    assert live["team"] == "red"
    assert live["tc:functor"] == "edits@bob"
    project.edit("topology.yml", "tags: { team: red }\n", "")
    assert project.plan() == changed
    project.create()
    project.same()
    assert "team" not in lab.client("lambda").get_function(FunctionName=ONE)["Tags"]
