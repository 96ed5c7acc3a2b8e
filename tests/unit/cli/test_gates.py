"""What holds a command back from a sandbox: config.yml's guards, and a freeze."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from composing import SCOPE, Directory
from fake_aws import FakeAws

from tc.cli import gates
from tc.cli.run import Target
from tc.components import sections
from tc.compose.compose import compose
from tc.config import Environment
from tc.errors import InvalidInput, TcError
from tc.load.load import load
from tc.plan.resource import Action, Actual, Change, Plan, Step

WORK = Plan((Step(Action.CREATE, "function/a", "function", "a", "a"),))
NOTHING = Plan((Step(Action.KEEP, "function/a", "function", "a", "a"),))
CONFIG = "infrastructure/tc/config.yml"


class Frozen(FakeAws):
    """An account of which the sandboxes in `frozen` are frozen."""

    frozen: Mapping[str, str] = {}

    def ssm_get_parameters(self, Names: list[str]) -> Any:  # noqa: N803
        found = [{"Name": n, "Value": self.frozen[n]} for n in Names if n in self.frozen]
        return {"Parameters": found}


@pytest.fixture(autouse=True)
def nobodys_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in gates._CI:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a topology that uses a function from beside it, all committed."""
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    Directory.at(tmp_path / "etl").write(
        "name: etl\nfunctions: { load: {}, check: { uri: ../shared/check } }\n",
        "load ../shared/check",
    )
    (tmp_path / "notes.txt").write_text("mine\n")
    commit(tmp_path)
    return tmp_path


def git(root: Path, *words: str) -> str:
    who = ["-c", "user.name=ana", "-c", "user.email=ana@example.com"]
    done = subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)
    return done.stdout.decode().strip()


def commit(root: Path) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-qm", "change", "--allow-empty")
    return git(root, "rev-parse", "HEAD")


def guards(root: Path, text: str) -> None:
    file = root / CONFIG
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"guards: {text}\n")


def target(root: Path, sandbox: str = "stable", env: str = "prod", **more: Any) -> Target:
    spec = load(root / "etl", sections()).spec
    assert spec is not None
    scope = replace(SCOPE, namespace="etl", sandbox=sandbox, env=env, version="0.1.4")
    aws: Any = more.pop("aws", None) or Frozen()
    return Target(spec, compose(spec, scope).topology, Environment(env), aws, **more)


def refused(one: Target, command: str = "create") -> TcError:
    with pytest.raises(TcError) as found:
        gates.refuse(one, WORK, command)
    assert found.value.exit_code == 1
    return found.value


def test_nothing_holds_anybody_back_unless_config_says_so(project: Path) -> None:
    (project / "etl" / "load" / "handler.py").write_text("changed = True\n")

    gates.refuse(target(project), WORK, "create")


def test_nothing_is_asked_when_there_is_nothing_to_do(project: Path) -> None:
    guards(project, "{ ci: [stable] }")
    aws = Frozen()

    gates.refuse(target(project, aws=aws), NOTHING, "create")
    assert aws.calls == []


@pytest.mark.parametrize("command", ["create", "delete", "prune", "rollback"])
def test_only_ci_changes_what_config_says(
    project: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    guards(project, "{ ci: [stable] }")

    assert refused(target(project), command).code == "only-ci"
    gates.refuse(target(project, sandbox="bob"), WORK, command)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    gates.refuse(target(project), WORK, command)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CI", "true", True),
        ("CI", "1", True),
        ("CI", "false", False),
        ("CI", "", False),
        ("GITLAB_CI", "true", True),
        ("CIRCLECI", "true", True),
        ("TF_BUILD", "True", True),
        ("JENKINS_URL", "https://ci.example.com/", True),
    ],
)
def test_ci_is_what_ci_systems_set(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: bool
) -> None:
    monkeypatch.setenv(name, value)
    assert gates.in_ci() is expected


def test_a_sandbox_stays_in_its_envs(project: Path) -> None:
    guards(project, "{ envs: { stable: [qa, prod] } }")

    gates.refuse(target(project, env="qa"), WORK, "create")
    gates.refuse(target(project, sandbox="bob", env="dev"), WORK, "create")
    error = refused(target(project, env="dev"), "delete")
    assert error.code == "not-here"
    assert "isn't for dev, only for qa, prod" in error.message


def test_what_isnt_committed_stays_here(project: Path) -> None:
    guards(project, "{ clean: [stable] }")
    commit(project)

    gates.refuse(target(project), WORK, "create")
    (project / "notes.txt").write_text("no part of the topology\n")
    gates.refuse(target(project), WORK, "create")
    (project / "shared" / "check" / "handler.py").write_text("changed = True\n")
    (project / "etl" / "load" / "new.py").write_text("")
    error = refused(target(project))
    assert error.code == "dirty"
    assert "not committed: etl/load/new.py, shared/check/handler.py" in error.message
    gates.refuse(target(project, sandbox="bob"), WORK, "create")


@pytest.mark.parametrize("command", ["delete", "prune"])
def test_what_takes_nothing_from_the_files_needs_them_not(project: Path, command: str) -> None:
    guards(project, '{ clean: [stable], approvals: { prod: "ok-{{version}}" } }')
    (project / "etl" / "load" / "new.py").write_text("")

    gates.refuse(target(project), WORK, command)


