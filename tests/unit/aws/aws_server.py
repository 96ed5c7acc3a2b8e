"""A loopback server that answers like AWS."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from tc.config import Environment


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """``GetCallerIdentity``, ``AWSStepFunctions.StartExecution`` or ``GET /path``."""
        target = self.headers.get("x-amz-target")
        if target:
            return target
        action = parse_qs(self.body.decode(errors="replace")).get("Action")
        return action[0] if action else f"{self.method} {self.path.split('?')[0].rstrip('/')}"


@dataclass
class Answer:
    body: object = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult>"
    "<Arn>arn:aws-cn:sts::{account}:assumed-role/Dev/anna</Arn><Account>{account}</Account>"
    "<UserId>AIDA</UserId></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
ERROR = (
    "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
)


class Server:
    """Answers with what `answers` has for each operation, in order, the last for ever."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.answers: dict[str, list[Answer | Callable[[Request], Answer]]] = {}
        self.account("111111111111")
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                headers = {key.lower(): value for key, value in self.headers.items()}
                request = Request(self.command, self.path, headers, self.rfile.read(length))
                server.requests.append(request)
                answer = server.answer(request)
                body = answer.body
                data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                if "date" in answer.headers:
                    self.send_response_only(answer.status)
                else:
                    self.send_response(answer.status)
                for key, value in answer.headers.items():
                    self.send_header(key, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def account(self, account: str) -> None:
        self.answers["GetCallerIdentity"] = [Answer(IDENTITY.format(account=account))]

    def refuse_identity(self, code: str, message: str = "no", status: int = 403) -> None:
        text = ERROR.format(code=code, message=message)
        self.answers["GetCallerIdentity"] = [Answer(text, status)]

    def answer(self, request: Request) -> Answer:
        answers = self.answers.get(request.operation, [Answer()])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer(request) if callable(answer) else answer

    def operations(self) -> list[str]:
        return [request.operation for request in self.requests]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def assumed(key: str, minutes: float = 60) -> Answer:
    """What AssumeRole answers: credentials that last so many minutes."""
    ends = datetime.now(UTC) + timedelta(minutes=minutes)
    return Answer(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s3cr3t</SecretAccessKey>"
        f"<SessionToken>t</SessionToken><Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration>"
        "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )


def write_config(home: Path, text: str) -> None:
    (home / ".aws" / "config").write_text(text)


def dev(server: Server, **settings: str) -> Environment:
    return Environment("dev", profile="dev", endpoint_url=server.url, **settings)
