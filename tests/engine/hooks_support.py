"""The launcher on a free port, as the manager starts it, for the tests of its hooks."""

from __future__ import annotations

import base64
import http.client
import io
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tc.events import silent
from tc.local import environment

LAUNCHER = Path(environment.__file__).with_name("launcher.py")
ROLE = "arn:aws:iam::000000000000:role/any"
SECRET = "the-users-own-key"
_numbers = itertools.count()


@dataclass
class Answer:
    status: int
    body: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Invocation:
    error: str | None
    payload: Any
    log: str


@dataclass
class Hooked:
    """A running launcher: its address, what is below its home, and what a user does with it."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    more: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        for name in ("state", "s3", "tmp"):
            (self.home / name).mkdir(exist_ok=True)
        made = environment.ensure(silent)
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": "localhost",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.home / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.home / "s3"),
            "TC_HANDLER_SITE": str(made.handlers),
            "TC_RUBY": shutil.which("ruby") or "",
            "USERS_SECRET": SECRET,
            **self.more,
        }
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(made.python), str(LAUNCHER)], env=env, stdout=log, stderr=log
            )
        self.wait()

    def wait(self) -> None:
        for _ in range(300):
            assert self.process is not None
            assert self.process.poll() is None, (self.home / "log").read_text()[-2000:]
            try:
                self.call("GET", "/_tc/health")
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.home / "log").read_text()[-2000:])

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(20)

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        data = body if isinstance(body, str | None) else json.dumps(body)
        given = {"content-type": "application/json", **(headers or {})}
        connection.request(method, path, data, given)
        got = connection.getresponse()
        return Answer(got.status, got.read().decode(), {k.lower(): v for k, v in got.getheaders()})

    def route(self, api: str, stage: str, method: str, path: str, body: Any = None) -> Answer:
        return self.call(method, f"/_aws/execute-api/{api}/{stage}{path}", body)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id="000000000000",
            aws_secret_access_key="any",
            config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
        )

    def function(self, files: dict[str, str], **more: Any) -> str:
        """The name of a new function; the runtime is this machine's Python unless given."""
        name = f"f{next(_numbers)}"
        settings = {"Runtime": "python3.11", "Handler": "handler.handler", **more}
        self.client("lambda").create_function(
            FunctionName=name, Role=ROLE, Code={"ZipFile": archive(files)}, **settings
        )
        return name

    def python(self, code: str, **more: Any) -> str:
        return self.function({"handler.py": code}, **more)

    def invoke(self, name: str, event: Any = None) -> Invocation:
        got = self.client("lambda").invoke(
            FunctionName=name, Payload=json.dumps(event), LogType="Tail"
        )
        log = base64.b64decode(got.get("LogResult", "")).decode()
        return Invocation(got.get("FunctionError"), json.loads(got["Payload"].read()), log)

    def logged(self, name: str) -> list[str]:
        found = self.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")
        return [event["message"] for event in found["events"]]

    def flow(self, states: dict[str, Any], kind: str = "EXPRESS", **more: Any) -> str:
        definition = {"StartAt": next(iter(states)), "States": states, **more}
        return str(
            self.client("stepfunctions").create_state_machine(
                name=f"m{next(_numbers)}",
                roleArn=ROLE,
                type=kind,
                definition=json.dumps(definition),
            )["stateMachineArn"]
        )

    def run(self, flow: str, event: Any) -> dict[str, Any]:
        client = self.client("stepfunctions")
        return dict(client.start_sync_execution(stateMachineArn=flow, input=json.dumps(event)))

    def queue(self) -> tuple[str, str]:
        """Address and ARN of a new queue."""
        name = f"q{next(_numbers)}"
        url = self.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        return url, f"arn:aws:sqs:us-east-1:000000000000:{name}"

    def received(self, url: str, count: int, seconds: float = 5) -> list[str]:
        """The bodies of `count` messages, fewer when they don't come in time."""
        client, bodies, end = self.client("sqs"), [], time.monotonic() + seconds
        while len(bodies) < count and time.monotonic() < end:
            got = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            for message in got:
                bodies.append(message["Body"])
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            time.sleep(0 if got else 0.05)
        return bodies


def arn(function: str) -> str:
    return f"arn:aws:lambda:us-east-1:000000000000:function:{function}"


def lambda_uri(function: str) -> str:
    path = f"2015-03-31/functions/{arn(function)}/invocations"
    return f"arn:aws:apigateway:us-east-1:lambda:path/{path}"


def archive(files: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as opened:
        for name, text in files.items():
            opened.writestr(name, text)
    return data.getvalue()


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@pytest.fixture(scope="session")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooked]:
    """One launcher for all tests that leave it running."""
    made = Hooked(tmp_path_factory.mktemp("hooked"), free_port())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def own_hooked(tmp_path: Path) -> Iterator[Hooked]:
    """A launcher, not started, for a test that stops it."""
    made = Hooked(tmp_path, free_port())
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()
