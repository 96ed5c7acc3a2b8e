"""create, nothing to do, one edit, exactly that, nothing to do, delete, nothing left."""

from __future__ import annotations

import pytest
from composing import Directory
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws

HTTP = """
name: etl
routes:
  /api/etl: {function: enhancer}
  /api/items: {method: GET, function: loader, timeout: 10}
  /start: {event: Notify}
  /api/shared: {gateway: api-test, function: enhancer}
events:
  Notify: {producers: [default], function: loader}
  Load: {pattern: {source: [x], detail-type: [y]}, state: etl}
flow:
  StartAt: enhance
  States:
    enhance:
      Type: Task
      Resource: arn:aws:states:::lambda:invoke
      Parameters: {FunctionName: '{{namespace}}_enhancer_{{sandbox}}', Payload.$: $}
      End: true
"""
REST = """
name: etl
functions: {enhancer: {function: loader}}
routes:
  /sync: {function: enhancer}
  /later: {function: loader, async: true}
  /items/{id}: {method: GET, function: loader}
events:
  Notify: {function: loader}
"""


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.mark.parametrize("text", [HTTP, REST], ids=["http", "rest"])
def test_create_again_is_nothing_and_delete_leaves_nothing(
    directory: Directory, aws: FakeAws, text: str
) -> None:
    topology = directory.write(text, "enhancer loader").topology()
    outcome = create(aws, topology)
    assert failures(outcome) == []
    assert outcome.ok
    settled(aws, topology)
    assert delete(aws, topology).ok
    assert aws.is_empty()
    assert work(plan(aws, topology)) == work(plan(FakeAws(), topology))


FIELDS = [
    # what is edited, what the plan says of it, what -c means just that
    ("timeout: 10", "timeout: 11", ["~ route GET /api/items: timeout_ms"], "routes//api/items"),
    ("method: GET", "method: PUT", ["~ route PUT /api/items: method"], "routes//api/items"),
    (
        "/api/items: {",
        "items: {path: /api/things, ",
        ["+ route GET /api/things", "- route GET /api/items"],
        "routes",
    ),
    (
        "/start: {event: Notify}",
        "/start: {function: loader}",
        [
            "- role tc_etl_api.etl_bob_eu-west-1",
            (
                "~ route /start: integration.subtype, integration.role, "
                "integration.parameters, integration.payload, integration.uri"
            ),
        ],
        "routes",
    ),
    ("producers: [default]", "producers: [other]", None, "events/Notify"),
    (
        "producers: [default], function",
        "producers: [default], retries: 5, function",
        ["~ event Notify: targets.function.loader.retries"],
        "events/Notify",
    ),
    (
        "producers: [default], function",
        "producers: [default], retries: 0, function",
        ["~ event Notify: targets.function.loader.retries"],
        "events/Notify",
    ),
    ("source: [x]", "source: [z]", ["~ event Load: pattern.source.0"], "events/Load"),
    (
        "StartAt: enhance",
        "Comment: hello\n  StartAt: enhance",
        ["~ flow etl_bob: definition.Comment"],
        "flow",
    ),
    (
        "routes:\n",
        "functions: {loader: {runtime: {memory: 256}}}\nroutes:\n",
        ["~ function etl_loader_bob: memory_mb"],
        "functions/vars",
    ),
    (
        "routes:\n",
        "functions: {loader: {runtime: {timeout: 12}}}\nroutes:\n",
        ["~ function etl_loader_bob: timeout_s"],
        "loader",
    ),
    (
        "routes:\n",
        "functions: {loader: {runtime: {environment: {STAGE: x}}}}\nroutes:\n",
        ["~ function etl_loader_bob: environment.STAGE"],
        "vars",
    ),
    (
        "routes:\n",
        "functions: {loader: {description: hello}}\nroutes:\n",
        ["~ function etl_loader_bob: description"],
        "loader",
    ),
    (
        "routes:\n",
        "functions: {loader: {runtime: {arch: arm64}}}\nroutes:\n",
        ["~ function etl_loader_bob: arch"],
        "loader",
    ),
    (
        "routes:\n",
        "functions: {loader: {runtime: {handler: handler.main}}}\nroutes:\n",
        ["~ function etl_loader_bob: handler"],
        "loader",
    ),
    (
        "routes:\n",
        "functions: {loader: {runtime: {lang: python3.12}}}\nroutes:\n",
        ["~ function etl_loader_bob: runtime"],
        "loader",
    ),
    (
        "routes:\n",
        "functions: {loader: {runtime: {ephemeral_storage: 1024}}}\nroutes:\n",
        ["~ function etl_loader_bob: storage_mb"],
        "vars",
    ),
    (
        "routes:\n",
        (
            "functions: {loader: {runtime: {extensions: ['arn:aws:lambda:eu-west-1:1:layer:x:1']}}}"
            "\nroutes:\n"
        ),
        ["~ function etl_loader_bob: layers"],
        "layers",
    ),
    (
        "routes:\n",
        "functions: {loader: {tags: {team: data}}}\nroutes:\n",
        ["~ function etl_loader_bob: tags.team"],
        "functions/tags",
    ),
]


@pytest.mark.parametrize(("before", "after", "expected", "component"), FIELDS)
def test_one_edit_is_one_change(
    directory: Directory,
    aws: FakeAws,
    before: str,
    after: str,
    expected: list[str] | None,
    component: str,
) -> None:
    create(aws, directory.write(HTTP, "enhancer loader").topology())
    assert before in HTTP
    edited = directory.write(HTTP.replace(before, after, 1)).topology()
    if expected is not None:
        assert work(plan(aws, edited)) == sorted(expected)
    create(aws, edited, component)
    outcome = create(aws, edited)
    assert failures(outcome) == []
    settled(aws, edited)
    assert delete(aws, edited).ok
    assert aws.is_empty()


def test_an_http_api_is_made_in_one_call_and_a_rest_api_written_once_for_all(
    directory: Directory, aws: FakeAws
) -> None:
    create(
        aws, directory.write(HTTP.replace("gateway: api-test, ", ""), "enhancer loader").topology()
    )
    names = aws.names()
    assert names["apigatewayv2.import_api"] == names["apigatewayv2.create_stage"] == 1
    assert not names["apigatewayv2.create_route"]
    rest = FakeAws()
    create(rest, directory.write(REST).topology())
    edited = REST.replace("/later", "/much/later").replace("/items", "/things")
    topology = directory.write(edited).topology()
    rest.forget()
    create(rest, topology)
    written = [name for name in rest.writes() if name.startswith("apigateway.")]
    assert written == ["apigateway.put_rest_api", "apigateway.create_deployment"]


def test_code_alone_takes_four_calls(directory: Directory, aws: FakeAws) -> None:
    create(aws, directory.write(HTTP, "enhancer loader").topology())
    directory.write(HTTP, files={"enhancer/handler.py": "def handler(e, c):\n    return 2\n"})
    aws.forget()
    assert create(aws, directory.topology(), "enhancer").ok
    assert aws.writes() == ["lambda.update_function_code"]
    assert len(aws.calls) <= 4
