"""Who may invoke a function: exactly the sandbox's own paths and rules."""

from __future__ import annotations

import pytest
from composing import Directory
from deploying import create, settled
from fake_aws import FakeAws, policy_of


def sources(directory: Directory, text: str, sandbox: str = "bob") -> list[tuple[str, str]]:
    """(who, from where) of the function `one`, the API's id left out."""
    aws = FakeAws()
    topology = directory.write(f"name: etl\n{text}\n", "one two").topology(sandbox=sandbox)
    assert create(aws, topology).ok
    found = []
    for statement in policy_of(aws, f"etl_one_{sandbox}"):
        arn = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
        for number in [*aws.http_apis, *aws.rest_apis]:
            arn = arn.replace(number, "ID")
        found.append((statement["Principal"]["Service"].split(".")[0], arn))
    return sorted(found)


API = "arn:aws:execute-api:eu-west-1:111122223333:ID/*/*"
RULE = "arn:aws:events:eu-west-1:111122223333:rule"


@pytest.mark.parametrize(
    ("routes", "source"),
    [
        ("{/a: {function: one}}", "/*"),
        ("{/a: {function: one}, /b: {function: one, method: GET}}", "/*"),
        ("{/a: {gateway: g, function: one}}", "/bob/*"),
        ("{/: {gateway: g, function: one}}", "/bob*"),
        ("{/: {gateway: g, function: two}, /a: {gateway: g, function: one}}", "/bob/*"),
    ],
)
def test_apis(directory: Directory, routes: str, source: str) -> None:
    assert sources(directory, f"routes: {routes}") == [("apigateway", f"{API}{source}")]


def test_stable_is_at_the_root_of_a_shared_api(directory: Directory) -> None:
    text = "routes: {/a: {gateway: g, function: one}}"
    assert sources(directory, text, "stable") == [("apigateway", f"{API}/*")]


def test_own_and_shared_apis_and_rules_are_statements_of_their_own(directory: Directory) -> None:
    text = "routes: {/a: {function: one}, /b: {gateway: g, function: one}}\n"
    text += "events: {E: {function: one}, F: {rule_name: r, functions: [two, one]}}"
    assert sources(directory, text) == [
        ("apigateway", f"{API}/*"),
        ("apigateway", f"{API}/bob/*"),
        ("events", f"{RULE}/r"),
        ("events", f"{RULE}/tc_etl_E_bob"),
    ]


def test_a_statement_that_somebody_else_wrote_stays(directory: Directory) -> None:
    aws = FakeAws()
    text = "name: etl\nroutes: {/a: {function: one}, /b: {function: two}}\n"
    create(aws, directory.write(text, "one two").topology())
    aws.lambda_add_permission(
        "etl_two_bob", "mine", Principal="s3.amazonaws.com", Action="x", SourceArn="y"
    )
    topology = directory.write(text.replace(", /b: {function: two}", "")).topology()
    assert create(aws, topology).ok
    assert [statement["Sid"] for statement in policy_of(aws, "etl_two_bob")] == ["mine"]
    settled(aws, topology)


def test_a_target_that_is_taken_out_of_a_rule(directory: Directory) -> None:
    aws = FakeAws()
    text = "name: etl\nevents: {E: {functions: [one, two]}}\n"
    create(aws, directory.write(text, "one two").topology())
    topology = directory.write(text.replace(", two", "")).topology()
    assert create(aws, topology, "events").ok
    assert list(aws.rules["default", "tc_etl_E_bob"]["targets"]) == ["function.one"]
    assert aws.functions["etl_two_bob"]["policy"] == {}
    settled(aws, topology)
