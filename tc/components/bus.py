"""Event buses other than the default one.

Nobody's in particular: a bus is used as it is, by all sandboxes of the account.
tc makes it when it is missing, marks it `tc:bus`, and deletes it only if it made
it and no rule is left on it. A partner's bus can't be made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from tc.components import defaults
from tc.components.event_model import DEFAULT_BUS, bus_of, model_of
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import Scope
from tc.spec.topology import Topology

KIND = "bus"
PLURAL = "buses"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()


def _rules_on(resource: Resource, actuals: Sequence[Actual]) -> list[str]:
    """The sandbox's own rules on the bus."""
    return [a.name for a in actuals if a.kind == "event" and a.props["bus"] == resource.name]


TRAITS = Traits(comes_with=frozenset({"event"}), pointed_at=_rules_on)
check = defaults.nothing_to_check
settle = defaults.ready_at_once

#: the tag on a bus that tc made; its value is the bus's name
BUS_TAG = "tc:bus"
_PARTNER = "aws.partner/"


def is_made(bus: str) -> bool:
    """Whether it is a bus that tc makes when it is missing."""
    return bus != DEFAULT_BUS and not bus.startswith(_PARTNER)


def bus_key(bus: str) -> str:
    return f"{KIND}/{bus}"


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    selectors: dict[str, set[str]] = {}
    for entry in topology.entries.get("events", {}).values():
        if is_made(bus_of(entry)) and model_of(entry).deployed(topology.scope.sandbox):
            selectors.setdefault(bus_of(entry), set()).add(f"events/{entry.name}")
    for bus, events in selectors.items():
        yield _resource(bus, frozenset({PLURAL, f"{PLURAL}/{bus}", "events", *events}))


def _resource(bus: str, selectors: frozenset[str] = frozenset()) -> Resource:
    return Resource(
        kind=KIND,
        key=bus_key(bus),
        name=bus,
        title=f"{bus} (shared)",
        owner="",
        props={},
        selectors=selectors,
        payload={"tags": {BUS_TAG: bus, "deployer": "tc"}},
    )


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """Buses are known by the sandbox's rules on them only."""
    return iter(())


def trace(actuals: Iterable[Actual]) -> Iterator[Resource]:
    """The buses of rules, those included that nobody desires any more."""
    buses = {str(actual.props["bus"]) for actual in actuals if actual.kind == "event"}
    for bus in sorted(buses):
        if is_made(bus):
            yield _resource(bus)


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    """One rule more than the sandbox has tells that others use the bus too: what they have
    there isn't counted further."""
    arn = f"arn:{aws.partition}:events:{aws.region}:{aws.account}:event-bus/{resource.name}"
    try:
        listed = aws.call("events", "list_tags_for_resource", ResourceARN=arn)["Tags"]
        rules = aws.pages("events", "list_rules", "Rules", EventBusName=resource.name)
        inside = len(list(islice(rules, len(resource.payload["ids"]) + 1)))
    except AwsError as error:
        if error.missing:
            return None
        raise
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner="",
        props={},
        outputs={
            "arn": arn,
            "made": "tc" if BUS_TAG in tags else "",
            "inside": str(inside),
        },
    )


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    made = aws.call(
        "events",
        "create_event_bus",
        Name=resource.name,
        Tags=defaults.tag_list(resource.payload["tags"]),
    )
    return {"arn": made["EventBusArn"]}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    """A bus is used as it is."""
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.call("events", "delete_event_bus", Name=actual.name)
