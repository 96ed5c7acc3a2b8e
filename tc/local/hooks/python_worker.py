"""The process of a Python function. Runs on the interpreter of the function's runtime (3.10 or
later) with `-S`, imports nothing but the standard library, and keeps the handler loaded.

Arguments: the descriptor of the channel. Lines on it are JSON objects. In: first
`{handler, task, opt, site}`, then `{event, request_id, deadline, arn, env}` per invocation. Out:
`{"result": …}` or `{"error": …}`, the first answer for the import. What Lambda's own Python runtime
does on errors is done here: types, wording, trace and log line are the same.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import site
import sys
import time
import traceback
from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would cost each cold start some milliseconds
    from collections.abc import Callable
    from typing import Any, BinaryIO

MARK = "\0tc:end:"
NEWLINE = "\x1e"
EVERY = ("errorMessage", "errorType", "requestId", "stackTrace")


class Fault(Exception):
    """An error with one of Lambda's own types: `Fault(type, message)`."""


class Context:
    """The second argument of a handler."""

    def __init__(self, call: dict[str, Any]) -> None:
        self.aws_request_id = call["request_id"]
        self.invoked_function_arn = call["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = None
        self._deadline = call["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.time()) * 1000))

    def log(self, message: object) -> None:
        print(message)  # noqa: T201


class RequestId(logging.Filter):
    current = ""

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = RequestId.current
        return True


class Records(logging.StreamHandler):  # type: ignore[type-arg]
    """One record is one event of the log, however many lines it has."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", NEWLINE)


def main(channel: int) -> None:
    wire: BinaryIO = os.fdopen(channel, "wb", buffering=0)
    os.set_inheritable(channel, False)
    lines = os.fdopen(os.dup(channel), "rb")
    start = json.loads(lines.readline())
    prepare(start)
    try:
        handler = load(start["handler"])
    except Exception as error:
        send(wire, {"error": dict(report(error, start["task"]), init=True)})
        return
    send(wire, {"result": None})
    given: set[str] = set()
    for line in lines:
        call = json.loads(line)
        for name in given - set(call["env"]):
            os.environ.pop(name, None)
        os.environ.update(call["env"])
        given = set(call["env"])
        RequestId.current = call["request_id"]
        try:
            answer = b'{"result": ' + encode(handler(call["event"], Context(call))) + b"}"
        except Exception as error:
            answer = json.dumps({"error": report(error, start["task"])}).encode()
        mark(call["request_id"])
        write(wire, answer)


def send(wire: BinaryIO, message: dict[str, Any]) -> None:
    mark("")
    write(wire, json.dumps(message).encode())


def write(wire: BinaryIO, data: bytes) -> None:
    rest = memoryview(data + b"\n")
    while rest:
        rest = rest[wire.write(rest) :]


def mark(request_id: str) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(2, (MARK + request_id + "\n").encode())


def prepare(start: dict[str, str]) -> None:
    """The paths, output and logging that Lambda sets up before it imports a handler."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    opt = os.path.join(start["opt"], "python")  # noqa: PTH118
    libraries = os.path.join(opt, "lib", version, "site-packages")  # noqa: PTH118
    own = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    sys.path[:] = [entry for entry in sys.path if entry and os.path.abspath(entry) != own]  # noqa: PTH100
    sys.path[:0] = [start["task"], libraries, opt]
    for place in (libraries, opt):
        if os.path.isdir(place):  # noqa: PTH112
            site.addsitedir(place)  # layers may hold .pth files
    if start["site"]:
        sys.path.append(start["site"])
    sys.argv[:] = [""]
    site.setquit()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    records = Records(sys.stdout)
    text = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    formatter = logging.Formatter(text, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    records.setFormatter(formatter)
    records.addFilter(RequestId())
    logging.getLogger().addHandler(records)


def load(handler: str) -> Callable[[Any, Context], Any]:
    name, dot, function = handler.rpartition(".")
    if not dot:
        short = "not enough values to unpack (expected 2, got 1)"
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': {short}")
    try:
        module = importlib.import_module(name.replace("/", "."))
    except ImportError as error:
        text = f"Unable to import module '{name}': {error}"
        raise Fault("Runtime.ImportModuleError", text) from error
    except SyntaxError as error:
        text = f"Syntax error in module '{name}': {error}"
        raise Fault("Runtime.UserCodeSyntaxError", text) from error
    if not hasattr(module, function):
        text = f"Handler '{function}' missing on module '{name}'"
        raise Fault("Runtime.HandlerNotFound", text)
    found: Callable[[Any, Context], Any] = getattr(module, function)
    return found


def encode(result: object) -> bytes:
    try:
        return json.dumps(result, default=plain).encode()
    except Exception as error:
        text = f"Unable to marshal response: {error}"
        raise Fault("Runtime.MarshalError", text) from error


def plain(value: object) -> float:
    """Lambda turns Decimals, which DynamoDB gives, into numbers."""
    decimal = sys.modules.get("decimal")
    if decimal is not None and isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def report(error: Exception, task: str) -> dict[str, Any]:
    """Lambda's error object, its line in the log written."""
    if isinstance(error, Fault):
        kind, message = error.args
        trace = syntax_place(error.__cause__)
    else:
        kind, message = type(error).__name__, str(error)
        trace = traceback.format_list(own_frames(error, task))
    trace = [line.replace(task, "/var/task") for line in trace]
    record = f"[ERROR] {kind}: {message}\n"
    if trace:
        record += f"Traceback (most recent call last):\n{''.join(trace)}"
    print(record.rstrip().replace("\n", NEWLINE))  # noqa: T201
    return dict(zip(EVERY, (message, kind, RequestId.current, trace)))  # noqa: B905


def own_frames(error: Exception, task: str) -> list[traceback.FrameSummary]:
    """The trace from the function's own code on: not this file, nor what imports a module."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
    own = [place for place, frame in enumerate(frames) if frame.filename.startswith(task)]
    return frames[own[0] :] if own else frames


def syntax_place(cause: BaseException | None) -> list[str]:
    if not isinstance(cause, SyntaxError):
        return []
    return [f'  File "{cause.filename}" Line {cause.lineno}\n    {(cause.text or "").strip()}\n']


if __name__ == "__main__":
    main(int(sys.argv[1]))
