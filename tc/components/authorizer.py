"""Authorizers of APIs: who may call a route.

On an own API one is called as its function (``check``), on a shared gateway
``{namespace}@{sandbox} check``: an authorizer can't be tagged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults, rest_shared
from tc.components.api_names import Protocol, lambda_uri
from tc.components.authorizer_words import (
    COGNITO,
    HTTP_SOURCE,
    IAM,
    NONE,
    REST_SOURCE,
    patches,
    settings,
)
from tc.components.gateways import Gateway, gateways, rest_reason
from tc.components.protocol import Aws, Outputs, Traits
from tc.components.route_model import Authorizer, model_of
from tc.components.route_model import path as path_of
from tc.plan.resource import Actual, Change, Ref, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.names import shorten
from tc.spec.scope import dns_suffix
from tc.spec.topology import Entry, Topology

KIND = "authorizer"
PLURAL = "authorizers"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset({"type"})
TRAITS = Traits(switch="entry", told_by="api", comes_with=frozenset({"route"}))
trace = defaults.nothing_to_trace
find = defaults.nothing_to_find
read = defaults.nothing_to_read
settle = defaults.ready_at_once

#: authorizers of an API (API Gateway quota)
_LIMIT = 10
_POOL_ARN = re.compile(
    r"arn:[a-z-]+:cognito-idp:(?P<region>[a-z0-9-]+):\d{12}:userpool/(?P<id>\S+)"
)


def authorizer_key(api: str, owner: str, name: str, *, shared: bool) -> str:
    return f"{KIND}/{api}/{owner} {name}" if shared else f"{KIND}/{api}/{name}"


def name_of(entry: Entry) -> str:
    """``none``, ``iam``, or what the route's authorizer is called; pure of who is meant."""
    written = model_of(entry).authorizer
    if isinstance(written, Authorizer):
        if written.jwt:
            said = "\0".join([written.jwt.issuer, *written.jwt.audience])
            return f"jwt-{hashlib.sha256(said.encode()).hexdigest()[:8]}"
        said = "\0".join([str(written.cognito), *(written.audience or [])])
        return f"cognito-{hashlib.sha256(said.encode()).hexdigest()[:8]}"
    return written or NONE


def function_of(topology: Topology, entry: Entry) -> str | None:
    """The function that authorizes the route, by its bare name; None when none does.

    What names nothing is None too; `check` tells of it.
    """
    written = model_of(entry).authorizer
    if not isinstance(written, str) or written in (NONE, IAM, COGNITO):
        return None
    if written in topology.functions:
        return written
    full = {topology.function_name(name): name for name in topology.functions}
    return full.get(written)


def check(topology: Topology) -> Iterator[Finding]:
    for gateway in gateways(topology):
        for entry in gateway.entries:
            yield from _check(topology, gateway, entry)
        names = {name_of(entry) for entry in gateway.entries} - {NONE, IAM}
        if len(names) > _LIMIT:
            yield Finding(
                "too-many-authorizers",
                f"the API `{gateway.name}` would have {len(names)} authorizers; "
                f"API Gateway takes {_LIMIT}",
                topology.address / "routes",
                "let one function decide for several routes",
            )


def _check(topology: Topology, gateway: Gateway, entry: Entry) -> Iterator[Finding]:
    written = model_of(entry).authorizer
    at = entry.address / "authorizer"
    if isinstance(written, Authorizer):
        if (written.jwt is None) == (written.cognito is None):
            yield Finding("both", "an authorizer has either `jwt` or `cognito`", at)
        elif written.jwt and gateway.protocol == "REST":
            yield Finding(
                "needs-http",
                "a REST API takes no `jwt`",
                at,
                f"use `cognito` or a function; {rest_reason(gateway)}",
            )
        elif written.jwt and not written.jwt.audience:
            yield Finding("invalid-value", "`audience` needs at least one value", at / "jwt")
        elif written.audience and gateway.protocol == "REST":
            yield Finding(
                "needs-http",
                "a REST API lets in every app client of a pool; `audience` is for HTTP APIs",
                at,
                "leave `audience` out",
            )
        elif written.cognito:
            yield from _check_pool(topology, written.cognito, at)
    elif written == COGNITO:
        yield from _check_pool(topology, "", at)
    elif written and written not in (NONE, IAM) and function_of(topology, entry) is None:
        known = ", ".join(f"`{name}`" for name in sorted(topology.functions)) or "none"
        yield Finding(
            "unknown-name",
            f"there is no function `{written}` to authorize the route",
            at,
            f"functions: {known}; or `iam`, `cognito`, `none`",
        )


def _check_pool(topology: Topology, written: str, at: Any) -> Iterator[Finding]:
    pools = sorted(topology.entries.get("pools", {}))
    if _POOL_ARN.fullmatch(written) or written in pools or (not written and len(pools) == 1):
        return
    said = f"there is no pool `{written}`" if written else "`cognito` must say which pool"
    hint = f"pools: {', '.join(pools)}" if pools else "name its ARN: `authorizer: {cognito: arn:…}`"
    yield Finding("unknown-name", said, at, hint)


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    for gateway in gateways(topology):
        users: dict[str, list[Entry]] = {}
        for entry in gateway.entries:
            name = name_of(entry)
            if name not in (NONE, IAM):
                users.setdefault(name, []).append(entry)
        for name, entries in users.items():
            resource = _desired(topology, gateway, name, entries)
            if resource:
                yield resource


