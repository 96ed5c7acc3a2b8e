"""`tc test`: what a sandbox really answers, a sandbox of its own, and who is told of a change."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import parse

import pytest
from e2e_proxy import Call, Refusal
from e2e_support import TC, Lab, Project

pytestmark = pytest.mark.engine

TOPOLOGY = """\
name: checked
routes:
  /items: { function: shelf }
  /items/{id}: { function: shelf, method: GET }
events:
  Start: { producer: default, function: worker }
  Go: { producer: default, state: flow }
queues:
  jobs: { function: worker }
  ordered: { function: worker, fifo: true }
flow:
  StartAt: shelve
  States:
    shelve:
      Type: Task
      Resource: arn:aws:states:::lambda:invoke
      Parameters: { FunctionName: '{{namespace}}_shelf_{{sandbox}}', Payload.$: $ }
      OutputPath: $.Payload
      End: true
functions:
  breaks:
    test:
      fails: { error: ValueError }
      is late: { payload: { sleep: 2 }, within: 1 }
tests:
  route: { entity: routes/items, payload: { n: 1 }, expect: { got: { n: 1 } } }
  by id:
    entity: routes/GET /items/{id}
    path: /items/42?full=1
    auth: ssm:/checked/token
    headers: { X-Of: '{{sandbox}}' }
    expect: { path: /items/42, query: full=1, of: bob }
  nothing: { entity: routes/items, payload: { status: 404 }, status: 404, expect: none }
  moved: { entity: routes/items, payload: { status: 302 }, status: 302 }
  flow: { payload: { name: amy }, condition: matches, expect: { got: { name: amy } } }
  event: { entity: events/Start, payload: { key: e1 }, reaches: functions/worker, expect: "'e1'" }
  started:
    entity: events/Go
    payload: { key: e2 }
    reaches: flow
    condition: $.got.detail.key
    expect: e2
  taken: { entity: events/Start, payload: { key: e3 } }
  queue: { entity: queues/jobs, payload: hello, reaches: functions/worker, expect: hello }
  fifo:
    entity: queues/ordered
    payload: { key: q2 }
    reaches: functions/worker
    condition: regex
    expect: 'q\\d'
"""
SHELF = """\
import json

def handler(event, context):
    if "rawPath" not in event:
        return {"got": event}
    got = json.loads(event.get("body") or "{}")
    if "status" in got:
        return {"statusCode": got["status"], "body": "none", "headers": {"location": "/elsewhere"}}
    path = event["rawPath"]
    told = {
        "got": got,
        "path": path[path.index("/items"):],
        "query": event.get("rawQueryString"),
        "of": event["headers"].get("x-of"),
        "token": event["headers"].get("authorization"),
    }
    return {"statusCode": 200, "body": json.dumps(told)}
"""
WORKER = "def handler(event, context):\n    print('got', event)\n"
BREAKS = """\
import time

def deep(event):
    raise ValueError(f"no good: {event}")

def handler(event, context):
    if "sleep" in event:
        time.sleep(event["sleep"])
        return "awake"
    deep(event)
"""
FILES = {
    "topology.yml": TOPOLOGY,
    "shelf/handler.py": SHELF,
    "shelf/function.json": '{"test": {"payload": "payload.json", "expect": {"got": {"a": 1}}}}',
    "shelf/payload.json": '{"a": 1, "sandbox": "{{sandbox}}"}',
    "worker/handler.py": WORKER,
    "breaks/handler.py": BREAKS,
}
RIGHT = [
    *("tests/route", "tests/by id", "tests/nothing", "tests/moved", "tests/flow", "tests/event"),
    *("tests/started", "tests/taken", "tests/queue", "tests/fifo", "functions/breaks/fails"),
    *("functions/shelf",),
]
SMALL = """\
name: small
buckets:
  shelf: {}
functions:
  keep: { runtime: { environment: { BUCKET: '{{buckets.shelf.name}}' } } }
tests:
  keeps: { payload: { key: a }, expect: kept }
"""
KEEP = """\
import os, time
import boto3

def handler(event, context):
    time.sleep(event.get("sleep", 0))
    if event.get("fail"):
        raise ValueError("told to")
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=event["key"], Body=b"data")
    return "kept"
