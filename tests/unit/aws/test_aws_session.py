from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from aws_server import Answer, Server, dev, write_config
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tc.aws.clients import Call
from tc.aws.session import Aws, open_session
from tc.config import Environment
from tc.deploy import invoke
from tc.errors import AwsError, TcError, UsageError
from tc.events import Event, silent

FUNCTIONS = "GET /2015-03-31/functions"
CREATE_API = "POST /v2/apis"


def local(server: Server) -> Environment:
    return Environment("local", local=True, endpoint_url=server.url)


def test_importing_the_package_does_not_import_botocore() -> None:
    code = "import sys, tc.aws.session, tc.aws.wait, tc.aws.login, tc.config\n"
    code += "print([m for m in sys.modules if m.split('.')[0] in ('botocore', 'yaml', 'pydantic')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_call_is_signed_with_the_profile_and_carries_our_name(server: Server, keys: None) -> None:
    server.answers[FUNCTIONS] = [Answer({"Functions": [{"FunctionName": "a"}]})]
    with open_session(dev(server), None, silent) as aws:
        assert aws.call("lambda", "list_functions") == {"Functions": [{"FunctionName": "a"}]}
        assert aws.region == "eu-west-1"
    (request,) = server.requests
    assert "Credential=AKIDEV/" in request.headers["authorization"]
    assert "/eu-west-1/lambda/" in request.headers["authorization"]
    assert " tc/" in request.headers["user-agent"]


def test_a_request_to_a_route_is_signed_as_it_arrives(server: Server, home: Path) -> None:
    write_config(
        home,
        "[profile dev]\naws_access_key_id=AKIDEV\naws_secret_access_key=secret\n"
        "aws_session_token=token\nregion=eu-west-1\n",
    )
    url = f"{server.url}/live/a%20b?z=1&y=%2F"
    with open_session(dev(server), None, silent) as aws:
        invoke.call_route(url, "POST", {"n": 1}, {"X-Of": "bob"}, 5, aws.sign)
    (request,) = server.requests
    said = request.headers["authorization"]
    assert "/eu-west-1/execute-api/aws4_request" in said
    assert request.headers["x-amz-security-token"] == "token"
    names = said.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "content-type", "x-of"} <= set(names)
    again = AWSRequest(
        request.method,
        server.url + request.path,
        headers={name: request.headers[name] for name in names},
        data=request.body,
    )
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials("AKIDEV", "secret", "token"), "execute-api", "eu-west-1")
    text = signer.string_to_sign(again, signer.canonical_request(again))
    assert said.endswith(f"Signature={signer.signature(text, again)}")


def test_a_profile_s_own_endpoint_url_is_used(server: Server, home: Path) -> None:
    write_config(
        home,
        "[profile dev]\naws_access_key_id=A\naws_secret_access_key=B\nregion=eu-west-1\n"
        f"endpoint_url = {server.url}\n",
    )
    with open_session(Environment("dev", profile="dev"), None, silent) as aws:
        aws.call("stepfunctions", "start_sync_execution", stateMachineArn="arn:x:express")
    assert server.operations() == ["GetCallerIdentity", "AWSStepFunctions.StartSyncExecution"]


