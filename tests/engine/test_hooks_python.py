"""Python functions fail, log and are set up as on Lambda."""

from __future__ import annotations

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hooks_support import SECRET, Hooked

pytestmark = pytest.mark.engine

OWN = f"python3.{sys.version_info.minor}"

FAILING = """
import os, sys, time
calls = 0
class Sold(BaseException): pass
def handler(event, context):
    global calls
    calls += 1
    match event:
        case "value": raise ValueError("no such order")
        case "exit": sys.exit(3)
        case "leave": exit()
        case "base": raise Sold("out")
        case "kill": os.kill(os.getpid(), 9)
        case "set": return {1, 2}
        case "sleep": time.sleep(30)
    return calls
"""


def test_the_type_of_an_exception_reaches_the_caller(hooked: Hooked) -> None:
    name = hooked.python(FAILING)
    got = hooked.invoke(name, "value")
    assert got.error == "Unhandled"
    assert set(got.payload) == {"errorMessage", "errorType", "requestId", "stackTrace"}
    assert got.payload["errorType"] == "ValueError"
    assert got.payload["errorMessage"] == "no such order"
    assert re.fullmatch(r"[0-9a-f-]{36}", got.payload["requestId"])
    assert got.payload["stackTrace"][0].startswith('  File "/var/task/handler.py", line 9, in ha')
    assert got.payload["requestId"] in got.log


