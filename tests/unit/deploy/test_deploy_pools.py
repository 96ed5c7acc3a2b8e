"""User pools, their app clients and triggers on the account in memory."""

from __future__ import annotations

from typing import Any

import pytest
from composing import Directory, codes
from deploying import create, delete, failures, plan, settled, work
from fake_aws import FakeAws, policy_of

from tc.deploy.pipeline import carry_out, prepare_removal
from tc.errors import TcError
from tc.events import silent

TOPOLOGY = """
name: etl
pools:
  users: {}
triggers:
  pre_sign_up: {function: one}
  PostConfirmation: {function: two}
"""
ONE = "arn:aws:lambda:eu-west-1:111122223333:function:etl_one_bob"
TWO = ONE.replace("one", "two")


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def pool(aws: FakeAws) -> dict[str, Any]:
    (found,) = aws.pools.values()
    return found


def client(aws: FakeAws) -> dict[str, Any]:
    (found,) = aws.pool_clients[pool(aws)["Id"]].values()
    return found


def writes(aws: FakeAws) -> list[str]:
    return [name for name in aws.writes() if name.startswith("cognito")]


def deployed(aws: FakeAws, directory: Directory, text: str = TOPOLOGY) -> None:
    outcome = create(aws, directory.write(text, "one two").topology())
    assert failures(outcome) == []
    settled(aws, directory.topology())


