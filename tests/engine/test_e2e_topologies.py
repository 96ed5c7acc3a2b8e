"""Whole topologies from their files to what arrives at the other end, and back to nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from e2e_support import Lab, Project, copied, deployed

pytestmark = pytest.mark.engine


def put_event(lab: Lab, kind: str, source: str, detail: Any, *resources: str) -> None:
    """An event as another system sends it: without a sandbox's mark unless given."""
    entry = {"DetailType": kind, "Source": source, "Detail": json.dumps(detail)}
    answer = lab.client("events").put_events(Entries=[{**entry, "Resources": list(resources)}])
    assert answer["FailedEntryCount"] == 0


def answered(project: Project, *arguments: str) -> Any:
    return project.tc("invoke", "--json", *arguments).named("result")[0]["output"]


def test_a_chain_fans_out_and_its_end_is_an_event(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "chain", tmp_path)
    with deployed(project):
        order = '{"order": "o1", "quantity": 4}'
        shipped, invoiced = answered(project, "--sync", "--payload", order)
        assert shipped == {"order": "o1", "shipped": 2}
        assert invoiced == {"order": "o1", "price": 40}
        line = lab.wait_logged("chain_record_bob")
        assert line == ["""recorded {"order": "o1", "shipped": 2} ['tc:sandbox:bob']"""]
        assert line[0] in project.tc("logs", "-c", "record").out

        said = project.tc("invoke", "--sync", "--payload", '{"order": "o2", "quantity": 0}', code=1)
        assert "error[invoke]: ValueError: nothing to ship" in said.err


def test_rest_routes_answer_before_the_function_and_with_the_flows_output(
    lab: Lab, tmp_path: Path
) -> None:
    with deployed(copied(lab, "rest", tmp_path)) as at:
        started = lab.http("POST", at["POST /jobs"], {"job": 7})
        assert started.status in (200, 202)
        assert started.text in ("", "{}")
        assert '"job": 7' in lab.wait_logged("rest_work_bob")[0].replace("\\", "")
        note = 'it\'s "quoted", \\ and ü'
        summed = lab.http("POST", at["POST /sums"], {"number": 20, "note": note})
        assert summed.status == 200, summed.text
        assert summed.json == {"number": 40, "sum": 41, "note": note}
        failed = lab.http("POST", at["POST /sums"], {"number": "many"})
        assert failed.status == 500
        assert failed.json["error"] == "ValueError"
        assert "base 10: 'many'" in json.loads(failed.json["cause"])["errorMessage"]


def test_http_routes_take_path_parameters_and_several_methods(lab: Lab, tmp_path: Path) -> None:
    with deployed(copied(lab, "http", tmp_path)) as at:
        assert sorted(at) == [
            "ANY /items",
            "DELETE /items/{id}",
            "GET /items/{id}",
            "POST /orders",
            "POST /runs",
            "PUT /items/{id}",
        ]
        for method in ("GET", "PUT", "DELETE"):
            url = at[f"{method} /items/{{id}}"].replace("{id}", "a%20b")
            got = lab.http(method, f"{url}?q=1", None if method == "GET" else {"n": 1})
            assert got.json["method"] == method
            assert got.json["id"] == "a b"
            assert got.json["query"] == {"q": "1"}
            assert got.headers["x-items"] == "yes"
            assert (got.json["body"] is None) == (method == "GET")
        assert lab.http("PATCH", at["ANY /items"], {}).json["route"] == "ANY /items"
        assert lab.http("PATCH", at["GET /items/{id}"].replace("{id}", "1"), {}).status == 404

        assert lab.http("POST", at["POST /orders"], {"order": 1}).status == 200
        assert lab.wait_logged("http_ordered_bob") == ['ordered {"order": 1}']
        run = lab.http("POST", at["POST /runs"], {"order": 2})
        assert run.json["executionArn"].startswith(f"arn:aws:states:us-east-1:{'0' * 12}:exec")
        assert lab.wait_logged("http_ordered_bob", 2)[1] == 'ordered {"order": 2}'


def test_addresses_can_be_copied_to_a_shell(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "gateway", tmp_path)
    with deployed(project):
        said = project.tc("list")
        addresses = [word for word in said.out.split() if word.startswith("http")]
        assert addresses
        assert all("$" not in address for address in addresses), said.out


def test_a_route_on_a_shared_gateway_in_the_older_grammar(lab: Lab, tmp_path: Path) -> None:
    with deployed(copied(lab, "gateway", tmp_path)) as at:
        (url,) = at.values()
        assert url.endswith("/bob/hello")
        assert lab.http("GET", url).json == {"hello": "bob", "path": "/bob/hello"}


def test_events_reach_what_their_patterns_say(lab: Lab, tmp_path: Path) -> None:
    with deployed(copied(lab, "events", tmp_path)):
        put_event(lab, "Placed", "shop", {"order": 1, "total": 101, "country": "FR"})
        put_event(lab, "Placed", "depot", {"order": 2, "total": 500, "country": "DE"})
        put_event(lab, "Placed", "shop", {"order": 3, "total": 100, "country": "DE"})
        put_event(lab, "Placed", "shop", {"order": 4, "total": 200, "country": "US"})
        put_event(lab, "Placed", "other", {"order": 5, "total": 200, "country": "DE"})
        put_event(lab, "MailSent", "shop", {"order": 6})
        put_event(lab, "MailSent", "post", {"order": 7})
        put_event(lab, "Started", "shop", {"order": 8}, "tc:sandbox:alice")
        put_event(lab, "Started", "shop", {"order": 9}, "tc:sandbox:bob")
        assert sorted(lab.wait_logged("events_mail_bob", 2)) == [
            "mail Placed depot 2",
            "mail Placed shop 1",
        ]
        assert sorted(lab.wait_logged("events_audit_bob", 4)) == [
            "audit MailSent post 7",
            "audit Placed depot 2",
            "audit Placed shop 1",
            "audit Started shop 9",
        ]


