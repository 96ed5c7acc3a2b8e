"""App clients of user pools: how an app signs people in. A pool has one that is tc's.

It is a public client, without a secret, so that pages and mobile apps can use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults
from tc.components.pool import PoolModel, client_key, pool_key, pool_name
from tc.components.protocol import Aws, Outputs, Traits
from tc.plan.resource import Actual, Change, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.topology import Topology

KIND = "pool client"
PLURAL = "pool-clients"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="beside", told_by="pool", comes_with=frozenset({"pool"}))
check = defaults.nothing_to_check
trace = defaults.nothing_to_trace
find = defaults.nothing_to_find
read = defaults.nothing_to_read
settle = defaults.ready_at_once

_FLOWS = {
    "srp": "ALLOW_USER_SRP_AUTH",
    "password": "ALLOW_USER_PASSWORD_AUTH",
    "admin": "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "custom": "ALLOW_CUSTOM_AUTH",
}
_REFRESH = "ALLOW_REFRESH_TOKEN_AUTH"
#: what DescribeUserPoolClient tells and UpdateUserPoolClient doesn't take
_TOLD_ONLY = frozenset({"ClientSecret", "ClientType", "CreationDate", "LastModifiedDate"})
_PAGE = 60


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    scope = topology.scope
    for entry in topology.entries.get("pools", {}).values():
        assert isinstance(entry.model, PoolModel)
        yield Resource(
            kind=KIND,
            key=client_key(scope, entry.name),
            name=pool_name(scope, entry.name),
            title=entry.name,
            owner=scope.owner,
            props={
                "flows": sorted({_REFRESH, *(_FLOWS[word] for word in entry.model.auth)}),
                "hides_users": True,
                "revocation": True,
            },
            needs=(pool_key(scope, entry.name),),
            selectors=frozenset({PLURAL, "pools", f"pools/{entry.name}"}),
            parent=pool_key(scope, entry.name),
            address=entry.address,
        )


def of_pool(aws: Aws, pool: Actual) -> list[Actual]:
    """The client of a live pool that has the pool's own name."""
    number = pool.outputs["id"]
    with defaults.if_there():
        listed = aws.pages(
            "cognito-idp",
            "list_user_pool_clients",
            "UserPoolClients",
            UserPoolId=number,
            MaxResults=_PAGE,
        )
        ids = [client["ClientId"] for client in listed if client["ClientName"] == pool.name]
        for client_id in ids[:1]:
            return [_actual(pool, _described(aws, number, client_id))]
    return []


def _described(aws: Aws, pool_id: str, client_id: str) -> dict[str, Any]:
    answer = aws.call(
        "cognito-idp", "describe_user_pool_client", UserPoolId=pool_id, ClientId=client_id
    )
    return dict(answer["UserPoolClient"])


def _actual(pool: Actual, live: Mapping[str, Any]) -> Actual:
    return Actual(
        kind=KIND,
        key=f"{KIND}/{pool.name}",
        name=pool.name,
        title=pool.title,
        owner=pool.owner,
        props={
            "flows": sorted(live.get("ExplicitAuthFlows", [])),
            "hides_users": live.get("PreventUserExistenceErrors") == "ENABLED",
            "revocation": live.get("EnableTokenRevocation", False),
        },
        outputs={"id": live["ClientId"], "pool": pool.outputs["id"]},
        info={"since": str(live.get("CreationDate", ""))},
        parent=pool.key,
    )


def _settings(resource: Resource) -> dict[str, Any]:
    props = resource.props
    return {
        "ExplicitAuthFlows": list(props["flows"]),
        "PreventUserExistenceErrors": "ENABLED" if props["hides_users"] else "LEGACY",
        "EnableTokenRevocation": props["revocation"],
    }


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    pool_id = resource.payload["parent"]["id"]
    made = aws.call(
        "cognito-idp",
        "create_user_pool_client",
        UserPoolId=pool_id,
        ClientName=resource.name,
        GenerateSecret=False,
        **_settings(resource),
    )["UserPoolClient"]
    return {"id": made["ClientId"], "pool": pool_id}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    """UpdateUserPoolClient sets back what it isn't given, so it is given all there is."""
    live = _described(aws, actual.outputs["pool"], actual.outputs["id"])
    kept = {key: value for key, value in live.items() if key not in _TOLD_ONLY}
    kept = {key: value for key, value in kept.items() if value not in (None, "", [], {})}
    aws.call("cognito-idp", "update_user_pool_client", **{**kept, **_settings(resource)})
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    with defaults.if_there():
        aws.call(
            "cognito-idp",
            "delete_user_pool_client",
            UserPoolId=actual.outputs["pool"],
            ClientId=actual.outputs["id"],
        )
