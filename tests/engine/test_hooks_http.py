"""HTTP APIs: made of documents, with integrations of flows, buses and queues."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hooks_support import ROLE, Hooked, arn, lambda_uri

pytestmark = pytest.mark.engine

ECHO = """
def handler(event, context):
    if event.get("rawPath") == "/fail":
        raise ValueError("secret detail")
    if event.get("rawPath") == "/slow":
        import time; time.sleep(4)
    return {"saw": event}
"""


def integration(**more: Any) -> dict[str, Any]:
    base = {"type": "aws_proxy", "connectionType": "INTERNET", "credentials": ROLE}
    base["payloadFormatVersion"] = "1.0"
    return {"x-amazon-apigateway-integration": {**base, **more}}


def function(name: str, **more: Any) -> dict[str, Any]:
    uri = lambda_uri(name)
    return integration(uri=uri, httpMethod="POST", payloadFormatVersion="2.0", **more)


def service(subtype: str, **parameters: str) -> dict[str, Any]:
    return integration(integrationSubtype=subtype, requestParameters=parameters)


def document(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"openapi": "3.0.1", "info": {"title": "shop", "version": "7"}, "paths": paths, **more}


def api(hooked: Hooked, paths: dict[str, Any], **more: Any) -> str:
    client = hooked.client("apigatewayv2")
    made = client.import_api(Body=json.dumps(document(paths, **more)))["ApiId"]
    client.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
    return str(made)


def test_a_document_makes_the_whole_api(hooked: Hooked) -> None:
    name = hooked.python(ECHO)
    uri = lambda_uri(name)
    request = {"type": "request", "authorizerUri": uri, "identitySource": "$request.header.Token"}
    request |= {"authorizerPayloadFormatVersion": "2.0", "enableSimpleResponses": True}
    jwt = {"type": "jwt", "identitySource": "$request.header.Authorization"}
    jwt["jwtConfiguration"] = {"issuer": "https://issuer.example", "audience": ["shop"]}
    plain = {"type": "apiKey", "name": "Token", "in": "header"}
    made = api(
        hooked,
        {
            "/orders/{id}": {"get": {**function(name), "security": [{"own": []}]}},
            "/any": {"x-amazon-apigateway-any-method": function(name, timeoutInMillis=2000)},
            "/jwt": {"get": {**function(name), "security": [{"tokens": ["read"]}]}},
            "/iam": {"get": {**function(name), "security": [{"sigv4": []}]}},
            "/$default": {"x-amazon-apigateway-any-method": function(name)},
        },
        tags=[{"name": "tc:functor", "x-amazon-apigateway-tag-value": "shop@bob"}],
        components={
            "securitySchemes": {
                "own": {**plain, "x-amazon-apigateway-authorizer": request},
                "tokens": {"type": "oauth2", "x-amazon-apigateway-authorizer": jwt},
                "sigv4": {**plain, "x-amazon-apigateway-authtype": "awsSigv4"},
            }
        },
        **{"x-amazon-apigateway-cors": {"allowOrigins": ["https://shop.example"], "maxAge": 9}},
    )
    client = hooked.client("apigatewayv2")
    found = client.get_api(ApiId=made)
    assert (found["Name"], found["Version"], found["ProtocolType"]) == ("shop", "7", "HTTP")
    assert found["Tags"] == {"tc:functor": "shop@bob"}
    assert found["CorsConfiguration"] == {"AllowOrigins": ["https://shop.example"], "MaxAge": 9}
    routes = {r["RouteKey"]: r for r in client.get_routes(ApiId=made)["Items"]}
    assert set(routes) == {"GET /orders/{id}", "ANY /any", "GET /jwt", "GET /iam", "$default"}
    kinds = {key: route["AuthorizationType"] for key, route in routes.items()}
    assert kinds == {
        "GET /orders/{id}": "CUSTOM",
        "ANY /any": "NONE",
        "GET /jwt": "JWT",
        "GET /iam": "AWS_IAM",
        "$default": "NONE",
    }
    assert routes["GET /jwt"]["AuthorizationScopes"] == ["read"]
    target = routes["ANY /any"]["Target"].removeprefix("integrations/")
    kept = client.get_integration(ApiId=made, IntegrationId=target)
    assert kept["TimeoutInMillis"] == 2000
    assert kept["IntegrationUri"] == uri
    assert kept["CredentialsArn"] == ROLE
    authorizers = client.get_authorizers(ApiId=made)["Items"]
    assert {a["Name"]: a["AuthorizerType"] for a in authorizers} == {
        "own": "REQUEST",
        "tokens": "JWT",
    }
    got = hooked.route(made, "$default", "POST", "/any", {"n": 1})
    assert got.json["saw"]["routeKey"] == "ANY /any"
    assert got.json["saw"]["body"] == '{"n": 1}'
    assert hooked.route(made, "$default", "GET", "/else").json["saw"]["routeKey"] == "$default"
    assert hooked.route(made, "$default", "GET", "/jwt").status == 401


def test_a_document_replaces_what_an_api_has(hooked: Hooked) -> None:
    name = hooked.python(ECHO)
    paths = {"/a": {"get": function(name)}, "/b": {"get": function(name)}}
    made = api(hooked, paths, tags=[{"name": "k", "x-amazon-apigateway-tag-value": "v"}])
    client = hooked.client("apigatewayv2")
    changed = document({"/c": {"get": function(name)}})
    changed["info"]["title"] = "renamed"
    client.reimport_api(ApiId=made, Body=json.dumps(changed))
    found = client.get_api(ApiId=made)
    assert (found["Name"], found["Tags"]) == ("renamed", {"k": "v"})
    assert [r["RouteKey"] for r in client.get_routes(ApiId=made)["Items"]] == ["GET /c"]
    assert len(client.get_integrations(ApiId=made)["Items"]) == 1
    assert hooked.route(made, "$default", "GET", "/a").status == 404
    assert hooked.route(made, "$default", "GET", "/c").status == 200


@pytest.mark.parametrize(
    "body", ["not json", "{}", json.dumps(document({"/a": {"get": {}}})), '{"swagger": "2.0"}']
)
def test_a_bad_document_is_refused_and_makes_nothing(hooked: Hooked, body: str) -> None:
    client = hooked.client("apigatewayv2")
    before = len(client.get_apis()["Items"])
    with pytest.raises(ClientError) as caught:
        client.import_api(Body=body)
    assert caught.value.response["Error"]["Code"] == "BadRequestException"
    assert len(client.get_apis()["Items"]) == before


def test_a_route_starts_a_flow(hooked: Hooked) -> None:
    url, _ = hooked.queue()
    send = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
    send["Parameters"] = {"QueueUrl": url, "MessageBody.$": "$.text"}
    flow = hooked.flow({"send": send}, "STANDARD")
    start = service("StepFunctions-StartExecution", StateMachineArn=flow, Input="$request.body")
    made = api(hooked, {"/start": {"post": start}})
    got = hooked.route(made, "$default", "POST", "/start", {"text": "hello"})
    assert got.status == 200
    assert got.json["executionArn"].startswith("arn:aws:states:us-east-1:000000000000:execution:")
    assert hooked.received(url, 1) == ["hello"]


def test_a_route_waits_for_a_flow(hooked: Hooked) -> None:
    flow = hooked.flow(
        {
            "which": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericEquals": 0, "Next": "bad"}],
                "Default": "good",
            },
            "bad": {"Type": "Fail", "Error": "Empty", "Cause": "no orders"},
            "good": {"Type": "Pass", "End": True},
        }
    )
    sync = service(
        "StepFunctions-StartSyncExecution",
        StateMachineArn=flow,
        Input='{"n": ${request.body.order.n}, "who": "${request.path.who}"}',
        Name="${request.path.who}-${request.querystring.k}-${request.header.X-Mark}",
    )
    made = api(hooked, {"/{who}": {"post": sync}})
    path = f"/_aws/execute-api/{made}/$default/bob"
    mark = {"X-Mark": "m"}
    good = hooked.call("POST", path + "?k=1", {"order": {"n": 2}}, mark)
    assert (good.status, good.json["status"], good.json["name"]) == (200, "SUCCEEDED", "bob-1-m")
    assert json.loads(good.json["output"]) == {"n": 2, "who": "bob"}
    bad = hooked.call("POST", path + "?k=2", {"order": {"n": 0}}, mark)
    assert (bad.status, bad.json["status"]) == (200, "FAILED")
    assert (bad.json["error"], bad.json["cause"]) == ("Empty", "no orders")
    assert "output" not in bad.json


def test_a_route_puts_an_event(hooked: Hooked) -> None:
    url, queue = hooked.queue()
    events = hooked.client("events")
    events.put_rule(Name="http-put", EventPattern=json.dumps({"source": ["http-put"]}))
    events.put_targets(Rule="http-put", Targets=[{"Id": "1", "Arn": queue}])
    put = service(
        "EventBridge-PutEvents",
        Source="http-put",
        DetailType="Ordered",
        Detail="$request.body.detail",
        Resources="tc:sandbox:bob",
    )
    made = api(hooked, {"/put": {"post": put}})
    got = hooked.route(made, "$default", "POST", "/put", {"detail": {"n": 5}})
    assert (got.status, got.json["FailedEntryCount"]) == (200, 0)
    (event,) = map(json.loads, hooked.received(url, 1))
    assert (event["detail-type"], event["detail"]) == ("Ordered", {"n": 5})
    assert event["resources"] == ["tc:sandbox:bob"]
    refused = hooked.route(made, "$default", "POST", "/put", {"other": 1})
    assert refused.status == 400
    assert "Detail" in refused.json["message"]


def test_a_route_sends_a_message(hooked: Hooked) -> None:
    url, _ = hooked.queue()
    send = service("SQS-SendMessage", QueueUrl=url, MessageBody="$request.body")
    made = api(hooked, {"/send": {"post": send}})
    got = hooked.route(made, "$default", "POST", "/send", '{"n": 1}')
    assert got.status == 200
    assert "<MessageId>" in got.body
    assert hooked.received(url, 1) == ['{"n": 1}']


def test_a_service_integration_made_by_itself_is_kept(hooked: Hooked) -> None:
    url, _ = hooked.queue()
    client = hooked.client("apigatewayv2")
    made = client.create_api(Name="one", ProtocolType="HTTP")["ApiId"]
    settings = {"IntegrationSubtype": "SQS-SendMessage", "CredentialsArn": ROLE}
    created = client.create_integration(
        ApiId=made,
        IntegrationType="AWS_PROXY",
        PayloadFormatVersion="1.0",
        RequestParameters={"QueueUrl": url, "MessageBody": "static"},
        **settings,
    )
    key = created["IntegrationId"]
    client.create_route(ApiId=made, RouteKey="POST /x", Target=f"integrations/{key}")
    client.create_stage(ApiId=made, StageName="live")
    found = client.get_integration(ApiId=made, IntegrationId=key)
    assert {name: found[name] for name in settings} == settings
    assert "IntegrationUri" not in found
    assert hooked.route(made, "live", "POST", "/x").status == 200
    assert hooked.received(url, 1) == ["static"]


def test_a_failed_function_is_a_500_without_its_error(hooked: Hooked) -> None:
    made = api(hooked, {"/fail": {"get": function(hooked.python(ECHO))}})
    got = hooked.route(made, "$default", "GET", "/fail")
    assert (got.status, got.json) == (500, {"message": "Internal Server Error"})


def test_a_slow_function_is_given_up(hooked: Hooked) -> None:
    name = hooked.python(ECHO, Timeout=10)
    made = api(hooked, {"/slow": {"get": function(name, timeoutInMillis=500)}})
    began = time.monotonic()
    got = hooked.route(made, "$default", "GET", "/slow")
    assert time.monotonic() - began < 3
    assert (got.status, got.json) == (503, {"message": "Service Unavailable"})


def test_an_event_reaches_functions_and_flows_of_its_sandbox_only(hooked: Hooked) -> None:
    url, _ = hooked.queue()
    send = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
    send["Parameters"] = {"QueueUrl": url, "MessageBody.$": "$.detail.text"}
    flow = hooked.flow({"send": send}, "STANDARD")
    name = hooked.python("def handler(event, context): print('saw', event['detail']['text'])")
    events = hooked.client("events")
    own = [{"exists": False}, {"anything-but": {"prefix": "tc:sandbox:"}}, "tc:sandbox:bob"]
    pattern = {"source": ["shop"], "resources": own}
    events.put_rule(Name="own", EventPattern=json.dumps(pattern))
    targets = [{"Id": "f", "Arn": arn(name)}, {"Id": "s", "Arn": flow, "RoleArn": ROLE}]
    assert events.put_targets(Rule="own", Targets=targets)["FailedEntryCount"] == 0
    sent = {
        "unmarked": [],
        "bob": ["tc:sandbox:bob"],
        "alice": ["tc:sandbox:alice"],
        "other": ["arn:aws:s3:::bucket"],
        "bob and other": ["arn:aws:s3:::bucket", "tc:sandbox:bob"],
    }
    for text, resources in sent.items():
        detail = json.dumps({"text": text})
        entry = {"Source": "shop", "DetailType": "x", "Detail": detail, "Resources": resources}
        events.put_events(Entries=[entry])
    expected = {"unmarked", "bob", "other", "bob and other"}
    assert set(hooked.received(url, 5, seconds=2)) == expected
    seen = {line[4:] for line in hooked.logged(name) if line.startswith("saw ")}
    assert seen == expected
    test = {"id": "1", "account": "0", "source": "shop", "time": "2024-01-01T00:00:00Z"}
    test |= {"region": "us-east-1", "detail-type": "x", "detail": {}}
    for text, resources in sent.items():
        event = json.dumps({**test, "resources": resources})
        got = events.test_event_pattern(EventPattern=json.dumps(pattern), Event=event)
        assert got["Result"] is (text in expected)
