"""Tests that nothing could run, found without asking AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tc.components.route_model import path
from tc.deploy.invoked import chosen, components
from tc.spec.finding import Finding
from tc.spec.spec import Spec
from tc.spec.test import Case
from tc.spec.topology import Topology


def check(spec: Spec, topology: Topology) -> Iterator[Finding]:
    """What the tests of `spec` name and `topology` doesn't have; nested ones included."""
    for one, part in zip(spec.family(), topology.family(), strict=True):
        for case in one.cases:
            yield from _problems(case, one, part)


def _problems(case: Case, spec: Spec, topology: Topology) -> Iterator[Finding]:
    yield from _named(case, case.entity, "entity", spec, topology)
    if case.entry.reaches:
        yield from _named(case, case.entry.reaches, "reaches", spec, topology)
        found = chosen(topology, case.entry.reaches)
        if found and found[0] == "flow" and topology.flows[found[1]].mode == "Express":
            message = f"`{case.entry.reaches}` is an Express flow: AWS keeps no list of its runs"
            hint = "test it with `entity: flow`, or look at what one of its functions logs"
            yield Finding("invalid-value", message, case.address / "reaches", hint)


def _named(case: Case, entity: str, key: str, spec: Spec, topology: Topology) -> Iterator[Finding]:
    """The entity isn't there. One that is there and wrong has been told."""
    section, _, name = entity.partition("/")
    if any((section, other) in spec.broken for other in (name, f"/{name}")):
        return
    if any(of in ("flow", "functions") for of, _ in spec.broken) and section in ("", "flow"):
        return
    found = chosen(topology, entity or None)
    if found is None:
        there = components(topology)
        written = key in case.entry.model_fields_set
        message = f"there is no `{entity}`" if entity else "this test doesn't say what it calls"
        hint = f"there are {', '.join(there)}" if there else "the topology has nothing to call"
        at = case.address / key if written else case.address
        yield Finding("unknown-name", message, at, hint, "value" if written else "key")
    elif found[0] == "route" and case.entry.path is None:
        written_path = path(topology.entries["routes"][found[1]])
        if "{" in written_path:
            message = f"the route `{found[1]}` has parameters, so its test needs a `path`"
            example = re.sub(r"[{}+]", "", written_path)
            yield Finding("missing-key", message, case.address, f"write `path: {example}`", "key")
