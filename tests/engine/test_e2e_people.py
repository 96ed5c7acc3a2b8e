"""Routes for the people of a pool: without a token nobody gets in, with one of theirs they do."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e_support import Lab, Project, deployed

pytestmark = pytest.mark.engine

TOPOLOGY = """\
name: members
pools: { people: { sign_in: username, auth: [admin] } }
routes:
  GET /me: { function: me, authorizer: cognito, kind: %s }
"""
HANDLER = """\
import json


def handler(event, context):
    said = event["requestContext"]["authorizer"]
    claims = said.get("claims") or said["jwt"]["claims"]
    return {"statusCode": 200, "body": json.dumps(claims["sub"])}
"""


def token(lab: Lab) -> str:
    """An id token of a new user of the pool."""
    aws = lab.client("cognito-idp")
    pools = aws.list_user_pools(MaxResults=60)["UserPools"]
    pool = next(found["Id"] for found in pools if found["Name"] == "members_people_bob")
    (client,) = aws.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"]
    aws.admin_create_user(UserPoolId=pool, Username="ann", MessageAction="SUPPRESS")
    aws.admin_set_user_password(
        UserPoolId=pool, Username="ann", Password="Very-Secret-12345", Permanent=True
    )
    answer = aws.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=client["ClientId"],
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": "Very-Secret-12345"},
    )
    aws.admin_delete_user(UserPoolId=pool, Username="ann")
    return str(answer["AuthenticationResult"]["IdToken"])


@pytest.mark.parametrize("kind", ["http", "rest"])
def test_only_people_of_the_pool_get_in(lab: Lab, tmp_path: Path, kind: str) -> None:
    files = {".git/HEAD": "", "topology.yml": TOPOLOGY % kind, "me/handler.py": HANDLER}
    project = Project(lab, tmp_path).write(files)
    with deployed(project) as at:
        url = at["GET /me"]
        assert lab.http("GET", url).status == 401
        assert lab.http("GET", url, headers={"authorization": "a.b.c"}).status == 401
        hers = token(lab)
        forged = f"{hers[:-8]}AAAAAAAA"
        assert lab.http("GET", url, headers={"authorization": forged}).status == 401
        got = lab.http("GET", url, headers={"authorization": hers})
        assert got.status == 200, got.text
        assert got.json
