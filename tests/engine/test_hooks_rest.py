"""REST APIs: made of documents, with templates, flows, buses and functions that aren't waited
for."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hooks_support import ROLE, Hooked, lambda_uri

pytestmark = pytest.mark.engine

STATES = "arn:aws:apigateway:us-east-1:states:action"
ESCAPED = "\"$util.escapeJavaScript($input.json('$'))\""
OWN_OUTPUT = """#if($input.path('$.status') == "SUCCEEDED")
$input.path('$.output')
#else
#set($context.responseOverride.status = 500)
{"error": $input.json('$.error'), "cause": $input.json('$.cause')}
#end"""

WORK = """
def handler(event, context):
    print("got", event)
    if event.get("fail"):
        raise ValueError("sold out")
    if event.get("slow"):
        import time; time.sleep(4)
    return event
"""


def method(uri: str, **more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"type": "aws", "httpMethod": "POST", "credentials": ROLE, "uri": uri}
    base |= {"passthroughBehavior": "when_no_match", "responses": {"default": {"statusCode": 200}}}
    base |= more
    answers = {"200": {"description": "", "headers": {"X-Kind": {"schema": {"type": "string"}}}}}
    return {"x-amazon-apigateway-integration": base, "responses": answers}


def json_template(text: str) -> dict[str, dict[str, str]]:
    return {"requestTemplates": {"application/json": text}}


def document(paths: dict[str, Any], **more: Any) -> bytes:
    spec = {"openapi": "3.0.1", "info": {"title": "shop", "version": "1"}, "paths": paths, **more}
    return json.dumps(spec).encode()


def api(hooked: Hooked, paths: dict[str, Any], **more: Any) -> str:
    client = hooked.client("apigateway")
    made = client.import_rest_api(body=document(paths, **more))["id"]
    client.create_deployment(restApiId=made, stageName="live")
    return str(made)


def test_a_route_answers_with_the_flows_own_output(hooked: Hooked) -> None:
    choice = {"Variable": "$.n", "NumericEquals": 0, "Next": "bad"}
    flow = hooked.flow(
        {
            "which": {"Type": "Choice", "Choices": [choice], "Default": "good"},
            "bad": {"Type": "Fail", "Error": "Empty", "Cause": 'no "orders"'},
            "good": {"Type": "Pass", "End": True},
        }
    )
    sent = f'{{"stateMachineArn": "{flow}", "input": {ESCAPED}}}'
    answer = {"default": {"statusCode": 200, "responseTemplates": {"application/json": OWN_OUTPUT}}}
    post = method(f"{STATES}/StartSyncExecution", responses=answer, **json_template(sent))
    made = api(hooked, {"/orders": {"post": post}})
    good = hooked.route(made, "live", "POST", "/orders", {"n": 2, "text": 'a "b" \n /c'})
    assert (good.status, good.json) == (200, {"n": 2, "text": 'a "b" \n /c'})
    bad = hooked.route(made, "live", "POST", "/orders", {"n": 0})
    assert (bad.status, bad.json) == (500, {"error": "Empty", "cause": 'no "orders"'})
    assert hooked.route(made, "live", "POST", "/orders", "{").status == 400


def test_a_route_starts_a_flow_and_errors_are_mapped(hooked: Hooked) -> None:
    flow = hooked.flow({"a": {"Type": "Pass", "End": True}}, "STANDARD")
    answers = {
        "default": {"statusCode": 200, "responseParameters": {
            "method.response.header.X-Kind": "'started'",
            "method.response.header.X-Run": "integration.response.body.executionArn",
        }},
        "4\\d{2}": {"statusCode": 422, "responseTemplates": {"application/json": '{"no": true}'}},
    }  # fmt: skip
    start = f'{{"stateMachineArn": "$input.params(\'flow\')", "input": {ESCAPED}}}'
    post = method(f"{STATES}/StartExecution", responses=answers, **json_template(start))
    made = api(hooked, {"/start": {"post": post}})
    path = f"/_aws/execute-api/{made}/live/start?flow="
    good = hooked.call("POST", path + flow, {"n": 1})
    assert (good.status, good.headers["x-kind"]) == (200, "started")
    assert good.headers["x-run"] == good.json["executionArn"]
    bad = hooked.call("POST", path + flow + "x", {"n": 1})
    assert (bad.status, bad.json) == (422, {"no": True})


