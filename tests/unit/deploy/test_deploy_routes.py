"""What routes and their APIs can say: made, settled, changed alone, taken out, gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from composing import Directory
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws, policy_of, refused

from tc.deploy.addresses import routes as addresses
from tc.deploy.walk import Outcome
from tc.errors import TcError

POOL = "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_a"
ORIGIN = "method.response.header.Access-Control-Allow-Origin"
RULES = "infrastructure/tc/etl/routes.json"


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def made(aws: FakeAws, directory: Directory, routes: str, **files: Any) -> Outcome:
    """The sandbox with these routes, and nothing left to do."""
    written = {name.replace("__", "/"): json.dumps(text) for name, text in files.items()}
    text = f"name: etl\nroutes:\n{routes}\nevents: {{E: {{function: one}}}}\n"
    topology = directory.write(text, "one ward", written).topology()
    outcome = create(aws, topology)
    assert failures(outcome) == []
    settled(aws, topology)
    return outcome


#: before, after, what the plan says of it, the writing calls
EDITS = [
    (
        "  /a: {function: one}",
        "  /a: {function: one, authorizer: ward}",
        [
            "+ authorizer ward",
            "+ permission etl_ward_bob for authorizer of etl_bob",
            "~ route /a: authorizer",
        ],
        ["apigatewayv2.create_authorizer", "apigatewayv2.update_route", "lambda.add_permission"],
    ),
    (
        "  /a: {function: one, authorizer: ward}",
        "  /a: {function: one, authorizer: none}",
        [
            "- authorizer ward",
            "- permission etl_ward_bob for authorizer etl-bob",
            "~ route /a: authorizer",
        ],
        [
            "apigatewayv2.delete_authorizer",
            "apigatewayv2.update_route",
            "lambda.remove_permission",
        ],
    ),
    (
        "  /a: {function: one, authorizer: iam}",
        "  /a: {function: one}",
        ["~ route /a: authorizer"],
        ["apigatewayv2.update_route"],
    ),
    (
        "  /a: {function: one, authorizer: {cognito: 'POOL', audience: [x]}, timeout: 5}",
        "  /a: {function: one, authorizer: {cognito: 'POOL', audience: [x]}, timeout: 6}",
        ["~ route /a: timeout_ms"],
        ["apigatewayv2.update_integration"],
    ),
    (
        "  /a: {function: one}",
        "  /a: {function: one, cors: true}",
        ["~ api etl_bob: cors.origins, cors.methods, cors.headers"],
        ["apigatewayv2.update_api"],
    ),
    (
        "  /a: {function: one, cors: true}",
        "  /a: {function: one}",
        ["~ api etl_bob: cors.origins, cors.methods, cors.headers"],
        ["apigatewayv2.delete_cors_configuration"],
    ),
    (
        "  /a: {function: one, stage_variables: {x: a, y: b}}",
        "  /a: {function: one, stage_variables: {x: c}}",
        ["~ api etl_bob: variables.x, variables.y"],
        ["apigatewayv2.update_stage"],
    ),
    (
        "  /a: {function: one, stage: blue}",
        "  /a: {function: one, stage: green}",
        ["~ api etl_bob: stage"],
        ["apigatewayv2.create_stage", "apigatewayv2.delete_stage"],
    ),
    (
        "  /a: {event: E, request_params: {Time: a}}",
        "  /a: {event: E}",
        ["~ route /a: integration.parameters.Time"],
        ["apigatewayv2.update_integration"],
    ),
    (
        "  /a: {event: E}",
        "  /a: {event: E, request_template: detail}",
        ["~ route /a: integration.parameters.Detail"],
        ["apigatewayv2.update_integration"],
    ),
    (
        "  /a: {event: E, response_template: x}",
        "  /a: {event: E, response_template: y}",
        ["~ route /a: integration.responses.200.template"],
        ["apigateway.create_deployment", "apigateway.put_rest_api"],
    ),
    (
        "  /a: {function: one, async: true, authorizer: ward}",
        "  /a: {function: one, async: true, authorizer: {cognito: 'POOL'}}",
        [
            "+ authorizer cognito-8a171bb1",
            "- authorizer ward",
            "- permission etl_ward_bob for authorizer etl-bob",
            "~ route /a: authorizer",
        ],
        ["apigateway.create_deployment", "apigateway.put_rest_api", "lambda.remove_permission"],
    ),
    (
        "  /a: {function: one, kind: rest, cors: true}",
        "  /a: {function: one, kind: rest, cors: {origins: ['https://a.b']}}",
        [
            f"~ route OPTIONS /a: integration.responses.200.headers.{ORIGIN}",
        ],
        ["apigateway.create_deployment", "apigateway.put_rest_api"],
    ),
    (
        "  /a: {function: one, kind: rest, stage_variables: {x: a, y: b}}",
        "  /a: {function: one, kind: rest, stage_variables: {x: c}}",
        ["~ api etl_bob: variables.x, variables.y"],
        ["apigateway.update_stage"],
    ),
    (
        "  /a: {function: one, kind: rest, stage: blue, stage_variables: {x: a}}",
        "  /a: {function: one, kind: rest, stage: green, stage_variables: {x: a}}",
        ["~ api etl_bob: stage"],
        ["apigateway.create_deployment", "apigateway.delete_stage", "apigateway.update_stage"],
    ),
    (
        "  /a: {function: one, gateway: g, authorizer: ward, kind: rest, timeout: 5}",
        "  /a: {function: one, gateway: g, authorizer: ward, kind: rest, timeout: 6}",
        ["~ route /a: timeout_ms"],
        [
            "apigateway.create_deployment",
            "apigateway.delete_method",
            "apigateway.put_integration",
            "apigateway.put_method",
        ],
    ),
]


@pytest.mark.parametrize(("before", "after", "steps", "calls"), EDITS)
def test_one_edit_is_one_change_and_its_calls(
    directory: Directory,
    aws: FakeAws,
    before: str,
    after: str,
    steps: list[str],
    calls: list[str],
) -> None:
    before, after = before.replace("POOL", POOL), after.replace("POOL", POOL)
    made(aws, directory, before)
    text = f"name: etl\nroutes:\n{after}\nevents: {{E: {{function: one}}}}\n"
    topology = directory.write(text).topology()
    assert work(plan(aws, topology)) == steps
    aws.forget()
    assert failures(create(aws, topology, "routes")) == []
    assert sorted(aws.writes()) == calls
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()


def test_limits_and_a_domain_name_come_from_routes_json(directory: Directory, aws: FakeAws) -> None:
    limits = {"burst_limit": 5, "rate_limit": 2.5}
    rules: dict[str, Any] = {"throttling": {"default": {"bob": limits}}}
    for kind in ("http", "rest"):
        aws.domains["api.example.com"] = {}
        route = f"  /a: {{function: one, kind: {kind}}}"
        made(aws, directory, route, **{RULES: rules})
        rules["domains"] = {"default": {"bob": "api.example.com"}}
        outcome = made(aws, directory, route, **{RULES: rules})
        assert [step.title for step in outcome.done if step.action.name == "UPDATE"] == ["etl_bob"]
        mapping = next(iter(aws.domains["api.example.com"].values()))
        assert mapping["Stage"] == ("live" if kind == "rest" else "$default")
        made(aws, directory, f"  /a: {{function: one, kind: {kind}, stage: v2}}", **{RULES: rules})
        now = aws.domains["api.example.com"][mapping["ApiMappingId"]]["Stage"]
        assert now == "v2"
        del rules["domains"]
        made(aws, directory, f"  /a: {{function: one, kind: {kind}, stage: v2}}", **{RULES: {}})
        assert aws.domains["api.example.com"] == {}
        topology = directory.topology()
        assert delete(aws, topology).ok
        assert aws.is_empty()


@pytest.mark.parametrize(
    ("there", "said"),
    [({}, "has no domain name"), ({"api.example.com": {"m": {"ApiId": "other"}}}, "another API")],
)
def test_a_domain_name_that_cannot_be_used_stops_before_the_first_write(
    directory: Directory, aws: FakeAws, there: dict[str, Any], said: str
) -> None:
    aws.domains = there
    rules = {"domains": {"default": {"default": "api.example.com"}}}
    topology = directory.write(
        "name: etl\nroutes: {/a: {function: one}}\n", "one", {RULES: json.dumps(rules)}
    ).topology()
    with pytest.raises(TcError, match=said):
        create(aws, topology)
    assert aws.writes() == []


def test_a_shared_api_takes_300_routes_of_all_its_owners(
    directory: Directory, aws: FakeAws
) -> None:
    def shared(first: int, count: int) -> str:
        lines = (f"  /r{n}: {{function: one, gateway: g}}" for n in range(first, first + count))
        return "name: etl\nroutes:\n" + "\n".join(lines) + "\n"

    assert create(aws, directory.write(shared(0, 299), "one").topology(sandbox="ann")).ok
    assert create(aws, directory.write(shared(0, 1), "one").topology()).ok
    aws.forget()
    with pytest.raises(TcError, match="`g` would have 301 routes, others' among them"):
        create(aws, directory.write(shared(0, 2), "one").topology())
    assert aws.writes() == []
    # one goes as another comes
    assert create(aws, directory.write(shared(1, 1), "one").topology()).ok


def test_an_authorizer_may_call_its_function_and_no_other(
    directory: Directory, aws: FakeAws
) -> None:
    made(aws, directory, "  /a: {function: one, authorizer: ward}")
    (statement,) = policy_of(aws, "etl_ward_bob")
    (api,) = aws.http_apis
    source = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
    assert source == f"arn:aws:execute-api:eu-west-1:111122223333:{api}/authorizers/*"


def test_routes_on_a_shared_rest_api_leave_the_others_alone(
    directory: Directory, aws: FakeAws
) -> None:
    api = aws.apigateway_create_rest_api("g", {})["id"]
    bob = aws.apigateway_create_resource(api, aws.rest_apis[api]["resources"]["/"]["id"], "bob")
    place = {"restApiId": api, "resourceId": bob["id"], "httpMethod": "GET"}
    aws.apigateway_put_method(**place, operationName="theirs")
    aws.apigateway_put_integration(**place, type="MOCK", timeoutInMillis=1000)
    aws.apigateway_create_deployment(api, "prod", "by hand")
    theirs = aws.rest_apis[api]["resources"]["/bob"]["resourceMethods"]["GET"]
    routes = "  /x/{id}: {gateway: g, function: one, async: true, cors: true}\n"
    made(aws, directory, routes + "  GET /y: {gateway: g, function: one}")
    answers = aws.rest_apis[api]["answers"]
    assert sorted((p, m) for p, node in answers.items() for m in node["resourceMethods"]) == [
        ("/bob", "GET"),
        ("/bob/x/{id}", "OPTIONS"),
        ("/bob/x/{id}", "POST"),
        ("/bob/y", "GET"),
    ]
    assert set(aws.rest_apis[api]["stages"]) == {"prod"}
    assert delete(aws, directory.topology()).ok
    assert set(aws.rest_apis[api]["resources"]) == {"/", "/bob"}
    assert aws.rest_apis[api]["answers"]["/bob"]["resourceMethods"]["GET"] == theirs


def cut(operation: str) -> Callable[[str, dict[str, Any]], Exception | None]:
    """Refuses one operation."""
    return lambda name, _: refused("Refused") if name == operation else None


@pytest.mark.parametrize("kind", ["http", "rest"])
def test_what_was_changed_and_not_deployed_is_seen_by_the_next_run(
    directory: Directory, aws: FakeAws, kind: str
) -> None:
    service = "apigatewayv2" if kind == "http" else "apigateway"
    if kind == "http":
        number = aws.apigatewayv2_create_api("g", "HTTP", {})["ApiId"]
        aws.apigatewayv2_create_stage(number, "prod", False)
    routes = "  /a: {gateway: g, function: one, kind: %s, timeout: %d}"
    more = "\n  /b: {gateway: g, function: one, kind: %s}"
    made(aws, directory, routes % (kind, 5))
    for text in (routes % (kind, 6), routes % (kind, 6) + more % kind, routes % (kind, 6)):
        text = f"name: etl\nroutes:\n{text}\nevents: {{E: {{function: one}}}}\n"
        topology = directory.write(text).topology()
        aws.hook = cut(f"{service}.create_deployment")
        assert failures(create(aws, topology))
        aws.hook = lambda name, given: None
        assert work(plan(aws, topology)) != []
        assert failures(create(aws, topology)) == []
        settled(aws, topology)
        if kind == "http":
            live = aws.http_apis[number]
            keys = {route["RouteKey"] for route in live["routes"].values()}
            assert set(live["stages"]["prod"]["answers"]) == keys
            assert len(live["integrations"]) == len(keys)


def test_another_s_rest_gateway_is_never_deleted(directory: Directory, aws: FakeAws) -> None:
    aws.apigateway_create_rest_api("g", {})
    text = "name: etl\nroutes: {/a: {gateway: g, function: one}}\n"
    topology = directory.write(text, "one").topology()
    with pytest.raises(Exception, match="its protocol is REST, the topology needs HTTP"):
        plan(aws, topology)
    (failure, *_) = failures(create(aws, topology, adopt=True))
    assert "others' too and not deleted" in failure
    assert len(aws.rest_apis) == 1


@pytest.mark.parametrize(
    ("other", "allowed"),
    [
        ("{origins: ['https://a.b']}", {"https://a.b"}),
        ("{origins: ['https://c.d']}", set()),
        ("false", {"https://a.b"}),
    ],
)
def test_pages_may_read_what_a_rest_api_answers_by_itself(
    directory: Directory, aws: FakeAws, other: str, allowed: set[str]
) -> None:
    routes = (
        "  /a: {function: one, kind: rest, cors: {origins: ['https://a.b']}}\n"
        f"  /b: {{function: one, cors: {other}}}"
    )
    made(aws, directory, routes)
    (api,) = aws.rest_apis.values()
    name = "gatewayresponse.header.Access-Control-Allow-Origin"
    said = [answer["responseParameters"][name] for answer in api["own_answers"].values()]
    assert set(said) == {f"'{origin}'" for origin in allowed}
    assert list(api["own_answers"]) == (["DEFAULT_4XX", "DEFAULT_5XX"] if allowed else [])


def test_answers_to_browsers_are_no_addresses(directory: Directory, aws: FakeAws) -> None:
    text = "name: etl\nroutes: {/a: {function: one, kind: rest, cors: true}}\n"
    topology = directory.write(text, "one").topology()
    prepared = plan(aws, topology)
    outcome = create(aws, topology)
    told = addresses(prepared.desired, outcome.outputs)
    assert [(route.method, route.path) for route in told] == [("POST", "/a")]
