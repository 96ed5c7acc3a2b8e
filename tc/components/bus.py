"""Event buses other than the default one.

Nobody's in particular: a bus is used as it is, by all sandboxes of the account.
tc makes it when it is missing, marks it `tc:bus`, and deletes it only if it made
it, no rule is left on it and no other sandbox only puts events there: such a one
has no rule to tell of it, so it says on the bus that it uses it. A partner's bus
can't be made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from tc.components import defaults
from tc.components.event_model import DEFAULT_BUS, bus_of, model_of
from tc.components.event_model import deployed as rules_of
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import granted
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.names import shorten
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


TRAITS = Traits(switch="beside", comes_with=frozenset({"event"}), pointed_at=_rules_on)
check = defaults.nothing_to_check
settle = defaults.ready_at_once

#: the tag on a bus that tc made; its value is the bus's name
BUS_TAG = "tc:bus"
#: how the tags begin that say which sandboxes use a bus without a rule on it; the values are
#: their owners' marks
_USER_TAG = "tc:user:"
#: tags of a resource, and characters of a tag's key (EventBridge quotas)
_TAGS_LIMIT = 50
_TAG_KEY_LIMIT = 128
_BUS_ARN = ":event-bus/"
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
    ruled = {bus_of(entry) for entry in rules_of(topology)}
    for bus, events in selectors.items():
        user = topology.scope.owner
        yield replace(
            _stub(bus, user),
            props={} if bus in ruled else {"user": user},
            selectors=frozenset({PLURAL, f"{PLURAL}/{bus}", "events", *events}),
            payload={"user": user, "tags": {BUS_TAG: bus, "deployer": "tc"}},
        )


def _stub(bus: str, user: str) -> Resource:
    return Resource(
        kind=KIND,
        key=bus_key(bus),
        name=bus,
        title=f"{bus} (shared)",
        owner="",
        props={},
        payload={"user": user},
    )


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """Buses are known by the sandbox's rules on them and its roles only."""
    return iter(())


def trace(actuals: Iterable[Actual]) -> Iterator[Resource]:
    """The buses of rules and roles, those included that nobody desires any more."""
    users = {bus: actual.owner for actual in actuals for bus in _named_by(actual)}
    for bus, user in sorted(users.items()):
        if is_made(bus):
            yield _stub(bus, user)


def _named_by(actual: Actual) -> list[str]:
    """The buses that a rule is on, or that a role may put events on."""
    if actual.kind == "event":
        return [str(actual.props["bus"])]
    arns = granted(actual, "Resource") if actual.kind == "role" else []
    return [arn.split(_BUS_ARN, 1)[1] for arn in arns if _BUS_ARN in arn and "*" not in arn]


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    """One rule more than the sandbox has tells that others use the bus too: what they have
    there isn't counted further. A bus that only a role names is told of only if the sandbox
    said that it uses it."""
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
    user = resource.payload["user"]
    uses = _user_tag(user) in tags
    if not (uses or resource.payload["ids"] or "tags" in resource.payload):
        return None
    others = [key for key in tags if key.startswith(_USER_TAG) and key != _user_tag(user)]
    untold = BUS_TAG in tags and not uses and len(tags) < _TAGS_LIMIT
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner="",
        props={"user": "" if untold else user},
        outputs={
            "arn": arn,
            "made": "tc" if BUS_TAG in tags else "",
            "inside": str(inside + len(others)),
            "user": user if uses else "",
        },
    )


def _user_tag(user: str) -> str:
    return shorten(f"{_USER_TAG}{user}", _TAG_KEY_LIMIT)


def _user_tags(resource: Resource) -> dict[str, str]:
    user = resource.props.get("user")
    return {_user_tag(user): user} if user else {}


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    made = aws.call(
        "events",
        "create_event_bus",
        Name=resource.name,
        Tags=defaults.tag_list(resource.payload["tags"] | _user_tags(resource)),
    )
    return {"arn": made["EventBusArn"]}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    """A bus is used as it is; only the tag comes and goes that says so."""
    arn = actual.outputs["arn"]
    if tags := _user_tags(resource):
        aws.call("events", "tag_resource", ResourceARN=arn, Tags=defaults.tag_list(tags))
    else:
        tag = _user_tag(actual.outputs["user"])
        with defaults.if_there():
            aws.call("events", "untag_resource", ResourceARN=arn, TagKeys=[tag])
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.call("events", "delete_event_bus", Name=actual.name)
