"""EventBridge rules: which events start what.

Every sandbox's rules on a shared bus match the same pattern, so what tc sends
carries ``tc:sandbox:{sandbox}`` in ``resources``, and each rule takes events
with its own mark or with none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from tc.components import defaults
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import key_of_arn, role_arn, role_key
from tc.compose.patterns import check_pattern
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict, Targets
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.names import shorten
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Entry, Id, Topology


class EventModel(Targets):
    """`events.X`: the event X (its detail-type) and what it starts."""

    producer: str | None = Field(None, description="the event's source; `default`")
    producers: list[str] | None = Field(None, description="several sources")
    pattern: dict[str, Any] | str | None = Field(
        None, description="the whole event pattern, instead of source and detail-type"
    )
    filter: dict[str, Any] | str | None = Field(None, description="pattern of the detail")
    rule_name: str | None = Field(None, description="tc_{namespace}_{event}_{sandbox}")
    bus: str | None = Field(None, description="name of the event bus; `default`")
    doc_only: bool = Field(False, description="documented, not deployed")
    retries: Annotated[int, Field(ge=0, le=185)] | None = Field(None, description="1")
    maximum_event_age_in_seconds: Annotated[int, Field(ge=60, le=86400)] | None = Field(
        None, description="86,400"
    )
    sandboxes: list[str] | None = Field(None, description="only in these sandboxes")

    def deployed(self, sandbox: str, /) -> bool:
        return not self.doc_only and sandbox in (self.sandboxes or [sandbox])

    def sources(self) -> list[str]:
        return self.producers or [self.producer or "default"]

    def bus_entry(self, name: str) -> dict[str, str]:
        """The event as PutEvents takes it, without its detail."""
        return {
            "Source": self.sources()[0],
            "DetailType": name,
            "EventBusName": self.bus or "default",
        }


KIND = "event"
PLURAL = "events"
SECTION: tuple[str, type[Strict]] | None = ("events", EventModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset({"bus"})
TRAITS = Traits(addresses={"bus": lambda topology, name: bus_of(topology, name)})
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

#: targets of a rule (EventBridge quota)
_TARGETS_LIMIT = 5
_RETRIES = 1
_MAX_AGE_S = 86_400
_BUS = re.compile(r"[A-Za-z0-9._/-]{1,256}\Z")
_RULE_PART = re.compile(r"[A-Za-z0-9._-]+\Z")
_RULE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def _model(entry: Entry) -> EventModel:
    assert isinstance(entry.model, EventModel)
    return entry.model


def check(topology: Topology) -> Iterator[Finding]:
    for entry in topology.entries.get("events", {}).values():
        model = _model(entry)
        if len(entry.targets) > _TARGETS_LIMIT:
            yield Finding(
                "too-many-targets",
                f"the event `{entry.name}` has {len(entry.targets)} targets; "
                f"a rule takes {_TARGETS_LIMIT}",
                entry.address,
                at="key",
            )
        if model.producer and model.producers:
            yield Finding(
                "both",
                "write `producer` or `producers`, not both",
                entry.address / "producers",
                at="key",
            )
        for source in model.sources():
            if re.match(r"[A-Za-z0-9]+/[A-Z_]+\Z", source):
                yield Finding(
                    "not-yet",
                    f"this version of tc can't take `{source}` as a producer",
                    entry.address / ("producers" if model.producers else "producer"),
                )
        if model.bus and not _BUS.match(model.bus):
            yield Finding("bad-name", f"`{model.bus}` is no bus name", entry.address / "bus")
        if model.rule_name and not _RULE.match(model.rule_name):
            yield Finding(
                "bad-name",
                f"`{model.rule_name}` is no rule name",
                entry.address / "rule_name",
                "EventBridge takes up to 64 letters, digits and `._-`",
            )
        yield from _check_patterns(entry, model)
    yield from _check_rules(topology)


def _check_rules(topology: Topology) -> Iterator[Finding]:
    """Rules, and roles, are named after their events; each rule is one event's."""
    seen: dict[str, str] = {}
    for entry in deployed(topology):
        if not _RULE_PART.match(entry.name):
            yield Finding(
                "bad-name",
                f"`{entry.name}` can't name a rule: letters, digits and `._-` only",
                entry.address,
                f"call it otherwise, and write `pattern: {{detail-type: [{entry.name}]}}`",
                at="key",
            )
        arn = rule_arn(topology.scope, entry)
        if arn in seen:
            yield Finding(
                "duplicate-name",
                f"the events `{seen[arn]}` and `{entry.name}` have the same rule",
                entry.address / "rule_name",
                "give each a `rule_name` of its own",
            )
        seen.setdefault(arn, entry.name)


