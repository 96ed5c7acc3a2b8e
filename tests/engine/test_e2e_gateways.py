"""APIs with all that routes can say: it answers, one edit is one call, nothing is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from e2e_support import Lab, Project, copied, deployed

pytestmark = pytest.mark.engine

PAGE = "https://pages.example.com"
ASKS = {"origin": PAGE, "access-control-request-method": "POST"}
HANDLER = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'NAME'}\n"


def received(lab: Lab, function: str, count: int = 1) -> list[Any]:
    return [json.loads(line) for line in lab.wait_logged(function, count)]


def test_an_http_api_authorizes_and_hands_on(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "routes-http", tmp_path)
    with deployed(project) as at:
        assert "/v1/" in at["GET /open"]
        assert lab.http("GET", at["GET /open"]).json == {"stage": "blue", "user": None}
        closed = at["GET /closed"]
        assert lab.http("GET", closed).status == 401
        assert lab.http("GET", closed, headers={"authorization": "no"}).status == 403
        let_in = lab.http("GET", closed, headers={"authorization": "please"})
        assert let_in.json["user"] == {"lambda": {"user": "ann"}}
        assert lab.http("GET", at["GET /signed"]).status == 403
        assert lab.http("GET", at["GET /token"]).status == 401
        assert lab.http("GET", at["GET /token"], headers={"authorization": "a.b.c"}).status == 401

        asked = lab.http("OPTIONS", at["POST /jobs"], headers=ASKS)
        assert asked.status == 204
        assert asked.headers["access-control-allow-origin"] == PAGE
        assert "POST" in asked.headers["access-control-allow-methods"]
        assert lab.http("OPTIONS", at["POST /jobs"], headers={"origin": "https://x"}).status == 403

        assert lab.http("POST", at["POST /jobs"], {"job": 1}).status == 200
        (message,) = received(lab, "routes-http_work_bob")
        assert json.loads(message["Records"][0]["body"]) == {"job": 1}
        assert lab.http("POST", at["POST /notes"], {"detail": {"note": 2}}).status == 200
        assert received(lab, "routes-http_work_bob", 2)[1]["detail"] == {"note": 2}
        assert lab.http("POST", at["POST /runs"], {"run": 3}).status == 200
        assert received(lab, "routes-http_work_bob", 3)[2] == {"run": 3}

        project.edit("topology.yml", "colour: blue", "colour: red")
        assert project.plan() == ["~ api routes-http_bob variables.colour"]
        project.tc("update", "-c", "routes")
        assert lab.http("GET", at["GET /open"]).json["stage"] == "red"
        project.edit(
            "topology.yml",
            "GET /closed: { function: show, authorizer: ward }",
            "GET /closed: { function: show }",
        )
        assert project.plan() == [
            "- authorizer ward",
            "- permission routes-http_ward_bob for authorizer routes-http-bob",
            "~ route GET /closed authorizer",
        ]
        project.tc("update", "-c", "routes")
        assert lab.http("GET", closed).status == 200
        project.same()


def test_a_rest_api_maps_what_goes_in_and_out(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "routes-rest", tmp_path)
    with deployed(project) as at:
        later = at["POST /later/{id}"].replace("{id}", "it's")
        assert lab.http("POST", f'{later}?q="1"'.replace('"', "%22"), {"b": 1}).status == 202
        (event,) = received(lab, "routes-rest_work_bob")
        assert event == {"path": {"id": "it's"}, "query": {"q": '"1"'}, "body": {"b": 1}}
        sent = lab.http("POST", at["POST /jobs"], {"job": "a&b=c"})
        assert sent.status == 200
        assert sent.json["SendMessageResponse"]["SendMessageResult"]["MessageId"]
        message = received(lab, "routes-rest_work_bob", 2)[1]
        assert json.loads(message["Records"][0]["body"]) == {"job": "a&b=c"}
        assert lab.http("POST", at["POST /notes"], {"note": 2}).status == 200
        assert received(lab, "routes-rest_work_bob", 3)[2]["detail"] == {"note": 2}

        summed = lab.http("POST", at["POST /sums"], {"detail": {"number": 4}})
        assert summed.json == {"number": 8}
        assert summed.headers["access-control-allow-origin"] == "*"
        asked = lab.http("OPTIONS", at["POST /sums"], headers=ASKS)
        assert asked.headers["access-control-allow-methods"] == "OPTIONS,POST"
        closed = at["GET /closed"]
        asked = lab.http("OPTIONS", closed, headers=ASKS)
        assert asked.headers["access-control-allow-origin"] == PAGE
        assert lab.http("GET", closed, headers={"authorization": "no"}).status == 403
        let_in = lab.http("GET", closed, headers={"authorization": "please"})
        assert let_in.json == {"user": "ann"}

        mapped = lab.http("POST", at["POST /mapped"], {"n": 21})
        assert mapped.json == {"doubled": 42}
        assert mapped.headers["x-made-by"] == "double"
        failed = lab.http("POST", at["POST /mapped"], {"n": "many"})
        assert (failed.status, failed.json) == (500, {"message": "Internal server error"})

        project.edit("topology.yml", '{"doubled"', '{"twice"')
        assert project.plan() == [
            "~ route /mapped integration.responses.200.template",
        ]
        project.tc("update", "-c", "routes//mapped")
        assert lab.http("POST", at["POST /mapped"], {"n": 1}).json == {"twice": 2}


SHARED = """\
name: guests
routes:
  GET /hello: { gateway: everybodys, function: hello, kind: rest, cors: true }
  /later: { gateway: everybodys, function: hello, async: true }
