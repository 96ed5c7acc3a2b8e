"""Every way in which AWS cannot be used, and the one sentence that says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aws_server import Answer, Server, dev, write_config

from tc.aws.session import open_session
from tc.config import Environment
from tc.errors import AwsError, TcError
from tc.events import silent

KEYS = "[profile dev]\naws_access_key_id=AKIDEV\naws_secret_access_key=s3cr3t\n"
ROLE = "[profile dev]\nrole_arn=arn:aws:iam::1:role/x\n"
SSO = "[profile dev]\nsso_session=corp\nsso_account_id=1\nsso_role_name=r\n"
SESSION = "[sso-session corp]\nsso_start_url=https://x.awsapps.com/start\nsso_region=eu-west-1\n"
LEGACY = (
    "[profile dev]\nsso_start_url=https://x\nsso_region=eu-west-1\n"
    "sso_account_id=1\nsso_role_name=r\n"
)
NO_JSON = (
    "the credentials of profile `dev` can't be fetched: the credential process printed no JSON"
)


UNKNOWN = "AWS doesn't know the access key of profile `dev`"


def failure(environment: Environment, region: str = "eu-west-1") -> TcError:
    with pytest.raises(TcError) as caught, open_session(environment, region, silent) as aws:
        aws.identify()
    return caught.value


@pytest.mark.parametrize(
    ("config", "message", "hint"),
    [
        (
            "[profile dev]\n",
            "there are no credentials for profile `dev`",
            "aws configure --profile",
        ),
        ("", "there is no AWS profile `dev`", "aws configure --profile dev"),
        (
            "[profile dev]\naws_access_key_id=A\n",
            "the credentials of profile `dev` lack `aws_secret_access_key`",
            "aws configure --profile dev",
        ),
        (SSO + SESSION, "there is no SSO login for profile `dev` yet", "tc login -e dev"),
        (LEGACY, "there is no SSO login for profile `dev` yet", "tc login -e dev"),
        (SSO, 'The specified sso-session does not exist: "corp"', ""),
        (
            ROLE + "source_profile=base\n" + SSO.replace(" dev]", " base]") + SESSION,
            "there is no SSO login for profile `dev` yet",
            "tc login -e dev",
        ),
        (
            ROLE + "source_profile=base\n",
            'The source_profile "base" referenced in the profile "dev" does not exist.',
            "",
        ),
        (ROLE + "web_identity_token_file=/no/token\n", "/no/token: no such file or directory", ""),
        (
            '[profile dev]\ncredential_process=sh -c "echo go away >&2; exit 3"\n',
            "the credentials of profile `dev` can't be fetched: go away",
            "renew the credentials of profile `dev`",
        ),
        (
            "[profile dev]\ncredential_process=echo hello\n",
            NO_JSON,
            "check the `credential_process`",
        ),
        (
            "[profile dev]\ncredential_process=/no/such/thing\n",
            "/no/such/thing: no such file or directory",
            "",
        ),
        (KEYS + "garbage\n", "this file isn't a valid AWS configuration", ""),
    ],
)
def test_a_profile_that_cannot_be_used(
    server: Server, home: Path, config: str, message: str, hint: str
) -> None:
    write_config(home, config)
    error = failure(dev(server))
    assert error.message == message
    assert error.hint.startswith(hint)
    assert server.requests == []


def test_a_machine_without_credentials(server: Server) -> None:
    error = failure(Environment("ci", account="111111111111", endpoint_url=server.url))
    assert error.message == "there are no AWS credentials on this machine"
    assert "AWS_ACCESS_KEY_ID" in error.hint
    assert error.code == "credentials"


@pytest.mark.parametrize(
    ("code", "said", "message"),
    [
        ("ExpiredToken", "expired", "the credentials of profile `dev` have expired"),
        ("InvalidClientTokenId", "x", "AWS doesn't know the access key of profile `dev`"),
        ("SignatureDoesNotMatch", "differs", "the secret key of profile `dev` is wrong"),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 2024 is now earlier than 2023",
            "AWS refused the call's date: this machine's clock is off by over 5 minutes",
        ),
        (
            "RequestTimeTooSkewed",
            "x",
            "AWS refused the call's date: this machine's clock is off by over 5 minutes",
        ),
        (
            "AccessDenied",
            "You may not. (Service: Sts, Status Code: 403, Request ID: 12-34)",
            "You may not.",
        ),
        ("Boom", "It broke; RequestID: ab-cd", "It broke"),
        ("Boom", "", "AWS answered Boom"),
    ],
)
def test_what_aws_refuses(server: Server, keys: None, code: str, said: str, message: str) -> None:
    server.refuse_identity(code, said)
    error = failure(dev(server))
    assert error.message == message
    assert "s3cr3t" not in f"{error.message}{error.hint}"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(12, "12 min, it is behind"), (-75, "75 min, it is ahead"), (0, "over 5 minutes")],
)
def test_a_clock_that_is_off_is_told_by_how_much(
    server: Server, keys: None, minutes: int, said: str
) -> None:
    aws_time = datetime.now(UTC) + timedelta(minutes=minutes)
    server.refuse_identity("SignatureDoesNotMatch", "Signature expired: it is too late")
    server.answers["GetCallerIdentity"][0].headers["date"] = format_datetime(aws_time, usegmt=True)
    error = failure(dev(server))
    assert error.message.endswith(f"this machine's clock is off by {said}")
    assert (error.code, error.hint) == ("clock", "set this machine's clock")


@pytest.mark.parametrize(
    ("region", "code", "message", "hint"),
    [
        (
            "ap-east-1",
            "InvalidClientTokenId",
            f"the account hasn't enabled the region ap-east-1, or {UNKNOWN}",
            "aws account enable-region --region-name ap-east-1",
        ),
        (
            "eu-west-1",
            "InvalidClientTokenId",
            "AWS doesn't know the access key of profile `dev`",
            "renew the credentials of profile `dev`",
        ),
        (
            "me-south-1",
            "RegionDisabledException",
            "the account hasn't enabled the region me-south-1",
            "aws account enable-region --region-name me-south-1",
        ),
        (
            "us-gov-west-1",
            "InvalidClientTokenId",
            "AWS doesn't know the access key of profile `dev`",
            "renew the credentials of profile `dev`",
        ),
    ],
)
def test_a_region_that_the_account_lacks(
    server: Server, keys: None, region: str, code: str, message: str, hint: str
) -> None:
    server.refuse_identity(code)
    error = failure(dev(server), region)
    assert (error.message, error.hint) == (message, hint)


def test_an_answer_that_is_not_aws(server: Server, keys: None) -> None:
    server.answers["GetCallerIdentity"] = [Answer("<html>Please log in")]
    assert failure(dev(server)).message.startswith("what answered isn't AWS")


def test_an_expired_sso_login_is_renewed_with_tc_login(server: Server, home: Path) -> None:
    write_config(home, SSO.replace("sso_session", "region=eu-west-1\nsso_session") + SESSION)
    server.refuse_identity("ExpiredTokenException")
    environment = dev(server)
    error = failure(environment)
    assert error.hint == "tc login -e dev"


@pytest.mark.parametrize(
    ("url", "variables", "message", "hint"),
    [
        ("http://127.0.0.1:1", {}, "http://127.0.0.1:1 can't be reached", "right region"),
        (
            "https://user:pw@127.0.0.1:1/x",
            {},
            "https://127.0.0.1:1 can't be reached",
            "right region",
        ),
        (
            "https://lambda.invalid",
            {"HTTPS_PROXY": "http://user:hunter2@127.0.0.1:1"},
            "AWS can't be reached: the proxy refuses or doesn't answer",
            "HTTPS_PROXY",
        ),
    ],
)
def test_what_cannot_be_reached(
    keys: None,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    variables: dict[str, str],
    message: str,
    hint: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    error = failure(Environment("dev", profile="dev", endpoint_url=url))
    assert error.message.startswith(message)
    assert hint in error.hint
    assert "hunter2" not in str(error.args)
    assert isinstance(error, AwsError)
    assert error.status == 0


def test_tls_that_is_not_accepted(server: Server, keys: None) -> None:
    error = failure(
        Environment("dev", profile="dev", endpoint_url=server.url.replace("http:", "https:"))
    )
    assert error.message.endswith("can't be reached: the TLS handshake failed")
    assert "AWS_CA_BUNDLE" in error.hint


def test_the_local_engine_is_named_when_it_is_not_there() -> None:
    environment = Environment("local", local=True, endpoint_url="http://127.0.0.1:1")
    aws = open_session(environment, None, silent)
    with aws, pytest.raises(AwsError) as caught:
        aws.call("lambda", "list_functions")
    assert caught.value.message == "the local engine (http://127.0.0.1:1) can't be reached"


def test_a_value_that_botocore_quotes_is_left_out(server: Server, keys: None) -> None:
    aws = open_session(dev(server), None, silent)
    variables = {"Variables": {"PASSWORD": ["hunter2"]}}
    with aws, pytest.raises(AwsError) as caught:
        aws.call("lambda", "update_function_configuration", FunctionName="f", Environment=variables)
    assert caught.value.message == (
        "Invalid type for parameter Environment.Variables.PASSWORD, "
        "type: <class 'list'>, valid types: <class 'str'>"
    )


def test_missing_and_existing_are_told_apart(server: Server, keys: None) -> None:
    def answer(code: str, status: int) -> AwsError:
        headers = {"x-amzn-errortype": code}
        server.answers["GET /2015-03-31/functions/f"] = [Answer({"Message": "m"}, status, headers)]
        with open_session(dev(server), None, silent) as aws, pytest.raises(AwsError) as caught:
            aws.call("lambda", "get_function", FunctionName="f")
        return caught.value

    missing, exists = (
        answer("ResourceNotFoundException", 404),
        answer("ResourceConflictException", 409),
    )
    assert (missing.missing, missing.exists, missing.status) == (True, False, 404)
    assert (exists.missing, exists.exists, exists.operation) == (False, True, "lambda.get_function")
