"""Addresses in variables arrive as values, also those that AWS tells late."""

from __future__ import annotations

from composing import Directory
from deploying import create, plan, settled, work
from fake_aws import FakeAws

TOPOLOGY = """
name: etl
functions:
  one:
    runtime:
      environment:
        API: '{{API_GATEWAY_URL}}'
        BOTH: 'x {{routes.etl.url}} {{functions.two.name}}'
routes: {etl: {path: /api/etl, function: two}}
"""


def environment(aws: FakeAws) -> dict[str, str]:
    variables: dict[str, str] = aws.functions["etl_one_bob"]["environment"]
    return variables


def test_a_function_knows_where_its_sandbox_answers(directory: Directory) -> None:
    aws = FakeAws()
    topology = directory.write(TOPOLOGY, "one two").topology()
    assert create(aws, topology).ok
    [api] = aws.http_apis
    root = f"https://{api}.execute-api.eu-west-1.amazonaws.com"
    found = aws.call("lambda", "get_function", FunctionName="etl_one_bob")["Configuration"]
    variables = found["Environment"]["Variables"]
    assert variables["API"] == root
    assert variables["BOTH"] == f"x {root}/api/etl etl_two_bob"
    settled(aws, topology)


def test_one_aspect_of_the_function_alone_reads_what_its_variables_name(
    directory: Directory,
) -> None:
    aws = FakeAws()
    assert create(aws, directory.write(TOPOLOGY, "one two").topology()).ok
    edited = TOPOLOGY.replace("'x {{routes", "'y {{routes")
    topology = directory.write(edited, "one two").topology()
    assert work(plan(aws, topology, "functions/vars")) == [
        "~ function etl_one_bob: environment.BOTH"
    ]
