"""Mutations on the account in memory: made, found unchanged, changed alone, gone."""

from __future__ import annotations

import pytest
from composing import Directory
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws

from tc.errors import TcError

TEXT = """
name: runs
functions: {start: {runtime: {timeout: 20}}, check: {}}
events:
  Finished: {producer: app, mutation: finish}
  Said: {producer: app, function: check}
tables: {items: {key: id}}
mutations:
  types:
    Run: {id: ID!, status: String}
    Item: {id: ID!, text: String}
  inputs:
    ItemInput: {id: ID!, text: String}
  resolvers:
    start: {function: start, input: ItemInput, output: Run}
    finish: {input: Event, output: Run, subscribe: true}
    say: {event: Said, input: ItemInput, output: Item}
    keep: {table: items, input: ItemInput, output: Item}
"""


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def deployed(directory: Directory, aws: FakeAws, text: str = TEXT) -> None:
    topology = directory.write(text, "start check").topology()
    assert failures(create(aws, topology)) == []
    settled(aws, topology)


def test_a_sandbox_has_one_api_and_leaves_nothing(directory: Directory, aws: FakeAws) -> None:
    deployed(directory, aws)
    (api,) = aws.graphql_apis.values()
    assert api["api"]["name"] == "runs_bob"
    assert api["api"]["authenticationType"] == "API_KEY"
    assert sorted(api["resolvers"]) == [
        ("Mutation", "finish"),
        ("Mutation", "keep"),
        ("Mutation", "say"),
        ("Mutation", "start"),
        ("Query", "getItem"),
    ]
    assert "code" not in api["resolvers"]["Mutation", "start"]
    assert delete(aws, directory.topology()).ok
    assert aws.is_empty()


def test_a_rule_hands_its_events_to_the_mutation(directory: Directory, aws: FakeAws) -> None:
    deployed(directory, aws)
    (number,) = aws.graphql_apis
    (target,) = aws.rules["default", "tc_runs_Finished_bob"]["targets"].values()
    account = "eu-west-1:111122223333"
    # AppSync's address has a name of its own, which isn't the API's id
    assert target["Arn"] == f"arn:aws:appsync:{account}:endpoints/graphql-api/host{number}"
    assert target["AppSyncParameters"]["GraphQLOperation"] == (
        "mutation Finish($input: FinishEvent!) "
        "{ finish(input: $input) { id status createdAt updatedAt } }"
    )
    assert target["InputTransformer"] == {
        "InputPathsMap": {"input": "$.detail"},
        "InputTemplate": '{"input": <input>}',
    }
    assert target["RoleArn"].endswith("/tc_runs_event.Finished_bob_eu-west-1")
    policy = aws.roles["tc_runs_event.Finished_bob_eu-west-1"]["policies"]["tc"]
    assert f"arn:aws:appsync:{account}:apis/{number}/types/Mutation/fields/finish" in policy


EDITS = [
    (
        "Item: {id: ID!, text: String}\n  inputs",
        "Item: {id: ID!, text: String, size: Int}\n  inputs",
        ["~ mutation api runs_bob: schema.type Item.size"],
        ["appsync.start_schema_creation"],
    ),
    (
        "say: {event: Said, input",
        "say: {input",
        [
            "- role tc_runs_mutation.say_bob_eu-west-1",
            "~ mutation say: source.type, source.target, source.role, javascript",
        ],
        [
            "appsync.update_data_source",
            "appsync.update_resolver",
            "iam.delete_role",
            "iam.delete_role_policy",
        ],
    ),
    (
        "    start: {function: start, input: ItemInput, output: Run}\n",
        "",
        [
            "- mutation start",
            "- role tc_runs_mutation.start_bob_eu-west-1",
            "~ mutation api runs_bob: schema.type Mutation.start(input: ItemInput!)",
        ],
        [
            "appsync.delete_data_source",
            "appsync.delete_resolver",
            "appsync.start_schema_creation",
            "iam.delete_role",
            "iam.delete_role_policy",
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "steps", "calls"), EDITS)
def test_an_edit_changes_only_what_it_is_about(
    directory: Directory,
    aws: FakeAws,
    old: str,
    new: str,
    steps: list[str],
    calls: list[str],
) -> None:
    deployed(directory, aws)
    assert TEXT.count(old) == 1
    topology = directory.write(TEXT.replace(old, new), "start check").topology()
    assert work(plan(aws, topology)) == sorted(steps)
    aws.forget()
    assert create(aws, topology).ok
    assert sorted(aws.writes()) == sorted(calls)
    settled(aws, topology)


def test_one_mutation_is_made_by_itself(directory: Directory, aws: FakeAws) -> None:
    topology = directory.write(TEXT, "start check").topology()
    assert failures(create(aws, topology, "mutations/start")) == []
    (api,) = aws.graphql_apis.values()
    assert list(api["resolvers"]) == [("Mutation", "start")]
    assert list(aws.functions) == ["runs_start_bob"]


def test_an_authorizer_takes_the_place_of_the_key(directory: Directory, aws: FakeAws) -> None:
    """And what the user set besides stays."""
    deployed(directory, aws)
    (api,) = aws.graphql_apis.values()
    theirs = {"xrayEnabled": True, "logConfig": {"fieldLogLevel": "ERROR"}}
    api["api"].update(theirs)
    text = TEXT.replace("mutations:\n", "mutations:\n  authorizer: check\n")
    topology = directory.write(text, "start check").topology()
    assert failures(create(aws, topology)) == []
    assert api["api"].items() >= theirs.items()
    assert api["api"]["authenticationType"] == "AWS_LAMBDA"
    config = api["api"]["lambdaAuthorizerConfig"]
    assert config["authorizerUri"].endswith(":function:runs_check_bob")
    (asked,) = [
        one
        for one in aws.functions["runs_check_bob"]["policy"].values()
        if one["Principal"] == {"Service": "appsync.amazonaws.com"}
    ]
    assert asked["Condition"] == {"ArnLike": {"AWS:SourceArn": api["api"]["arn"]}}
    settled(aws, topology)


def test_what_somebody_changed_is_seen_and_put_right(directory: Directory, aws: FakeAws) -> None:
    deployed(directory, aws)
    (api,) = aws.graphql_apis.values()
    api["schema"] = api["schema"].replace(b"  status: String\n", b"  status: Int\n", 1)
    del api["resolvers"]["Mutation", "keep"]
    topology = directory.topology()
    drifted = work(plan(aws, topology))
    assert drifted[0] == "~ mutation api runs_bob: schema.type Run @aws_api_key @aws_iam.status"
    assert drifted[1].startswith("~ mutation keep: source.type")
    assert failures(create(aws, topology)) == []
    settled(aws, topology)


def test_a_schema_that_appsync_refuses_fails_with_its_reason(
    directory: Directory, aws: FakeAws
) -> None:
    text = TEXT.replace("status: String", "broken: String")
    outcome = create(aws, directory.write(text, "start check").topology())
    told = [line for line in failures(outcome) if line.startswith("mutation api")]
    assert told == ["mutation api runs_bob: AppSync can't use the schema: no such type"]


def test_a_foreign_api_of_the_name_stops_the_run(directory: Directory, aws: FakeAws) -> None:
    aws.appsync_create_graphql_api("runs_bob", {}, authenticationType="API_KEY")
    with pytest.raises(TcError) as caught:
        create(aws, directory.write(TEXT, "start check").topology())
    assert caught.value.code == "not-owned"
    assert aws.writes() == []
