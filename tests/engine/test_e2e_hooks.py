"""Hooks around real changes, and tags of the overlay on real things."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_proxy import Call, Refusal
from e2e_support import TC, Lab, Project

pytestmark = pytest.mark.engine

TEXT = f"""\
name: hooked
tags: {{team: data, of: '{{{{sandbox}}}}'}}
functions: {{one: {{runtime: {{environment: {{LEVEL: low}}}}}}}}
hooks:
  pre:
    - command: echo before-$TC_COMMAND >> log; {TC} list --json > found.json
  post:
    - {{command: 'echo after-$TC_COMMAND-{{{{sandbox}}}} >> ../log', dir: one}}
    - {{command: 'test -f forgive', on_failure: continue}}
"""
HANDLER = "def handler(event, context):\n    return event\n"
OVERLAYS = "infrastructure/tc/hooked"


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Iterator[Project]:
    made = Project(lab, tmp_path)
    (tmp_path / ".git").mkdir()
    yield made.write({"topology.yml": TEXT, "one/handler.py": HANDLER})
    shutil.rmtree(tmp_path / "infrastructure", ignore_errors=True)
    made.write({"topology.yml": "name: hooked"}).delete()


def log(project: Project) -> list[str]:
    file = project.root / "log"
    return file.read_text().split() if file.exists() else []


def found_before(project: Project) -> str:
    """What the hook's own `tc list` said of the sandbox."""
    return (project.root / "found.json").read_text()


def test_hooks_run_around_each_change_and_only_then(project: Project) -> None:
    said = project.tc("create", "--dry-run")
    assert "pre hook: echo before-$TC_COMMAND" in said.out
    assert f"post hook: test -f forgive (in {project.root})" in said.out
    assert log(project) == []

    said = project.tc("create")
    assert log(project) == ["before-create", "after-create-bob"]
    assert found_before(project) != ""
    assert '"hooked", "bob"' not in found_before(project)
    assert "warning: the post hook `test -f forgive` ended with exit code 1" in said.err
    assert said.out.index("Running pre hook") < said.out.index("Creating role")

    project.tc("create")
    project.tc("diff")
    assert len(log(project)) == 2

    project.edit("topology.yml", "LEVEL: low", "LEVEL: high")
    project.tc("update", "-c", "vars")
    assert log(project)[2:] == ["before-update", "after-update-bob"]
    assert '"hooked", "bob"' in found_before(project)

    project.tc("delete", "--dry-run")
    assert len(log(project)) == 4
    said = project.tc("delete", "--json")
    assert log(project)[4:] == ["before-delete", "after-delete-bob"]
    told = [event["event"] for event in said.events if event["event"].startswith("hook.")]
    assert told.count("hook.started") == 3
    assert said.named("hook.done")[0]["when"] == "pre"


def test_a_failing_hook_stops_before_anything_is_changed(lab: Lab, project: Project) -> None:
    project.write({f"{OVERLAYS}/hooks.json": '{"pre": [{"command": "echo why; exit 7"}]}'})
    project = Project(lab, project.root, env="aws")
    before = lab.inventory()
    with lab.proxy.counting() as calls:
        said = project.tc("create", code=1)
    assert "pre | why" in said.out
    assert "error[hook-failed]: the pre hook `echo why; exit 7` ended with exit code 7" in said.err
    assert "nothing was changed yet" in said.err
    assert [call.name for call in calls if call.writes] == []
    assert lab.inventory() == before
    assert log(project) == ["before-create"]


def test_a_failing_post_hook_fails_the_command_after_its_work(project: Project) -> None:
    project.write({f"{OVERLAYS}/hooks.json": '{"post": [{"command": "exit 7"}]}'})
    said = project.tc("create", code=1)
    assert "every change was made before" in said.err
    project.same()
    project.tc("delete", code=1)
    assert project.tc("delete").code == 0


def test_what_failed_has_no_post_hooks(lab: Lab, project: Project) -> None:
    project = Project(lab, project.root, env="aws")
    with lab.proxy.refusing(refuse_functions):
        project.tc("create", code=1)
    assert log(project) == ["before-create"]
    project.delete()


def test_broken_hooks_are_told_with_their_lines(project: Project) -> None:
    project.edit("topology.yml", "dir: one", "dir: two, when: now")
    project.write({f"{OVERLAYS}/hooks.json": '{"pre": [{}]}'})
    said = project.tc("create", code=2)
    for problem in (
        "topology.yml:8:75: error[unknown-key]",
        "error[missing-file]: there is no directory `two`",
        "hooks.json:1:10: error[missing-key]: `pre` needs `command`",
    ):
        assert problem in said.err, said.err
    assert log(project) == []


def test_tags_of_the_overlay_are_on_everything_and_win(lab: Lab, project: Project) -> None:
    project.write({f"{OVERLAYS}/tags.json": '{"team": "ops", "cost": 12}'})
    project.tc("create")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:hooked_one_bob"
    wanted = {"team": "ops", "cost": "12", "of": "bob"}.items()
    assert wanted <= lab.client("lambda").list_tags(Resource=arn)["Tags"].items()
    role = lab.client("iam").list_role_tags(RoleName="tc_hooked_one_bob_us-east-1")["Tags"]
    assert wanted <= {tag["Key"]: tag["Value"] for tag in role}.items()
    project.same()
    project.write({f"{OVERLAYS}/tags.json": '{"team": "sre"}'})
    assert any("tags.team" in line for line in project.plan())
    project.tc("update", "-c", "functions/tags")
    assert lab.client("lambda").list_tags(Resource=arn)["Tags"]["team"] == "sre"
    project.delete()


def refuse_functions(call: Call) -> Refusal | None:
    wrong = call.writes and call.name.endswith("/functions")
    return (400, "InvalidParameterValueException", "not today") if wrong else None