def _desired(
    topology: Topology, gateway: Gateway, name: str, entries: Sequence[Entry]
) -> Resource | None:
    scope = topology.scope
    function = function_of(topology, entries[0])
    written = model_of(entries[0]).authorizer
    props = _props(topology, gateway.protocol, function, written)
    if props is None:
        return None
    selectors = {"routes", PLURAL, f"{PLURAL}/{name}"}
    for entry in entries:
        where = path_of(entry)
        selectors |= {f"routes/{entry.name}", f"routes{where}", f"routes/{where}"}
    return Resource(
        kind=KIND,
        key=authorizer_key(gateway.name, scope.owner, name, shared=gateway.shared),
        name=shorten(name, 64),
        title=name,
        owner=scope.owner,
        props=props,
        needs=(gateway.key, *([topology.called_key(function)] if function else [])),
        selectors=frozenset(selectors),
        parent=gateway.key,
        address=entries[0].address,
        detail="OK",
        payload={
            "protocol": gateway.protocol,
            "shared": gateway.shared,
            "api": gateway.name,
            "entry": entries[0],
        },
    )


def _props(
    topology: Topology, protocol: Protocol, function: str | None, written: Any
) -> dict[str, Any] | None:
    """The authorizer in the words of API Gateway: type, and what that needs."""
    scope = topology.scope
    if function:
        uri = lambda_uri(scope.region, scope.partition, topology.function_arn(function))
        source = REST_SOURCE if protocol == "REST" else HTTP_SOURCE
        return {"type": "REQUEST", "uri": uri, "source": source, "ttl": 0}
    if isinstance(written, Authorizer) and written.jwt:
        audience = sorted(written.jwt.audience)
        return {"type": "JWT", "issuer": written.jwt.issuer, "audience": audience}
    if isinstance(written, Authorizer) and written.cognito:
        return _of_pool(topology, protocol, written.cognito, written.audience or [])
    return _of_pool(topology, protocol, "", []) if written == COGNITO else None


def _of_pool(
    topology: Topology, protocol: Protocol, pool: str, audience: list[str]
) -> dict[str, Any]:
    if protocol == "REST":
        return {"type": "COGNITO_USER_POOLS", "pools": [_pool_arn(topology, pool)]}
    clients: list[str | Ref] = [*sorted(audience)] or [_pool(topology, pool, "client_id")]
    return {"type": "JWT", "issuer": _issuer(topology, pool), "audience": clients}


def _pool_arn(topology: Topology, written: str) -> str | Ref:
    return written if _POOL_ARN.fullmatch(written) else _pool(topology, written, "arn")


def _issuer(topology: Topology, written: str) -> str | Ref:
    match = _POOL_ARN.fullmatch(written)
    if match is None:
        return _pool(topology, written, "issuer")
    host = f"cognito-idp.{match['region']}.{dns_suffix(topology.scope.partition)}"
    return f"https://{host}/{match['id']}"


def _pool(topology: Topology, written: str, attr: str) -> str | Ref:
    """`attr` of the pool, or of the topology's only one; empty where there is none, which
    `check` tells."""
    from tc.components import by_kind

    pools = topology.entries.get("pools", {})
    name = written or next(iter(pools), "")
    if name not in pools:
        return ""
    return by_kind()["pool"].TRAITS.addresses[attr](topology, name)


def actual(
    api: Resource, of: Mapping[str, str], number: str, label: str, props: Mapping[str, Any]
) -> Actual:
    """A live authorizer of `api`, whose outputs are `of`; on a shared one `label` says whose."""
    shared = bool(api.payload["shared"])
    owner, _, name = label.partition(" ") if shared and "@" in label else ("", "", label)
    owner = owner if shared else api.owner
    return Actual(
        kind=KIND,
        key=authorizer_key(api.name, owner, name, shared=shared),
        name=name,
        title=name,
        owner=owner,
        props=props,
        outputs={"id": number, "api": of["id"], "protocol": of["protocol"], "stage": of["stage"]},
        parent=api.key,
    )


def _label(resource: Resource) -> str:
    shared = (resource.payload or {}).get("shared")
    return f"{resource.owner} {resource.name}" if shared else resource.name


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    protocol = resource.payload["protocol"]
    api_id = resource.payload["parent"]["id"]
    said = settings(resource.props, protocol)
    if protocol == "REST":
        made = aws.call(
            "apigateway", "create_authorizer", restApiId=api_id, name=_label(resource), **said
        )
        return {"id": made["id"], "api": api_id, "protocol": protocol}
    made = aws.call(
        "apigatewayv2", "create_authorizer", ApiId=api_id, Name=_label(resource), **said
    )
    return {"id": made["AuthorizerId"], "api": api_id, "protocol": protocol}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    """Of an own REST API never called: that is written whole."""
    api_id, number = resource.payload["parent"]["id"], actual.outputs["id"]
    if resource.payload["protocol"] == "HTTP":
        aws.call(
            "apigatewayv2",
            "update_authorizer",
            ApiId=api_id,
            AuthorizerId=number,
            **settings(resource.props, "HTTP"),
        )
        return actual.outputs
    aws.call(
        "apigateway",
        "update_authorizer",
        restApiId=api_id,
        authorizerId=number,
        patchOperations=patches(resource.props, actual.props),
    )
    rest_shared.deploy(aws, resource.payload["parent"])
    return actual.outputs


def delete(aws: Aws, actual: Actual) -> None:
    """Of an API that is there; an own REST API's goes when that is written."""
    number, protocol = actual.outputs["id"], actual.outputs["protocol"]
    api_id = actual.outputs["api"]
    with defaults.if_there():
        if protocol == "REST":
            aws.call("apigateway", "delete_authorizer", restApiId=api_id, authorizerId=number)
        else:
            aws.call("apigatewayv2", "delete_authorizer", ApiId=api_id, AuthorizerId=number)
