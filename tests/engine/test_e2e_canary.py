"""A canary on the engine: calls go by weight; what fails comes back, and what was killed too."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from e2e_support import TC, Lab, Said

pytestmark = pytest.mark.engine

NAME = "birds"
TOPOLOGY = """
name: birds
routes: { /sing: { method: GET, function: song } }
flow:
  StartAt: first
  States:
    first:
      Type: Task
      Resource: arn:aws:states:::lambda:invoke
      Parameters: { FunctionName: "{{namespace}}_egg_{{sandbox}}", "Payload.$": "$" }
      OutputPath: $.Payload
      End: true
functions: { song: {} }
"""
SINGS = "def handler(event, context):\n    return {{'note': {0}}}\n"
FAILS = "def handler(event, context):\n    raise ValueError('out of tune')\n"
ROUTE_FAILS = {"song": FAILS, "egg": SINGS.format(3)}
FLOW_FAILS = {"song": SINGS.format(4), "egg": FAILS}
VERSIONS = {
    "0.1.0": {"song": SINGS.format(0), "egg": SINGS.format(0)},
    "0.1.1": {"song": SINGS.format(1), "egg": SINGS.format(1)},
    "0.1.3": ROUTE_FAILS,
    "0.1.4": FLOW_FAILS,
}


class Birds:
    """A stable sandbox that 0.1.0 was deployed to, and its repository."""

    def __init__(self, lab: Lab, root: Path):
        self.lab, self.root = lab, root
        self.words = ["--service", NAME, "-s", "stable", "-e", "local"]
        self.git("init", "-q", "-b", "main")
        self.write("topology.yml", TOPOLOGY)
        for version, functions in VERSIONS.items():
            for name, text in functions.items():
                self.write(f"{name}/handler.py", text)
            self.git("add", "-A")
            self.git("commit", "-qm", version)
            self.git("tag", "-am", version, f"{NAME}-{version}")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=ana", "-c", "user.email=ana@example.com"]
        subprocess.run(["git", *who, *words], cwd=self.root, check=True, capture_output=True)

    def tc(self, command: str, *words: str, code: int | None = 0) -> Said:
        return self.lab.tc(command, *self.words, *words, cwd=self.root, code=code)

    def deploy(self, version: str, *words: str, code: int | None = 0) -> Said:
        return self.tc("deploy", "--version", version, "--json", *words, code=code)

    def aliases(self) -> dict[str, Any]:
        """What each alias says: its version and weights."""
        found: dict[str, Any] = {}
        for name in ("song", "egg"):
            live = self.lab.client("lambda").get_alias(
                FunctionName=f"{NAME}_{name}_stable", Name="live"
            )
            weights = live.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
            found[name] = (live["FunctionVersion"], weights)
        routes = self.lab.client("stepfunctions").describe_state_machine_alias(
            stateMachineAliasArn=f"{self.flow}:live"
        )["routingConfiguration"]
        found["flow"] = [(r["stateMachineVersionArn"], r["weight"]) for r in routes]
        return found

    @property
    def flow(self) -> str:
        return f"arn:aws:states:us-east-1:000000000000:stateMachine:{NAME}_stable"

    def weighted(self) -> bool:
        found = self.aliases()
        return all([found["song"][1], found["egg"][1], len(found["flow"]) == 2])

    def left(self) -> list[str]:
        """What a canary makes for itself."""
        roles = self.lab.client("iam").list_roles()["Roles"]
        schedules = self.lab.client("scheduler").list_schedules()["Schedules"]
        groups = self.lab.client("scheduler").list_schedule_groups()["ScheduleGroups"]
        names = [one["Name"] for one in [*schedules, *groups]] + [r["RoleName"] for r in roles]
        return [n for n in names if "tc-canary" in n or n == f"{NAME}_stable"]

    @contextmanager
    def called(self, url: str) -> Iterator[Counter[str]]:
        """The route and the flow are called all the time, and what they say is counted."""
        said: Counter[str] = Counter()
        over = threading.Event()

        def route() -> None:
            while not over.wait(0.05):
                said[self.lab.http("GET", url).text] += 1

        def flow() -> None:
            client = self.lab.client("stepfunctions")
            while not over.wait(0.2):
                client.start_execution(stateMachineArn=f"{self.flow}:live", input="{}")

        threads = [threading.Thread(target=route), threading.Thread(target=flow)]
        for thread in threads:
            thread.start()
        try:
            yield said
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def begun(self, version: str) -> subprocess.Popen[bytes]:
        """A canary of an hour under way."""
        words = ["deploy", *self.words, "--version", version, "--canary", "50%", "--for", "1h"]
        process = subprocess.Popen(
            [TC, *words],
            cwd=self.root,
            env=self.lab.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self.weighted)
        return process


def until(true: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def repository(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Birds:
    return Birds(lab, tmp_path_factory.mktemp("birds"))


@pytest.fixture
def birds(repository: Birds) -> Iterator[tuple[Birds, str]]:
    """The sandbox with 0.1.0, and the address of its route; nothing of it stays."""
    before = repository.lab.inventory()
    url = repository.deploy("0.1.0").named("address")[0]["url"]
    yield repository, url
    repository.tc("delete", "-y")
    left = repository.lab.inventory() - before
    assert not [name for name in left if "tc-artifacts" not in name]
    assert repository.left() == []


def test_a_good_version_gets_a_part_of_the_calls_and_then_all(birds: tuple[Birds, str]) -> None:
    here, url = birds
    before = here.aliases()
    with here.called(url) as said:
        told = here.deploy("0.1.1", "--canary", "40%", "--for", "6s")

    assert {'{"note": 0}', '{"note": 1}'} == set(said)
    assert told.named("canary.passed")[0]["calls"] > 0
    assert told.named("canary.passed")[0]["errors"] == 0
    assert not here.weighted()
    assert all(here.aliases()[name] != before[name] for name in before)
    assert here.left() == []
    assert here.lab.http("GET", url).json == {"note": 1}
    assert here.deploy("0.1.1").named("done")[0]["wrote"] == 0


@pytest.mark.parametrize(
    ("version", "who"),
    [("0.1.3", f"function {NAME}_song_stable"), ("0.1.4", f"flow {NAME}_stable")],
)
def test_what_fails_comes_back_and_is_named(
    birds: tuple[Birds, str], version: str, who: str
) -> None:
    here, url = birds
    before = here.aliases()
    with here.called(url):
        told = here.deploy(version, "--canary", "50%", "--for", "40s", code=1)

    failed = told.named("step.failed")[0]
    assert failed["code"] == "canary"
    assert who in failed["message"]
    assert told.named("canary.returned")
    assert here.aliases() == before
    assert here.left() == []
    assert here.lab.http("GET", url).json == {"note": 0}


def test_an_interrupt_gives_everything_back(birds: tuple[Birds, str]) -> None:
    here, _ = birds
    before = here.aliases()
    process = here.begun("0.1.1")

    process.send_signal(signal.SIGINT)

    assert process.wait(30) == 130
    assert here.aliases() == before
    assert here.left() == []


def test_a_killed_command_is_undone_by_its_schedules(birds: tuple[Birds, str]) -> None:
    here, _ = birds
    before = here.aliases()
    process = here.begun("0.1.1")
    process.kill()
    process.wait()
    assert here.weighted()

    # their time comes at once instead of in an hour; all else is as it was made
    scheduler = here.lab.client("scheduler")
    soon = f"at({datetime.now(UTC) + timedelta(seconds=2):%Y-%m-%dT%H:%M:%S})"
    given = ("Name", "GroupName", "FlexibleTimeWindow", "ActionAfterCompletion", "Target")
    found = scheduler.list_schedules(GroupName=f"{NAME}_stable")["Schedules"]
    assert len(found) == 3
    for one in found:
        made = scheduler.get_schedule(Name=one["Name"], GroupName=one["GroupName"])
        kept = {key: made[key] for key in given}
        scheduler.update_schedule(**kept, ScheduleExpression=soon)

    until(lambda: here.aliases() == before)


def test_the_next_deploy_clears_what_a_killed_one_left(birds: tuple[Birds, str]) -> None:
    here, url = birds
    process = here.begun("0.1.1")
    process.kill()
    process.wait()
    assert here.left() != []

    told = here.deploy("0.1.1")

    assert here.left() == []
    assert not here.weighted()
    assert here.lab.http("GET", url).json == {"note": 1}
    order = [step["key"] for step in told.named("step.done")]
    guards = [key for key in order if "tc-canary-" in key]
    assert guards
    assert max(map(order.index, guards)) < min(order.index(k) for k in order if "alias" in k)


def test_wrong_options_are_told_before_anything(repository: Birds) -> None:
    words = ["--canary", "0%", "--for", "soon", "--tolerate", "many"]
    said = repository.tc("deploy", *words, code=2)
    assert "--canary `0%` is no whole percentage" in said.err
    assert "--for `soon` is no time" in said.err
    assert "--tolerate `many` is no percentage" in said.err
    assert "--for without --canary" in repository.tc("deploy", "--for", "9m", code=2).err
