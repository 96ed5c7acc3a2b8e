"""Two things of one name: each is right by itself, AWS would have only one of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tc.deploy.desired import desired_of
from tc.plan.resource import Resource
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.topology import Topology


def twins(topology: Topology) -> Iterator[Finding]:
    """A finding for each thing that has the place of another one of the topology."""
    seen: dict[str, Resource] = {}
    for resource in desired_of(topology, Facts()):
        other = seen.setdefault(resource.key, resource)
        if other is resource or (not resource.owner and _shared(other) == _shared(resource)):
            continue
        yield Finding(
            "duplicate-name",
            f"two things would be the {resource.kind} `{resource.name}`",
            resource.address or topology.address,
            "give one of them another name",
            at="key",
        )


def _shared(resource: Resource) -> dict[str, Any]:
    """Its fields but for the one that tells who uses it."""
    return {name: value for name, value in resource.props.items() if name != "user"}
