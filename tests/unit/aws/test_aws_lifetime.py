"""How long credentials last: who is warned when, and what is renewed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aws_server import Answer, Server, assumed, dev, write_config

import tc.aws.lifetime as lifetime
from tc.aws.profiles import Sso
from tc.aws.session import open_session
from tc.aws.tokens import store, stored
from tc.config import Environment
from tc.errors import TcError
from tc.events import Event, silent

START = "https://corp.awsapps.com/start"
SESSION = Sso(START, "eu-west-1", "corp")
OLD = Sso(START, "eu-west-1", None)
PROFILE = "[profile dev]\nregion=eu-west-1\nsso_account_id=111111111111\nsso_role_name=Dev\n"
SESSION_STYLE = (
    f"{PROFILE}sso_session=corp\n[sso-session corp]\nsso_start_url={START}\nsso_region=eu-west-1\n"
)
OLD_STYLE = f"{PROFILE}sso_start_url={START}\nsso_region=eu-west-1\n"


def ahead(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


@pytest.fixture
def sso(server: Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Botocore fixes the tokens' place when it is imported; here it is this test's."""
    place = str(home / ".aws/sso/cache")
    for owner in ("credentials.SSOProvider", "tokens.SSOTokenProvider"):
        monkeypatch.setattr(f"botocore.{owner}._SSO_TOKEN_CACHE_DIR", place)
    for name in ("SSO", "SSO_OIDC", "STS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", server.url)
    return server


def log_in(sso: Sso, minutes: float, *, refresh: bool = False) -> None:
    client = {"clientId": "c", "clientSecret": "cs", "clientSecretExpiresAt": 4102444800}
    token = {"accessToken": "tok"} | ({"refreshToken": "ref"} if refresh else {})
    store(sso, client, token, ahead(minutes))


def give_role(server: Server, minutes: float) -> None:
    credentials = {
        "accessKeyId": "AKISSO",
        "secretAccessKey": "x",
        "sessionToken": "t",
        "expiration": int(ahead(minutes).timestamp() * 1000),
    }
    server.answers["GET /federation/credentials"] = [Answer({"roleCredentials": credentials})]


@pytest.mark.parametrize(
    ("config", "login", "refresh", "role", "minutes"),
    [
        (OLD_STYLE, 10, False, 12, 10),
        (SESSION_STYLE, 10, False, 12, 10),
        (SESSION_STYLE, 10, False, 60, None),  # what the role has lasts longer than the login
        (SESSION_STYLE, 300, False, 60, None),
        (SESSION_STYLE, 10, True, 12, None),  # botocore renews that login
    ],
)
def test_an_sso_login_that_ends_soon_is_said_once(
    sso: Server,
    home: Path,
    told: list[Event],
    config: str,
    login: int,
    refresh: bool,
    role: int,
    minutes: int | None,
) -> None:
    write_config(home, config)
    log_in(OLD if config == OLD_STYLE else SESSION, login, refresh=refresh)
    give_role(sso, role)
    renewed = {"accessToken": "tok", "expiresIn": 600, "refreshToken": "ref"}
    sso.answers["POST /token"] = [Answer(renewed)]
    with open_session(dev(sso), None, told.append) as aws:
        aws.identify()
        assert len(told) == (minutes is not None)
        aws.check()
        aws.call("lambda", "publish_version", FunctionName="f")
    if minutes is None:
        assert told == []
        return
    (warning,) = told
    assert warning.name == "warning"
    assert warning.text == f"the credentials of profile `dev` end in {minutes} min"
    assert (warning.data["code"], warning.data["hint"]) == ("expiring", "tc login -e dev")


def test_an_sso_login_that_is_over_is_said_before_a_write(sso: Server, home: Path) -> None:
    write_config(home, OLD_STYLE)
    log_in(OLD, -5)
    with open_session(dev(sso), None, silent) as aws, pytest.raises(TcError) as caught:
        aws.call("lambda", "publish_version", FunctionName="f")
    assert caught.value.message == "the SSO login of profile `dev` has expired"
    assert caught.value.hint == "tc login -e dev"
    assert sso.requests == []


