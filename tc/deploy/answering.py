"""Where the routes of a sandbox answer, asked of AWS."""

from __future__ import annotations

from collections.abc import Iterable

from tc.components.protocol import Aws
from tc.deploy.addresses import RouteAddress, routes
from tc.deploy.desired import desired_of
from tc.deploy.gather import gather
from tc.deploy.pipeline import select
from tc.spec.facts import Facts
from tc.spec.topology import Topology


def route_addresses(
    topology: Topology, aws: Aws, names: Iterable[str]
) -> dict[str, list[RouteAddress]]:
    """Where each of the routes `names` of `topology` answers, one address for each of its
    methods; only those that are deployed, all read at once."""
    wanted = sorted(set(names))
    if not wanted:
        return {}
    own = [r for r in desired_of(topology, Facts()) if r.owner == topology.scope.owner]
    selection = select([f"routes/{name}" for name in wanted], own)
    chosen_ones = [r for r in own if r.kind == "route" and selection.selects(r)]
    parents = {r.parent for r in chosen_ones}
    near = [r for r in own if r.key in parents or r.kind == "route"]
    found = gather(aws, [], near, selection)
    outputs = {key: actual.outputs for key, actual in found.items()}
    there = {a.key: a for a in routes(chosen_ones, outputs) if a.key in found}
    return {
        name: [
            there[r.key] for r in chosen_ones if r.key in there and f"routes/{name}" in r.selectors
        ]
        for name in wanted
    }
