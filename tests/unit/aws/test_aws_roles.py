"""Roles that are assumed: chains, the env's own on top, MFA codes."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from aws_server import ERROR, Answer, Request, Server, assumed, dev, write_config

from tc.aws.session import open_session
from tc.config import Environment
from tc.errors import TcError
from tc.events import silent

KEYS = "aws_access_key_id=AKIBASE\naws_secret_access_key=s3cr3t\nregion=eu-west-1\n"
DEPLOY = "arn:aws:iam::222222222222:role/deploy"
CHAIN = (
    "[profile dev]\nregion=eu-west-1\nrole_arn=arn:aws:iam::1:role/inner\nsource_profile=middle\n"
    "external_id=corp-77\nduration_seconds=1800\n"
    "[profile middle]\nrole_arn=arn:aws:iam::1:role/outer\nsource_profile=base\n"
    f"role_session_name=chosen\n[profile base]\n{KEYS}"
)
MFA = (
    "[profile dev]\nregion=eu-west-1\nrole_arn=arn:aws:iam::1:role/x\nsource_profile=base\n"
    f"mfa_serial=arn:aws:iam::1:mfa/anna\n[profile base]\n{KEYS}"
)
LIST = "from tc.cli.app import run; import sys; sys.exit(run(['login', '-e', 'dev']))"


@pytest.fixture(autouse=True)
def stays_here(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """STS of a profile's chain is this server's too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)


def fields(request: Request) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(request.body.decode()).items()}


def key_of(request: Request) -> str:
    return request.headers["authorization"].partition("Credential=")[2].partition("/")[0]


def test_a_chain_of_roles_ends_in_the_env_s_own(
    server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "anna smith")
    write_config(home, CHAIN)
    server.answers["AssumeRole"] = [assumed("AKI1"), assumed("AKI2"), assumed("AKI3")]
    environment = dev(server, role=DEPLOY, external_id="env-1")
    with open_session(environment, None, silent) as aws:
        aws.call("lambda", "list_functions")
        aws.call("lambda", "list_layers")
    *roles, first, _ = server.requests
    outer, inner, own = (fields(request) for request in roles)
    assert [key_of(request) for request in (*roles, first)] == ["AKIBASE", "AKI1", "AKI2", "AKI3"]
    assert (outer["RoleArn"], outer["RoleSessionName"]) == ("arn:aws:iam::1:role/outer", "chosen")
    assert (inner["RoleSessionName"], inner["ExternalId"]) == ("tc-anna-smith", "corp-77")
    assert inner["DurationSeconds"] == "1800"
    assert (own["RoleArn"], own["ExternalId"]) == (DEPLOY, "env-1")
    assert own["RoleSessionName"] == "tc-anna-smith"
    assert not (home / ".aws/cli").exists()


def refused(server: Server, environment: Environment, code: str, message: str) -> TcError:
    server.answers["AssumeRole"] = [Answer(ERROR.format(code=code, message=message), 403)]
    with pytest.raises(TcError) as caught, open_session(environment, None, silent) as aws:
        aws.identify()
    assert caught.value.where == "env dev"
    return caught.value


def test_a_role_that_may_not_be_assumed_is_said_with_both_arns(server: Server, keys: None) -> None:
    user = "arn:aws:iam::111111111111:user/anna"
    said = f"User: {user} is not authorized to perform: sts:AssumeRole on resource: {DEPLOY}"
    error = refused(server, dev(server, role=DEPLOY), "AccessDenied", said)
    assert error.message == f"{user} may not assume the role {DEPLOY}"
    assert "trust policy" in error.hint
    long = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    error = refused(server, dev(server, role=DEPLOY), "ValidationError", long)
    assert error.message == f"the role {DEPLOY} can't be assumed: {long}"


def test_an_expired_source_of_a_role_is_said(server: Server, keys: None) -> None:
    error = refused(server, dev(server, role=DEPLOY), "ExpiredToken", "expired")
    assert error.message == "the credentials of profile `dev` have expired"


def test_without_a_terminal_no_code_is_asked_for(server: Server, home: Path) -> None:
    write_config(home, MFA)
    done = subprocess.run(
        [sys.executable, "-c", LIST],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "profile `dev` takes an MFA code of arn:aws:iam::1:mfa/anna, and there is" in done.stderr
    assert "next: tc login -e dev, on a terminal" in done.stderr
    assert "Traceback" not in done.stderr
    assert server.requests == []


def on_terminal(answers: bytes) -> tuple[int, str]:
    """`tc login -e dev` on a terminal of its own, and what it prints there."""
    pid, terminal = pty.fork()
    if pid == 0:  # in the child
        os.execv(sys.executable, [sys.executable, "-c", LIST])
    said = b""
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:  # how a terminal ends
            break
        if not more:
            break
        said += more
        if b"MFA code for" in said and answers:
            os.write(terminal, answers)
            answers = b""
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()


def test_on_a_terminal_a_code_is_asked_for_once_an_hour(server: Server, home: Path) -> None:
    write_config(home, MFA)
    server.answers["AssumeRole"] = [assumed("AKIMFA")]
    code, said = on_terminal(b"123456\n")
    assert code == 0, said
    assert "MFA code for arn:aws:iam::1:mfa/anna:" in said
    assert "123456" not in said
    assert "the role arn:aws:iam::1:role/x by way of base" in said
    asked = fields(server.requests[0])
    assert (asked["SerialNumber"], asked["TokenCode"]) == ("arn:aws:iam::1:mfa/anna", "123456")
    (kept,) = (home / ".aws/cli/cache").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    server.requests.clear()
    done = subprocess.run(
        [sys.executable, "-c", LIST], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert server.operations() == ["GetCallerIdentity"]


def test_a_wrong_code_is_said(server: Server, home: Path) -> None:
    write_config(home, MFA)
    wrong = "MultiFactorAuthentication failed with invalid MFA one time pass code."
    server.answers["AssumeRole"] = [Answer(ERROR.format(code="AccessDenied", message=wrong), 403)]
    code, said = on_terminal(b"000000\n")
    assert code == 1
    assert "AWS refused the MFA code for profile `dev`" in said