def test_a_pool_with_a_client_and_triggers_from_nothing_to_nothing(
    directory: Directory, aws: FakeAws
) -> None:
    deployed(aws, directory)
    assert aws.names()["cognito-idp.describe_user_pool"] == 1
    assert pool(aws)["Name"] == "etl_users_bob"
    assert pool(aws)["UsernameAttributes"] == ["email"]
    assert pool(aws)["LambdaConfig"] == {"PreSignUp": ONE, "PostConfirmation": TWO}
    assert client(aws)["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]
    assert client(aws)["PreventUserExistenceErrors"] == "ENABLED"
    (statement,) = policy_of(aws, "etl_one_bob")
    assert statement["Principal"] == {"Service": "cognito-idp.amazonaws.com"}
    assert pool(aws)["Arn"] in str(statement["Condition"])
    assert delete(aws, directory.topology()).ok
    assert aws.is_empty()


@pytest.mark.parametrize(
    ("old", "new", "told", "called"),
    [
        (
            "users: {}",
            "users: {password_length: 20}",
            ["~ pool users: password_length"],
            ["cognito-idp.update_user_pool"],
        ),
        (
            "users: {}",
            "users: {sign_up: false}",
            ["~ pool users: sign_up"],
            ["cognito-idp.update_user_pool"],
        ),
        (
            "users: {}",
            "users: {auth: [srp, password]}",
            ["~ pool client users: flows"],
            ["cognito-idp.update_user_pool_client"],
        ),
        (
            "pre_sign_up: {function: one}",
            "PRE_SIGNUP: {function: two}",
            [
                "- permission etl_one_bob for pool etl-users-bob",
                "~ trigger PostConfirmation, PreSignUp of users: functions.PreSignUp",
            ],
            ["cognito-idp.update_user_pool"],
        ),
        (
            "  pre_sign_up: {function: one}\n",
            "",
            [
                "- permission etl_one_bob for pool etl-users-bob",
                "~ trigger PostConfirmation of users: functions.PreSignUp",
            ],
            ["cognito-idp.update_user_pool"],
        ),
    ],
)
def test_one_field_is_one_change(
    directory: Directory, aws: FakeAws, old: str, new: str, told: list[str], called: list[str]
) -> None:
    deployed(aws, directory)
    topology = directory.write(TOPOLOGY.replace(old, new), "one two").topology()
    assert work(plan(aws, topology)) == told
    aws.forget()
    assert create(aws, topology).ok
    assert writes(aws) == called
    settled(aws, topology)


def test_what_somebody_set_in_the_console_survives_every_change(
    directory: Directory, aws: FakeAws
) -> None:
    deployed(aws, directory)
    number = pool(aws)["Id"]
    aws.pools[number] |= {"MfaConfiguration": "OPTIONAL", "EmailVerificationSubject": "hello"}
    aws.pools[number]["LambdaConfig"]["CustomMessage"] = "arn:of:somebody"
    aws.pools[number]["UserPoolTags"]["cost"] = "42"
    client(aws)["CallbackURLs"] = ["https://example.com"]
    text = (
        TOPOLOGY.replace("users: {}", "users: {password_length: 20, auth: [admin]}")
        .replace("name: etl", "name: etl\ntags: {cost: '42'}")
        .replace("pre_sign_up: {function: one}", "pre_sign_up: {function: two}")
    )
    topology = directory.write(text, "one two").topology()
    assert create(aws, topology).ok
    assert pool(aws)["MfaConfiguration"] == "OPTIONAL"
    assert pool(aws)["EmailVerificationSubject"] == "hello"
    assert pool(aws)["LambdaConfig"]["CustomMessage"] == "arn:of:somebody"
    assert pool(aws)["LambdaConfig"]["PreSignUp"] == TWO
    assert client(aws)["CallbackURLs"] == ["https://example.com"]
    settled(aws, topology)
    without = directory.write("name: etl\ntags: {cost: '42'}\npools: [users]\n", "one two")
    assert create(aws, without.topology()).ok
    assert pool(aws)["LambdaConfig"] == {"CustomMessage": "arn:of:somebody"}


def test_a_trigger_with_a_version_keeps_it(directory: Directory, aws: FakeAws) -> None:
    text = "name: etl\npools: [users]\ntriggers: {PreTokenGeneration: {function: one}}\n"
    deployed(aws, directory, text)
    config = pool(aws)["LambdaConfig"]
    config["PreTokenGenerationConfig"] = {"LambdaVersion": "V2_0", "LambdaArn": ONE}
    topology = directory.write(text.replace("one", "two"), "one two").topology()
    assert create(aws, topology).ok
    assert pool(aws)["LambdaConfig"] == {
        "PreTokenGeneration": TWO,
        "PreTokenGenerationConfig": {"LambdaVersion": "V2_0", "LambdaArn": TWO},
    }
    assert create(aws, directory.write("name: etl\npools: [users]\n", "one two").topology()).ok
    assert pool(aws)["LambdaConfig"] == {}


def test_drift_is_seen_and_mended(directory: Directory, aws: FakeAws) -> None:
    deployed(aws, directory)
    pool(aws)["Policies"]["PasswordPolicy"]["MinimumLength"] = 6
    pool(aws)["LambdaConfig"].pop("PreSignUp")
    client(aws)["PreventUserExistenceErrors"] = "LEGACY"
    assert work(plan(aws, directory.topology())) == [
        "~ pool client users: hides_users",
        "~ pool users: password_length",
        "~ trigger PostConfirmation, PreSignUp of users: functions.PreSignUp",
    ]
    assert create(aws, directory.topology()).ok
    settled(aws, directory.topology())


def test_events_of_cognito_are_triggers(directory: Directory, aws: FakeAws) -> None:
    text = """
name: etl
pools: [users]
events:
  Joined: {producer: Cognito/PRE_SIGNUP, function: one}
  Ordered: {producer: default, function: two}
"""
    deployed(aws, directory, text)
    assert pool(aws)["LambdaConfig"] == {"PreSignUp": ONE}
    assert [rule["Name"] for rule in aws.rules.values()] == ["tc_etl_Ordered_bob"]
    edited = directory.write(text.replace("function: one", "function: two"), "one two").topology()
    assert work(plan(aws, edited, "events/Joined")) == [
        "+ permission etl_two_bob for pool etl_users_bob",
        "~ trigger PreSignUp of users: functions.PreSignUp",
    ]


def test_users_keep_their_pool_and_lose_the_triggers(directory: Directory, aws: FakeAws) -> None:
    deployed(aws, directory)
    aws.pool_users[pool(aws)["Id"]].append("ann")
    topology = directory.topology()
    prepared = prepare_removal(topology, aws)
    assert {s.title: s.held for s in prepared.plan.steps if s.held} == {"users": "1 user"}
    assert carry_out(prepared, aws, silent).ok
    assert pool(aws)["LambdaConfig"] == {}
    assert not aws.functions
    assert create(aws, topology).ok
    assert len(aws.pools) == 1
    settled(aws, topology)
    assert carry_out(prepare_removal(topology, aws, purge=True), aws, silent).ok
    assert aws.is_empty()


def test_sign_in_cant_change_in_a_pool_with_users(directory: Directory, aws: FakeAws) -> None:
    deployed(aws, directory)
    topology = directory.write(
        TOPOLOGY.replace("users: {}", "users: {sign_in: username}"), "one two"
    ).topology()
    assert "± pool users: sign_in" in work(plan(aws, topology))
    aws.pool_users[pool(aws)["Id"]].append("ann")
    with pytest.raises(TcError, match="users holds 1 user") as caught:
        plan(aws, topology)
    assert caught.value.code == "holds-data"


def test_a_foreign_pool_of_the_name_is_left_alone(directory: Directory, aws: FakeAws) -> None:
    aws.cognito_idp_create_user_pool("etl_users_bob", AdminCreateUserConfig={}, UserPoolTags={})
    topology = directory.write(TOPOLOGY, "one two").topology()
    with pytest.raises(TcError) as caught:
        plan(aws, topology)
    assert caught.value.code == "not-owned"
    assert aws.writes() == []


def test_two_own_pools_of_the_name_are_told(directory: Directory, aws: FakeAws) -> None:
    deployed(aws, directory)
    tags = dict(pool(aws)["UserPoolTags"])
    aws.cognito_idp_create_user_pool("etl_users_bob", AdminCreateUserConfig={}, UserPoolTags=tags)
    aws.tagged_pools = lambda: iter(())  # type: ignore[method-assign]
    with pytest.raises(TcError) as caught:
        plan(aws, directory.topology())
    assert caught.value.code == "two-pools"


def test_a_pool_taken_out_goes(directory: Directory, aws: FakeAws) -> None:
    deployed(aws, directory)
    left = directory.write("name: etl\n", "one two").topology()
    assert "- pool users" in work(plan(aws, left))
    assert create(aws, left).ok
    assert not aws.pools
    assert policy_of(aws, "etl_one_bob") == []


def test_a_variable_has_the_pools_address(directory: Directory, aws: FakeAws) -> None:
    text = TOPOLOGY + (
        "functions: {one: {runtime: {environment: {ID: '{{pools.users.id}}', "
        "APP: '{{pools.users.client_id}}', ISSUER: '{{pools.users.issuer}}'}}}}\n"
    )
    deployed(aws, directory, text)
    number = pool(aws)["Id"]
    variables = aws.functions["etl_one_bob"]["configuration"]["Environment"]["Variables"]
    assert variables["ID"] == number
    assert variables["APP"] == "client1"
    assert variables["ISSUER"] == f"https://cognito-idp.eu-west-1.amazonaws.com/{number}"


def test_bad_triggers_are_all_told(directory: Directory) -> None:
    text = """
name: etl
pools: [users]
functions: {one: {function: two}}
triggers:
  on_monday: {function: two}
  pre_sign_up: {function: one}
  PreSignUp: {function: two}
  post_confirmation: {function: two, pool: people}
"""
    found = directory.write(text, "one two").findings()
    assert codes(found) == ["bad-name", "unknown-name", "no-such-edge", "duplicate-name"]


def test_a_trigger_needs_a_pool(directory: Directory) -> None:
    found = directory.write("name: etl\ntriggers: {PreSignUp: {function: one}}\n", "one").findings()
    assert [finding.message for finding in found] == ["the topology has no user pool to ask it"]
