"""What a version costs in a stable sandbox: deployed, again, with one function changed, and back.

Calls are counted by the proxy; nothing is built after the first deploy of a version.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bench import topology
from bench.lab import PROFILE, Engine, Lab
from bench.report import Result, timed

GROUP = "releases"
_FUNCTIONS = 10
_COMMITS = 50
_RUNS = 7
#: things with a name of their own: functions with role, log group, version and alias; the flow
#: with its role, version and alias; the API
_THINGS = 5 * _FUNCTIONS + 5
_READS_PER_THING = 2
#: reads that don't grow with the topology: as for `tc create`, and the manifest, its sources and
#: the record of the last deploy
_CONSTANT_READS = 16
#: writes for one function: its code, a version, an alias, for the flow the same; a manifest with
#: sources and package, a record
_CHANGED_WRITES = 12
#: the same without what is in the bucket by then
_BACK_WRITES = 8
_READS = ("describe_", "get_", "list_", "head_")
_IDENTITY = {
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@example.com",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@example.com",
}


def measure(engine: Engine) -> Iterator[Result]:
    engine = replace(engine, aws=replace(engine.aws, env={**engine.aws.env, **_IDENTITY}))
    place = _repository(engine.aws)
    yield from _history(engine.aws, place)
    given = ["deploy", "-e", PROFILE, "-s", "stable"]
    _tag(engine.aws, place, "0.1.0")
    first = _calls(engine, place, *given)
    yield _result("tc deploy, first: calls", sum(first.values()))
    again = _calls(engine, place, *given)
    limit = _READS_PER_THING * _THINGS + _CONSTANT_READS
    yield _result("tc deploy, nothing to do: reads", _reads(again), limit)
    yield _written("tc deploy, nothing to do: writes", again, 0)
    topology.edit(place, 0, "second")
    _commit(engine.aws, place, "feat: one function")
    _tag(engine.aws, place, "0.2.0")
    changed = _calls(engine, place, *given)
    yield _written("tc deploy, one function: writes", changed, _CHANGED_WRITES)
    back = _calls(engine, place, "rollback", *given[1:])
    yield _written("tc rollback of that: writes", back, _BACK_WRITES)


def _calls(engine: Engine, place: Path, *arguments: str) -> Mapping[str, int]:
    with engine.proxy.recording() as tape:
        engine.aws.tc(place, *arguments)
    return tape.calls


def _history(lab: Lab, place: Path) -> Iterator[Result]:
    """A changelog beside what reads the same files and no history."""
    mine = [lab.tc(place, "changelog").cpu for _ in range(_RUNS)]
    floor = [lab.tc(place, "validate").cpu for _ in range(_RUNS)]
    yield timed(GROUP, f"tc changelog, {_COMMITS} commits, by tc validate", mine, floor, 1.5)


def _repository(lab: Lab) -> Path:
    place = topology.write(lab.home / "released", _FUNCTIONS)
    _git(lab, place, "init", "--quiet")
    for number in range(_COMMITS):
        topology.edit(place, number % _FUNCTIONS, f"commit {number}")
        _commit(lab, place, f"fix: number {number}")
    return place


def _commit(lab: Lab, place: Path, message: str) -> None:
    _git(lab, place, "add", "-A")
    _git(lab, place, "commit", "--quiet", "-m", message)


def _tag(lab: Lab, place: Path, version: str) -> None:
    name = f"{topology.NAME}-{version}"
    _git(lab, place, "tag", "-a", "-m", name, name)


def _git(lab: Lab, place: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=place, env=lab.env, check=True)


def _reads(calls: Mapping[str, int]) -> int:
    return sum(n for name, n in calls.items() if name.partition(".")[2].startswith(_READS))


def _written(name: str, calls: Mapping[str, int], budget: float) -> Result:
    made = {n: c for n, c in calls.items() if not n.partition(".")[2].startswith(_READS)}
    note = ", ".join(f"{name} {count}" for name, count in sorted(made.items()))
    return Result(GROUP, name, sum(made.values()), "calls", budget=budget, note=note)


def _result(name: str, value: float, budget: float | None = None) -> Result:
    return Result(GROUP, name, value, "calls", budget=budget)
