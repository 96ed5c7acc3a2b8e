"""The GraphQL API of a sandbox: its schema, its key, and who may call it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tc.components import defaults
from tc.components.appsync import (
    GRAPHQL_API,
    NO_KEY,
    VALID,
    address,
    authorizer_function,
    find_apis,
    key_state,
    live_apis,
    live_key,
    make_key,
    owner_of,
    retag,
    tags_of,
    write,
)
from tc.components.mutation_model import api_of, mutations
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.compose import graphql
from tc.compose.appsync import graphql_api_name
from tc.errors import AwsError, TcError
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Entity, Strict
from tc.spec.facts import Facts
from tc.spec.scope import Scope
from tc.spec.topology import Topology

KIND = "mutation api"
PLURAL = "mutation-apis"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="container", comes_with=frozenset({"mutation"}))
check = defaults.nothing_to_check
trace = defaults.nothing_to_trace
settle = defaults.ready_at_once

#: settings of an API that tc knows nothing of (UpdateGraphqlApi)
_USERS = (
    "enhancedMetricsConfig",
    "introspectionConfig",
    "logConfig",
    "ownerContact",
    "queryDepthLimit",
    "resolverCountLimit",
    "xrayEnabled",
)
_DONE = frozenset({"SUCCESS", "ACTIVE"})
_FAILED = "FAILED"
_NO_SCHEMA = "GraphQLSchemaException"


def api_key(scope: Scope) -> str:
    """The key of the API in a plan."""
    return f"{KIND}/{graphql_api_name(scope)}"


def authorizer_of(topology: Topology) -> str | None:
    """The function that says who may call the API."""
    api = api_of(topology)
    return authorizer_function(topology, api.authorizer) if api and api.authorizer else None


def described(topology: Topology) -> graphql.Api:
    """The API as `tc.compose.graphql` takes it."""
    api = api_of(topology)
    assert api is not None
    return graphql.Api(
        types=api.types,
        inputs=api.inputs,
        resolvers=mutations(topology),
        called=frozenset(_called(topology)),
        directive="@aws_lambda" if api.authorizer else "@aws_api_key",
        keys=table_keys(topology),
    )


def _called(topology: Topology) -> set[str]:
    """The mutations that IAM callers call: rules, and functions that have the address."""
    found = {n for edge in topology.edges for k, n in [edge.target] if k == "mutation"}
    for section in topology.entries.values():
        for entry in section.values():
            assert isinstance(entry.model, Entity)
            if entry.model.deployed(topology.scope.sandbox):
                found |= {name for kind, name in entry.targets if kind == "mutation"}
    return found


def table_of(topology: Topology, type_name: str) -> tuple[str, str] | None:
    """The table that holds a type, and the mutation that puts it there."""
    for name, entry in topology.entries.get("mutations", {}).items():
        output = graphql.base_of(mutations(topology)[name].output)
        tables = [table for kind, table in entry.targets if kind == "table"]
        if tables and output == type_name:
            return tables[0], name
    return None


def keys_of(topology: Topology, table: str) -> list[str]:
    """The key attributes of a table."""
    model: Any = topology.entries["tables"][table].model
    return [attribute_name(one) for one in (model.key, model.sort) if one is not None]


def attribute_name(attribute: Any) -> str:
    """`id`, or of `{id: N}` the one key."""
    return attribute if isinstance(attribute, str) else str(next(iter(attribute)))


def table_keys(topology: Topology) -> dict[str, dict[str, str]]:
    """Of each type that a table holds, its key fields as a query takes them."""
    api = api_of(topology)
    found: dict[str, dict[str, str]] = {}
    for name, fields in (api.types if api else {}).items():
        held = table_of(topology, name)
        if held:
            keys = keys_of(topology, held[0])
            found[name] = {key: fields.get(key, "ID").rstrip("! ") + "!" for key in keys}
    return found


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    api = api_of(topology)
    if api is None:
        return
    scope = topology.scope
    authorizer = authorizer_of(topology)
    made = described(topology)
    yield Resource(
        kind=KIND,
        key=api_key(scope),
        name=graphql_api_name(scope),
        title=graphql_api_name(scope),
        owner=scope.owner,
        props={
            "authorization": [
                "AWS_LAMBDA" if api.authorizer else "API_KEY",
                *(["AWS_IAM"] if made.called else []),
            ],
            "authorizer": topology.function_arn(authorizer) if authorizer else "",
            "api_key": NO_KEY if api.authorizer else VALID,
            "schema": graphql.parse(graphql.text(graphql.schema(made))),
            "tags": dict(scope.tags),
        },
        needs=(topology.called_key(authorizer),) if authorizer else (),
        selectors=frozenset({PLURAL, "mutations", *(f"mutations/{n}" for n in made.resolvers)}),
        address=next(iter(topology.entries["mutations"].values())).address,
        payload={"tags": scope.marks},
    )


# what is


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    return find_apis(aws, scope, index, GRAPHQL_API, KIND, "mutation")


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    from tc.components import mutation

    found = []
    for resource, api in live_apis(aws, resources, GRAPHQL_API):
        actual = _actual(aws, resource, api)
        found += [actual, *mutation.live_resolvers(aws, actual)]
    return found


def _actual(aws: Aws, resource: Resource, api: Mapping[str, Any]) -> Actual:
    owner, main = owner_of(api), api["authenticationType"]
    more = api.get("additionalAuthenticationProviders") or []
    key = live_key(aws, api["apiId"], owner) if main == "API_KEY" else None
    return Actual(
        kind=KIND,
        key=resource.key,
        name=api["name"],
        title=resource.title,
        owner=owner,
        props={
            "authorization": [main, *sorted(one["authenticationType"] for one in more)],
            "authorizer": (api.get("lambdaAuthorizerConfig") or {}).get("authorizerUri", ""),
            "api_key": key_state(key),
            "schema": _live_schema(aws, api["apiId"]),
            "tags": tags_of(api),
        },
        outputs=_outputs(aws, api),
        info={
            "since": _since(api),
            "version": str((api.get("tags") or {}).get("version", "")),
        },
    )


def _since(api: Mapping[str, Any]) -> str:
    made = api.get("createdAt")
    return str(datetime.fromtimestamp(made, UTC)) if isinstance(made, int | float) else ""


def _live_schema(aws: Aws, api_id: str) -> graphql.Schema:
    """The schema as AppSync has it; none where there is none yet."""
    try:
        said = aws.call("appsync", "get_introspection_schema", apiId=api_id, format="SDL")
    except AwsError as error:
        if error.missing or error.aws_code == _NO_SCHEMA:
            return {}
        raise
    body = said.get("schema") or b""
    return graphql.parse(body.decode() if isinstance(body, bytes) else str(body))


def _outputs(aws: Aws, api: Mapping[str, Any]) -> dict[str, str]:
    """A rule knows the API by the first part of its host name, which isn't its id."""
    api_id, hosts = api["apiId"], {k: _host(u) for k, u in api["uris"].items()}
    endpoint = api["arn"].rpartition(":")[0] + ":endpoints/graphql-api/"
    path = "/graphql"
    return {
        "id": api_id,
        "arn": api["arn"],
        "endpoint_arn": endpoint + hosts["GRAPHQL"].split(".")[0],
        "url": address(aws, hosts["GRAPHQL"], api_id, path),
        "realtime_url": address(
            aws, hosts["REALTIME"], api_id, path + "/realtime" * aws.local, realtime=True
        ),
    }


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


