"""The launcher: what it serves, keeps, refuses and leaves behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hooks_support import LAUNCHER, Hooked

from tc.events import silent
from tc.local import environment

pytestmark = pytest.mark.engine

ROUTE = {"IntegrationSubtype": "SQS-SendMessage", "PayloadFormatVersion": "1.0"}


def test_health_names_what_runs(hooked: Hooked) -> None:
    got = hooked.call("GET", "/_tc/health")
    assert hooked.process is not None
    assert got.json["pid"] == hooked.process.pid
    assert got.json["engine"] == environment.ENGINE
    assert got.json["python"] == environment.own_version()
    assert "environments" in got.json["hooks"]
    assert hooked.call("GET", "/_tc/other").status == 404


def test_it_listens_on_loopback_only(hooked: Hooked) -> None:
    with socket.socket() as opened:
        opened.bind(("0.0.0.0", 0))  # another address of this machine, if it has one
    host = socket.gethostbyname(socket.gethostname())
    if host.startswith("127."):
        host = "127.0.0.2"
    with socket.socket() as opened:
        assert opened.connect_ex((host, hooked.port)) != 0


def test_state_survives_sigterm_with_what_the_hooks_keep(own_hooked: Hooked) -> None:
    own_hooked.start()
    name = own_hooked.python("def handler(event, context): print('hello'); return 1")
    assert own_hooked.invoke(name).payload == 1
    client = own_hooked.client("apigatewayv2")
    api = client.create_api(Name="a", ProtocolType="HTTP")["ApiId"]
    made = client.create_integration(ApiId=api, IntegrationType="AWS_PROXY", **ROUTE)
    assert own_hooked.stop() == 0
    own_hooked.start()
    assert own_hooked.invoke(name).payload == 1
    assert own_hooked.logged(name).count("hello") == 2
    found = own_hooked.client("apigatewayv2").get_integration(
        ApiId=api, IntegrationId=made["IntegrationId"]
    )
    assert found["IntegrationSubtype"] == "SQS-SendMessage"


def test_what_was_saved_survives_a_kill(own_hooked: Hooked) -> None:
    own_hooked.start()
    own_hooked.client("sqs").create_queue(QueueName="kept")
    assert own_hooked.call("POST", "/_tc/save").json == {"saved": True, "failed": []}
    own_hooked.stop(signal.SIGKILL)
    own_hooked.start()
    assert own_hooked.client("sqs").list_queues()["QueueUrls"][0].endswith("/kept")


def test_a_save_that_fails_says_so(own_hooked: Hooked) -> None:
    own_hooked.start()
    own_hooked.client("sqs").create_queue(QueueName="lost")
    shutil.rmtree(own_hooked.home / "state")
    (own_hooked.home / "state").write_text("in the way")
    got = own_hooked.call("POST", "/_tc/save")
    assert got.status == 500
    assert "sqs" in str(got.json["failed"])


def test_files_are_private_and_nothing_of_a_function_stays(own_hooked: Hooked) -> None:
    own_hooked.start()
    own_hooked.client("s3").create_bucket(Bucket="own-bucket")
    own_hooked.client("s3").put_object(Bucket="own-bucket", Key="k", Body=b"x")
    code = "import os\ndef handler(event, context): return [os.getpid(), os.environ['TMPDIR']]"
    pid, scratch = own_hooked.invoke(own_hooked.python(code)).payload
    assert Path(scratch).stat().st_mode & 0o077 == 0
    own_hooked.stop()
    written = [p for n in ("state", "s3") for p in (own_hooked.home / n).rglob("*")]
    assert written
    assert [p for p in written if p.stat().st_mode & 0o077] == []
    assert list((own_hooked.home / "tmp").glob("tc-functions-*")) == []
    assert not Path(f"/proc/{pid}").exists()


def test_a_killed_launcher_takes_its_functions_along(own_hooked: Hooked) -> None:
    own_hooked.start()
    code = "import os\ndef handler(event, context): return os.getpid()"
    pid = own_hooked.invoke(own_hooked.python(code)).payload
    own_hooked.stop(signal.SIGKILL)
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} of a function outlives the engine")


def test_stopping_does_not_wait_for_a_long_request(own_hooked: Hooked) -> None:
    own_hooked.start()
    code = "import time\ndef handler(event, context): time.sleep(60)"
    name = own_hooked.python(code, Timeout=60)
    own_hooked.client("lambda").invoke(FunctionName=name, InvocationType="Event")
    time.sleep(0.3)
    began = time.monotonic()
    assert own_hooked.stop() == 0
    assert time.monotonic() - began < 8


def test_an_engine_of_another_shape_is_refused(own_hooked: Hooked, tmp_path: Path) -> None:
    """A copy of the engine lacks one private name that a hook holds on to."""
    made = environment.ensure(silent)
    find = "import ministack, os; print(os.path.dirname(ministack.__file__))"
    answer = subprocess.run([str(made.python), "-c", find], capture_output=True, check=True)
    copy = tmp_path / "other" / "ministack"
    shutil.copytree(answer.stdout.decode().strip(), copy)
    file = copy / "services" / "apigateway.py"
    text = file.read_text().replace("_invoke_lambda_proxy", "_invoke_lambda_otherwise")
    file.write_text(text)
    env = {"PATH": os.environ["PATH"], "GATEWAY_PORT": str(own_hooked.port)}
    got = subprocess.run(
        [str(made.python), str(LAUNCHER)],
        env={**env, "PYTHONPATH": str(copy.parent)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert got.returncode == 3
    (line,) = got.stderr.decode().splitlines()
    assert 'hook "http_integrations"' in line
    assert "_invoke_lambda_proxy does not exist" in line
    assert environment.ENGINE in line


def test_a_taken_port_and_a_missing_one(own_hooked: Hooked) -> None:
    made = environment.ensure(silent)
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", own_hooked.port))
        opened.listen()
        for port, code, text in ((str(own_hooked.port), 4, "is taken"), ("", 2, "GATEWAY_PORT")):
            got = subprocess.run(
                [str(made.python), str(LAUNCHER)],
                env={"PATH": os.environ["PATH"], "GATEWAY_PORT": port},
                capture_output=True,
                check=False,
                timeout=60,
            )
            assert got.returncode == code, got.stderr
            assert text in got.stderr.decode().splitlines()[-1]


def test_the_hooks_import_nothing_of_tc() -> None:
    code = f"import sys; sys.argv = ['x']; sys.path.insert(0, {str(LAUNCHER.parent)!r}); "
    code += "import launcher; launcher.load_hooks(); "
    code += "print([name for name in sys.modules if name == 'tc' or name.startswith('tc.')])"
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd="/")
    assert got.stdout.decode().strip() == "[]"