@pytest.mark.parametrize("behavior", ["when_no_templates", "never"])
def test_a_body_of_a_type_without_a_template_is_turned_away(hooked: Hooked, behavior: str) -> None:
    template = json_template('{"Entries": []}')
    uri = "arn:aws:apigateway:us-east-1:events:action/PutEvents"
    put = method(uri, **{**template, "passthroughBehavior": behavior})
    found = api(hooked, {"/e": {"post": put}})
    form = {"content-type": "application/x-www-form-urlencoded"}
    path = f"/_aws/execute-api/{found}/live/e"
    assert hooked.call("POST", path, "a=1", form).status == 415
    assert hooked.route(found, "live", "POST", "/e", {}).status != 415


def test_a_route_puts_an_event(hooked: Hooked) -> None:
    url, queue = hooked.queue()
    events = hooked.client("events")
    events.put_rule(Name="rest-put", EventPattern=json.dumps({"source": ["rest-put"]}))
    events.put_targets(Rule="rest-put", Targets=[{"Id": "1", "Arn": queue}])
    entry = '{"Source": "rest-put", "DetailType": "Ordered", "Resources": ["tc:sandbox:bob"], '
    entry += f'"Detail": {ESCAPED}}}'
    uri = "arn:aws:apigateway:us-east-1:events:action/PutEvents"
    put = method(uri, **json_template(f'{{"Entries": [{entry}]}}'))
    made = api(hooked, {"/put": {"post": put}})
    got = hooked.route(made, "live", "POST", "/put", {"n": 5})
    assert (got.status, got.json["FailedEntryCount"]) == (200, 0)
    (event,) = map(json.loads, hooked.received(url, 1))
    assert (event["detail"], event["resources"]) == ({"n": 5}, ["tc:sandbox:bob"])


def test_a_function_is_called_without_waiting(hooked: Hooked) -> None:
    name = hooked.python(WORK, Timeout=10)
    header = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    answer = {"default": {"statusCode": 202}}
    post = method(lambda_uri(name), requestParameters=header, responses=answer)
    made = api(hooked, {"/later": {"post": post}})
    hooked.invoke(name, {})
    began = time.monotonic()
    got = hooked.route(made, "live", "POST", "/later", {"slow": 1})
    assert (got.status, got.body) == (202, "")
    assert time.monotonic() - began < 1
    for _ in range(120):
        if "got {'slow': 1}" in hooked.logged(name):
            break
        time.sleep(0.05)
    assert "got {'slow': 1}" in hooked.logged(name)


def test_templates_map_a_functions_event_answer_and_error(hooked: Hooked) -> None:
    name = hooked.python(WORK)
    event = """#set($body = $input.path('$'))
{"who": "$input.params('who')", "fail": $body.fail, "count": $body.items.size(), "items": [
#foreach($item in $body.items)"$item.name"#if($foreach.hasNext),#end#end]}"""
    answers = {
        "default": {
            "statusCode": 201,
            "responseTemplates": {"application/json": '{"who": $input.json("$.who")}'},
        },
        "sold.*": {
            "statusCode": 409,
            "responseTemplates": {"application/json": "$input.path('$.errorMessage')"},
        },
    }
    post = method(lambda_uri(name), responses=answers, **json_template(event))
    made = api(hooked, {"/{who}": {"post": post}})
    body = {"items": [{"name": "a"}, {"name": "b"}], "fail": False}
    got = hooked.route(made, "live", "POST", "/bob", body)
    assert (got.status, got.json) == (201, {"who": "bob"})
    seen = next(line for line in hooked.logged(name) if line.startswith("got "))
    assert seen == "got {'who': 'bob', 'fail': False, 'count': 2, 'items': ['a', 'b']}"
    failed = hooked.route(made, "live", "POST", "/bob", {**body, "fail": True})
    assert (failed.status, failed.body) == (409, "sold out")


