"""Of what a webhook is told: of which changes, of which sandboxes, and with which words."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer

from tc.cli.change import bring_about
from tc.cli.notices import telling, wanted
from tc.config import Config
from tc.config.sections import Notice
from tc.deploy import notices
from tc.errors import TcError, UsageError
from tc.events import Event
from tc.plan.resource import Action, Actual, Plan, Step
from tc.spec.scope import Scope

CONFIG = "notify: {all: {url: 'https://hooks.example.com/hidden', format: json}}\n"


@dataclass
class Run:
    told: list[Event] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        self.told.append(event)

    def seconds(self) -> float:
        return 1.5


@dataclass
class Aws:
    written: int = 3
    local: bool = False


@dataclass
class Environment:
    name: str = "qa"


@dataclass
class Target:
    scope: Scope = field(
        default_factory=lambda: Scope(
            "etl", "stable", "qa", "111122223333", "eu-west-1", version="0.2.0", updated_by="alice"
        )
    )
    environment: Environment = field(default_factory=Environment)
    aws: Aws = field(default_factory=Aws)


@dataclass
class Outcome:
    failed: list[Any] = field(default_factory=list)
    ok: bool = True


@dataclass
class Prepared:
    plan: Plan
    found: Mapping[str, Actual] = field(default_factory=dict)


STEP = Step(Action.CREATE, "function/etl_a", "function", "etl_a_stable", "etl_a_stable")
WORK = Plan((STEP,))


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What was sent, from a repository with a version that has a changelog."""
    git(tmp_path, "init", "-q")
    path = tmp_path / "infrastructure" / "tc" / "config.yml"
    path.parent.mkdir(parents=True)
    path.write_text(CONFIG)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    git(tmp_path, "tag", "-a", "etl-0.2.0", "-m", "etl 0.2.0\n\n- feat: more\n- fix: less")
    monkeypatch.chdir(tmp_path)
    for name in ("TC_CONFIG_PATH", "GITHUB_SERVER_URL", "CI_JOB_URL", "CIRCLE_BUILD_URL"):
        monkeypatch.delenv(name, raising=False)
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(notices, "send", lambda _url, said, _bundle: found.append(json.loads(said)))
    return found


def git(directory: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *who, *words], cwd=directory, check=True, capture_output=True)


def tell(command: str, error: BaseException | None = None, **more: Any) -> Run:
    """A command that planned something, and ended with `error`."""
    run, target = Run(), Target(aws=Aws(more.pop("written", 3)))
    prepared = more.pop("prepared", Prepared(WORK))
    outcome = more.pop("outcome", Outcome(ok=error is None))
    raised = pytest.raises(type(error)) if error else nullcontext()
    with raised, telling(run, target, command, **more) as story:  # type: ignore[arg-type]
        if prepared:
            story.ended(prepared, outcome)
        if error:
            raise error
    return run


def test_what_went_well_is_told(sent: list[dict[str, Any]]) -> None:
    live = {
        key: Actual("function", key, key, key, "etl@stable", {}, info={"version": "0.1.9"})
        for key in ("a", "b")
    }
    run = tell("deploy", prepared=Prepared(WORK, live))
    assert sent == [
        {
            "command": "deploy",
            "result": "done",
            "topology": "etl",
            "sandbox": "stable",
            "env": "qa",
            "account": "111122223333",
            "region": "eu-west-1",
            "who": "alice",
            "seconds": 1.5,
            "before": "0.1.9",
            "after": "0.2.0",
            "changed": {"create": 1},
            "changelog": "- feat: more\n- fix: less",
        }
    ]
    assert [event.name for event in run.told] == ["notified"]


def test_only_what_is_new_is_told_of_a_version(sent: list[dict[str, Any]]) -> None:
    actual = Actual("function", "a", "a", "a", "etl@stable", {}, info={"version": "0.2.0"})
    tell("deploy", prepared=Prepared(WORK, {"a": actual}))
    tell("rollback")
    tell("create")
    assert [one.get("changelog") for one in sent] == [None, None, None]


@pytest.mark.parametrize(
    ("command", "error", "told"),
    [
        ("create", typer.Exit(1), ("failed", "")),
        ("create", typer.Exit(130), ("interrupted", "")),
        ("create", KeyboardInterrupt(), ("interrupted", "")),
        ("create", TcError("x", code="hook-failed"), ("failed", "hook-failed")),
        ("create", UsageError("x"), None),
        ("create", ZeroDivisionError(), ("failed", "bug")),
    ],
)
def test_what_went_wrong_is_told(
    sent: list[dict[str, Any]], command: str, error: BaseException, told: tuple[str, str] | None
) -> None:
    why = TcError("SECRET", code="aws")
    tell(command, error, outcome=Outcome([(STEP, why)], ok=False))
    if told is None:
        assert sent == []
        return
    (one,) = sent
    assert (one["result"], one.get("error", "")) == told
    assert one["failed"] == ["function etl_a_stable [aws]"]
    assert not {"changed", "changelog"} & one.keys()
    assert "SECRET" not in json.dumps(sent)


def test_a_deploy_that_fails_before_its_plan_is_told(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise TcError("hidden", code="not-owned")

    monkeypatch.setattr("tc.cli.hooks.hooks_of", lambda *_: ())
    monkeypatch.setattr("tc.cli.change.check_runtimes", refused)
    for dry_run in (True, False):
        with pytest.raises(TcError):
            bring_about(
                Run(),  # type: ignore[arg-type]
                Target(),  # type: ignore[arg-type]
                [],
                dry_run=dry_run,
                adopt=False,
                purge=False,
                command="deploy",
            )
    assert [(one["command"], one["result"], one["error"]) for one in sent] == [
        ("deploy", "failed", "not-owned")
    ]


def test_what_changed_nothing_is_no_news(sent: list[dict[str, Any]]) -> None:
    error = TcError("x", code="frozen")
    tell("create", prepared=Prepared(Plan(())))
    tell("create", dry_run=True)
    tell("create", error, prepared=None, written=0)
    tell("create", prepared=None)
    assert sent == []
    # a version that couldn't be brought is
    tell("deploy", error, prepared=None, written=0)
    assert [one["error"] for one in sent] == ["frozen"]


def test_a_webhook_that_hangs_is_left_behind(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "DEADLINE_S", 0.1)
    monkeypatch.setattr(notices, "send", lambda *_: time.sleep(5))
    started = time.monotonic()
    run = tell("deploy")
    assert time.monotonic() - started < 3
    (warning,) = run.told
    assert warning.data["code"] == "notice"
    assert warning.text == "`all` wasn't told: no answer within 0.1 s"


@pytest.mark.parametrize(
    ("notice", "env", "sandbox", "is_told"),
    [
        (Notice(), "qa", "stable", True),
        (Notice(), "qa", "bob", False),
        (Notice(), "local", "stable", False),
        (Notice(envs=("local",)), "local", "stable", True),
        (Notice(envs=("prod",)), "qa", "stable", False),
        (Notice(sandboxes=("bob",)), "qa", "bob", True),
        (Notice(sandboxes=("bob",)), "qa", "stable", False),
    ],
)
def test_which_sandboxes_are_told_of(notice: Notice, env: str, sandbox: str, is_told: bool) -> None:
    assert bool(wanted(Config(notify={"a": notice}), env, sandbox)) is is_told