def test_region_order(server: Server, keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def region(environment: Environment, asked: str | None = None) -> str:
        return open_session(environment, asked, silent).region

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-1")
    assert region(dev(server)) == "us-west-1"
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert region(dev(server)) == "us-west-2"
    assert region(dev(server, region="eu-north-1")) == "eu-north-1"
    assert region(dev(server, region="eu-north-1"), "sa-east-1") == "sa-east-1"


def test_local_sees_nothing_of_the_user_s_aws_settings(
    server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(home, "[default]\nregion = eu-west-1\nbroken\n")
    for name, value in {
        "AWS_PROFILE": "nobody",
        "AWS_ACCESS_KEY_ID": "AKIREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real-token",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:1",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_MAX_ATTEMPTS": "many",
        "AWS_CA_BUNDLE": "/no/such/file",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    with open_session(local(server), None, silent) as aws:
        aws.call("lambda", "publish_version", FunctionName="f")
        assert (aws.region, aws.account, aws.partition) == ("us-east-1", "000000000000", "aws")
    (request,) = server.requests
    assert "Credential=test/" in request.headers["authorization"]
    assert "/us-east-1/" in request.headers["authorization"]
    assert "AKIREAL" not in str(request)
    assert "real-token" not in str(request)


def test_the_first_write_asks_who_we_are_and_reads_do_not(server: Server, keys: None) -> None:
    with open_session(dev(server), None, silent) as aws:
        aws.call("lambda", "list_functions")
        aws.call("lambda", "publish_version", FunctionName="f")
        aws.call("lambda", "publish_version", FunctionName="f")
        assert (aws.account, aws.partition) == ("111111111111", "aws-cn")
        assert aws.calls == {
            Call("lambda.list_functions", False): 1,
            Call("sts.get_caller_identity", False): 1,
            Call("lambda.publish_version", True): 2,
        }
        assert aws.written == 2
    assert server.operations().count("GetCallerIdentity") == 1


def test_another_account_s_credentials_are_refused_before_the_first_write(
    server: Server, keys: None
) -> None:
    server.account("222222222222")
    aws = open_session(dev(server, account="111111111111"), None, silent)
    with aws, pytest.raises(TcError) as caught:
        aws.call("lambda", "publish_version", FunctionName="f")
    assert caught.value.message == (
        "the credentials of profile `dev` belong to account 222222222222, "
        "env `dev` is account 111111111111"
    )
    assert caught.value.code == "account"
    assert server.operations() == ["GetCallerIdentity"]


def test_a_role_is_assumed_with_the_profile_s_credentials(server: Server, keys: None) -> None:
    server.answers["AssumeRole"] = [
        Answer(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKIROLE</AccessKeyId>"
            "<SecretAccessKey>x</SecretAccessKey><SessionToken>t</SessionToken>"
            "<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>"
            "</AssumeRoleResult></AssumeRoleResponse>"
        )
    ]
    role = "arn:aws:iam::111111111111:role/Deploy"
    with open_session(dev(server, role=role), None, silent) as aws:
        aws.call("lambda", "list_functions")
        aws.call("lambda", "list_layers")
    assumed, first, _ = server.requests
    assert assumed.operation == "AssumeRole"
    assert b"role%2FDeploy" in assumed.body
    assert b"RoleSessionName=tc-" in assumed.body
    assert "Credential=AKIDEV/" in assumed.headers["authorization"]
    assert "Credential=AKIROLE/" in first.headers["authorization"]


def test_a_call_that_may_be_repeated_is_repeated(server: Server, keys: None) -> None:
    server.answers[FUNCTIONS] = [Answer(status=500), Answer({"Functions": []})]
    with open_session(dev(server), None, silent) as aws:
        assert aws.call("lambda", "list_functions") == {"Functions": []}
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("apigatewayv2", "create_api", {"Name": "a", "ProtocolType": "HTTP"}),
        ("apigatewayv2", "import_api", {"Body": "{}"}),
        ("apigateway", "create_deployment", {"restApiId": "a"}),
        ("lambda", "publish_layer_version", {"LayerName": "l", "Content": {"ZipFile": b"z"}}),
        ("lambda", "invoke", {"FunctionName": "f"}),
        ("events", "put_events", {"Entries": [{"Source": "s"}]}),
    ],
)
def test_a_call_that_would_take_effect_twice_is_sent_once(
    server: Server, keys: None, service: str, operation: str, arguments: dict[str, object]
) -> None:
    with open_session(dev(server), None, silent) as aws:
        aws.identify()
        server.requests.clear()
        server.answer = lambda request: Answer({"message": "oops"}, 500)  # type: ignore[method-assign]
        with pytest.raises(AwsError) as caught:
            aws.call(service, operation, **arguments)
    assert caught.value.status == 500
    assert len(server.requests) == 1


def test_a_throttled_create_is_sent_again_because_it_had_no_effect(
    server: Server, keys: None, told: list[Event]
) -> None:
    throttled = Answer({"message": "slow"}, 429, {"x-amzn-errortype": "TooManyRequestsException"})
    server.answers[CREATE_API] = [throttled, Answer({"apiId": "a1"}, 201)]
    with open_session(dev(server), None, told.append) as aws:
        assert (
            aws.call("apigatewayv2", "create_api", Name="a", ProtocolType="HTTP")["ApiId"] == "a1"
        )
    assert [event.text for event in told] == [
        "AWS asks to slow down: apigatewayv2.create_api again in 0.5 s"
    ]


def test_every_page_is_fetched_and_counted(server: Server, keys: None) -> None:
    server.answers[FUNCTIONS] = [
        Answer({"Functions": [{"FunctionName": "a"}], "NextMarker": "m"}),
        Answer({"Functions": [{"FunctionName": "b"}]}),
    ]
    with open_session(dev(server), None, silent) as aws:
        found = list(aws.pages("lambda", "list_functions", "Functions"))
        assert [f["FunctionName"] for f in found] == ["a", "b"]
        assert aws.calls == {Call("lambda.list_functions", False): 2}
    assert "Marker=m" in server.requests[1].path


def test_an_error_in_a_later_page_is_ours(server: Server, keys: None) -> None:
    server.answers[FUNCTIONS] = [
        Answer({"Functions": [{"FunctionName": "a"}], "NextMarker": "m"}),
        Answer({"Message": "no"}, 403, {"x-amzn-errortype": "AccessDeniedException"}),
    ]
    with open_session(dev(server), None, silent) as aws, pytest.raises(AwsError) as caught:
        list(aws.pages("lambda", "list_functions", "Functions"))
    assert caught.value.aws_code == "AccessDeniedException"
    assert caught.value.operation == "lambda.list_functions"


def test_a_streamed_answer_comes_whole(server: Server) -> None:
    server.answers["POST /2015-03-31/functions/f/invocations"] = [Answer('{"a": 1}')]
    with open_session(local(server), None, silent) as aws:
        assert aws.call("lambda", "invoke", FunctionName="f")["Payload"] == b'{"a": 1}'


def test_map_keeps_the_order_overlaps_and_uses_one_client(server: Server) -> None:
    together = threading.Barrier(4, timeout=10)

    def slow(number: int) -> int:
        together.wait()
        aws.call("lambda", "list_functions")
        return number * 10

    with open_session(local(server), None, silent) as aws:
        assert aws.map(slow, range(4)) == [0, 10, 20, 30]
        assert aws.calls == {Call("lambda.list_functions", False): 4}


def test_map_raises_the_first_error_after_all_have_ended(server: Server) -> None:
    ended: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.1 if number == 3 else 0)
        ended.append(number)
        if number in (1, 2):
            raise TcError(f"no {number}")

    with open_session(local(server), None, silent) as aws, pytest.raises(TcError, match="no 1"):
        aws.map(work, range(4))
    assert sorted(ended) == [0, 1, 2, 3]


