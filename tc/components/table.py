"""DynamoDB tables: on demand, with a stream where somebody reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.table_model import Attribute, IndexModel, TableModel, model_of, named
from tc.components.table_model import check as check
from tc.compose.producers import readers
from tc.compose.things import table_arn, table_name, table_stream
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Entry, Topology

KIND = "table"
PLURAL = "tables"
SECTION: tuple[str, type[Strict]] | None = ("tables", TableModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset({"key", "sort"})
trace = defaults.nothing_to_trace

_VIEW = "NEW_AND_OLD_IMAGES"


def _entries(topology: Topology) -> Mapping[str, Entry]:
    return topology.entries.get("tables", {})


def _holds(aws: Aws, actual: Actual) -> str:
    try:
        found = aws.call("dynamodb", "scan", TableName=actual.name, Limit=1, Select="COUNT")
    except AwsError as error:
        if error.missing:
            return ""
        raise
    return "items" if found.get("Count") else ""


TRAITS = Traits(
    switch="beside",
    gives=frozenset({"stream", "indexes"}),
    addresses={
        "name": lambda topology, name: table_name(topology.scope, name),
        "arn": lambda topology, name: table_arn(topology.scope, name),
        "stream": lambda topology, name: table_stream(topology.scope, name),
    },
    holds=_holds,
)


# what should be


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    read_by = {table for table, _ in readers(topology.entries, scope.sandbox)}
    for entry in _entries(topology).values():
        model = model_of(entry)
        name = table_name(scope, entry.name)
        view = model.stream if isinstance(model.stream, str) else _VIEW
        yield Resource(
            kind=KIND,
            key=f"{KIND}/{name}",
            name=name,
            title=entry.name,
            owner=scope.owner,
            props={
                "key": _key(model.key),
                "sort": _key(model.sort),
                "billing": "PAY_PER_REQUEST",
                "stream": view if model.stream or entry.name in read_by else "",
                "indexes": {name: _index(index) for name, index in model.indexes.items()},
                "ttl": model.ttl or "",
                "tags": dict(scope.tags),
            },
            selectors=frozenset({PLURAL, f"{PLURAL}/{entry.name}"}),
            address=entry.address,
            payload={"tags": {**scope.marks, **defaults.has_tag({"ttl"} if model.ttl else ())}},
        )


def _key(attribute: Attribute | None) -> str:
    """``id (S)``; nothing for no attribute."""
    if attribute is None:
        return ""
    name, kind = named(attribute)
    return f"{name} ({kind})"


def _index(index: IndexModel) -> dict[str, Any]:
    listed = index.projection
    return {
        "key": _key(index.key),
        "sort": _key(index.sort),
        "projection": sorted(listed) if isinstance(listed, list) else listed,
    }


# what is


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """By the mark, and of what is too new for that index the first names that sort
    behind the namespace's (ListTables knows no prefix)."""
    prefix, end = f"{scope.namespace}_", f"_{scope.sandbox}"
    page = aws.call("dynamodb", "list_tables", ExclusiveStartTableName=f"{prefix}-", Limit=100)
    names = {name for name in page["TableNames"] if name.startswith(prefix) and name.endswith(end)}
    marker = ":table/"
    names |= {arn.split(marker)[1] for arn in index.tagged if ":dynamodb:" in arn and marker in arn}
    return defaults.named(KIND, scope, names)


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    return [actual for actual in aws.map(lambda r: _read(aws, r), resources) if actual]


def _described(aws: Aws, name: str) -> dict[str, Any]:
    """The table as DescribeTable tells it; empty when there is none."""
    try:
        table: dict[str, Any] = aws.call("dynamodb", "describe_table", TableName=name)["Table"]
    except AwsError as error:
        if error.missing:
            return {}
        raise
    return table


def _read(aws: Aws, resource: Resource) -> Actual | None:
    table = _described(aws, resource.name)
    if not table or table.get("TableStatus") == "DELETING":
        return None
    arn = table["TableArn"]
    listed = aws.pages("dynamodb", "list_tags_of_resource", "Tags", ResourceArn=arn)
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    has_ttl = bool(resource.props.get("ttl")) or "ttl" in defaults.has(tags)
    stream = table.get("StreamSpecification", {})
    view = stream.get("StreamViewType", "") if stream.get("StreamEnabled") else ""
    outputs = {"arn": arn, "name": resource.name}
    if view and view == resource.props.get("stream", view):
        # a stream that is about to change gets another ARN
        outputs["stream"] = table["LatestStreamArn"]
    return Actual(
        kind=KIND,
        key=resource.key,
        name=resource.name,
        title=resource.title,
        owner=tags.get(OWNER_TAG, ""),
        props={
            **_live_keys(table, table["KeySchema"]),
            "billing": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            "stream": view,
            "indexes": {
                index["IndexName"]: _live_index(table, index)
                for index in table.get("GlobalSecondaryIndexes", [])
                if index.get("IndexStatus") != "DELETING"
            },
            "ttl": _live_ttl(aws, resource.name) if has_ttl else "",
            "tags": defaults.without_has(own_tags(tags)),
        },
        outputs=outputs,
        info={"since": str(table.get("CreationDateTime", "")), "version": tags.get("version", "")},
    )


def _live_keys(table: Mapping[str, Any], schema: Iterable[Mapping[str, str]]) -> dict[str, str]:
    types = {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}
    keys = {part["KeyType"]: part["AttributeName"] for part in schema}
    return {
        prop: f"{keys[kind]} ({types[keys[kind]]})" if kind in keys else ""
        for prop, kind in (("key", "HASH"), ("sort", "RANGE"))
    }


