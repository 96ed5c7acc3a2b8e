"""What a sandbox costs: create, the same again, update of one function's code, delete.

CPU is measured beside the bare boto3 script that makes the same calls; calls are
counted by the proxy, and told by operation beside the least.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench import topology
from bench.lab import PROFILE, Engine, Lab, Recording
from bench.least import least
from bench.report import CallCount, Result, timed

FUNCTIONS = 10
#: things with a name of their own: functions with role and log group, the flow with
#: its role, the API
_THINGS = 3 * FUNCTIONS + 3
_ROUNDS = 4
#: updates in each round: they are short, and their budget is tight
_UPDATES = 5
_EDITED = 3
_CREATE_CALLS = 110
_READS_PER_THING = 2
#: reads that don't grow with the topology: the account, two listings of what is
#: owned, and a listing or two for each of the kinds
_CONSTANT_READS = 10
_UPDATE_CALLS = 4
_UPDATE_CPU = 1.3
_READS = ("describe_", "get_", "list_")
_NAMES = {
    "create": f"tc create, {FUNCTIONS} functions",
    "again": "tc create, nothing to do",
    "update": "tc update -c, one function's code",
    "delete": f"tc delete, {FUNCTIONS} functions",
}


def arguments(command: str, sandbox: str, env: str) -> list[str]:
    """The command line; `again` is the second ``create``."""
    given = {
        "create": ["create"],
        "again": ["create"],
        "update": ["update", "-c", f"worker{_EDITED}"],
        "delete": ["delete", "--yes"],
    }
    return [*given[command], "-s", sandbox, "-e", env]


def measure(engine: Engine) -> Iterator[Result | list[CallCount]]:
    place = topology.write(engine.aws.home / "sandbox", FUNCTIONS)
    recorded = _record(engine, place)
    cpu: dict[str, list[float]] = {command: [] for command in _NAMES}
    floor: dict[str, list[float]] = {command: [] for command in _NAMES}
    for turn in range(1, _ROUNDS + 1):
        for number in range(FUNCTIONS):
            topology.edit(place, number, f"round {turn}")
        for step, command in enumerate(["create", "again", *["update"] * _UPDATES, "delete"]):
            if command == "update":
                topology.edit(place, _EDITED, f"round {turn} step {step}")
            given = arguments(command, f"b{turn}", PROFILE)
            cpu[command].append(engine.aws.tc(place, *given).cpu)
            floor[command].append(engine.replay(recorded[command]).cpu)
    for command, name in _NAMES.items():
        budget = _UPDATE_CPU if command == "update" else None
        yield timed(command, name, cpu[command], floor[command], budget)
    for command, recording in recorded.items():
        yield from _counted(command, recording.tape.calls)
    for command, recording in recorded.items():
        yield _by_operation(command, recording.tape.calls)


def _record(engine: Engine, place: Path) -> dict[str, Recording]:
    """Each command once, so that the floor knows its calls; also warms all caches but tc's own."""
    recorded = {}
    for command in _NAMES:
        if command == "update":
            topology.edit(place, _EDITED, "recorded")
        recording = engine.record(place, command, *arguments(command, "b0", PROFILE))
        made, seen = Counter(recording.operations()), Counter(recording.tape.calls)
        if made != seen:
            differ = f"made {dict(made - seen)}, seen {dict(seen - made)}"
            raise RuntimeError(f"{command}: the proxy saw other calls than were made: {differ}")
        recorded[command] = recording
    return recorded


def _counted(command: str, calls: Mapping[str, int]) -> Iterator[Result]:
    reads = sum(n for name, n in calls.items() if name.partition(".")[2].startswith(_READS))
    total = sum(calls.values())
    bottom = sum(count for count, _ in least(command, FUNCTIONS).values())
    budget = {"create": _CREATE_CALLS, "update": _UPDATE_CALLS}.get(command)
    name = f"{_NAMES[command].partition(',')[0]}, calls"
    if command == "again":
        limit = _READS_PER_THING * _THINGS + _CONSTANT_READS
        name = "tc create, nothing to do: "
        yield Result(command, f"{name}reads", reads, "calls", bottom, limit)
        yield Result(command, f"{name}writes", total - reads, "calls", budget=0)
        return
    yield Result(command, name, total, "calls", bottom, budget)


def _by_operation(command: str, calls: Mapping[str, int]) -> list[CallCount]:
    known = least(command, FUNCTIONS)
    why_not = (0, "not needed for what was promised")
    return [
        CallCount(command, _NAMES[command], name, calls.get(name, 0), *known.get(name, why_not))
        for name in sorted({*calls, *known})
    ]


def measure_local(local: Lab) -> Iterator[Result]:
    """How long a person waits with ``-e local``, once each: told, not held."""
    place = topology.write(local.home / "local", FUNCTIONS)
    for command in _NAMES:
        if command == "update":
            topology.edit(place, _EDITED, "local")
        took = local.tc(place, *arguments(command, "bench", "local"))
        yield Result(
            "local",
            f"{_NAMES[command]}, local",
            took.wall,
            "s wall",
            note=f"of it {took.cpu:.3f} s CPU",
        )
