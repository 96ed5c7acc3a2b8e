"""The login, in a process of its own: botocore fixes the tokens' place when imported."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_server import Answer, Server, write_config

from tc.aws.login import _Device, _wait_for_token
from tc.errors import AwsError

LOGIN = """
import sys
import tc.aws.login as module
from tc.cli.app import run
module._SLOWER = 0.01
sys.exit(run(["login", "-e", "dev", "--json", *sys.argv[1:]]))
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


def start(server: Server, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {f"AWS_ENDPOINT_URL_{name}": server.url for name in ("SSO_OIDC", "SSO", "STS")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    for secret in ("tok", "s3cr3t"):
        assert secret not in said.replace("token", "")
    return done


def run(server: Server, code: str) -> str:
    done = start(server, code)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def login(server: Server, *arguments: str) -> dict[str, Any]:
    """The events of `tc login`, each under its name, and its exit code."""
    done = start(server, LOGIN, *arguments)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return {event["event"]: event for event in events} | {"exit": done.returncode}


@pytest.mark.parametrize("config", [SESSION_STYLE, OLD_STYLE, CHAINED])
def test_login_makes_the_profile_usable(sso: Server, home: Path, config: str) -> None:
    write_config(home, config)
    told = login(sso)
    assert told["exit"] == 0
    assert told["login.confirm"]["text"] == (
        "Confirm the code ABCD-EFGH at https://device.sso/?user_code=ABCD-EFGH"
    )
    who = told["result"]
    assert (who["account"], who["region"], who["fresh"]) == ("111111111111", "eu-west-1", True)
    assert who["uses"] == "the SSO login at https://corp.awsapps.com/start"
    assert who["renewable"] == (config != OLD_STYLE)
    left = datetime.fromisoformat(who["expires"]) - datetime.now(UTC)
    assert timedelta(hours=7.9) < left < timedelta(hours=8.1)
    first, second = who["text"].splitlines()
    assert first == "Logged in to dev by the SSO login at https://corp.awsapps.com/start"
    assert second.startswith(f"{who['arn']} in account 111111111111, region eu-west-1, until 20")
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


@pytest.mark.parametrize("config", [SESSION_STYLE, OLD_STYLE, CHAINED])
def test_a_login_that_lasts_is_left_as_it_is(sso: Server, home: Path, config: str) -> None:
    write_config(home, config)
    login(sso)
    sso.requests.clear()
    told = login(sso)
    assert "login.confirm" not in told
    assert told["result"]["fresh"] is False
    assert told["result"]["expires"]
    assert told["result"]["text"].startswith("dev uses the SSO login at https://corp")
    assert "POST /device_authorization" not in sso.operations()
    sso.answers["POST /token"] = [Answer({"accessToken": "tok", "expiresIn": 28800})]
    assert login(sso, "--force")["result"]["fresh"] is True
    assert "POST /device_authorization" in sso.operations()


def test_a_login_that_is_about_to_end_is_made_anew(sso: Server, home: Path) -> None:
    write_config(home, OLD_STYLE)
    sso.answers["POST /token"] = [
        Answer({"accessToken": "tok", "expiresIn": 600}),
        Answer({"accessToken": "tok", "expiresIn": 28800}),
    ]
    assert login(sso)["result"]["fresh"] is True
    assert login(sso)["result"]["fresh"] is True
    assert login(sso)["result"]["fresh"] is False


def test_a_login_that_was_ended_elsewhere_is_made_anew(sso: Server, home: Path) -> None:
    write_config(home, SESSION_STYLE)
    credentials = sso.answers["GET /federation/credentials"][0]
    login(sso)
    sso.answers["POST /token"] = [Answer({"accessToken": "tok", "expiresIn": 28800})]
    sso.answers["GET /federation/credentials"] = [pending("UnauthorizedException"), credentials]
    assert login(sso)["result"]["fresh"] is True


def test_a_role_that_the_login_does_not_have_is_said(sso: Server, home: Path) -> None:
    write_config(home, SESSION_STYLE)
    sso.answers["GET /federation/credentials"] = [
        Answer({"message": "No access"}, 403, {"x-amzn-errortype": "ForbiddenException"})
    ]
    told = login(sso)
    assert told["exit"] == 1
    assert told["error"]["message"] == (
        "the SSO login of profile `dev` has no such role in that account: No access"
    )


def test_another_account_is_refused(
    sso: Server, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(home, SESSION_STYLE)
    config = tmp_path / "config.yml"
    config.write_text("envs: {dev: {profile: dev, account: 222222222222}}\n")
    monkeypatch.setenv("TC_CONFIG_PATH", str(config))
    told = login(sso)
    assert (told["exit"], told["error"]["code"]) == (1, "account")
    assert "belong to account 111111111111, env `dev` is account 222222222222" in str(told)
    assert "result" not in told


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
    assert (answer["error"]["message"], answer["exit"]) == (message, 1)
    assert answer["error"]["hint"] == "tc login -e dev"
    assert not (home / ".aws/sso").exists()


@pytest.mark.parametrize(
    "asked", ["POST /client/register", "POST /device_authorization", "POST /token"]
)
def test_a_captive_portal_is_no_login(sso: Server, home: Path, asked: str) -> None:
    write_config(home, SESSION_STYLE)
    sso.answers[asked] = [Answer("<html>Welcome</html>")]
    said = login(sso)["error"]
    assert said["message"].startswith("what answered isn't AWS"), said
    assert not (home / ".aws/sso").exists()


def test_a_profile_without_a_region_gets_one_by_option(server: Server, home: Path) -> None:
    write_config(home, "[profile dev]\naws_access_key_id=A\naws_secret_access_key=s3cr3t\n")
    assert login(server)["error"]["code"] == "no-region"
    assert login(server, "--region", "eu-north-1")["result"]["region"] == "eu-north-1"
    assert "is no AWS region" in login(server, "--region", "europe")["error"]["message"]


KEYS = "aws_access_key_id=A\naws_secret_access_key=s3cr3t\nregion=eu-west-1\n"
MADE = '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s3cr3t"}'
ROLE = "[profile dev]\nregion=eu-west-1\nrole_arn=arn:aws:iam::1:role/x\n"


@pytest.mark.parametrize(
    ("config", "uses"),
    [
        (f"[profile dev]\n{KEYS}", "an access key"),
        (
            "[profile dev]\nregion=eu-west-1\ncredential_process=cat HOME/made.json\n",
            "a credential process",
        ),
        (
            f"{ROLE}source_profile=base\n[profile base]\n{KEYS}",
            "the role arn:aws:iam::1:role/x by way of base",
        ),
    ],
)
def test_a_profile_without_sso_says_what_it_uses_and_who_that_is(
    sso: Server, home: Path, config: str, uses: str
) -> None:
    write_config(home, config.replace("HOME", str(home)))
    (home / "made.json").write_text(MADE)
    told = login(sso)
    assert told["result"]["uses"] == uses
    assert told["result"]["text"] == (
        f"dev uses {uses}\narn:aws-cn:sts::111111111111:assumed-role/Dev/anna in account "
        "111111111111, region eu-west-1"
    )
    assert told["exit"] == 0


def test_keys_of_the_machine_are_said(
    sso: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yml"
    config.write_text("envs: {dev: {account: 111111111111, region: eu-west-1}}\n")
    ends = (datetime.now(UTC) + timedelta(minutes=40)).isoformat()
    for name, value in {
        "TC_CONFIG_PATH": str(config),
        "AWS_ACCESS_KEY_ID": "AKI",
        "AWS_SECRET_ACCESS_KEY": "s3cr3t",
        "AWS_SESSION_TOKEN": "t",
        "AWS_CREDENTIAL_EXPIRATION": ends,
    }.items():
        monkeypatch.setenv(name, value)
    told = login(sso)
    assert told["result"]["uses"] == "the access key in AWS_ACCESS_KEY_ID"
    assert told["result"]["expires"] == ends


def test_incomplete_sso_settings_are_named(server: Server, home: Path) -> None:
    write_config(home, PROFILE + "sso_session=corp\n")
    assert login(server)["error"]["message"] == (
        "profile `dev` names the SSO session `corp`, which doesn't exist"
    )
    write_config(home, PROFILE + "sso_start_url=https://x\n")
    said = login(server)["error"]["message"]
    assert said == "the SSO settings of profile `dev` lack `sso_region`"


def test_a_home_that_cannot_be_written_is_said(sso: Server, home: Path) -> None:
    write_config(home, SESSION_STYLE)
    (home / ".aws/sso").write_text("a file")
    assert login(sso)["error"]["message"] == "the login can't be stored: file exists"


def test_who_is_told_to_slow_down_asks_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    answers: list[Any] = [
        AwsError("x", aws_code="SlowDownException", operation="o"),
        AwsError("x", aws_code="AuthorizationPendingException", operation="o"),
        {"accessToken": "made"},
    ]

    class Oidc:
        def call(self, *_: Any, **__: Any) -> Any:
            answer = answers.pop(0)
            if isinstance(answer, AwsError):
                raise answer
            return answer

    monkeypatch.setattr("tc.aws.login.time.sleep", pauses.append)
    client = {"clientId": "c", "clientSecret": "s"}
    device = _Device(client, "d", "ABCD", "https://x.example.com", lasts=60, interval=1)
    assert _wait_for_token(Oidc(), device) == {"accessToken": "made"}  # type: ignore[arg-type]
    assert pauses == [1, 6, 6]
