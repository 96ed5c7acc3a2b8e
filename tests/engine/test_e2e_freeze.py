"""Guards and freezing as a user meets them: what writes is refused, in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e_support import Lab, Project, deployed

from tc.cli import gates

pytestmark = pytest.mark.engine

TOPOLOGY = "name: ice\nrecursive: true\nfunctions: { skate: {} }\n"
FILES = {
    ".git/HEAD": "",
    "topology.yml": TOPOLOGY,
    "skate/handler.py": "def handler(event, context):\n    return 1\n",
    "lake/topology.yml": "name: lake\nfunctions: { fish: {} }\n",
    "lake/fish/handler.py": "def handler(event, context):\n    return 1\n",
}
WRITING = (
    ["create"],
    ["update", "-c", "skate"],
    ["delete", "-y"],
    ["delete", "-c", "skate"],
)


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Project:
    return Project(lab, tmp_path).write(FILES)


def test_a_frozen_sandbox_refuses_every_write_until_it_is_unfrozen(project: Project) -> None:
    with deployed(project):
        said = project.tc("freeze", "--reason", "quarter end")
        assert "ice@bob is frozen by" in said.out
        assert "lake@bob is frozen by" in said.out
        project.edit("skate/handler.py", "1", "2")
        before = project.lab.inventory()

        for command in WRITING:
            refused = project.tc(*command, code=1)
            assert "error[frozen]" in refused.err
            assert "ice@bob is frozen by" in refused.err
            assert "quarter end" in refused.err
            assert "tc unfreeze --service ice -s bob -e local" in refused.err
        assert project.lab.inventory() == before
        child = Project(project.lab, project.root / "lake")
        assert "lake@bob is frozen" in child.tc("delete", "-y", code=1).err
        warned = project.tc("create", "--dry-run")
        assert "warning: ice@bob is frozen by" in warned.err
        assert "frozen_by" in project.lab.tc("list", "-e", "local", cwd=project.root).out
        assert project.tc("invoke", "-c", "skate").out.strip() == "1"

        again = project.tc("freeze", "--reason", "mine")
        assert "quarter end" in again.out
        assert "mine" not in again.out
        project.tc("unfreeze")
        assert "isn't frozen" in project.tc("unfreeze").out
        project.tc("create")
        assert "frozen_by" not in project.lab.tc("list", "-e", "local", cwd=project.root).out


def test_others_are_changed_as_ever(project: Project) -> None:
    project.tc("freeze")
    with deployed(project.in_sandbox("eve")):
        pass
    project.tc("unfreeze")


def test_a_dry_run_freezes_nothing(project: Project) -> None:
    said = project.tc("freeze", "--dry-run")
    assert "ice@bob would be frozen" in said.out
    assert "isn't frozen" in project.tc("unfreeze").out


def test_a_guard_is_told_with_its_way_out(project: Project) -> None:
    project.write({"infrastructure/tc/config.yml": "guards: { ci: [bob] }\n"})

    nobodys = dict.fromkeys(gates._CI, "")
    said = project.tc("create", code=1, env=nobodys)
    assert "error[only-ci]: only CI changes the sandbox bob" in said.err
    assert "next: let the pipeline do it" in said.err
    assert project.tc("list").out.startswith("ice@bob has nothing")
    assert "warning: only CI changes" in project.tc("create", "--dry-run", env=nobodys).err


def test_a_reason_is_one_line(project: Project) -> None:
    assert "one line" in project.tc("freeze", "--reason", "a\nb", code=2).err
    assert "1001 characters" in project.tc("freeze", "--reason", "x" * 1001, code=2).err