def _live_index(table: Mapping[str, Any], index: Mapping[str, Any]) -> dict[str, Any]:
    projection = index["Projection"]
    listed = sorted(projection.get("NonKeyAttributes", []))
    return {
        **_live_keys(table, index["KeySchema"]),
        "projection": listed or projection["ProjectionType"],
    }


def _live_ttl(aws: Aws, name: str) -> str:
    found = aws.call("dynamodb", "describe_time_to_live", TableName=name)
    told = found.get("TimeToLiveDescription", {})
    on = told.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
    return str(told.get("AttributeName", "")) if on else ""


# what to do


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    props = resource.props
    more: dict[str, Any] = {}
    if props["indexes"]:
        more["GlobalSecondaryIndexes"] = [
            _api_index(name, index) for name, index in props["indexes"].items()
        ]
    if props["stream"]:
        more["StreamSpecification"] = _api_stream(props["stream"])
    made = aws.call(
        "dynamodb",
        "create_table",
        TableName=resource.name,
        AttributeDefinitions=_definitions(props),
        KeySchema=_schema(props),
        BillingMode=props["billing"],
        Tags=defaults.tag_list(resource.payload["tags"]),
        **more,
    )
    settle(aws, resource)
    if props["ttl"]:
        _set_ttl(aws, resource.name, props["ttl"], on=True)
    return _outputs(made["TableDescription"])


def _outputs(table: Mapping[str, Any]) -> dict[str, str]:
    outputs = {"arn": table["TableArn"], "name": table["TableName"]}
    if table.get("StreamSpecification", {}).get("StreamEnabled"):
        outputs["stream"] = table["LatestStreamArn"]
    return outputs


def _schema(keys: Mapping[str, str]) -> list[dict[str, str]]:
    parts = [(keys["key"], "HASH"), (keys["sort"], "RANGE")]
    return [{"AttributeName": text.split()[0], "KeyType": kind} for text, kind in parts if text]


def _definitions(props: Mapping[str, Any]) -> list[dict[str, str]]:
    """The attributes of all keys, each once."""
    written = [keys[part] for keys in (props, *props["indexes"].values()) for part in _PARTS]
    types = {text.split()[0]: text.split()[1].strip("()") for text in written if text}
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


_PARTS = ("key", "sort")


def _api_index(name: str, index: Mapping[str, Any]) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index["projection"]}
    if isinstance(index["projection"], list):
        projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": index["projection"]}
    return {"IndexName": name, "KeySchema": _schema(index), "Projection": projection}


def _api_stream(view: str) -> dict[str, Any]:
    return {"StreamEnabled": True, "StreamViewType": view} if view else {"StreamEnabled": False}


def _set_ttl(aws: Aws, name: str, attribute: str, *, on: bool) -> None:
    aws.call(
        "dynamodb",
        "update_time_to_live",
        TableName=name,
        TimeToLiveSpecification={"Enabled": on, "AttributeName": attribute},
    )


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    changed = defaults.changed(changes)
    before, after = actual.props, resource.props
    if "billing" in changed:
        _alter(aws, resource, BillingMode=after["billing"])
    if "stream" in changed:
        if before["stream"]:
            _alter(aws, resource, StreamSpecification=_api_stream(""))
        if after["stream"]:
            _alter(aws, resource, StreamSpecification=_api_stream(after["stream"]))
    if "indexes" in changed:
        _change_indexes(aws, resource, before["indexes"], after["indexes"])
    if "ttl" in changed:
        if before["ttl"]:
            _set_ttl(aws, resource.name, before["ttl"], on=False)
        if after["ttl"]:
            _set_ttl(aws, resource.name, after["ttl"], on=True)
    if changed & {"tags", "owner", "ttl"}:
        _retag(aws, resource, actual)
    return _outputs(_described(aws, resource.name))


def _alter(aws: Aws, resource: Resource, **what: Any) -> None:
    """One change of a table: DynamoDB takes them one by one, each when the last is done."""
    aws.call("dynamodb", "update_table", TableName=resource.name, **what)
    settle(aws, resource)


def _change_indexes(
    aws: Aws, resource: Resource, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """An index can't be changed: it is removed and made again."""
    for name in before:
        if before[name] != after.get(name):
            _alter(aws, resource, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": name}}])
    for name, index in after.items():
        if before.get(name) != index:
            _alter(
                aws,
                resource,
                AttributeDefinitions=_definitions({**resource.props, "indexes": {name: index}}),
                GlobalSecondaryIndexUpdates=[{"Create": _api_index(name, index)}],
            )


def _retag(aws: Aws, resource: Resource, actual: Actual) -> None:
    arn = actual.outputs["arn"]
    removed = defaults.dropped_tags(resource, actual)
    if actual.props["ttl"] and not resource.props["ttl"]:
        removed.append(defaults.HAS_TAG)
    if removed:
        aws.call("dynamodb", "untag_resource", ResourceArn=arn, TagKeys=sorted(removed))
    tags = defaults.tag_list(resource.payload["tags"])
    aws.call("dynamodb", "tag_resource", ResourceArn=arn, Tags=tags)


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.insist(
            f"table {actual.name}",
            lambda: aws.call("dynamodb", "delete_table", TableName=actual.name),
        )
    aws.wait(f"deletion of the table {actual.name}", lambda: _status(aws, actual.name))


def _status(aws: Aws, name: str) -> str:
    return str(_described(aws, name).get("TableStatus", ""))


def settle(aws: Aws, resource: Resource) -> None:
    """Waits until the table and its indexes can be used."""

    def busy() -> str:
        table = _described(aws, resource.name)
        indexes = table.get("GlobalSecondaryIndexes", [])
        states = [table.get("TableStatus"), *(index.get("IndexStatus") for index in indexes)]
        return ", ".join(str(state) for state in states if state not in ("ACTIVE", None))

    aws.wait(f"table {resource.name}", busy)