def test_a_version_is_deployed_whatever_the_checkout_is_like(project: Path) -> None:
    guards(project, "{ clean: [stable] }")
    sha = commit(project)
    (project / "etl" / "load" / "new.py").write_text("")

    gates.refuse(target(project, commit=sha), WORK, "deploy")


def test_an_env_takes_what_its_tag_approves_of(project: Path) -> None:
    guards(project, '{ approvals: { prod: "ok-{{namespace}}-{{version}}-{{env}}" } }')
    sha = commit(project)

    gates.refuse(target(project, env="qa"), WORK, "create")
    assert "there is no such tag here" in refused(target(project)).message
    git(project, "tag", "-am", "fine", "ok-etl-0.1.4-prod")
    gates.refuse(target(project), WORK, "create")
    gates.refuse(target(project, commit=sha), WORK, "deploy")


def test_a_tag_approves_of_its_own_commit_only(project: Path) -> None:
    guards(project, '{ approvals: { prod: "ok-{{version}}" } }')
    approved = commit(project)
    git(project, "tag", "ok-0.1.4")
    other = commit(project)

    error = refused(target(project))
    assert error.code == "not-approved"
    assert approved[:12] in error.message
    assert other[:12] in error.message
    assert refused(target(project, commit=other), "promote").code == "not-approved"
    gates.refuse(target(project, commit=approved), WORK, "promote")


def test_an_approved_commit_is_no_approval_of_what_was_changed_since(project: Path) -> None:
    guards(project, '{ approvals: { prod: "ok-{{version}}" } }')
    commit(project)
    git(project, "tag", "ok-0.1.4")
    (project / "etl" / "load" / "handler.py").write_text("changed = True\n")

    assert refused(target(project)).code == "dirty"


def test_a_wrong_template_of_a_tag_is_told_where_it_stands(project: Path) -> None:
    guards(project, '{ approvals: { prod: "ok-{{team}}" } }')

    with pytest.raises(InvalidInput) as found:
        gates.refuse(target(project), WORK, "create")
    assert [problem.code for problem in found.value.problems] == ["unknown-template"]


def test_without_git_nothing_is_taken_for_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yml"
    config.write_text("guards: { clean: [stable] }\n")
    monkeypatch.setenv("TC_CONFIG_PATH", str(config))
    monkeypatch.chdir(tmp_path)
    Directory.at(tmp_path / "etl").write("name: etl\nfunctions: { load: {} }\n", "load")

    assert refused(target(tmp_path)).code == "no-git"


def test_a_frozen_sandbox_is_changed_by_nobody(project: Path) -> None:
    aws = Frozen()
    aws.frozen = {
        "/tc/etl/stable/frozen": '{"by": "ana", "at": "2026-11-21T21:50:00Z", "reason": "audit"}'
    }

    error = refused(target(project, aws=aws), "rollback")
    assert error.code == "frozen"
    assert error.message == "etl@stable is frozen by ana since 2026-11-21 21:50 UTC: audit"
    assert error.hint == "tc unfreeze --service etl -s stable -e prod"
    gates.refuse(target(project, sandbox="bob", aws=aws), WORK, "create")
    assert aws.names() == {"ssm.get_parameters": 2}


def test_everything_that_holds_it_back_is_told_at_once(project: Path) -> None:
    guards(project, '{ ci: [stable], clean: [stable], approvals: { prod: "ok" } }')
    aws = Frozen()
    aws.frozen = {"/tc/etl/stable/frozen": "{}"}

    (project / "etl" / "load" / "new.py").write_text("")

    first, *lines = refused(target(project, aws=aws)).message.splitlines()
    assert first == "etl@stable can't be changed in prod:"
    words = ["only CI", "not committed: etl/load/new.py", "the tag ok", "is frozen"]
    assert [word in line for word, line in zip(words, lines, strict=True)] == [True] * 4
    assert all(line.endswith(")") for line in lines)


def test_new_code_alone_asks_the_function_and_not_the_parameter(project: Path) -> None:
    aws, one = Frozen(), "etl_load_stable"
    aws.frozen = {"/tc/etl/stable/frozen": "{}"}

    def code(frozen: str) -> Plan:
        outputs = {"frozen": frozen}
        live = Actual("function", f"function/{one}", one, one, "etl@stable", {}, outputs)
        change = (Change("code", "a", "b"),)
        return Plan((Step(Action.UPDATE, live.key, "function", one, one, None, live, change),))

    here = target(project, aws=aws)
    gates.refuse(here, code(""), "update")
    assert aws.calls == []
    with pytest.raises(TcError, match="is frozen"):
        gates.refuse(here, code("true"), "update")
    # what is nested is frozen by itself, and its functions aren't in the plan
    child = replace(here.topology, name="child", scope=replace(here.scope, namespace="child"))
    nested = replace(here, topology=replace(here.topology, nodes=(child,)))
    with pytest.raises(TcError, match="is frozen"):
        gates.refuse(nested, code(""), "update")