"""


def project_of(lab: Lab, root: Path, files: dict[str, str], **more: str) -> Project:
    (root / ".git").mkdir(parents=True)
    return Project(lab, root, **more).write(files)


@pytest.fixture(scope="module")
def checked(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    lab.client("ssm").put_parameter(
        Name="/checked/token", Value="hidden-token", Type="SecureString", Overwrite=True
    )
    made = project_of(lab, tmp_path_factory.mktemp("checked"), FILES)
    made.create()
    yield made
    made.delete()


def test_every_kind_of_thing_is_called(checked: Project) -> None:
    said = checked.tc("test", "--json", "--junit", "out.xml", code=1)
    done = said.named("test.done")
    assert [result["test"] for result in done if result["ok"]] == RIGHT
    (late,) = [result for result in done if not result["ok"]]
    assert late["test"] == "functions/breaks/is late"
    assert late["message"] == "no answer: given up after 1 s"
    assert late["hint"] == "tc logs -s bob -e local -c functions/breaks"
    # in the order of the files, whichever ended first
    assert [r["test"] for r in done].index("functions/breaks/is late") == len(RIGHT) - 1
    (sum_,) = said.named("tests")
    assert (sum_["passed"], sum_["failed"]) == (12, 1)
    assert [result["test"] for result in sum_["tests"]] == [result["test"] for result in done]
    assert len(said.named("test.started")) == 13
    top = parse(checked.root / "out.xml").getroot()
    assert (top.get("tests"), top.get("failures"), top.get("errors")) == ("13", "1", "0")
    assert "hidden-token" not in said.text + (checked.root / "out.xml").read_text()


def test_a_failure_says_what_differs_and_where(checked: Project) -> None:
    checked.edit("topology.yml", "condition: matches, expect: { got: { name: amy } }", "expect: {}")
    wrong = {"got": {"a": 2, "b": 1}}
    tests = {
        "wrong": {"payload": {"a": 1}, "expect": wrong},
        "raises": {"entity": "functions/breaks"},
    }
    (checked.root / "shelf/function.json").write_text(json.dumps({"test": tests}))
    try:
        said = checked.tc("test", "-c", "functions/shelf", code=1)
    finally:
        checked.write(FILES)
    stamp = r"\d{4}-\S+ "
    text = re.sub(r"\d+\.\d+ s", "N s", re.sub(stamp, "", said.out))
    assert text.splitlines()[2:] == [
        "FAIL functions/shelf/wrong (N s): the answer isn't what is expected",
        "  --- expected",
        "  +++ actual",
        "  @@ -1,6 +1,5 @@",
        "   {",
        '     "got": {',
        '  -    "a": 2,',
        '  -    "b": 1',
        '  +    "a": 1',
        "     }",
        "   }",
        "  next: tc logs -s bob -e local -c functions/shelf",
        "FAIL functions/shelf/raises (N s): ValueError: no good: {}",
        '    File "/var/task/handler.py", line 10, in handler',
        "      deep(event)",
        *(["      ~~~~^^^^^^^"] if "~~~~^" in text else []),
        '    File "/var/task/handler.py", line 4, in deep',
        '      raise ValueError(f"no good: {event}")',
        "  next: tc logs -s bob -e local -c functions/breaks",
        "2 failed (N s)",
    ]


def test_only_what_is_chosen_is_run(checked: Project) -> None:
    def chosen(*words: str) -> list[str]:
        options = [option for word in words for option in ("-c", word)]
        (told,) = checked.tc("test", "--dry-run", "--json", *options).named("table")
        return [row[0] for row in told["rows"]]

    assert chosen("functions/shelf") == ["functions/shelf"]
    assert chosen("flow") == ["tests/flow"]
    assert chosen("queues", "tests/taken") == ["tests/taken", "tests/queue", "tests/fifo"]
    assert chosen("functions/breaks") == ["functions/breaks/fails", "functions/breaks/is late"]
    assert chosen("routes/items") == ["tests/route", "tests/nothing", "tests/moved"]
    said = checked.tc("test", "-c", "functions/worker", code=2)
    assert "there is no test of `functions/worker`" in said.err


def test_what_isnt_deployed_is_told(checked: Project) -> None:
    said = checked.in_sandbox("nobody").tc(
        "test", "-c", "functions/shelf", "-c", "tests/flow", "-c", "tests/route", "--json", code=1
    )
    assert [(r["message"], r["hint"]) for r in said.named("test.done")] == [
        (f"the {what} isn't deployed in sandbox `nobody`", "tc create -s nobody -e local")
        for what in ("route `/items`", "flow `checked`", "function `shelf`")
    ]


def test_no_tests_are_no_failure(lab: Lab, tmp_path: Path) -> None:
    made = project_of(lab, tmp_path, {"topology.yml": "name: empty\n"})
    assert "There are no tests" in made.tc("test").out
    assert "There are no tests" in lab.tc("test", "--fresh", "-e", "local", cwd=tmp_path).out


def fresh(project: Project, *arguments: str, code: int = 0) -> Any:
    return project.lab.tc(
        "test", "--fresh", "-e", project.env, *arguments, cwd=project.root, code=code
    )


@pytest.mark.parametrize("env", ["local", "aws"])
def test_a_sandbox_of_its_own_is_gone_afterwards(lab: Lab, tmp_path: Path, env: str) -> None:
    made = project_of(lab, tmp_path, {"topology.yml": SMALL, "keep/handler.py": KEEP}, env=env)
    before = lab.inventory()
    said = fresh(made, "--json")
    (told,) = said.named("sandbox")
    assert re.fullmatch(r"test-[0-9a-f]{8}", told["sandbox"])
    (test,) = said.named("test.done")
    assert test["ok"], test
    # the bucket held what the test put there
    assert lab.inventory() == before
    made.edit("topology.yml", "expect: kept", "expect: lost")
    said = fresh(made, "--json", code=1)
    assert "--fresh --keep" in said.named("test.done")[0]["hint"]
    assert lab.inventory() == before


def test_a_sandbox_that_is_kept_can_be_looked_at(lab: Lab, tmp_path: Path) -> None:
    text = SMALL.replace("expect: kept", "expect: lost")
    made = project_of(lab, tmp_path, {"topology.yml": text, "keep/handler.py": KEEP})
    before = lab.inventory()
    said = fresh(made, "--keep", code=1)
    command = re.search(r"To delete it: tc (delete .*)", said.out)
    assert command
    assert lab.inventory() != before
    lab.tc(*command[1].split(), cwd=made.root)
    assert lab.inventory() == before
    said = lab.tc("test", "--keep", "-s", "bob", "-e", "local", cwd=made.root, code=2)
    assert "--keep is for --fresh" in said.err
    assert "-s names another" in fresh(made, "-s", "bob", code=2).err


def test_an_interrupt_leaves_nothing_behind(lab: Lab, tmp_path: Path) -> None:
    text = SMALL.replace("{ key: a }", "{ key: a, sleep: 3 }")
    made = project_of(lab, tmp_path, {"topology.yml": text, "keep/handler.py": KEEP})
    before = lab.inventory()
    process = subprocess.Popen(
        [TC, "test", "--fresh", "-e", "local", "--json", "--junit", "out.xml"],
        cwd=made.root,
        env=lab.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if json.loads(line)["event"] == "test.started":
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            break
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert lab.inventory() == before
    top = parse(made.root / "out.xml").getroot()
    assert (top.get("skipped"), top.get("errors")) == ("1", "1")


def test_what_could_not_be_deleted_is_told(lab: Lab, tmp_path: Path) -> None:
    made = project_of(lab, tmp_path, {"topology.yml": SMALL, "keep/handler.py": KEEP}, env="aws")
    before = lab.inventory()

    def rule(call: Call) -> Refusal | None:
        if call.name.startswith("DELETE /2015-03-31/functions"):
            return 403, "AccessDeniedException", "not yours"
        return None

    with lab.proxy.refusing(rule):
        said = fresh(made, "--json", code=1)
    (warning,) = [w for w in said.named("warning") if w["code"] == "not-deleted"]
    assert "isn't deleted" in warning["message"]
    lab.tc(*warning["hint"].split()[1:], cwd=made.root)
    assert lab.inventory() == before


def test_a_sandbox_that_could_not_be_made_is_deleted(lab: Lab, tmp_path: Path) -> None:
    made = project_of(lab, tmp_path, {"topology.yml": SMALL, "keep/handler.py": KEEP}, env="aws")
    before = lab.inventory()

    def rule(call: Call) -> Refusal | None:
        if call.name == "POST /2015-03-31/functions":
            return 400, "InvalidParameterValueException", "not to my taste"
        return None

    with lab.proxy.refusing(rule):
        said = fresh(made, "--json", "--junit", "out.xml", code=1)
    assert said.named("test.started") == []
    assert lab.inventory() == before
    top = parse(made.root / "out.xml").getroot()
    assert (top.get("skipped"), top.get("errors")) == ("1", "1")


# who is told


class Hook:
    """A webhook on this machine; `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.told: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/T0/very-secret"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


ONE = {"topology.yml": "name: told\nversion: 0.1.0\n", "one/handler.py": WORKER}


def test_a_webhook_is_told_of_changes(lab: Lab, tmp_path: Path, hook: Hook) -> None:
    lab.client("ssm").put_parameter(
        Name="/told/hook", Value=hook.url, Type="SecureString", Overwrite=True
    )
    config = (
        "notify:\n"
        "  all: {url: 'ssm:/told/hook', sandboxes: [live], format: json}\n"
        "  people: {url: 'ssm:/told/hook', envs: [aws], sandboxes: [live]}\n"
        "  others: {url: 'ssm:/told/hook', envs: [prod], sandboxes: [live]}\n"
        "  stable: {url: 'ssm:/told/hook'}\n"
    )
    files = {**ONE, "infrastructure/tc/config.yml": config}
    made = project_of(lab, tmp_path, files, env="aws", sandbox="live")
    job = {
        "GITHUB_SERVER_URL": "https://git.example.com",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_RUN_ID": "7",
        "GITHUB_ACTOR": "alice",
    }
    said = made.tc("create", "--json", env=job)
    assert sorted(told["notify"] for told in said.named("notified")) == ["all", "people"]
    told = next(one for one in hook.told if "command" in one)
    assert told.pop("seconds") > 0
    assert told == {
        "command": "create",
        "result": "done",
        "topology": "told",
        "sandbox": "live",
        "env": "aws",
        "account": "000000000000",
        "region": "us-east-1",
        "who": "alice",
        "after": "0.1.0",
        "changed": {"create": 3},
        "link": "https://git.example.com/a/b/actions/runs/7",
    }
    text = next(one["text"] for one in hook.told if "text" in one)
    assert text.startswith("*told@live.aws* 0.1.0: created (")
    assert text.endswith("by alice · 3 created · <https://git.example.com/a/b/actions/runs/7|job>")
    assert "very-secret" not in said.text

    # nothing to do, a plan, another sandbox: nobody is told
    hook.told.clear()
    made.tc("create")
    made.edit("topology.yml", "0.1.0", "0.2.0")
    made.edit("one/handler.py", "'got'", "'had'")
    made.tc("create", "--dry-run")
    made.in_sandbox("mine").create()
    made.in_sandbox("mine").delete()
    assert hook.told == []

    made.tc("update", "-c", "functions/one")
    (updated,) = [one for one in hook.told if "command" in one]
    assert (updated["before"], updated["after"]) == ("0.1.0", "0.2.0")
    assert updated["changed"] == {"update": 1}
    hook.told.clear()
    made.delete()
    (deleted,) = [one for one in hook.told if "command" in one]
    assert (deleted["command"], deleted["before"]) == ("delete", "0.2.0")
    assert "after" not in deleted


def test_a_webhook_is_told_of_failures(lab: Lab, tmp_path: Path, hook: Hook) -> None:
    config = f"notify: {{all: {{url: '{hook.url}', sandboxes: [live], format: json}}}}\n"
    files = {**ONE, "infrastructure/tc/config.yml": config}
    made = project_of(lab, tmp_path, files, env="aws", sandbox="live")

    def rule(call: Call) -> Refusal | None:
        if call.name == "POST /2015-03-31/functions":
            return 400, "InvalidParameterValueException", "SECRET=value isn't to my taste"
        return None

    with lab.proxy.refusing(rule):
        made.tc("create", code=1)
    (told,) = hook.told
    assert told["result"] == "failed"
    assert told["failed"] == ["function told_one_live [InvalidParameterValueException]"]
    assert "SECRET" not in json.dumps(told)
    made.tc("create")
    made.delete()


def test_a_webhook_that_fails_is_only_a_warning(lab: Lab, tmp_path: Path, hook: Hook) -> None:
    hook.status = 404
    config = (
        "notify:\n"
        f"  gone: {{url: '{hook.url}', envs: [local], sandboxes: [live]}}\n"
        "  unknown: {url: 'ssm:/told/nothing', envs: [local], sandboxes: [live]}\n"
    )
    files = {**ONE, "infrastructure/tc/config.yml": config}
    made = project_of(lab, tmp_path, files, sandbox="live")
    said = made.tc("create", "--json")
    warned = {w["notify"]: w["message"] for w in said.named("warning") if w["code"] == "notice"}
    assert warned.keys() == {"gone", "unknown"}
    assert warned["gone"] == "`gone` wasn't told: 127.0.0.1 answers 404"
    assert "`ssm:/told/nothing` isn't there (notify.unknown)" in warned["unknown"]
    assert "very-secret" not in said.text
    made.delete()


def test_an_address_that_could_be_read_on_its_way_is_refused(lab: Lab, tmp_path: Path) -> None:
    config = "notify: {a: {url: 'http://hooks.example.com/x'}, b: {envs: [qa]}}\n"
    files = {**ONE, "infrastructure/tc/config.yml": config}
    said = project_of(lab, tmp_path, files).tc("create", code=2)
    assert "write it like https://" in said.err
    assert "`b` has no `url`" in said.err
