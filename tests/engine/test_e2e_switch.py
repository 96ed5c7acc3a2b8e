"""A stable sandbox is called without a pause while it is deployed again and again."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from e2e_proxy import Call
from e2e_support import Lab, Project, deployed

pytestmark = pytest.mark.engine

TOPOLOGY = """\
name: turns
mode: Express
routes:
  /turn: { state: turns }
  POST /plain: { function: one }
  GET /one: { gateway: turns-shared, function: one }
flow:
  StartAt: one
  States:
    one:
      Type: Task
      Resource: arn:{{partition}}:states:::lambda:invoke
      Parameters: { FunctionName: '{{namespace}}_one_{{sandbox}}', Payload.$: $ }
      OutputPath: $.Payload
      Next: two
    two:
      Type: Task
      Resource: arn:{{partition}}:states:::lambda:invoke
      Parameters: { FunctionName: '{{namespace}}_two_{{sandbox}}', Payload.$: $ }
      OutputPath: $.Payload
      End: true
"""
#: a flow's own output is what only a REST API can answer with
TURN = "  /turn: { state: turns }\n"
ONE = "def handler(event, context):\n    return {'one': NUMBER}\n"
TWO = "def handler(event, context):\n    return {**event, 'two': NUMBER}\n"


def write(project: Project, number: int, kind: str = "rest") -> Project:
    return project.write(
        {
            "topology.yml": TOPOLOGY if kind == "rest" else TOPOLOGY.replace(TURN, ""),
            "one/handler.py": ONE.replace("NUMBER", str(number)),
            "two/handler.py": TWO.replace("NUMBER", str(number)),
        }
    )


def made(lab: Lab, directory: Path, kind: str = "rest") -> Project:
    (directory / ".git").mkdir()
    return write(Project(lab, directory, "stable", "aws"), 0, kind)


def here(lab: Lab, url: str, stage: str = "") -> str:
    """Where the engine answers for an address on AWS."""
    parts = urlsplit(url)
    api = parts.netloc.partition(".")[0]
    return f"http://127.0.0.1:{lab.port}/_aws/execute-api/{api}{stage}{parts.path}"


@contextmanager
def calling(lab: Lab, *urls: str) -> Iterator[Counter[str]]:
    """Two clients for each of `urls` that call it all the time; what they get, counted."""
    answers: Counter[str] = Counter()
    ended = threading.Event()

    def go(url: str) -> None:
        while not ended.is_set():
            answer = lab.http("POST", url, {})
            answers[f"{answer.status} {answer.text}"] += 1

    clients = [threading.Thread(target=go, args=[url]) for url in urls * 2]
    for client in clients:
        client.start()
    try:
        yield answers
    finally:
        ended.set()
        for client in clients:
            client.join()


@pytest.mark.parametrize(
    ("kind", "deploys", "paths"), [("rest", 20, ["turn", "plain"]), ("http", 6, ["plain"])]
)
def test_who_calls_sees_whole_versions_only(
    lab: Lab, tmp_path: Path, kind: str, deploys: int, paths: list[str]
) -> None:
    project = made(lab, tmp_path, kind)
    with (
        deployed(project) as urls,
        calling(lab, *(here(lab, urls[f"POST /{path}"]) for path in paths)) as answers,
    ):
        for number in range(1, deploys + 1):
            write(project, number % 2, kind)
            said = project.tc("create")
            assert "Done:" in said.out
            for _ in range(50):
                before = answers.total()
                time.sleep(0.05)
                if answers.total() > before:
                    break
        whole = {f'200 {{"one": {n}}}' for n in (0, 1)}
        if "turn" in paths:
            whole |= {f'200 {{"one": {n}, "two": {n}}}' for n in (0, 1)}
        got = {f"{key[:3]} {json.dumps(json.loads(key[4:]))}" for key in answers}
        assert got == whole, answers
        assert answers.total() > 5 * deploys
        flows = lab.client("stepfunctions")
        (arn,) = [m["stateMachineArn"] for m in flows.list_state_machines()["stateMachines"]]
        left = flows.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
        assert len(left) <= 5 + 1
    # two contents, so two versions, whichever deploy they are of
    assert "Creating version" not in said.out


def test_a_failure_before_the_switch_leaves_what_is_called(lab: Lab, tmp_path: Path) -> None:
    project = made(lab, tmp_path)

    def rule(call: Call) -> tuple[int, str, str] | None:
        refused = call.name == "publish_state_machine_version"
        return (400, "ValidationException", "not today") if refused else None

    with deployed(project) as urls:
        own = here(lab, urls["POST /turn"])
        shared = here(lab, urls["GET /one"], "/%24default")
        write(project, 1)
        with lab.proxy.refusing(rule):
            said = project.tc("create", code=1)
        assert "Nothing was switched: what runs is as it was" in said.text
        assert "To go on: tc create -s stable -e aws" in said.text
        assert lab.http("POST", own, {}).json == {"one": 0, "two": 0}
        assert lab.http("GET", shared).json == {"one": 0}
        assert "~ flow alias" in project.tc("diff").out
        said = project.tc("create")
        assert "The switch takes 3 calls" in said.text
        assert lab.http("POST", own, {}).json == {"one": 1, "two": 1}
        assert lab.http("GET", shared).json == {"one": 1}


def test_a_sandbox_becomes_stable_while_it_is_called(lab: Lab, tmp_path: Path) -> None:
    project = made(lab, tmp_path)
    config = "infrastructure/tc/config.yml"
    project.write({config: "stable: [others]\n"})
    before = lab.inventory()
    urls = project.create()
    assert lab.client("lambda").list_aliases(FunctionName="turns_one_stable")["Aliases"] == []
    with calling(lab, here(lab, urls["POST /turn"])) as answers:
        project.write({config: "stable: [stable]\n"})
        project.tc("create")
        time.sleep(0.5)
    assert {key[:3] for key in answers} == {"200"}, answers
    project.same()
    assert project.tc("invoke", "--sync", "--payload", "{}").out.count("0") == 2
    project.delete()
    assert lab.inventory() == before


def test_an_execution_ends_as_it_began_however_often_is_deployed(lab: Lab, tmp_path: Path) -> None:
    """Its version, and those of the functions that this names, stay while it runs."""
    project = made(lab, tmp_path)
    gate = tmp_path / "open"
    waits = f"""\
import os, time
def handler(event, context):
    while not os.path.exists({str(gate)!r}):
        time.sleep(0.05)
    return {{'one': NUMBER}}
"""
    flow = TOPOLOGY[TOPOLOGY.index("flow:") :]

    def deploy(number: int) -> None:
        write(project, number)
        text = waits.replace("NUMBER", str(number))
        project.write({"topology.yml": f"name: turns\n{flow}", "one/handler.py": text})
        project.write({"infrastructure/tc/config.yml": "versions: { keep: 1 }\n"})
        project.tc("create")

    before = lab.inventory()
    deploy(0)
    flows, functions = lab.client("stepfunctions"), lab.client("lambda")
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:turns_stable"
    started = flows.start_execution(stateMachineArn=f"{arn}:live", input="{}")["executionArn"]
    for number in range(1, 6):
        deploy(number)
    kept = flows.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert len(kept) == 3
    listed = functions.list_versions_by_function(FunctionName="turns_two_stable")["Versions"]
    assert [one["Version"] for one in listed] == ["$LATEST", "1", "5", "6"]
    gate.touch()
    while (told := flows.describe_execution(executionArn=started))["status"] == "RUNNING":
        time.sleep(0.05)
    assert json.loads(told["output"]) == {"one": 0, "two": 0}
    project.delete()
    assert lab.inventory() == before
