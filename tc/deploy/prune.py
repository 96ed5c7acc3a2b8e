"""What a sandbox owns and no topology explains."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from tc.components.protocol import Aws
from tc.deploy.desired import desired_of
from tc.deploy.gather import gather
from tc.deploy.pipeline import Prepared, terms
from tc.deploy.purge import spare_data
from tc.plan.plan import make_plan
from tc.plan.resource import Action, Plan
from tc.plan.select import EVERYTHING
from tc.spec.facts import Facts
from tc.spec.topology import Topology


def prepare_pruning(topology: Topology, aws: Aws, *, purge: bool = False) -> Prepared:
    """Plans to remove what the sandbox owns and `topology` doesn't explain.

    An empty topology explains nothing: that of a service which is no longer here.
    """
    scopes = [part.scope for part in topology.family()]
    desired = desired_of(topology, Facts())
    found = gather(aws, scopes, desired)
    whole = make_plan(desired, found, EVERYTHING, **terms(scopes))
    plan = spare_data(_only_removals(whole, {r.key for r in desired}), aws, purge=purge)
    return Prepared(plan, tuple(desired), found, EVERYTHING)


def _only_removals(plan: Plan, desired: Set[str]) -> Plan:
    """The removals, and what others keep and the sandbox lets go; these wait for each other and
    for nothing that is built."""
    going = {
        step.key
        for step in plan.work
        if step.action is Action.DELETE
        or (step.action is Action.UPDATE and step.key not in desired)
    }
    return replace(
        plan,
        steps=tuple(
            replace(step, needs=tuple(need for need in step.needs if need in going))
            for step in plan.steps
            if step.key in going
        ),
    )
