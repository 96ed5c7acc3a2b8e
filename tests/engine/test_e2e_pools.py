"""User pools on the engine: people sign up and in, and the functions are asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from e2e_support import Lab, Project, copied, deployed

pytestmark = pytest.mark.engine

PASSWORD = "Correct1Horse2Battery"


def pool_and_client(lab: Lab) -> tuple[Any, str, str]:
    """A Cognito client, the only pool of the sandbox, its app client."""
    cognito = lab.client("cognito-idp")
    (pool,) = cognito.list_user_pools(MaxResults=10)["UserPools"]
    (client,) = cognito.list_user_pool_clients(UserPoolId=pool["Id"])["UserPoolClients"]
    return cognito, pool["Id"], client["ClientId"]


def sign_up(lab: Lab, email: str) -> Any:
    cognito, _, client = pool_and_client(lab)
    attributes = [{"Name": "email", "Value": email}]
    return cognito.sign_up(
        ClientId=client, Username=email, Password=PASSWORD, UserAttributes=attributes
    )


def test_people_sign_up_and_in_and_the_functions_are_asked(lab: Lab, tmp_path: Path) -> None:
    project = copied(lab, "people", tmp_path)
    with deployed(project):
        assert sign_up(lab, "ann@example.com")["UserConfirmed"]
        assert lab.wait_logged("people_welcome_bob") == [
            "PostConfirmation_ConfirmSignUp ann@example.com"
        ]
        with pytest.raises(ClientError, match=r"not from example\.org"):
            sign_up(lab, "ann@example.org")

        cognito, pool, client = pool_and_client(lab)
        signed_in = cognito.initiate_auth(
            ClientId=client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ann@example.com", "PASSWORD": PASSWORD},
        )
        assert signed_in["AuthenticationResult"]["IdToken"]
        assert lab.wait_logged("people_welcome_bob", 2)[1] == (
            "PostAuthentication_Authentication ann@example.com"
        )

        one_field(project, pool)
        kept_with_its_users(project, pool)
        cognito.admin_delete_user(UserPoolId=pool, Username="ann@example.com")


def one_field(project: Project, pool: str) -> None:
    project.edit("topology.yml", "[password]", "[password, srp]")
    assert project.plan() == ["~ pool client users flows"]
    project.create()
    project.same()
    project.edit("topology.yml", "  post_confirmation: { function: welcome }\n", "")
    assert project.plan() == [
        "~ trigger PostAuthentication, PreSignUp of users functions.PostConfirmation"
    ]
    project.tc("update", "-c", "triggers")
    project.same()
    config = project.lab.client("cognito-idp").describe_user_pool(UserPoolId=pool)
    assert sorted(config["UserPool"]["LambdaConfig"]) == ["PostAuthentication", "PreSignUp"]


def kept_with_its_users(project: Project, pool: str) -> None:
    said = project.tc("delete", "-y")
    assert "Keeping pool users: it holds 1 user; --purge deletes it" in said.text
    cognito = project.lab.client("cognito-idp")
    assert cognito.describe_user_pool(UserPoolId=pool)["UserPool"].get("LambdaConfig", {}) == {}
    project.create()
    project.same()
    assert [found["Id"] for found in cognito.list_user_pools(MaxResults=9)["UserPools"]] == [pool]
