"""Hooks really run: where, with which environment, what is told, and what a failure does."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tc.deploy.hooks import Call, calls, run
from tc.errors import TcError, UsageError
from tc.events import Event
from tc.spec.finding import Address
from tc.spec.hooks import Hook, When
from tc.spec.scope import Scope

SCOPE = Scope("etl", "bob", "dev", "111122223333", "eu-west-1", version="1.2.3", repo="shop")


def hook(command: str, when: When = "pre", directory: Path = Path(), **more: str) -> Hook:
    return Hook(when, command, directory, more.get("on_failure", "exit"), Address(Path("t.yml")))  # type: ignore[arg-type]


def ran(directory: Path, *hooks: Hook, when: When = "pre") -> list[Event]:
    told: list[Event] = []
    made = calls([([replace(h, dir=directory) for h in hooks], SCOPE)], "create")
    run(made, when, told.append, lambda text: text.replace("s3cret", "***"))
    return told


def lines(told: list[Event]) -> list[str]:
    return [event.data["line"] for event in told if event.name == "hook.output"]


def test_a_hook_runs_in_its_directory_and_knows_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "kept")
    monkeypatch.setenv("TC_SANDBOX", "another")
    names = "SANDBOX ENV NAMESPACE COMMAND REGION ACCOUNT VERSION"
    command = f"pwd; for n in {names}; do printenv TC_$n; done; printenv MINE"
    assert lines(ran(tmp_path, hook(command))) == [
        *(str(tmp_path), "bob", "dev", "etl", "create", "eu-west-1", "111122223333", "1.2.3"),
        "kept",
    ]


def test_only_hooks_of_that_time_run_in_their_order(tmp_path: Path) -> None:
    hooks = [hook("echo a"), hook("echo z", "post"), hook("echo b")]
    assert lines(ran(tmp_path, *hooks)) == ["a", "b"]
    assert lines(ran(tmp_path, *hooks, when="post")) == ["z"]


def test_parents_are_around_what_is_nested() -> None:
    parts = [
        ([hook("outer", "pre"), hook("outer", "post")], SCOPE),
        ([hook("inner", "pre"), hook("inner", "post")], replace(SCOPE, namespace="below")),
    ]
    made = calls(parts, "delete")
    assert [(c.when, c.command, c.environment["TC_NAMESPACE"]) for c in made] == [
        ("pre", "outer", "etl"),
        ("pre", "inner", "below"),
        ("post", "inner", "below"),
        ("post", "outer", "etl"),
    ]
    assert {c.environment["TC_COMMAND"] for c in made} == {"delete"}


def test_output_is_told_as_it_comes_without_colours_and_secrets(tmp_path: Path) -> None:
    command = r"printf '\033[31mred\033[0m s3cret\n'; echo err >&2; printf '1%%\r2%%\nno end'"
    told = ran(tmp_path, hook(command))
    assert lines(told) == ["red ***", "err", "2%", "no end"]
    assert told[1].text == "pre | red ***"
    assert [event.name for event in told][:1] == ["hook.started"]
    assert told[-1].name == "hook.done"
    assert "s3cret" not in str(told)


def test_templates_are_filled_with_what_a_shell_takes_as_one_word(tmp_path: Path) -> None:
    assert lines(ran(tmp_path, hook("echo {{sandbox}} {{ version }} {{{{x}}"))) == [
        "bob 1.2.3 {{x}}"
    ]
    evil = replace(SCOPE, repo="a; touch owned")
    with pytest.raises(UsageError) as refused:
        calls([([hook("echo {{repo}}")], evil)], "create")
    assert (refused.value.code, refused.value.exit_code) == ("hook-value", 2)
    assert "$TC_REPO" in refused.value.hint
    [call] = calls([([hook('echo "$TC_REPO"')], evil)], "create")
    assert call.environment["TC_REPO"] == "a; touch owned"


def test_a_failure_ends_the_run_before_the_next_hook(tmp_path: Path) -> None:
    with pytest.raises(TcError) as failed:
        ran(tmp_path, hook("exit 3"), hook("touch ran"))
    error = failed.value
    assert (error.code, error.exit_code, error.where) == ("hook-failed", 1, "t.yml")
    assert "`exit 3` ended with exit code 3; nothing was changed yet" in error.message
    assert not (tmp_path / "ran").exists()
    with pytest.raises(TcError, match="every change was made before"):
        ran(tmp_path, hook("exit 3", "post"), when="post")


def test_a_failure_may_be_no_more_than_a_warning(tmp_path: Path) -> None:
    told = ran(tmp_path, hook("kill -9 $$", on_failure="continue"), hook("echo next"))
    [warning] = [event for event in told if event.name == "warning"]
    assert warning.text == "the pre hook `kill -9 $$` was ended by signal 9"
    assert warning.data["code"] == "hook-failed"
    assert lines(told) == ["next"]


def test_what_cant_be_started_is_an_error(tmp_path: Path) -> None:
    for directory, command in ((tmp_path / "gone", "true"), (tmp_path, "a\0b")):
        with pytest.raises(TcError) as failed:
            ran(directory, hook(command))
        assert failed.value.code == "hook-failed"


def test_what_a_hook_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    started = time.monotonic()
    told = ran(tmp_path, hook("sleep 60 & echo $!"))
    assert time.monotonic() - started < 10
    [left] = lines(told)
    with pytest.raises(ProcessLookupError):
        wait_for_end(int(left))


def test_an_interrupt_ends_the_hook(tmp_path: Path) -> None:
    def interrupt() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        ran(tmp_path, hook("echo $$ > pid; exec sleep 60"))
    thread.join()
    with pytest.raises(ProcessLookupError):
        wait_for_end(int((tmp_path / "pid").read_text()))


def wait_for_end(pid: int) -> None:
    """Raises ProcessLookupError as soon as there is no such process."""
    for _ in range(1000):
        os.kill(pid, 0)
        time.sleep(0.01)


def test_a_call_says_what_the_hook_said() -> None:
    [call] = calls([([hook("a", on_failure="continue")], SCOPE)], "update")
    assert isinstance(call, Call)
    assert (call.when, call.on_failure, call.dir) == ("pre", "continue", Path())
