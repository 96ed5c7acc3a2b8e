"""Step Functions state machines: the written flow and the generated ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults, flow_alias, flow_version
from tc.components.function_settings import ALIAS_TAG
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import key_of_arn, role_arn, role_key
from tc.compose.aliases import naming_versions
from tc.compose.permissions.flow import task_warnings
from tc.compose.things import activity_name, job_name, workgroup_name
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Flow, Topology

KIND = "flow"
PLURAL = "flow"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset({"mode"})
TRAITS = Traits(
    switch="beside",
    addresses={"arn": lambda topology, name: topology.flows[name or topology.name].arn},
)
trace = defaults.nothing_to_trace
#: kind of what a task needs to be there -> its name on AWS
_NAMED = {"activity": activity_name, "job": job_name, "workgroup": workgroup_name}
settle = defaults.ready_at_once


def check(topology: Topology) -> Iterable[Finding]:
    for flow in topology.flows.values():
        if not flow.generated:
            yield from task_warnings(flow, topology.scope)


def desired(topology: Topology, facts: Facts) -> Iterable[Resource]:
    scope = topology.scope
    for flow in topology.flows.values():
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{flow.full_name}",
            name=flow.full_name,
            title=flow.full_name,
            owner=scope.owner,
            props={
                "mode": flow.mode,
                "role": role_arn(scope, f"flow.{flow.name}"),
                "definition": naming_versions(flow, topology) if flow.aliased else flow.definition,
                "logging": {"level": flow.log_level, "include_data": flow.log_data},
                "tracing": flow.tracing,
                "tags": dict(scope.tags),
            },
            needs=(role_key(scope, f"flow.{flow.name}"), *_used(topology, flow)),
            selectors=frozenset({"flow", "flows", "states", f"flow/{flow.name}"}),
            address=flow.address,
            payload={
                "tags": {**scope.marks, **(flow_alias.TAG if flow.aliased else {})},
                "arn": flow.arn,
                "group": scope.arn("logs", f"log-group:{flow.log_group}:*"),
                "versions": flow.versions and not flow.aliased,
                "version": scope.version,
            },
        )


def _used(topology: Topology, flow: Flow) -> Iterator[str]:
    """The keys of what must be there before the flow: its log group, what its tasks use."""
    if flow.log_level != "OFF":
        yield f"log group/{flow.log_group}"
    targets = {edge.target for edge in topology.edges if edge.source == (KIND, flow.name)}
    for kind, name in sorted(targets):
        if kind == "function" and not flow.aliased:
            yield topology.called_key(name)
        elif kind in _NAMED:
            yield f"{kind}/{_NAMED[kind](topology.scope, name)}"


def find(aws: Aws, scope: Scope, index: Index) -> Iterable[Resource]:
    marker = ":stateMachine:"
    tagged = {arn.split(marker, 1)[1] for arn in index.tagged if marker in arn}
    for name in sorted(index.names(KIND) | tagged):
        arn = f"arn:{aws.partition}:states:{aws.region}:{aws.account}:stateMachine:{name}"
        yield Resource(KIND, f"{KIND}/{name}", name, name, scope.owner, {}, payload={"arn": arn})


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    """The flows, and of those that have an alias or should, that and the version it names."""
    return [actual for found in aws.map(lambda r: _read(aws, r), resources) for actual in found]


def _read(aws: Aws, resource: Resource) -> list[Actual]:
    actual = _read_one(aws, resource)
    if actual is None:
        return []
    wanted = {child.kind: child for child in resource.payload.get("children", ())}
    if not wanted and not actual.outputs["alias"]:
        return [actual]
    aliases = list(flow_alias.read_live(aws, actual))
    called = next((one.props["version"] for one in aliases), "")
    version = wanted.get(flow_version.KIND)
    return [actual, *aliases, *flow_version.read_live(aws, actual, version, called)]


def _read_one(aws: Aws, resource: Resource) -> Actual | None:
    arn = resource.payload["arn"]
    try:
        live = aws.call("stepfunctions", "describe_state_machine", stateMachineArn=arn)
    except AwsError as error:
        if error.missing:
            return None
        raise
    if live.get("status") == "DELETING":
        return None
    tags = {
        tag["key"]: tag["value"]
        for tag in aws.call("stepfunctions", "list_tags_for_resource", resourceArn=arn)["tags"]
    }
    logging = live.get("loggingConfiguration", {})
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={
            "mode": "Express" if live["type"] == "EXPRESS" else "Standard",
            **flow_version.settings(live),
            "tags": own_tags(tags),
        },
        outputs={"arn": arn, "alias": tags.get(ALIAS_TAG, "")},
        info={"since": str(live.get("creationDate", "")), "version": tags.get("version", "")},
        needs=(key_of_arn(live["roleArn"]), *_groups(logging)),
    )


def _groups(logging: Mapping[str, Any]) -> Iterator[str]:
    """The keys of the log groups that a live flow writes to."""
    for destination in logging.get("destinations", []):
        arn = destination.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "")
        if ":log-group:" in arn:
            yield f"log group/{arn.split(':log-group:')[1].removesuffix(':*')}"


def _logging(resource: Resource) -> dict[str, Any]:
    wanted = resource.props["logging"]
    configuration = {"level": wanted["level"], "includeExecutionData": wanted["include_data"]}
    if wanted["level"] == "OFF":
        return configuration
    group = {"cloudWatchLogsLogGroup": {"logGroupArn": resource.payload["group"]}}
    return {**configuration, "destinations": [group]}


def _published(resource: Resource) -> dict[str, Any]:
    """What makes a version of the flow in the same call."""
    if not resource.payload.get("versions"):
        return {}
    return {"publish": True, "versionDescription": resource.payload["version"]}


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    created = aws.insist(
        f"role of {resource.name}",
        lambda: aws.call(
            "stepfunctions",
            "create_state_machine",
            name=resource.name,
            type=resource.props["mode"].upper(),
            roleArn=resource.props["role"],
            definition=_text(resource.props["definition"]),
            loggingConfiguration=_logging(resource),
            tracingConfiguration={"enabled": resource.props["tracing"]},
            **_published(resource),
            tags=[{"key": k, "value": v} for k, v in resource.payload["tags"].items()],
        ),
    )
    return {
        "arn": created["stateMachineArn"],
        "alias": resource.payload["tags"].get(ALIAS_TAG, ""),
    }


def _state(aws: Aws, arn: str) -> str:
    """The status of the state machine, empty when there is none."""
    try:
        live = aws.call("stepfunctions", "describe_state_machine", stateMachineArn=arn)
    except AwsError as error:
        if error.missing:
            return ""
        raise
    return str(live.get("status", "ACTIVE"))


def _text(definition: Any) -> str:
    """ASL as it is sent: the keys in the order they were written."""
    return json.dumps(definition, indent=2, ensure_ascii=False)


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    arn = actual.outputs["arn"]
    settings: dict[str, Any] = {}
    if "definition" in changed:
        settings["definition"] = _text(resource.props["definition"])
    if "role" in changed:
        settings["roleArn"] = resource.props["role"]
    if "logging" in changed:
        settings["loggingConfiguration"] = _logging(resource)
    if "tracing" in changed:
        settings["tracingConfiguration"] = {"enabled": resource.props["tracing"]}
    if settings:
        settings |= _published(resource)
        aws.insist(
            f"role of {resource.name}",
            lambda: aws.call(
                "stepfunctions", "update_state_machine", stateMachineArn=arn, **settings
            ),
        )
    if changed & {"tags", "owner"}:
        removed = defaults.dropped_tags(resource, actual)
        if removed:
            aws.call("stepfunctions", "untag_resource", resourceArn=arn, tagKeys=removed)
        aws.call(
            "stepfunctions",
            "tag_resource",
            resourceArn=arn,
            tags=[{"key": k, "value": v} for k, v in resource.payload["tags"].items()],
        )
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    arn = actual.outputs["arn"]
    with defaults.if_there():
        aws.call("stepfunctions", "delete_state_machine", stateMachineArn=arn)
    aws.wait(f"deletion of {actual.name}", lambda: _state(aws, arn))