def test_keys_that_say_when_they_end(
    server: Server, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "B")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", ahead(8).isoformat())
    ci = Environment("ci", account="111111111111", region="eu-west-1", endpoint_url=server.url)
    with open_session(ci, None, told.append) as aws:
        aws.identify()
        aws.check()
    assert [event.text for event in told] == ["the credentials of this machine end in 8 min"]
    assert server.operations() == ["GetCallerIdentity"]


def test_a_role_lasts_longer_than_the_keys_it_was_assumed_with(
    server: Server, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "B")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", ahead(8).isoformat())
    server.answers["AssumeRole"] = [assumed("AKIROLE", 60)]
    role = "arn:aws:iam::111111111111:role/deploy"
    ci = Environment("ci", region="eu-west-1", endpoint_url=server.url, role=role)
    with open_session(ci, None, told.append) as aws:
        aws.identify()
        assert aws.ends is not None
        assert timedelta(minutes=45) < aws.ends - datetime.now(UTC) < timedelta(minutes=51)
    assert told == []


def test_keys_of_a_session_are_asked_about_again_after_a_while(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "x")
    ci = Environment("ci", region="eu-west-1", endpoint_url=server.url)
    with open_session(ci, None, silent) as aws:
        aws.identify()
        aws.check()
        assert server.operations() == ["GetCallerIdentity"]
        monkeypatch.setattr(lifetime, "_ASK_AGAIN", 0.0)
        server.refuse_identity("ExpiredToken")
        with pytest.raises(TcError) as caught:
            aws.check()
    assert caught.value.message == "the credentials of this machine have expired"


def test_calls_that_write_look_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "x")
    ci = Environment("ci", region="eu-west-1", endpoint_url=server.url)
    with open_session(ci, None, silent) as aws:
        aws.call("lambda", "publish_version", FunctionName="f")
        monkeypatch.setattr(lifetime, "_ASK_AGAIN", 0.0)
        monkeypatch.setattr(lifetime, "_LOOK_AGAIN", 0.0)
        server.refuse_identity("ExpiredToken")
        before = len(server.requests)
        with pytest.raises(TcError, match="have expired"):
            aws.call("lambda", "publish_version", FunctionName="f")
    assert server.operations()[before:] == ["GetCallerIdentity"]


def test_an_access_key_is_never_asked_about_again(
    server: Server, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime, "_ASK_AGAIN", 0.0)
    with open_session(dev(server), None, silent) as aws:
        aws.identify()
        aws.check()
        aws.check()
        assert aws.ends is None
    assert server.operations() == ["GetCallerIdentity"]


def test_what_can_be_renewed_is_renewed(server: Server, home: Path, told: list[Event]) -> None:
    made = {"Version": 1, "AccessKeyId": "AKI1", "SecretAccessKey": "x", "SessionToken": "t"}
    first = home / "made.json"
    first.write_text(json.dumps({**made, "Expiration": ahead(12).isoformat()}))
    write_config(home, f"[profile dev]\nregion=eu-west-1\ncredential_process=cat {first}\n")
    with open_session(dev(server), None, told.append) as aws:
        aws.identify()
        renewed = {**made, "AccessKeyId": "AKI2", "Expiration": ahead(60).isoformat()}
        first.write_text(json.dumps(renewed))
        aws.check()
        aws.call("lambda", "list_functions")
    assert "Credential=AKI2/" in server.requests[-1].headers["authorization"]
    assert told == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"expiresAt": 7}', '{"expiresAt": "soon"}', '{"expiresAt": null}']
)
def test_a_login_that_cannot_be_read_is_none(home: Path, text: str) -> None:
    log_in(SESSION, 5)
    (file,) = (home / ".aws/sso/cache").iterdir()
    file.write_text(text)
    found = stored(SESSION)
    assert found is None or found.until < datetime.now(UTC)