def test_a_proxy_route_and_its_failures(hooked: Hooked) -> None:
    code = (
        "def handler(e, c): return {'statusCode': 200, 'body': e['path']} if e['body'] else 1 / 0"
    )
    uri = lambda_uri(hooked.python(code))
    proxy = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}
    operation = {"x-amazon-apigateway-integration": proxy}
    made = api(hooked, {"/a/{x}": {"x-amazon-apigateway-any-method": operation}})
    assert hooked.route(made, "live", "PUT", "/a/7", {}).body == "/a/7"
    failed = hooked.route(made, "live", "PUT", "/a/7")
    assert (failed.status, failed.json) == (502, {"message": "Internal server error"})
    assert hooked.route(made, "live", "GET", "/b").status == 403
    assert hooked.route(made, "other", "GET", "/a/7").status == 403


@pytest.mark.parametrize("kind", ["aws", "aws_proxy"])
def test_a_slow_function_is_given_up(hooked: Hooked, kind: str) -> None:
    code = "import time\ndef handler(event, context): time.sleep(4)"
    post = method(lambda_uri(hooked.python(code, Timeout=10)), type=kind, timeoutInMillis=500)
    made = api(hooked, {"/slow": {"post": post}})
    got = hooked.route(made, "live", "POST", "/slow", {})
    assert (got.status, got.json) == (504, {"message": "Endpoint request timed out"})


def test_a_mock_answers_preflights(hooked: Hooked) -> None:
    header = {"method.response.header.Access-Control-Allow-Origin": "'*'"}
    mock = {
        "type": "mock",
        "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": 200, "responseParameters": header}},
    }
    answers = {"200": {"headers": {"Access-Control-Allow-Origin": {}}}}
    operation = {"x-amazon-apigateway-integration": mock, "responses": answers}
    made = api(hooked, {"/a": {"options": operation}})
    got = hooked.route(made, "live", "OPTIONS", "/a")
    assert (got.status, got.headers["access-control-allow-origin"]) == (200, "*")


def test_a_document_makes_replaces_and_adds(hooked: Hooked) -> None:
    uri = lambda_uri(hooked.python(WORK))
    tags = [{"name": "tc:functor", "x-amazon-apigateway-tag-value": "shop@bob"}]
    made = api(hooked, {"/a/b": {"get": method(uri)}, "/c": {"get": method(uri)}}, tags=tags)
    client = hooked.client("apigateway")
    assert client.get_rest_api(restApiId=made)["tags"] == {"tc:functor": "shop@bob"}
    kept = client.get_integration(
        restApiId=made, httpMethod="GET", resourceId=resource(client, made, "/a/b")
    )
    assert (kept["type"], kept["uri"], kept["credentials"]) == ("AWS", uri, ROLE)
    assert list(kept["integrationResponses"]) == ["200"]
    client.put_rest_api(
        restApiId=made, mode="overwrite", body=document({"/d": {"get": method(uri)}})
    )
    assert paths(client, made) == ["/", "/d"]
    client.put_rest_api(restApiId=made, mode="merge", body=document({"/e": {"get": method(uri)}}))
    assert paths(client, made) == ["/", "/d", "/e"]
    assert client.get_rest_api(restApiId=made)["tags"] == {"tc:functor": "shop@bob"}
    assert [s["stageName"] for s in client.get_stages(restApiId=made)["item"]] == ["live"]
    with pytest.raises(ClientError, match="OpenAPI"):
        client.put_rest_api(restApiId=made, mode="overwrite", body=b'{"swagger": "2.0"}')
    assert paths(client, made) == ["/", "/d", "/e"]


def resource(client: Any, api_id: str, path: str) -> str:
    found = client.get_resources(restApiId=api_id)["items"]
    return next(str(each["id"]) for each in found if each["path"] == path)


def paths(client: Any, api_id: str) -> list[str]:
    return sorted(each["path"] for each in client.get_resources(restApiId=api_id)["items"])
