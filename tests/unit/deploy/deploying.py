"""The pipeline on the account in memory, with packages that are just text."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fake_aws import FakeAws

from tc.build.pages import read_site
from tc.deploy.hindrances import refuse_hindered
from tc.deploy.pipeline import Prepared, carry_out, prepare, prepare_removal, readable
from tc.deploy.walk import Outcome
from tc.events import Event, silent
from tc.plan.resource import Action
from tc.spec.artifact import Artifact
from tc.spec.function import Function
from tc.spec.site import Site, SiteSource
from tc.spec.topology import Topology

_PACKAGES = tempfile.TemporaryDirectory(prefix="tc-packages-")


def artifact(text: str, *, stored: bool = True) -> Artifact:
    """A package with the content `text`."""
    body = text.encode()
    digest = hashlib.sha256(body)
    path = Path(_PACKAGES.name) / digest.hexdigest()
    path.write_bytes(body)
    return Artifact(
        path=path,
        sha256=base64.b64encode(digest.digest()).decode(),
        digest=digest.hexdigest()[:16],
        size=len(body),
        unpacked=len(body),
        stored=stored,
        files=1,
    )


def packages(functions: Mapping[str, Function]) -> dict[str, Artifact]:
    """Each function's handler as its package."""
    return {
        name: artifact(function.name + (function.dir / "handler.py").read_text())
        for name, function in functions.items()
    }


def site(source: SiteSource) -> Site:
    return read_site(source, Path(_PACKAGES.name), silent)


def plan(aws: FakeAws, topology: Topology, *components: str, adopt: bool = False) -> Prepared:
    return prepare(
        topology, aws, packages, silent, components=components, adopt=adopt, read_site=site
    )


def create(
    aws: FakeAws,
    topology: Topology,
    *components: str,
    adopt: bool = False,
    emit: Callable[[Event], None] = silent,
) -> Outcome:
    """`tc create`, and with components `tc update`."""
    prepared = plan(aws, topology, *components, adopt=adopt)
    refuse_hindered(prepared.plan, aws)
    return carry_out(prepared, aws, emit)


def delete(aws: FakeAws, topology: Topology, *components: str) -> Outcome:
    return carry_out(prepare_removal(topology, aws, components=components), aws, silent)


def work(prepared: Prepared) -> list[str]:
    """``~ function etl_a_bob: memory_mb`` for each step that changes something."""
    found = []
    for step in readable(prepared.plan):
        changed = ", ".join(change.path for change in step.changes)
        told = step.action is not Action.CREATE and changed
        found.append(
            f"{step.action.value} {step.kind} {step.title}" + (f": {changed}" * bool(told))
        )
    return sorted(found)


def settled(aws: FakeAws, topology: Topology) -> None:
    """Nothing is left to do, and finding that out writes nothing."""
    aws.forget()
    left = work(plan(aws, topology))
    assert left == []
    assert aws.writes() == []


def failures(outcome: Outcome) -> Sequence[str]:
    return [f"{step.kind} {step.title}: {error.message}" for step, error in outcome.failed]
