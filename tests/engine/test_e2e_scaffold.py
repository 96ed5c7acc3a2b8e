"""`tc scaffold` and `tc run`: what is begun answers at once, what is run is told and ended."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from e2e_support import TC, Lab, Project, Said, deployed

pytestmark = pytest.mark.engine

HANDLER = "def handler(event, context):\n    return event\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


def languages() -> list[str]:
    """Those whose functions this machine can make and run."""
    programs = {"python3.13": "sh", "node24": "node", "ruby3.4": "ruby", "provided.al2023": "curl"}
    return [lang for lang, program in programs.items() if shutil.which(program)]


def test_a_topology_begun_with_every_language_answers(lab: Lab, root: Path) -> None:
    lab.tc("scaffold", "--topology", "shop", cwd=root)
    assert "shop is valid: 1 function" in lab.tc("validate", cwd=root / "shop").out
    project = Project(lab, root / "shop")
    for number, lang in enumerate(languages()):
        said = lab.tc("scaffold", "--function", f"f{number}", "--lang", lang, cwd=project.root)
        assert f"Creating file f{number}/function.json" in said.out
    with deployed(project):
        hello = project.tc("invoke", "-c", "hello", "-p", "hello/event.json")
        assert json.loads(hello.out) == {"message": "hello, world"}
        for number, lang in enumerate(languages()):
            event = f"f{number}/event.json"
            answer = json.loads(project.tc("invoke", "-c", f"f{number}", "-p", event).out)
            greets = {"message": "hello, world"}
            bare = {"received": {"name": "world"}}
            assert answer == (bare if lang.startswith("provided") else greets)


def test_overlays_begun_in_a_sandbox_change_nothing_in_it(lab: Lab, root: Path) -> None:
    project = Project(lab, root / "etl").write(
        {
            "topology.yml": "name: etl\nroutes:\n  /etl: { function: enhancer }\n",
            "enhancer/handler.py": HANDLER,
            "enhancer/function.json": '{"runtime": {"environment": {"STAGE": "{{sandbox}}"}}}',
            "loader/handler.py": HANDLER,
            "../infrastructure/tc/etl/vars/loader.json": '{"default": {"timeout": 9}}',
        }
    )
    infra = root / "infrastructure" / "tc" / "etl"
    with deployed(project):
        dry = lab.tc("scaffold", "--create", "functions", "--dry-run", cwd=project.root)
        assert dry.out.endswith("Plan: 3 to create, 1 unchanged.\n")
        assert not (infra / "roles").exists()
        said = lab.tc("scaffold", "--create", "functions", "--json", cwd=root, code=2)
        assert [error["code"] for error in said.named("error")] == ["no-topology"]
        said = lab.tc("scaffold", "--create", "functions", "--service", "etl", "--json", cwd=root)
        assert [(step["action"], step["name"]) for step in said.named("step.done")] == [
            ("create", "infrastructure/tc/etl/vars/enhancer.json"),
            ("create", "infrastructure/tc/etl/roles/enhancer.json"),
            ("keep", "infrastructure/tc/etl/vars/loader.json"),
            ("create", "infrastructure/tc/etl/roles/loader.json"),
        ]
        assert (infra / "vars" / "loader.json").read_text() == '{"default": {"timeout": 9}}'
        project.same()
        role = infra / "roles" / "enhancer.json"
        document = json.loads(role.read_text())
        added = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
        document["Statement"].append(added)
        role.write_text(json.dumps(document))
        [changed] = project.plan()
        assert changed.startswith("~ role tc_etl_enhancer_bob_us-east-1 policy")
        project.tc("update", "-c", "roles")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], "usage", "--topology NAME, --function NAME"),
        (["--json"], "usage", "--topology NAME, --function NAME"),
        (["--function", "x"], "no-topology", "there is no topology here"),
        (["--topology", "Shop"], "invalid-name", "`Shop` can't name a topology"),
        (["--topology", "etl"], "exists", "there is a topology `etl` already"),
        (["--topology", "taken"], "exists", "`taken` is there already"),
        (["--topology", "x", "--lang", "perl"], "unknown-language", "`perl` is no language"),
        (["--topology", "x", "--service", "etl"], "usage", "leave one of them out"),
        (["--service", "etl", "--function", "a"], "exists", "`etl` has a function `a` already"),
        (["--create", "functions", "--lang", "go"], "usage", "don't go with it"),
    ],
)
def test_what_cannot_be_begun_is_said_and_nothing_is_made(
    arguments: list[str], code: str, says: str, lab: Lab, root: Path
) -> None:
    Project(lab, root).write(
        {"etl/topology.yml": "name: etl\n", "etl/a/handler.py": HANDLER, "taken/file": ""}
    )
    before = sorted(root.rglob("*"))
    said = lab.tc("scaffold", *arguments, cwd=root, code=2)
    assert code in said.text
    assert says in said.text
    assert sorted(root.rglob("*")) == before


def typed(lab: Lab, answers: list[str], cwd: Path, *command: str) -> tuple[int, str]:
    """What a terminal shows while somebody types `answers`, one for each question."""
    control, terminal = pty.openpty()
    process = subprocess.Popen(
        [TC, *command],
        cwd=cwd,
        env={**lab.env, "TERM": "xterm", "NO_COLOR": "1"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    seen = ""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        ready, _, _ = select.select([control], [], [], 0.1)
        if ready:
            try:
                seen += os.read(control, 4096).decode()
            except OSError:
                break
        elif answers and seen.endswith(": "):
            os.write(control, answers.pop(0).encode())
            seen += "\n"
    code = process.wait(10)
    os.close(control)
    return code, seen


def test_a_terminal_is_asked(lab: Lab, root: Path) -> None:
    code, seen = typed(lab, ["\n", "Shop\n", "shop\n", "\n", "node24\n"], root, "scaffold")
    assert code == 0, seen
    assert "`Shop` can't name a topology" in seen
    assert (root / "shop" / "hello" / "handler.mjs").is_file()
    code, seen = typed(lab, ["\n", "b/\n", "price\n", "\n"], root / "shop", "scaffold")
    assert code == 0, seen
    assert "`b/` can't name a function" in seen
    assert (root / "shop" / "price" / "handler.py").is_file()


def test_an_answer_that_is_broken_off_makes_nothing(lab: Lab, root: Path) -> None:
    code, seen = typed(lab, ["topology\n", "\x04"], root, "scaffold")
    assert code == 130, seen
    assert [path.name for path in root.iterdir()] == [".git"]


@pytest.fixture
def tasks(lab: Lab, root: Path) -> Path:
    def file(**commands: str) -> str:
        return json.dumps({"tasks": commands})

    Project(lab, root).write(
        {
            "etl/topology.yml": "name: etl\nfunctions: { again: { uri: one }, one: {} }\n",
            "etl/one/handler.py": HANDLER,
            "etl/one/function.json": file(test="pwd; echo x >> runs", hang="sleep 300 & wait"),
            "etl/two/handler.py": HANDLER,
            "etl/two/function.json": file(test="echo two; exit 3", clean="rm -f x.zip"),
            "etl/none/handler.py": HANDLER,
        }
    )
    return root / "etl"


def run(lab: Lab, where: Path, *arguments: str, code: int = 0) -> Said:
    return lab.tc("run", *arguments, cwd=where, code=code)


def test_a_task_runs_in_every_function_that_has_it(lab: Lab, tasks: Path) -> None:
    said = run(lab, tasks, "test", "--keep-going", "--json", code=1)
    ended = {end["function"]: end["exit"] for end in said.named("task.done")}
    ended |= {end["function"]: end["exit"] for end in said.named("task.failed")}
    assert ended == {"again,one": 0, "two": 3}
    [where] = [
        line["line"] for line in said.named("task.output") if line["function"] == "again,one"
    ]
    assert where == str(tasks / "one")
    [error] = said.named("error")
    assert (error["code"], error["hint"]) == ("task-failed", "tc run test -c two")
    assert said.named("done")[0]["failed"] == 1
    lines = [
        line.split(" ", 1)[1]
        for line in run(lab, tasks, "test", "-c", "two", code=1).out.splitlines()
    ]
    assert lines[0] == "two | two"
    assert lines[1].startswith("two: test failed with exit code 3 (")


def test_a_directory_means_its_function(lab: Lab, tasks: Path) -> None:
    said = run(lab, tasks / "two", "clean", "--dry-run")
    assert said.out == "two: rm -f x.zip  (in ./)\n"
    said = run(lab, tasks / "two", "hang", code=2)
    assert "error[no-task]: `two` has no task `hang`" in said.err
    assert "the tasks are clean (two), test (two)" in said.err


def test_a_dry_run_runs_nothing(lab: Lab, tasks: Path) -> None:
    said = run(lab, tasks, "test", "--dry-run", "--json")
    [result] = said.named("result")
    assert [task["function"] for task in result["tasks"]] == ["again,one", "two"]
    assert not (tasks / "one" / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["tset"], "no-task", "did you mean `test`?"),
        (["clean", "-c", "none"], "no-task", "`none` has no task `clean`"),
        (["clean", "-c", "too"], "component", "did you mean `two`?"),
    ],
)
def test_a_task_that_is_not_there_is_told(
    arguments: list[str], code: str, says: str, lab: Lab, tasks: Path
) -> None:
    said = run(lab, tasks, *arguments, code=2)
    assert said.err.startswith(f"error[{code}]: ")
    assert says in said.err


def test_an_interrupt_ends_the_commands_and_is_130(lab: Lab, tasks: Path) -> None:
    (tasks / "one" / "function.json").write_text(
        json.dumps({"tasks": {"hang": "echo $$; sleep 300 & wait"}})
    )
    process = subprocess.Popen(
        [TC, "run", "hang"],
        cwd=tasks,
        env=lab.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    group = int(process.stdout.readline().rsplit(" ", 1)[1])
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.startswith("error[interrupted]")
    assert alive(group) == []


def test_commands_from_another_repository_do_not_run(lab: Lab, root: Path) -> None:
    far, ran = root / "far", root / "ran"
    uri = f"file://{far}//fn?ref=v1"
    Project(lab, root).write(
        {
            "far/fn/handler.py": HANDLER,
            "far/fn/function.json": json.dumps({"tasks": {"test": f"touch {ran}"}}),
            "etl/topology.yml": f"name: etl\nfunctions:\n  f: {{ uri: '{uri}' }}\n",
            "etl/own/handler.py": HANDLER,
            "etl/own/function.json": json.dumps({"tasks": {"test": "echo own"}}),
        }
    )
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for step in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "1"], ["tag", "v1"]):
        subprocess.run(["git", *step], cwd=far, check=True)
    # the cache below the project, as where somebody's home is a repository
    inside = {"TC_CACHE_DIR": str(root / "cache")}
    for env in ({}, inside):
        said = lab.tc("run", "test", cwd=root / "etl", env=env)
        assert "test: 1 done (" in said.out
        said = lab.tc("run", "test", "-c", "f", cwd=root / "etl", env=env, code=2)
        assert "`f`: from another repository" in said.err
    assert not ran.exists()


def alive(group: int) -> list[str]:
    """The processes of `group`; those that nobody has fetched the end of don't count."""
    listed = subprocess.run(
        ["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True
    )
    lines = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [line[2] for line in lines if int(line[0]) == group and line[1][0] != "Z"]
