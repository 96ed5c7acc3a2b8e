"""How many calls a command makes, and what is left when one of them is refused."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from e2e_proxy import Call, Refusal
from e2e_support import TC, Lab, Project, deployed

pytestmark = pytest.mark.engine

#: role, log group and function of each of 10; their permissions; the API, its 10 routes;
#: the flow and its role
THINGS = 3 * 10 + 10 + 1 + 10 + 2
#: reads that don't grow with the sandbox: who, the two listings of what it owns, lists of APIs
CONSTANT = 12
FLOW = """\
flow:
  StartAt: a
  States:
    a:
      Type: Task
      Resource: arn:{{partition}}:states:::lambda:invoke
      Parameters: { FunctionName: '{{namespace}}_f0_{{sandbox}}', Payload.$: $ }
      End: true
"""


def ten(lab: Lab, root: Path) -> Project:
    routes = "".join(f"  /r{n}: {{ function: f{n} }}\n" for n in range(10))
    files = {f"f{n}/handler.py": f"def handler(e, c):\n    return {n}\n" for n in range(10)}
    topology = f"name: ten\nroutes:\n{routes}{FLOW}"
    return Project(lab, root, env="aws").write({".git/HEAD": "", "topology.yml": topology, **files})


def small(lab: Lab, root: Path) -> Project:
    """Two functions with a route each, and one with an event."""
    topology = """\
name: small
routes:
  /a: { function: a }
  /b: { function: b }
events:
  C: { function: c }
"""
    files = {f"{n}/handler.py": f"def handler(e, c):\n    return '{n}'\n" for n in "abc"}
    return Project(lab, root, env="aws").write({".git/HEAD": "", "topology.yml": topology, **files})


def writes(calls: list[Call]) -> list[str]:
    return [call.name for call in calls if call.writes]


def test_the_calls_of_ten_functions_an_api_and_a_flow(lab: Lab, tmp_path: Path) -> None:
    project = ten(lab, tmp_path)
    with lab.proxy.counting() as calls:
        project.tc("create", "--dry-run")
    assert writes(calls) == []

    with lab.proxy.counting() as calls, deployed(project):
        assert len(calls) <= 110, Counter(call.name for call in calls).most_common()

        with lab.proxy.counting() as calls:
            said = project.tc("create")
        assert writes(calls) == []
        assert len(calls) <= 2 * THINGS + CONSTANT
        assert "Nothing to do" in said.out

        project.edit("f3/handler.py", "3", "33")
        for command in (["update", "--dry-run"], ["delete", "--dry-run"], ["diff"]):
            with lab.proxy.counting() as calls:
                project.tc(*command)
            assert writes(calls) == []
        with lab.proxy.counting() as calls:
            project.tc("update", "-c", "f3")
        assert writes(calls) == ["PUT /2015-03-31/functions/ten_f3_bob/code"]
        assert len(calls) <= 4


REFUSALS = {
    "refused": (400, "InvalidParameterValueException", "The handler is not to my taste"),
    "broken": (500, "ServiceException", "We are out of order"),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_the_rest_is_done_when_one_function_is_refused(lab: Lab, tmp_path: Path, kind: str) -> None:
    project = small(lab, tmp_path)
    answer = REFUSALS[kind]

    def rule(call: Call) -> Refusal | None:
        made = call.name == "POST /2015-03-31/functions" and b"small_a_bob" in call.body
        return answer if made else None

    before = lab.inventory()
    with lab.proxy.refusing(rule):
        said = project.tc("create", code=1)
    assert answer[2] in said.text
    assert "Creating function small_a_bob" in said.err + said.out
    assert "Creating function small_b_bob (" in said.out
    assert "Creating event C (OK)" in said.out
    assert "function small_a_bob failed" in said.text
    command = said.text.rpartition("To go on: ")[2].split("\n")[0]
    assert command.split() == ["tc", "create", "-s", "bob", "-e", "aws"]
    assert any("+ function small_a_bob" in line for line in project.plan())
    lab.tc(*command.split()[1:], cwd=project.root)
    project.same()
    project.delete()
    assert lab.inventory() == before


def test_answers_that_are_lost_lead_to_no_dead_end_and_no_twin(lab: Lab, tmp_path: Path) -> None:
    """The first call of each kind has its effect, and answers that AWS is out of order."""
    project = small(lab, tmp_path)
    before = lab.inventory()
    lost: set[str] = set()

    def rule(call: Call) -> Refusal | None:
        if not call.writes or call.shape in lost:
            return None
        lost.add(call.shape)
        return 500, "InternalFailure", "No answer"

    with lab.proxy.refusing(rule, too_late=True):
        for _ in range(5):
            said = project.tc("create", code=None)
            if not said.code:
                break
    assert said.code == 0, said.text
    assert len(lost) > 8
    project.same()
    project.delete()
    assert lab.inventory() == before


def test_interrupted_it_says_so_and_the_next_run_goes_on(lab: Lab, tmp_path: Path) -> None:
    project = ten(lab, tmp_path)
    before = lab.inventory()
    started: list[subprocess.Popen[str]] = []

    def rule(call: Call) -> Refusal | None:
        if call.name == "POST /2015-03-31/functions" and started:
            started.pop().send_signal(signal.SIGINT)
        return None

    with lab.proxy.refusing(rule):
        process = subprocess.Popen(
            [TC, "create", "-s", "bob", "-e", "aws"],
            cwd=project.root,
            env=lab.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted after" in out + err
    assert "To go on: tc create -s bob -e aws" in out + err
    assert "Traceback" not in err
    project.tc("create")
    project.same()
    project.delete()
    assert lab.inventory() == before


def test_json_is_one_object_a_line_when_things_fail_too(lab: Lab, tmp_path: Path) -> None:
    project = small(lab, tmp_path)

    def rule(call: Call) -> Refusal | None:
        return (403, "AccessDenied", "Not you") if call.name == "create_role" else None

    with lab.proxy.refusing(rule):
        said = project.tc("create", "--json", code=1)
    assert {event["code"] for event in said.named("step.failed")} == {"aws"}
    assert said.named("step.skipped")
    assert said.named("done")[0]["failed"] == 3
    assert said.err == ""
    project.delete()
