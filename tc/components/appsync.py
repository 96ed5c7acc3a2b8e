"""What AppSync's two sorts of API share: who may call them, their keys, sources and tags.

The id of an API key is the key itself, so that it is no output and no field of
anything: what is told of it is whether it lasts, and a digest to know it by.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tc.components import defaults
from tc.components.protocol import Aws, Index
from tc.errors import AwsError
from tc.plan.resource import Resource
from tc.records import dataclass
from tc.spec.facts import Facts
from tc.spec.scope import OWNER_TAG, Scope, own_tags
from tc.spec.topology import Entry, Topology

_API = re.compile(r"arn:[^:]+:appsync:[^:]*:[^:]*:apis/(?P<id>[^/]+)")
#: AppSync keeps a key for at most 365 days; it rounds down to the hour
_KEY_DAYS = 364
#: days before its end at which a key is prolonged
_RENEW_DAYS = 30
_DAY = 86_400
#: what a key is that needs nothing done, and what is said when there is none
VALID = "valid"
NO_KEY = "none"


@dataclass(frozen=True, slots=True)
class Sort:
    """APIs of one sort, in the words of AppSync: how one is got and all are listed.

    Neither can be listed by name or tag; an account has at most 50 in a region.
    """

    get: str
    one: str
    list: str
    all: str


EVENT_API = Sort("get_api", "api", "list_apis", "apis")
GRAPHQL_API = Sort("get_graphql_api", "graphqlApi", "list_graphql_apis", "graphqlApis")


def find_apis(
    aws: Aws, scope: Scope, index: Index, sort: Sort, kind: str, role: str
) -> Iterator[Resource]:
    """The sandbox's APIs: by the index of tags, else by their roles, made for each `role`."""
    apis = _by_mark(aws, index, sort)
    if not apis and (index.names(role) or index.lags):
        apis = _all(aws, sort)
    for api in apis:
        if owner_of(api) == scope.owner:
            name = api["name"]
            payload = {"found": api}
            yield Resource(kind, f"{kind}/{name}", name, name, scope.owner, {}, payload=payload)


def live_apis(
    aws: Aws, resources: Sequence[Resource], sort: Sort
) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
    """Each of the resources that is there, and what AppSync tells of it."""
    unknown = [resource for resource in resources if "found" not in (resource.payload or {})]
    live = _all(aws, sort) if unknown else []
    for resource in resources:
        api = (resource.payload or {}).get("found") or _mine(live, resource)
        if api:
            yield resource, api


def _all(aws: Aws, sort: Sort) -> list[dict[str, Any]]:
    return list(aws.pages("appsync", sort.list, sort.all))


def _mine(live: Iterable[Mapping[str, Any]], resource: Resource) -> Mapping[str, Any] | None:
    """Of the APIs of the resource's name its owner's; another's when there is no such."""
    named = [api for api in live if api["name"] == resource.name]
    owned = [api for api in named if owner_of(api) == resource.owner]
    return next(iter([*owned, *named]), None)


def _by_mark(aws: Aws, index: Index, sort: Sort) -> list[dict[str, Any]]:
    """The APIs of the sort of which the index of tags tells: an ARN doesn't say of which
    sort an API is."""
    found = [_API.fullmatch(arn) for arn in index.tagged]
    numbers = [match["id"] for match in found if match]
    lives = aws.map(lambda number: _one(aws, number, sort), numbers)
    return [live for live in lives if live]


def _one(aws: Aws, number: str, sort: Sort) -> dict[str, Any] | None:
    with defaults.if_there():
        live: dict[str, Any] = aws.call("appsync", sort.get, apiId=number)[sort.one]
        return live
    return None


def owner_of(api: Mapping[str, Any]) -> str:
    return str((api.get("tags") or {}).get(OWNER_TAG, ""))


def tags_of(thing: Mapping[str, Any]) -> dict[str, str]:
    return own_tags(thing.get("tags") or {})


def retag(aws: Aws, arn: str, before: Mapping[str, str], resource: Resource) -> None:
    removed = sorted(set(before) - set(resource.props["tags"]))
    if removed:
        write(aws, "untag_resource", resourceArn=arn, tagKeys=removed)
    write(aws, "tag_resource", resourceArn=arn, tags=dict(resource.payload["tags"]))


def write(aws: Aws, operation: str, /, **given: Any) -> dict[str, Any]:
    """A call that changes an API: AppSync takes one at a time of each, and a role that was
    just made after a while."""
    return aws.insist("AppSync", lambda: aws.call("appsync", operation, **given))


# keys


def key_mark(owner: str) -> str:
    """The description of the key that tc made; others are the user's."""
    return f"tc {owner}"


def live_key(aws: Aws, api_id: str, owner: str) -> Mapping[str, Any] | None:
    """tc's key of the API, the one that lasts longest; it is deleted 60 days after its end."""
    keys = aws.pages("appsync", "list_api_keys", "apiKeys", apiId=api_id)
    own = [key for key in keys if key.get("description") == key_mark(owner)]
    return max(own, key=lambda key: int(key["expires"]), default=None)