def _check_patterns(entry: Entry, model: EventModel) -> Iterator[Finding]:
    for key in ("pattern", "filter"):
        written = getattr(model, key)
        if written is None:
            continue
        parsed = _json(written)
        if not isinstance(parsed, dict):
            yield Finding("bad-pattern", f"`{key}` is no JSON object", entry.address / key)
            continue
        for path, message in check_pattern(parsed):
            address = entry.address / key
            if not isinstance(written, str):
                for part in path:
                    address = address / part
            yield Finding("bad-pattern", message, address)


def _json(written: Any) -> Any:
    if not isinstance(written, str):
        return written
    try:
        return json.loads(written)
    except ValueError:
        return None


def bus_of(topology: Topology, name: str) -> str:
    """The name of the bus that the event `name` is on."""
    return _model(topology.entries["events"][name]).bus or "default"


def rule_name(scope: Scope, entry: Entry) -> str:
    """The name of the rule (EventBridge: at most 64 characters)."""
    model = _model(entry)
    return model.rule_name or shorten(f"tc_{scope.namespace}_{entry.name}_{scope.sandbox}", 64)


def rule_arn(scope: Scope, entry: Entry) -> str:
    bus = _model(entry).bus or "default"
    middle = "" if bus == "default" else f"{bus}/"
    return scope.arn("events", f"rule/{middle}{rule_name(scope, entry)}")


def pattern(scope: Scope, entry: Entry) -> dict[str, Any]:
    """The rule's pattern: as written, or source and detail-type; plus the sandbox's mark."""
    model = _model(entry)
    written = _json(model.pattern)
    body: dict[str, Any] = (
        dict(written)
        if isinstance(written, dict)
        else {"source": model.sources(), "detail-type": [entry.name]}
    )
    if model.filter is not None:
        body["detail"] = _json(model.filter)
    body.setdefault(
        "resources",
        [{"exists": False}, {"anything-but": {"prefix": "tc:sandbox:"}}, scope.event_mark],
    )
    return body


def deployed(topology: Topology) -> list[Entry]:
    """The events with a rule in this sandbox: those that start something here."""
    sandbox = topology.scope.sandbox
    return [
        entry
        for entry in topology.entries.get("events", {}).values()
        if entry.targets and _model(entry).deployed(sandbox)
    ]


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for entry in deployed(topology):
        model = _model(entry)
        name = rule_name(scope, entry)
        bus = model.bus or "default"
        needs = [_target_key(topology, target) for target in entry.targets]
        if any(kind == "flow" for kind, _ in entry.targets):
            needs.append(role_key(scope, f"event.{entry.name}"))
        yield Resource(
            kind=KIND,
            key=_key(bus, name),
            name=name,
            title=entry.name,
            owner=scope.owner,
            props={
                "bus": bus,
                "state": "ENABLED",
                "pattern": pattern(scope, entry),
                "targets": dict(_target(topology, entry, target) for target in entry.targets),
                "tags": dict(scope.tags),
            },
            needs=tuple(needs),
            selectors=frozenset({PLURAL, f"{PLURAL}/{entry.name}"}),
            address=entry.address,
            detail="OK",
            payload={"tags": scope.marks, "bus": bus},
        )


def _key(bus: str, name: str) -> str:
    return f"{KIND}/{name}" if bus == "default" else f"{KIND}/{bus}/{name}"


def _target_key(topology: Topology, target: Id) -> str:
    kind, name = target
    if kind == "function":
        return f"function/{topology.function_name(name)}"
    return f"flow/{topology.flows[name].full_name}"


