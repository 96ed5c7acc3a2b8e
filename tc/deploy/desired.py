"""Everything that a topology says should be."""

from __future__ import annotations

from dataclasses import replace

from tc.components import kinds
from tc.plan.resource import Resource, refs
from tc.spec.facts import Facts
from tc.spec.topology import Topology


def desired_of(topology: Topology, facts: Facts) -> list[Resource]:
    """Everything that should be, nested topologies included.

    What a thing refers to, it needs.
    """
    return [
        replace(resource, needs=needs)
        for part in topology.family()
        for component in kinds()
        for resource in component.desired(part, facts)
        for needs in [_needs(resource)]
    ]


def _needs(resource: Resource) -> tuple[str, ...]:
    referred = (ref.key for ref in refs(resource.props) if ref.key != resource.key)
    return tuple(dict.fromkeys([*resource.needs, *referred]))