def test_a_map_inside_a_map_ends(server: Server) -> None:
    with open_session(local(server), None, silent) as aws:

        def outer(number: int) -> list[int]:
            return aws.map(lambda i: i + number, range(3))

        assert aws.map(outer, range(40)) == [[n, n + 1, n + 2] for n in range(40)]


def test_clients_are_made_once_from_many_threads(server: Server) -> None:
    with open_session(local(server), None, silent) as aws:
        clients = aws.map(lambda _: id(aws._clients.get("lambda", "list_functions")), range(32))
    assert len(set(clients)) == 1


def test_no_region_is_said_with_the_way_to_set_it(server: Server, home: Path) -> None:
    write_config(home, "[profile dev]\naws_access_key_id=A\naws_secret_access_key=B\n")
    with pytest.raises(UsageError) as caught:
        open_session(dev(server), None, silent)
    assert caught.value.message == "no region is set for env `dev`"
    assert "--profile dev" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        open_session(replace(dev(server), profile=None), None, silent)
    assert "AWS_REGION" in caught.value.hint


def test_pace(server: Server, keys: None) -> None:
    def pace(environment: Environment) -> float:
        aws: Aws = open_session(environment, None, silent)
        return aws.pace

    assert pace(local(server)) == 0.05
    assert pace(dev(server)) == 0.5
