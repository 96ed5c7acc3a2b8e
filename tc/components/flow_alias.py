"""The alias `live` of a flow: what routes, rules, schedules and pipes of a stable sandbox start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults
from tc.components.function_settings import ALIAS_TAG
from tc.components.protocol import Aws, Outputs, Traits
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Ref, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.function import ALIAS
from tc.spec.topology import Topology

KIND = "flow alias"
PLURAL = "flow-aliases"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="alias", told_by="flow", used_by_others=True)
check = defaults.nothing_to_check
trace = defaults.nothing_to_trace
find = defaults.nothing_to_find
read = defaults.nothing_to_read
settle = defaults.ready_at_once

#: tells that a flow has, or is about to have, an alias
TAG: Mapping[str, str] = {ALIAS_TAG: ALIAS}


def desired(topology: Topology, facts: Facts) -> Iterable[Resource]:
    scope = topology.scope
    for flow in topology.flows.values():
        if not flow.aliased:
            continue
        yield Resource(
            kind=KIND,
            key=flow.called_key,
            name=f"{flow.full_name}:{ALIAS}",
            title=f"{flow.full_name}:{ALIAS}",
            owner=scope.owner,
            props={"version": Ref(flow.version_key, "arn"), "weights": {}},
            needs=(f"flow/{flow.full_name}", flow.version_key),
            selectors=frozenset({"flow", "flows", "states", f"flow/{flow.name}", PLURAL}),
            parent=f"flow/{flow.full_name}",
            address=flow.address,
            payload={"arn": flow.arn, "release": scope.version},
        )


def read_live(aws: Aws, flow: Actual) -> Iterator[Actual]:
    """The alias of a live flow, if it is there: the version that most executions are of, and
    the weights of another one."""
    arn = f"{flow.outputs['arn']}:{ALIAS}"
    try:
        live = aws.call("stepfunctions", "describe_state_machine_alias", stateMachineAliasArn=arn)
    except AwsError as error:
        if error.missing:
            return
        raise
    routes = sorted(live["routingConfiguration"], key=lambda one: -int(one["weight"]))
    called, *others = [one["stateMachineVersionArn"] for one in routes]
    name = f"{flow.name}:{ALIAS}"
    weights = {one["stateMachineVersionArn"]: one["weight"] for one in routes}
    yield Actual(
        kind=KIND,
        key=f"{KIND}/{flow.name}",
        name=name,
        title=name,
        owner=flow.owner,
        props={"version": called, "weights": {other: weights[other] for other in others}},
        outputs={"arn": arn, "flow": flow.outputs["arn"], "release": live.get("description", "")},
        info={"version": live.get("description", "")},
        needs=(f"flow version/{flow.name}",),
        parent=flow.key,
    )


def _routed(resource: Resource) -> dict[str, Any]:
    version = str(resource.props["version"])
    return {
        "description": resource.payload["release"],
        "routingConfiguration": [{"stateMachineVersionArn": version, "weight": 100}],
    }


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    arn = resource.payload["arn"]
    if not resource.payload["parent"].get("alias"):
        tags = [{"key": key, "value": value} for key, value in TAG.items()]
        aws.call("stepfunctions", "tag_resource", resourceArn=arn, tags=tags)
    aws.call("stepfunctions", "create_state_machine_alias", name=ALIAS, **_routed(resource))
    return {"arn": f"{arn}:{ALIAS}", "flow": arn}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    if defaults.changed(changes) & {"version", "weights"}:
        aws.insist(
            f"flow {resource.name}",
            lambda: aws.call(
                "stepfunctions",
                "update_state_machine_alias",
                stateMachineAliasArn=actual.outputs["arn"],
                **_routed(resource),
            ),
        )
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    """Takes the alias from a flow that stays."""
    with defaults.if_there():
        aws.call(
            "stepfunctions",
            "delete_state_machine_alias",
            stateMachineAliasArn=actual.outputs["arn"],
        )
        aws.call(
            "stepfunctions",
            "untag_resource",
            resourceArn=actual.outputs["flow"],
            tagKeys=[ALIAS_TAG],
        )