def _target(topology: Topology, entry: Entry, target: Id) -> tuple[str, dict[str, Any]]:
    """(id of the target in the rule, its fields)."""
    kind, name = target
    model = _model(entry)
    fields: dict[str, Any] = {
        "retries": _RETRIES if model.retries is None else model.retries,
        "max_age_s": model.maximum_event_age_in_seconds or _MAX_AGE_S,
    }
    if kind == "function":
        fields["arn"] = topology.function_arn(name)
    else:
        fields["arn"] = topology.flows[name].arn
        fields["role"] = role_arn(topology.scope, f"event.{entry.name}")
    return shorten(f"{kind}.{name}", 64), fields


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    prefix, suffix = f"tc_{scope.namespace}_", f"_{scope.sandbox}"
    places = {
        ("default", rule["Name"])
        for rule in aws.pages("events", "list_rules", "Rules", NamePrefix=prefix)
        if rule["Name"].endswith(suffix)
    }
    for arn in index.tagged:
        if ":rule/" in arn and ":events:" in arn:
            bus, _, name = arn.split(":rule/", 1)[1].rpartition("/")
            places.add((bus or "default", name))
    for bus, name in sorted(places):
        title = name.removeprefix(prefix).removesuffix(suffix)
        yield Resource(KIND, _key(bus, name), name, title, scope.owner, {}, payload={"bus": bus})


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _read(aws: Aws, resource: Resource) -> Actual | None:
    bus = resource.payload["bus"]
    try:
        rule = aws.call("events", "describe_rule", Name=resource.name, EventBusName=bus)
    except AwsError as error:
        if error.missing:
            return None
        raise
    targets = list(
        aws.pages("events", "list_targets_by_rule", "Targets", Rule=resource.name, EventBusName=bus)
    )
    tags = {
        tag["Key"]: tag["Value"]
        for tag in aws.call("events", "list_tags_for_resource", ResourceARN=rule["Arn"])["Tags"]
    }
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={
            "bus": bus,
            "state": rule.get("State", "ENABLED"),
            "pattern": _json(rule.get("EventPattern", "{}")),
            "targets": {target["Id"]: _live_target(target) for target in targets},
            "tags": own_tags(tags),
        },
        outputs={"arn": rule["Arn"]},
        info={"version": tags.get("version", "")},
        needs=tuple(key_of_arn(target["RoleArn"]) for target in targets if "RoleArn" in target),
    )


def _live_target(target: Mapping[str, Any]) -> dict[str, Any]:
    retry = target.get("RetryPolicy") or {}
    fields: dict[str, Any] = {
        "retries": retry.get("MaximumRetryAttempts", 185),
        "max_age_s": retry.get("MaximumEventAgeInSeconds", _MAX_AGE_S),
        "arn": target["Arn"],
    }
    if target.get("RoleArn"):
        fields["role"] = target["RoleArn"]
    return fields


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    arn = _put_rule(aws, resource, Tags=defaults.tag_list(resource.payload["tags"]))
    _put_targets(aws, resource, list(resource.props["targets"]))
    return {"arn": arn}


def _put_rule(aws: Aws, resource: Resource, **more: Any) -> str:
    made = aws.call(
        "events",
        "put_rule",
        Name=resource.name,
        EventBusName=resource.props["bus"],
        EventPattern=json.dumps(resource.props["pattern"]),
        State=resource.props["state"],
        **more,
    )
    return str(made["RuleArn"])


def _put_targets(aws: Aws, resource: Resource, ids: Sequence[str]) -> None:
    if not ids:
        return
    answer = aws.insist(
        f"role of {resource.name}",
        lambda: aws.call(
            "events",
            "put_targets",
            Rule=resource.name,
            EventBusName=resource.props["bus"],
            Targets=[_put_target(name, resource.props["targets"][name]) for name in ids],
        ),
    )
    if answer.get("FailedEntryCount"):
        first = answer["FailedEntries"][0]
        raise TcError(
            f"EventBridge refused the target {first.get('TargetId')}: {first.get('ErrorMessage')}",
            where=resource.name,
        )


def _put_target(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = {
        "Id": name,
        "Arn": fields["arn"],
        "RetryPolicy": {
            "MaximumRetryAttempts": fields["retries"],
            "MaximumEventAgeInSeconds": fields["max_age_s"],
        },
    }
    if "role" in fields:
        target["RoleArn"] = fields["role"]
    return target


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = {change.path.split(".")[0] for change in changes}
    if changed & {"pattern", "state"}:
        _put_rule(aws, resource)
    if "targets" in changed:
        before, after = actual.props["targets"], resource.props["targets"]
        _put_targets(aws, resource, [name for name in after if before.get(name) != after[name]])
        _remove_targets(aws, actual, sorted(set(before) - set(after)))
    if changed & {"tags", "owner"}:
        _retag(aws, resource, actual)
    return actual.outputs


def _retag(aws: Aws, resource: Resource, actual: Actual) -> None:
    arn = actual.outputs["arn"]
    removed = sorted(set(actual.props["tags"]) - set(resource.props["tags"]))
    if removed:
        aws.call("events", "untag_resource", ResourceARN=arn, TagKeys=removed)
    aws.call(
        "events", "tag_resource", ResourceARN=arn, Tags=defaults.tag_list(resource.payload["tags"])
    )


def _remove_targets(aws: Aws, actual: Actual, ids: Sequence[str]) -> None:
    if ids:
        aws.call(
            "events",
            "remove_targets",
            Rule=actual.name,
            EventBusName=actual.props["bus"],
            Ids=list(ids),
        )


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        _remove_targets(aws, actual, sorted(actual.props["targets"]))
        aws.call("events", "delete_rule", Name=actual.name, EventBusName=actual.props["bus"])
