"""Calls in a crowded account: what a sandbox costs grows with the sandbox, not with others.

The account is the one in memory of the unit tests, which gives its listings in pages as
long as AWS's: a page is a call. The topology there has every kind of thing in the registry.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.lab import ROOT
from bench.report import Result

sys.path[:0] = [str(ROOT / "tests" / "unit" / part) for part in ("", "compose", "deploy")]

from composing import Directory  # noqa: E402
from deploying import carry_out, create, plan, silent  # noqa: E402
from every_kind import FILES, lacking, text  # noqa: E402
from fake_aws import FakeAws  # noqa: E402
from fake_crowd import siblings, strangers  # noqa: E402

from tc.components import sections  # noqa: E402
from tc.deploy.desired import desired_of  # noqa: E402
from tc.plan.resource import Resource  # noqa: E402
from tc.spec.facts import Facts  # noqa: E402
from tc.spec.topology import Topology  # noqa: E402

GROUP = "account"
_OTHERS = 1000
_NAMES = ("one", "two", "three")
_READS_PER_THING = 2
#: listings that find what the index of tags doesn't know yet: each is one page
_CONSTANT_READS = 15
#: entries by which a section is made longer, to see what one costs
_MORE = 10
#: with an index of tags that knows nothing yet, what AWS lists only as a whole; an account
#: can't have more of these than fit in as many pages (quotas: 50 APIs, 1,000 pools in a region)
_WHOLE = {"appsync.list_apis": 2, "appsync.list_graphql_apis": 2, "cognito-idp.list_user_pools": 17}


@dataclass(frozen=True, slots=True)
class Run:
    """What a command called, and what its plan is about."""

    calls: Counter[str]
    writes: int
    things: tuple[Resource, ...]

    @property
    def reads(self) -> int:
        return self.calls.total() - self.writes


def measure() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="tc-bench-") as made:
        place = Path(made)
        written = text("etl", _NAMES)
        stable = _topology(place / "stable", written, stable=True)
        missing = lacking(desired_of(stable, Facts()))
        yield _result("a stable sandbox, every kind: kinds that are missing", len(missing), 0)
        yield from _crowds(_topology(place / "every", written))
        yield from _entries(place)


def _crowds(topology: Topology) -> Iterator[Result]:
    alone = _diff(_deployed(topology), topology)
    limit = _READS_PER_THING * len(alone.things) + _CONSTANT_READS
    yield _reads("tc diff, every kind: reads", alone, limit, f"{len(alone.things)} things")
    crowded = _deployed(topology)
    strangers(crowded, _OTHERS, "etl", "bob")
    told = f"with {_OTHERS:,} sandboxes of others"
    yield _reads(f"tc diff, {told}", _diff(crowded, topology), alone.reads)
    again = _create(crowded, topology)
    yield _reads(f"tc create, {told}", again, alone.reads)
    yield _result(f"tc create, {told}: writes", again.writes, 0)
    fresh = _diff(_unknown(_deployed(topology)), topology)
    fresh_crowded = _diff(_unknown(crowded), topology)
    yield _just_made(fresh, fresh_crowded)
    crowded = _deployed(topology)
    siblings(crowded, _OTHERS, "bob")
    told = f"with {_OTHERS:,} of the same topology"
    yield _reads(f"tc diff, {told}", _diff(crowded, topology), limit)


def _just_made(alone: Run, crowded: Run) -> Result:
    more = {
        name: count - alone.calls[name]
        for name, count in crowded.calls.items()
        if count > alone.calls[name] and name not in _WHOLE
    }
    budget = alone.reads
    value = alone.reads + sum(more.values())
    return _result("tc diff, the same, just made", value, budget, _said(more))


def _entries(place: Path) -> Iterator[Result]:
    """What one more entry of each section costs, for each thing that comes with it."""
    base_text = text("etl", _NAMES)
    base_topology = _topology(place / "base", base_text)
    base = _diff(_deployed(base_topology), base_topology)
    for section in ("functions", *sections()):
        longer = _longer(base_text, section)
        if longer is None:
            continue
        topology = _topology(place / section, longer)
        run = _diff(_deployed(topology), topology)
        things = len(run.things) - len(base.things)
        reads = run.reads - base.reads
        note = f"{reads / _MORE:g} for {things / _MORE:g}: {_said(run.calls - base.calls)}"
        yield _result(f"one of {section}: reads a thing", reads / things, _READS_PER_THING, note)


def _longer(written: str, section: str) -> str | None:
    """The topology with more of a section: its first entry again, under other names."""
    document: dict[str, Any] = yaml.safe_load(written)
    entries = document.get(section)
    if isinstance(entries, dict) and "resolvers" in entries:
        entries = entries["resolvers"]
    if section in ("triggers", "flow") or not isinstance(entries, dict):
        return None
    first, model = next(iter(entries.items()))
    for number in range(_MORE):
        entries[f"{first}{number}"] = {} if section == "functions" else model
    for trigger in document["triggers"].values():
        trigger["pool"] = next(iter(document["pools"]))
    return yaml.safe_dump(document)


def _topology(root: Path, written: str, *, stable: bool = False) -> Topology:
    root.mkdir()
    document = yaml.safe_load(written)
    functions = [name for name in document["functions"] if "/" not in name]
    pages = {f"{name}/index.html": "<p>hello" for name in document["pages"]}
    names = " ".join(dict.fromkeys([*functions, *_NAMES]))
    return (
        Directory(root).write(written, names, {**FILES, **pages}).composed(stable=stable).topology
    )


def _deployed(topology: Topology) -> FakeAws:
    aws = FakeAws()
    outcome = create(aws, topology)
    if not outcome.ok:
        step, error = outcome.failed[0]
        raise RuntimeError(f"{step.key}: {error.message}")
    return aws


def _unknown(aws: FakeAws) -> FakeAws:
    """The account while its index of tags doesn't know of anything yet."""
    aws.resourcegroupstaggingapi_get_resources = (  # type: ignore[method-assign]
        lambda **_: {"ResourceTagMappingList": []}
    )
    return aws


def _diff(aws: FakeAws, topology: Topology) -> Run:
    aws.forget()
    prepared = plan(aws, topology)
    return _run(aws, prepared.desired)


def _create(aws: FakeAws, topology: Topology) -> Run:
    aws.forget()
    prepared = plan(aws, topology)
    carry_out(prepared, aws, silent)
    return _run(aws, prepared.desired)


def _run(aws: FakeAws, things: tuple[Resource, ...]) -> Run:
    return Run(Counter(aws.names()), len(aws.writes()), things)


def _reads(name: str, run: Run, budget: float, note: str = "") -> Result:
    return _result(name, run.reads, budget, note)


def _result(name: str, value: float, budget: float, note: str = "") -> Result:
    return Result(GROUP, name, value, "calls", budget=budget, note=note)


def _said(calls: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(calls.items()) if count)