def key_state(key: Mapping[str, Any] | None) -> str:
    """`valid`, `none`, or ``expires 2026-12-01`` when it has to be prolonged."""
    if key is None:
        return NO_KEY
    if int(key["expires"]) - time.time() > _RENEW_DAYS * _DAY:
        return VALID
    return f"expires {datetime.fromtimestamp(int(key['expires']), UTC):%Y-%m-%d}"


def key_digest(key: Mapping[str, Any] | None) -> str:
    """What tells one key from another and doesn't give it away; empty for none."""
    return hashlib.sha256(str(key["id"]).encode()).hexdigest()[:12] if key else ""


def make_key(aws: Aws, api_id: str, owner: str) -> None:
    """A key for the API where it has none, the one it has for another year: who uses it goes on."""
    expires = int(time.time()) + _KEY_DAYS * _DAY
    key = live_key(aws, api_id, owner)
    if key is None:
        said = {"description": key_mark(owner), "expires": expires}
        write(aws, "create_api_key", apiId=api_id, **said)
    else:
        write(aws, "update_api_key", apiId=api_id, id=key["id"], expires=expires)


# authorizers


def authorizer_function(topology: Topology, written: str) -> str | None:
    """The function that `written` (a bare or a full name) means."""
    full = {topology.function_name(name): name for name in topology.functions}
    name = topology.scope.fill(written)
    return name if name in topology.functions else full.get(name)


# data sources


def source_props(topology: Topology, target: tuple[str, str], role: str) -> dict[str, str]:
    """A data source for `target`: its type, what it reaches, and with which role."""
    kind, name = target
    if kind == "function":
        return {"type": "AWS_LAMBDA", "target": topology.function_arn(name), "role": role}
    if kind == "table":
        from tc.compose.things import table_name

        table = table_name(topology.scope, name)
        return {"type": "AMAZON_DYNAMODB", "target": table, "role": role}
    bus = bus_name(topology.entries["events"][name])
    arn = topology.scope.arn("events", f"event-bus/{bus}")
    return {"type": "AMAZON_EVENTBRIDGE", "target": arn, "role": role}


def bus_name(event: Entry) -> str:
    return getattr(event.model, "bus", None) or "default"


def put_source(aws: Aws, api_id: str, name: str, source: Mapping[str, str], there: bool) -> None:
    """Makes the data source `name`, or changes it where it is `there`."""
    settings: dict[str, dict[str, Any]] = {
        "NONE": {},
        "AWS_LAMBDA": {"lambdaConfig": {"lambdaFunctionArn": source["target"]}},
        "AMAZON_EVENTBRIDGE": {"eventBridgeConfig": {"eventBusArn": source["target"]}},
        "AMAZON_DYNAMODB": {
            "dynamodbConfig": {"tableName": source["target"], "awsRegion": aws.region}
        },
    }
    said = dict(settings[source["type"]])
    if source["role"]:
        said["serviceRoleArn"] = source["role"]
    operation = "update_data_source" if there else "create_data_source"
    write(aws, operation, apiId=api_id, name=name, type=source["type"], **said)


def live_source(source: Mapping[str, Any]) -> dict[str, str]:
    """A live data source as `source_props` says it."""
    target = (
        source.get("lambdaConfig", {}).get("lambdaFunctionArn")
        or source.get("eventBridgeConfig", {}).get("eventBusArn")
        or source.get("dynamodbConfig", {}).get("tableName", "")
    )
    return {
        "type": source["type"],
        "target": target,
        "role": source.get("serviceRoleArn", ""),
    }


def listed(aws: Aws, operation: str, key: str, api_id: str, **more: Any) -> list[dict[str, Any]]:
    """All of something that an API has; nothing when the API is gone."""
    try:
        return list(aws.pages("appsync", operation, key, apiId=api_id, **more))
    except AwsError as error:
        if error.missing:
            return []
        raise


def address(aws: Aws, host: str, api_id: str, path: str, *, realtime: bool = False) -> str:
    """Where an API answers, from the host name that AppSync tells."""
    scheme = "wss" if realtime else "https"
    if aws.local:
        # names below `localhost` are known to few machines
        root = str(aws.endpoint).replace("http", "ws", 1) if realtime else aws.endpoint
        return f"{root}/_aws/appsync/{api_id}{path}"
    return f"{scheme}://{host}{path}"


def with_javascript(topology: Topology) -> list[str]:
    """What AppSync runs JavaScript for, as ``channel talk``."""
    from tc.components import channel, mutation

    things = [one for kind in (channel, mutation) for one in kind.desired(topology, Facts())]
    return [f"{one.kind} {one.title}" for one in things if one.props.get("javascript")]