def test_an_exception_keeps_the_warm_process(hooked: Hooked) -> None:
    name = hooked.python(FAILING)
    assert hooked.invoke(name).payload == 1
    assert hooked.invoke(name, "value").error
    assert hooked.invoke(name).payload == 3


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("exit", "Runtime exited with error: exit status 3"),
        ("leave", "Runtime exited without providing a reason"),
        ("base", "Runtime exited with error: exit status 1"),
        ("kill", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_process_that_ends_is_an_answer_and_the_next_call_works(
    hooked: Hooked, event: str, reason: str
) -> None:
    name = hooked.python(FAILING)
    got = hooked.invoke(name, event)
    assert got.error == "Unhandled"
    assert got.payload["errorType"] == "Runtime.ExitError"
    assert got.payload["errorMessage"].endswith(f"Error: {reason}")
    assert hooked.invoke(name).payload == 1


def test_a_timeout_ends_the_handler_and_is_named(hooked: Hooked) -> None:
    name = hooked.python(FAILING, Timeout=1)
    began = time.monotonic()
    got = hooked.invoke(name, "sleep")
    assert time.monotonic() - began < 3
    assert got.payload["errorType"] == "Sandbox.Timedout"
    assert got.payload["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert "Task timed out after 1.00 seconds" in got.log
    assert hooked.invoke(name).payload == 1


@pytest.mark.parametrize(
    ("code", "handler", "kind", "message"),
    [
        (
            "import nowhere",
            "handler.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'handler': No module named 'nowhere'",
        ),
        (
            "",
            "other.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'other': No module named 'other'",
        ),
        (
            "",
            "handler.handler",
            "Runtime.HandlerNotFound",
            "Handler 'handler' missing on module 'handler'",
        ),
        (
            "def x(:",
            "handler.handler",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'handler': invalid syntax (handler.py, line 1)",
        ),
        ("1 / 0", "handler.handler", "ZeroDivisionError", "division by zero"),
    ],
)
def test_a_handler_that_cannot_be_loaded(
    hooked: Hooked, code: str, handler: str, kind: str, message: str
) -> None:
    got = hooked.invoke(hooked.python(code, Handler=handler))
    assert (got.error, got.payload["errorType"]) == ("Unhandled", kind)
    assert got.payload["errorMessage"] == message
    assert f"[ERROR] {kind}: {message}" in got.log


def test_a_result_that_is_no_json(hooked: Hooked) -> None:
    got = hooked.invoke(hooked.python(FAILING), "set")
    assert got.payload["errorType"] == "Runtime.MarshalError"
    assert "set is not JSON serializable" in got.payload["errorMessage"]


def test_the_log_group_has_what_was_written_in_order(hooked: Hooked) -> None:
    code = """
import logging, os, sys
logging.getLogger().setLevel("INFO")
def handler(event, context):
    print("first")
    logging.info("second\\nline")
    sys.stderr.write("third\\n")
    os.system("echo fourth")
    print("fifth", end="")
    if event:
        raise KeyError("sixth")
"""
    name = hooked.python(code)
    hooked.invoke(name)
    hooked.invoke(name, "fail")
    lines = hooked.logged(name)
    starts = [place for place, line in enumerate(lines) if line.startswith("START RequestId: ")]
    good, bad = lines[: starts[1]], lines[starts[1] :]
    assert [good[1], *good[3:6]] == ["first", "third", "fourth", "fifth"]
    assert re.fullmatch(r"\[INFO\]\t\S+Z\t[0-9a-f-]{36}\tsecond\nline", good[2])
    assert good[6].startswith("END RequestId: ")
    assert good[7].startswith("REPORT RequestId: ")
    assert "Init Duration" in good[7]
    assert bad[5].startswith("fifth[ERROR] KeyError: 'sixth'\nTraceback (most recent call last):\n")
    assert len(bad) == 8


def test_the_context_tells_what_lambda_tells(hooked: Hooked) -> None:
    code = """
def handler(event, context):
    names = ["aws_request_id", "function_name", "function_version", "memory_limit_in_mb",
             "invoked_function_arn", "log_group_name", "log_stream_name"]
    return {**{n: getattr(context, n) for n in names},
            "left": context.get_remaining_time_in_millis()}
"""
    name = hooked.python(code, Timeout=5, MemorySize=256)
    got = hooked.invoke(name)
    assert 4000 < got.payload.pop("left") <= 5000
    assert got.payload.pop("aws_request_id") in got.log
    streams = hooked.client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{name}")
    assert [each["logStreamName"] for each in streams["logStreams"]] == [
        got.payload.pop("log_stream_name")
    ]
    assert got.payload == {
        "function_name": name,
        "function_version": "$LATEST",
        "memory_limit_in_mb": "256",
        "invoked_function_arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
        "log_group_name": f"/aws/lambda/{name}",
    }


def test_nothing_of_the_engine_reaches_a_handler(hooked: Hooked) -> None:
    code = """
import os, sys, importlib.util
def handler(event, context):
    found = {name: importlib.util.find_spec(name) is not None
             for name in ("ministack", "hypercorn", "tc", "boto3", "own")}
    return {"env": dict(os.environ), "found": found, "path": sys.path, "argv": sys.argv}
"""
    name = hooked.function(
        {"handler.py": code, "own.py": ""}, Environment={"Variables": {"MINE": "1", "PATH": "x"}}
    )
    got = hooked.invoke(name).payload
    env = got["env"]
    assert got["found"] == {
        "ministack": False,
        "hypercorn": False,
        "tc": False,
        "boto3": True,
        "own": True,
    }
    assert SECRET not in str(env)
    assert not {"STATE_DIR", "GATEWAY_PORT", "TC_PYTHONS", "TC_HANDLER_SITE"} & set(env)
    assert env["MINE"] == "1"
    assert env["PATH"] != "x"
    assert env["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{hooked.port}"
    assert env["HOME"] == env["TMPDIR"] != str(hooked.home)
    assert got["argv"] == [""]


def test_boto3_is_there_and_reaches_the_engine(hooked: Hooked) -> None:
    code = """
import boto3
def handler(event, context):
    return boto3.client("sts").get_caller_identity()["Account"]
"""
    assert hooked.invoke(hooked.python(code, Timeout=20)).payload == "000000000000"


def test_layers_are_laid_over_one_another(hooked: Hooked) -> None:
    from hooks_support import archive

    client, layers = hooked.client("lambda"), []
    for number in ("1", "2"):
        files = {"python/shared.py": f"N = {number}", f"python/only{number}.py": "", "bin/x": ""}
        made = client.publish_layer_version(
            LayerName=f"layer{number}", Content={"ZipFile": archive(files)}
        )
        layers.append(made["LayerVersionArn"])
    code = """
import only1, only2, shared
def handler(event, context):
    return shared.N
"""
    assert hooked.invoke(hooked.python(code, Layers=layers)).payload == 2


def test_the_runtime_picks_the_interpreter(own_hooked: Hooked) -> None:
    import json
    import os

    # A wrapper stands for another Python: what matters is that the named program runs.
    wrapper = own_hooked.home / "python3.10"
    wrapper.write_text(f'#!/bin/sh\nMARKED=yes exec {sys.executable} "$@"\n')
    wrapper.chmod(0o700)
    own_hooked.more["TC_PYTHONS"] = json.dumps({"python3.10": os.fspath(wrapper)})
    own_hooked.start()
    code = """
import os
def handler(event, context):
    return [os.environ.get("MARKED"), os.environ["AWS_EXECUTION_ENV"]]
"""
    other = own_hooked.invoke(own_hooked.python(code, Runtime="python3.10")).payload
    assert other == ["yes", "AWS_Lambda_python3.10"]
    assert own_hooked.invoke(own_hooked.python(code, Runtime=OWN)).payload[0] is None


def test_new_code_is_used_at_once(hooked: Hooked) -> None:
    from hooks_support import archive

    name = hooked.python("def handler(event, context): return 'old'")
    assert hooked.invoke(name).payload == "old"
    code = archive({"handler.py": "def handler(event, context): return 'new'"})
    hooked.client("lambda").update_function_code(FunctionName=name, ZipFile=code)
    assert hooked.invoke(name).payload == "new"


def test_new_variables_and_a_new_timeout_are_used_at_once(hooked: Hooked) -> None:
    code = """
import os
def handler(event, context):
    return [os.environ.get("A"), context.get_remaining_time_in_millis() > 4000]
"""
    name = hooked.python(code, Timeout=3)
    assert hooked.invoke(name).payload == [None, False]
    hooked.client("lambda").update_function_configuration(
        FunctionName=name, Timeout=5, Environment={"Variables": {"A": "1"}}
    )
    assert hooked.invoke(name).payload == ["1", True]


def test_calls_at_once_do_not_mix_answers_or_logs(hooked: Hooked) -> None:
    code = """
import time
def handler(event, context):
    print("begin", event)
    time.sleep(0.02)
    print("end", event)
    return event
"""
    name = hooked.python(code, Timeout=30)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda number: hooked.invoke(name, number), range(40)))
    assert [each.payload for each in got] == list(range(40))
    for number, each in enumerate(got):
        said = [line for line in each.log.splitlines() if line.startswith(("begin", "end"))]
        assert said == [f"begin {number}", f"end {number}"]
    assert sum(line.startswith("begin") for line in hooked.logged(name)) == 40


def test_a_function_that_calls_itself_for_ever_is_stopped(hooked: Hooked) -> None:
    code = """
import boto3, json
def handler(event, context):
    got = boto3.client("lambda").invoke(FunctionName=context.function_name,
                                        Payload=json.dumps(event + 1))
    return json.loads(got["Payload"].read())
"""
    got = hooked.invoke(hooked.python(code, Timeout=60), 1)
    assert "RecursiveInvocationException" in got.payload["errorMessage"]


def test_large_events_and_answers_pass(hooked: Hooked) -> None:
    name = hooked.python(
        "def handler(event, context): return event * (2 if event[0] == 'b' else 1)"
    )
    text = "a" * 5_000_000
    assert hooked.invoke(name, text).payload == text
    assert hooked.invoke(name, "b" + text).payload["errorType"] == "Function.ResponseSizeTooLarge"
    assert hooked.invoke(name, "c").payload == "c"


def test_a_warm_call_takes_milliseconds(hooked: Hooked) -> None:
    name = hooked.python("def handler(event, context): print('x')")
    hooked.invoke(name)
    began = time.monotonic()
    for _ in range(10):
        hooked.invoke(name)
    assert time.monotonic() - began < 2


def test_what_a_handler_started_ends_with_it(hooked: Hooked) -> None:
    code = """
import subprocess, time
def handler(event, context):
    print("child", subprocess.Popen(["sleep", "300"]).pid)
    time.sleep(30)
"""
    name = hooked.python(code, Timeout=1)
    assert hooked.invoke(name).payload["errorType"] == "Sandbox.Timedout"
    pid = next(line for line in hooked.logged(name) if line.startswith("child ")).split()[1]
    status = Path(f"/proc/{pid}/stat")
    assert not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] == "Z"


@pytest.mark.parametrize("change", ["update", "delete"])
def test_a_call_in_flight_finishes_when_its_function_changes(hooked: Hooked, change: str) -> None:
    from hooks_support import archive

    code = "import time\ndef handler(event, context):\n    time.sleep(1)\n    return 'old'"
    name, client = hooked.python(code, Timeout=10), hooked.client("lambda")
    with ThreadPoolExecutor(1) as pool:
        flying = pool.submit(hooked.invoke, name)
        time.sleep(0.5)
        if change == "update":
            code = "import os\ndef handler(event, context): return 'new'"
            client.update_function_code(FunctionName=name, ZipFile=archive({"handler.py": code}))
            assert hooked.invoke(name).payload == "new"
        else:
            client.delete_function(FunctionName=name)
        assert flying.result().payload == "old"


def test_a_deleted_log_group_does_not_come_back(hooked: Hooked) -> None:
    name, logs = hooked.python("def handler(event, context): pass"), hooked.client("logs")
    hooked.invoke(name)
    logs.delete_log_group(logGroupName=f"/aws/lambda/{name}")
    hooked.invoke(name)
    found = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")
    assert found["logGroups"] == []
