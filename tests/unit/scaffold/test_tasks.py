"""Tasks really run, in their directories, at once, and end whatever happens."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tc.build.tasks import Task, run_tasks
from tc.events import Event


class Told:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self.lock:
            self.events.append(event)

    def lines(self, name: str = "task.output") -> list[str]:
        return [event.text for event in self.events if event.name == name]


@pytest.fixture
def told() -> Told:
    return Told()


def task(tmp_path: Path, function: str, command: str) -> Task:
    directory = tmp_path / function
    directory.mkdir(exist_ok=True)
    return Task("test", function, command, directory)


def test_lines_are_told_with_their_function(tmp_path: Path, told: Told) -> None:
    command = "echo one; echo two >&2; pwd; printf 'no end'"
    [ended] = run_tasks([task(tmp_path, "a", command)], told, jobs=1, keep_going=False)
    assert ended.exit == 0
    assert told.lines() == ["a | one", "a | two", f"a | {tmp_path / 'a'}", "a | no end"]
    [done] = [event for event in told.events if event.name == "task.done"]
    assert done.text.startswith("a: test done (0.")
    assert done.data["exit"] == 0
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a"], "something was left"


def test_lines_come_while_the_command_runs(tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    command = f"echo first; while [ ! -e {go_on} ]; do sleep 0.02; done"

    def tell(event: Event) -> None:
        if event.text == "a | first":
            go_on.write_text("")

    begun = time.monotonic()
    [ended] = run_tasks([task(tmp_path, "a", f"{command} & wait")], tell, jobs=1, keep_going=False)
    assert ended.exit == 0
    assert time.monotonic() - begun < 5


def test_they_run_at_once_up_to_the_number_of_jobs(tmp_path: Path, told: Told) -> None:
    """Each waits for the other: one after the other, they would never end by themselves."""
    meet = "touch {me}; i=0; while [ ! -e {other} ]; do sleep 0.02; i=$((i+1)); [ $i -lt 99 ]; done"
    a, b = tmp_path / "1", tmp_path / "2"
    both = [
        task(tmp_path, "a", "set -e; " + meet.format(me=a, other=b)),
        task(tmp_path, "b", "set -e; " + meet.format(me=b, other=a)),
    ]
    assert [e.exit for e in run_tasks(both, told, jobs=2, keep_going=False)] == [0, 0]
    a.unlink()
    b.unlink()
    assert [e.exit for e in run_tasks(both, told, jobs=1, keep_going=False)] == [1, None]


@pytest.mark.parametrize(("keep_going", "exits"), [(False, [0, 3, None]), (True, [0, 3, 0])])
def test_after_a_failure_no_other_starts_unless_asked(
    keep_going: bool, exits: list[int | None], tmp_path: Path, told: Told
) -> None:
    commands = {"a": "true", "b": "exit 3", "c": "touch ran"}
    tasks = [task(tmp_path, name, command) for name, command in commands.items()]
    ended = run_tasks(tasks, told, jobs=1, keep_going=keep_going)
    assert [end.exit for end in ended] == exits
    assert (tmp_path / "c" / "ran").exists() == keep_going
    [failed] = told.lines("task.failed")
    assert failed.startswith("b: test failed with exit code 3 (0.")


def test_what_runs_is_finished_when_another_fails(tmp_path: Path, told: Told) -> None:
    slow = task(tmp_path, "a", f"touch {tmp_path}/up; sleep 0.3; touch finished")
    fails = task(tmp_path, "b", f"while [ ! -e {tmp_path}/up ]; do sleep 0.01; done; false")
    ended = run_tasks([slow, fails], told, jobs=2, keep_going=False)
    assert [end.exit for end in ended] == [0, 1]
    assert (tmp_path / "a" / "finished").exists()


def test_what_a_command_leaves_behind_holds_nothing_up(tmp_path: Path, told: Told) -> None:
    begun = time.monotonic()
    command = "sleep 77.25 & echo begun"
    [ended] = run_tasks([task(tmp_path, "a", command)], told, jobs=1, keep_going=False)
    assert ended.exit == 0
    assert time.monotonic() - begun < 5
    assert not running("sleep 77.25")


def test_an_interrupt_ends_every_command(tmp_path: Path) -> None:
    def tell(event: Event) -> None:
        if event.name == "task.output":
            os.kill(os.getpid(), 2)

    tasks = [
        task(tmp_path, "a", "sleep 88.25 & echo up; wait"),
        task(tmp_path, "b", "trap '' TERM; sleep 88.25"),
        task(tmp_path, "c", "touch ran"),
    ]
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_tasks(tasks, tell, jobs=2, keep_going=True)
    assert time.monotonic() - begun < 20
    assert not running("sleep 88.25")
    assert not (tmp_path / "c" / "ran").exists()


def test_secrets_are_not_told(tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "hush-hush-hush")
    run_tasks([task(tmp_path, "a", "echo $DEPLOY_TOKEN")], told, jobs=1, keep_going=False)
    assert told.lines() == ["a | ***"]


def running(command: str) -> bool:
    listed = subprocess.run(["ps", "-eo", "stat,args"], capture_output=True, text=True, check=True)
    return any(
        line.partition(" ")[2].strip() == command
        for line in listed.stdout.splitlines()
        if not line.startswith("Z")
    )