"""


def test_guests_on_a_rest_api_leave_it_as_it_was(lab: Lab, tmp_path: Path) -> None:
    aws = lab.client("apigateway")
    api = aws.create_rest_api(name="everybodys")["id"]
    (root,) = aws.get_resources(restApiId=api)["items"]
    place = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}
    aws.put_method(**place, authorizationType="NONE", operationName="theirs")
    aws.put_integration(**place, type="MOCK", requestTemplates={"application/json": "{}"})
    aws.create_deployment(restApiId=api, stageName="prod")
    before = aws.get_resources(restApiId=api, embed=["methods"])["items"]
    project = Project(lab, tmp_path).write(
        {".git/HEAD": "", "topology.yml": SHARED, "hello/handler.py": HANDLER}
    )
    with deployed(project) as at:
        assert at["GET /hello"].endswith("/prod/bob/hello")
        assert lab.http("GET", at["GET /hello"]).text == "NAME"
        alice = project.in_sandbox("alice")
        with deployed(alice) as hers:
            assert lab.http("GET", hers["GET /hello"]).text == "NAME"
        assert lab.http("POST", at["POST /later"], {}).status == 202
        assert lab.http("OPTIONS", at["GET /hello"], headers=ASKS).status == 200
    assert aws.get_resources(restApiId=api, embed=["methods"])["items"] == before
    aws.delete_rest_api(restApiId=api)


LIMITED = "name: limited\nroutes: { GET /a: { function: hello, kind: %s } }\n"
RULES = {
    "throttling": {"local": {"bob": {"burst_limit": 2, "rate_limit": 0.01}}},
    "domains": {"default": {"bob": "api.example.com"}},
}


@pytest.mark.parametrize("kind", ["http", "rest"])
def test_limits_and_a_domain_name(lab: Lab, tmp_path: Path, kind: str) -> None:
    aws = lab.client("apigatewayv2")
    project = Project(lab, tmp_path).write(
        {
            ".git/HEAD": "",
            "topology.yml": LIMITED % kind,
            "hello/handler.py": HANDLER,
            "infrastructure/tc/limited/routes.json": json.dumps(RULES),
        }
    )
    said = project.tc("create", code=1)
    assert "has no domain name `api.example.com`" in said.text
    project.delete()
    aws.create_domain_name(
        DomainName="api.example.com",
        DomainNameConfigurations=[{"CertificateArn": "arn:aws:acm:us-east-1:0:certificate/a"}],
    )
    with deployed(project):
        (mapping,) = aws.get_api_mappings(DomainName="api.example.com")["Items"]
        root = f"http://127.0.0.1:{lab.port}/a"
        codes = [lab.http("GET", root, headers={"host": "api.example.com"}).status for _ in "abc"]
        assert codes == [200, 200, 429]
        assert mapping["Stage"] == ("live" if kind == "rest" else "$default")
        project.write({"infrastructure/tc/limited/routes.json": "{}"})
        assert project.plan() == [
            "~ api limited_bob throttling.burst_limit throttling.rate_limit domain"
        ]
        project.create()
        assert aws.get_api_mappings(DomainName="api.example.com")["Items"] == []
    aws.delete_domain_name(DomainName="api.example.com")
