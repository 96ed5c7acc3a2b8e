"""The login, in a process of its own: botocore fixes the tokens' place when imported."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_server import Answer, Server, write_config

LOGIN = """
import json, sys
from dataclasses import asdict
import tc.aws.login as module
from tc.config import Config, choose_env
from tc.errors import TcError
module._SLOWER = 0.01
told = []
try:
    who = module.login(choose_env("dev", Config()), told.append)
except TcError as error:
    print(json.dumps({"error": error.message, "exit": error.exit_code}))
else:
    print(json.dumps({"account": who.account, "arn": who.arn, "expires": who.expires.isoformat(),
                      "told": [e.text for e in told]}))
"""
USE = """
from tc.aws.session import open_session
from tc.config import Config, choose_env
from tc.events import silent
print(open_session(choose_env("dev", Config()), None, silent).account)
"""
PROFILE = "[profile dev]\nregion=eu-west-1\nsso_account_id=111111111111\nsso_role_name=Dev\n"
SESSION_STYLE = PROFILE + (
    "sso_session=corp\n[sso-session corp]\nsso_start_url=https://corp.awsapps.com/start\n"
    "sso_region=eu-west-1\nsso_registration_scopes=sso:account:access\n"
)
OLD_STYLE = PROFILE + "sso_start_url=https://corp.awsapps.com/start\nsso_region=eu-west-1\n"
CHAINED = (
    "[profile dev]\nregion=eu-west-1\nrole_arn=arn:aws:iam::1:role/x\nsource_profile=base\n"
    + SESSION_STYLE.replace("profile dev", "profile base")
)


def pending(code: str) -> Answer:
    return Answer({"error": "x"}, 400, {"x-amzn-errortype": code})


@pytest.fixture
def sso(server: Server) -> Server:
    """A server whose user confirms the code at the third question."""
    server.answers |= {
        "POST /client/register": [
            Answer({"clientId": "c", "clientSecret": "cs", "clientSecretExpiresAt": 4102444800})
        ],
        "POST /device_authorization": [
            Answer(
                {
                    "deviceCode": "d",
                    "userCode": "ABCD-EFGH",
                    "verificationUri": "https://device.sso/",
                    "verificationUriComplete": "https://device.sso/?user_code=ABCD-EFGH",
                    "expiresIn": 600,
                    "interval": 0,
                }
            )
        ],
        "POST /token": [
            pending("AuthorizationPendingException"),
            pending("SlowDownException"),
            Answer({"accessToken": "tok", "expiresIn": 28800, "refreshToken": "ref"}),
        ],
        "GET /federation/credentials": [
            Answer(
                {
                    "roleCredentials": {
                        "accessKeyId": "AKISSO",
                        "secretAccessKey": "x",
                        "sessionToken": "t",
                        "expiration": 4102444800000,
                    }
                }
            )
        ],
        "AssumeRole": [
            Answer(
                "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
                "<AccessKeyId>AKIROLE</AccessKeyId><SecretAccessKey>x</SecretAccessKey>"
                "<SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>"
                "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
            )
        ],
    }
    return server


def run(server: Server, code: str) -> str:
    variables = {f"AWS_ENDPOINT_URL_{name}": server.url for name in ("SSO_OIDC", "SSO", "STS")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "tok" not in done.stdout.replace("token", "")
    return done.stdout.strip()


def login(server: Server) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(server, LOGIN))
    return answer


@pytest.mark.parametrize("config", [SESSION_STYLE, OLD_STYLE, CHAINED])
def test_login_makes_the_profile_usable(sso: Server, home: Path, config: str) -> None:
    write_config(home, config)
    who = login(sso)
    assert who["account"] == "111111111111"
    assert who["told"][0] == (
        "Confirm the code ABCD-EFGH at https://device.sso/?user_code=ABCD-EFGH"
    )
    assert who["told"][1].startswith(f"Logged in as {who['arn']} in account 111111111111 until 20")
    (file,) = (home / ".aws/sso/cache").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert json.loads(file.read_text()) | {"expiresAt": ""} == {
        "startUrl": "https://corp.awsapps.com/start",
        "region": "eu-west-1",
        "accessToken": "tok",
        "expiresAt": "",
        "clientId": "c",
        "clientSecret": "cs",
        "registrationExpiresAt": "2100-01-01T00:00:00Z",
        "refreshToken": "ref",
    }
    sso.requests.clear()
    assert run(sso, USE) == "111111111111"
    assert "POST /token" not in sso.operations()


def test_the_older_style_asks_for_no_scopes(sso: Server, home: Path) -> None:
    write_config(home, OLD_STYLE)
    login(sso)
    assert json.loads(sso.requests[0].body) == {"clientName": "tc", "clientType": "public"}
    sso.requests.clear()
    write_config(home, SESSION_STYLE)
    login(sso)
    assert json.loads(sso.requests[0].body)["scopes"] == ["sso:account:access"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ExpiredTokenException", "the code wasn't confirmed in the browser within 10 min"),
        ("AccessDeniedException", "the login was refused in the browser"),
    ],
)
def test_a_login_that_fails_leaves_nothing(
    sso: Server, home: Path, code: str, message: str
) -> None:
    write_config(home, SESSION_STYLE)
    sso.answers["POST /token"] = [pending("AuthorizationPendingException"), pending(code)]
    answer = login(sso)
    assert (answer["error"], answer["exit"]) == (message, 1)
    assert not (home / ".aws/sso").exists()


@pytest.mark.parametrize(
    ("config", "uses"),
    [
        ("[profile dev]\naws_access_key_id=A\naws_secret_access_key=B\n", "an access key"),
        ("[profile dev]\ncredential_process=x\n", "a credential process"),
        (
            "[profile dev]\nrole_arn=arn:aws:iam::1:role/x\nsource_profile=base\n[profile base]\n",
            "the role arn:aws:iam::1:role/x by way of base",
        ),
        ("[profile dev]\nregion=eu-west-1\n", "the credentials of the machine it runs on"),
    ],
)
def test_a_profile_without_sso_says_what_it_uses(
    server: Server, home: Path, config: str, uses: str
) -> None:
    write_config(home, config)
    answer = login(server)
    assert answer["error"] == f"profile `dev` has no SSO to log in to: it uses {uses}"
    assert answer["exit"] == 2
    assert server.requests == []


def test_incomplete_sso_settings_are_named(server: Server, home: Path) -> None:
    write_config(home, PROFILE + "sso_session=corp\n")
    assert login(server)["error"] == (
        "profile `dev` names the SSO session `corp`, which doesn't exist"
    )
    write_config(home, PROFILE + "sso_start_url=https://x\n")
    assert login(server)["error"] == "the SSO settings of profile `dev` lack `sso_region`"


def test_a_home_that_cannot_be_written_is_said(sso: Server, home: Path) -> None:
    write_config(home, SESSION_STYLE)
    (home / ".aws/sso").write_text("a file")
    assert login(sso)["error"] == "the login can't be stored: file exists"