def test_invoke_sends_an_event_to_this_sandbox_only(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "events", tmp_path)
    with deployed(project):
        detail = '{"order": 1, "total": 900, "country": "DE"}'
        project.tc("invoke", "-c", "events/Placed", "--payload", detail)
        assert lab.wait_logged("events_mail_bob") == ["mail Placed shop 1"]


def test_nested_topologies_are_one_sandbox(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "nested", tmp_path)
    with deployed(project) as at:
        assert lab.http("GET", at["GET /top"]).json == {"from": "nested_top_bob"}
        assert lab.http("GET", at["GET /inner"]).json == {"from": "inner_deep_bob"}
        put_event(lab, "Deep", "default", {"n": 1})
        assert "deep {'n': 1}" in lab.wait_logged("inner_deep_bob", 2)
        assert "inner_deep_bob" in project.tc("list").out


def test_a_flow_in_jsonata(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "jsonata", tmp_path)
    with deployed(project):
        items = '{"items": [{"price": %d, "count": 2}]}'
        dear = answered(project, "--sync", "--payload", items % 60)
        assert dear == {"total": 108, "sandbox": "bob", "braces": "{{"}
        assert answered(project, "--sync", "--payload", items % 1) == {"total": 2}


def test_a_flow_with_map_choice_parallel_and_the_handlers_own_exception(
    lab: Lab, tmp_path: Path
) -> None:
    project = copied(lab, "states", tmp_path)
    payload = project.root / "orders.json"
    orders = [("tea", 2), ("gold", 99), ("air", 0)]
    payload.write_text(json.dumps({"orders": [{"order": o, "quantity": q} for o, q in orders]}))
    with deployed(project):
        said = project.tc("invoke", "--sync", "--payload", str(payload))
        assert json.loads(said.out) == {
            "packed": [{"packed": "2 tea"}, {"refused": "gold"}, {"skipped": True}],
            "last": "1 last",
        }
        assert [line.split(" (")[0] for line in said.err.splitlines()] == [
            "State each",
            "State both",
        ]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_function_in_node(lab: Lab, tmp_path: Path) -> None:
    with deployed(copied(lab, "node", tmp_path)) as at:
        url = at["GET /sum/{a}/{b}"].replace("{a}", "3").replace("{b}", "4")
        assert lab.http("GET", url).json == {"sum": 7}


@pytest.mark.ruby
@pytest.mark.skipif(shutil.which("ruby") is None, reason="ruby is not installed")
def test_a_function_in_ruby(lab: Lab, tmp_path: Path) -> None:
    with deployed(copied(lab, "ruby", tmp_path)) as at:
        assert lab.http("POST", at["POST /shout"], {"say": "hear"}).json == {"shouted": "HEAR"}


def test_overlays_includes_a_yaml_function_file_packages_below_and_a_build_of_ones_own(
    lab: Lab, tmp_path: Path
) -> None:
    project = copied(lab, "files", tmp_path)
    before = sorted(project.root.rglob("*"))
    with deployed(project) as at:
        assert lab.http("GET", at["GET /shelf"]).json == {
            "names": ["Emma", "Ulysses"],
            "memory": 384,
            "LEVEL": "high",
            "PLACE": "files/bob",
            "SECRET": "hush-4711",
        }
        assert lab.http("GET", at["GET /built"]).json == {"by": "builder"}
        assert lab.http("GET", at["GET /inline"]).json == {"left": True}
        assert sorted(project.root.rglob("*")) == before, "the source tree was written to"

        live = lab.client("lambda").get_function(FunctionName="files_shelf_bob")
        assert live["Tags"]["team"] == "blue"
        assert live["Tags"]["tc:functor"] == "files@bob"
        policies = lab.client("iam").list_role_policies(RoleName="tc_files_shelf_bob_us-east-1")
        policy = lab.client("iam").get_role_policy(
            RoleName="tc_files_shelf_bob_us-east-1", PolicyName=policies["PolicyNames"][0]
        )["PolicyDocument"]
        assert {"Bool": {"aws:SecureTransport": "true"}} in [
            statement.get("Condition") for statement in policy["Statement"]
        ]


def test_what_tcignore_leaves_out_is_in_no_package(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "files", tmp_path)
    with deployed(project):
        (project.root / "shelf" / "notes" / "private.txt").write_text("changed")
        (project.root / "shelf" / "more.md").write_text("new")
        project.same()


def test_secrets_are_in_no_plan_and_no_output(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "files", tmp_path)
    said = project.tc("create").text + project.tc("create", "--dry-run", "--json").text
    project.edit("infra/vars/shelf.json", "hush-4711", "hush-4712")
    for command in (["diff"], ["diff", "--json"], ["update", "--dry-run"], ["resolve"], ["list"]):
        said += project.tc(*command).text
    project.tc("update")
    said += project.tc("compose", "-f", "json", code=None).text
    project.delete()
    assert "hush" not in said