# changes


def _settings(resource: Resource) -> dict[str, Any]:
    main, *more = resource.props["authorization"]
    uri = resource.props["authorizer"]
    return {
        "name": resource.name,
        "authenticationType": main,
        "additionalAuthenticationProviders": [{"authenticationType": mode} for mode in more],
        **({"lambdaAuthorizerConfig": {"authorizerUri": uri}} if uri else {}),
    }


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    made = write(
        aws,
        "create_graphql_api",
        tags=dict(resource.payload["tags"]),
        **_settings(resource),
    )["graphqlApi"]
    _write_schema(aws, made["apiId"], resource)
    if resource.props["api_key"] == VALID:
        make_key(aws, made["apiId"], resource.owner)
    return _outputs(aws, made)


def _write_schema(aws: Aws, api_id: str, resource: Resource) -> None:
    """AppSync compiles a schema in the background."""
    definition = graphql.text(resource.props["schema"]).encode()
    write(aws, "start_schema_creation", apiId=api_id, definition=definition)

    def pending() -> str:
        said = aws.call("appsync", "get_schema_creation_status", apiId=api_id)
        if said["status"] == _FAILED:
            raise TcError(
                f"AppSync can't use the schema: {said.get('details', '')}",
                code="aws",
                where=resource.name,
            )
        return "" if said["status"] in _DONE else str(said["status"])

    aws.wait(f"schema of {resource.name}", pending)


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    fields, api_id = defaults.changed(changes), actual.outputs["id"]
    if fields & {"authorization", "authorizer"}:
        _rewrite(aws, api_id, resource)
    if "schema" in fields:
        _write_schema(aws, api_id, resource)
    if "api_key" in fields and resource.props["api_key"] == VALID:
        make_key(aws, api_id, resource.owner)
    if fields & {"tags", "owner"}:
        retag(aws, actual.outputs["arn"], actual.props["tags"], resource)
    return actual.outputs


def _rewrite(aws: Aws, api_id: str, resource: Resource) -> None:
    """UpdateGraphqlApi sets back what it isn't given: what is the user's is read, and kept."""
    live = aws.call("appsync", "get_graphql_api", apiId=api_id)["graphqlApi"]
    kept = {key: live[key] for key in _USERS if live.get(key) is not None}
    write(aws, "update_graphql_api", apiId=api_id, **kept, **_settings(resource))


def delete(aws: Aws, actual: Actual) -> None:
    """With its schema, resolvers, sources and keys."""
    with defaults.if_there():
        write(aws, "delete_graphql_api", apiId=actual.outputs["id"])
