"""Published versions of the flows that are started by their alias.

The definition of such a flow names versions of functions, so a version of it is whole: all
that it calls is as it was published. A version never changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults
from tc.components.protocol import Aws, Outputs, Traits
from tc.components.role import role_arn
from tc.components.version import fits
from tc.compose.aliases import naming_versions
from tc.errors import AwsError
from tc.plan.resource import Actual, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.topology import Topology

KIND = "flow version"
PLURAL = "flow-versions"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="beside", told_by="flow", used_by_others=True)
check = defaults.nothing_to_check
trace = defaults.nothing_to_trace
find = defaults.nothing_to_find
read = defaults.nothing_to_read
update = defaults.nothing_to_update
settle = defaults.ready_at_once


def desired(topology: Topology, facts: Facts) -> Iterable[Resource]:
    scope = topology.scope
    for flow in topology.flows.values():
        if not flow.aliased:
            continue
        yield Resource(
            kind=KIND,
            key=flow.version_key,
            name=flow.full_name,
            title=flow.full_name,
            owner=scope.owner,
            props={
                "role": role_arn(scope, f"flow.{flow.name}"),
                "definition": naming_versions(flow, topology),
                "logging": {"level": flow.log_level, "include_data": flow.log_data},
                "tracing": flow.tracing,
            },
            needs=(f"flow/{flow.full_name}",),
            selectors=frozenset({"flow", "flows", "states", f"flow/{flow.name}", PLURAL}),
            parent=f"flow/{flow.full_name}",
            address=flow.address,
            snapshot=True,
            payload={"arn": flow.arn, "release": scope.version},
        )


def settings(live: Mapping[str, Any]) -> dict[str, Any]:
    """What DescribeStateMachine tells of a flow or a version of it, as props."""
    logging = live.get("loggingConfiguration", {})
    return {
        "role": live["roleArn"],
        "definition": _parsed(live["definition"]),
        "logging": {
            "level": logging.get("level", "OFF"),
            "include_data": bool(logging.get("includeExecutionData")),
        },
        "tracing": bool(live.get("tracingConfiguration", {}).get("enabled")),
    }


def _parsed(definition: str) -> Any:
    try:
        return json.loads(definition)
    except ValueError:
        return definition


def read_live(aws: Aws, flow: Actual, wanted: Resource | None, called: str) -> Iterator[Actual]:
    """The version of a live flow that is as `wanted` says: the one that is `called` now, an ARN
    or empty, or the newest; if neither is, the one that is called. Where none is wanted, nothing
    is read: the props are empty."""
    if wanted is None:
        if called:
            yield _actual(flow, called, {})
        return
    found = described(aws, called)
    if not _is(wanted, found):
        newest = next(iter(published(aws, flow.outputs["arn"])), "")
        other = described(aws, newest) if newest != called else None
        if other and (found is None or _is(wanted, other)):
            called, found = newest, other
    if found is not None:
        yield _actual(flow, called, found)


def _is(wanted: Resource, props: Mapping[str, Any] | None) -> bool:
    return props is not None and all(fits(v, props.get(k)) for k, v in wanted.props.items())


def described(aws: Aws, arn: str) -> dict[str, Any] | None:
    """The settings of a version by its ARN; None when there is none."""
    if not arn:
        return None
    try:
        return settings(aws.call("stepfunctions", "describe_state_machine", stateMachineArn=arn))
    except AwsError as error:
        if error.missing:
            return None
        raise


def _actual(flow: Actual, arn: str, props: Mapping[str, Any]) -> Actual:
    return Actual(
        kind=KIND,
        key=f"{KIND}/{flow.name}",
        name=flow.name,
        title=flow.name,
        owner=flow.owner,
        props=props,
        outputs={"arn": arn, "flow": flow.outputs["arn"]},
        info={"version": arn.rpartition(":")[2]},
        parent=flow.key,
    )


def published(aws: Aws, flow: str) -> list[str]:
    """The ARNs of the versions of a flow, newest first."""
    found: list[str] = []
    more: dict[str, str] = {}
    while True:
        page = aws.call(
            "stepfunctions", "list_state_machine_versions", stateMachineArn=flow, **more
        )
        found += [one["stateMachineVersionArn"] for one in page["stateMachineVersions"]]
        if not page.get("nextToken"):
            return found
        more = {"nextToken": page["nextToken"]}


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    """Publishes what the flow is now; Step Functions gives the last version again when nothing
    has changed since."""
    arn = resource.payload["arn"]
    made = aws.insist(
        f"flow {resource.name}",
        lambda: aws.call(
            "stepfunctions",
            "publish_state_machine_version",
            stateMachineArn=arn,
            description=resource.payload["release"],
        ),
    )
    return {"arn": made["stateMachineVersionArn"], "flow": arn}


def delete(aws: Aws, actual: Actual) -> None:
    """Takes every version from a flow that stays; one that somebody's alias names stays."""
    with defaults.if_there():
        drop(aws, published(aws, actual.outputs["flow"]))


def drop(aws: Aws, arns: Iterable[str]) -> int:
    """Deletes those versions that no alias names; how many went."""
    gone = 0
    for arn in arns:
        try:
            aws.call("stepfunctions", "delete_state_machine_version", stateMachineVersionArn=arn)
            gone += 1
        except AwsError as error:
            if not (error.missing or error.aws_code == "ConflictException"):
                raise
    return gone
