"""Who may invoke a function: a statement of its policy for each API and rule.

A statement id starts ``tc-``; others are the user's and left alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import (
    alias,
    authorizer,
    channel_api,
    defaults,
    event,
    mutation_api,
    route,
    trigger,
)
from tc.components.api_names import api_key, api_name, public_path
from tc.components.function import owned
from tc.components.gateways import deployed
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.route_model import path as path_of
from tc.compose.appsync import event_api, graphql_api
from tc.compose.producers import rule_selectors
from tc.errors import AwsError
from tc.plan.resource import Actual, Change, Joined, Ref, Resource
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.scope import Scope
from tc.spec.topology import Entry, Topology

KIND = "permission"
PLURAL = "permissions"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset({"principal", "source"})
TRAITS = Traits(
    switch="companion", comes_with=frozenset({"route", "event", "trigger", "channel", "mutation"})
)
check = defaults.nothing_to_check
settle = defaults.ready_at_once

_PREFIX = "tc-"
_APPSYNC = "appsync.amazonaws.com"


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    yield from _for_apis(topology)
    yield from _for_authorizers(topology)
    yield from _for_events(topology)
    yield from _for_appsync(topology)
    yield from _for_pools(topology)


def _for_apis(topology: Topology) -> Iterator[Resource]:
    """One statement for each function and API: moving a route to another path is no
    change of it. On a shared API it is for the sandbox's own paths."""
    scope = topology.scope
    routes: dict[tuple[str, str, bool], list[Entry]] = {}
    for entry in deployed(topology):
        shared = getattr(entry.model, "gateway", None) is not None
        for kind, name in entry.targets:
            if kind == "function":
                routes.setdefault((name, api_name(topology, entry), shared), []).append(entry)
    for (function, api, shared), entries in routes.items():
        key = api_key(api, shared=shared)
        paths = [public_path(scope, path_of(entry), shared=shared) for entry in entries]
        selectors = {"routes"}
        for entry in entries:
            where = path_of(entry)
            selectors |= {f"routes/{entry.name}", f"routes{where}", f"routes/{where}"}
        yield _permission(
            topology,
            function,
            sid=api_sid(api, shared=shared),
            principal="apigateway.amazonaws.com",
            source=Ref(
                key,
                "id",
                before=scope.arn("execute-api", ""),
                after=f"/*/*{_below(scope, paths) if shared else '/*'}",
            ),
            title=f"{topology.function_name(function)} for api {api}",
            needs=(key,),
            selectors=selectors,
        )


def _for_authorizers(topology: Topology) -> Iterator[Resource]:
    """One statement for each API that asks the function who may call."""
    scope = topology.scope
    for ward in authorizer.desired(topology, Facts()):
        function = authorizer.function_of(topology, ward.payload["entry"])
        if function is None:
            continue
        api, shared = ward.payload["api"], ward.payload["shared"]
        parent = api_key(api, shared=shared)
        # an own API's authorizers get new ids when it is written whole
        which: str | Ref = Ref(ward.key, "id") if shared else "*"
        root = Ref(parent, "id", before=scope.arn("execute-api", ""), after="/authorizers/")
        yield _permission(
            topology,
            function,
            sid=_sid("authorizer", api, ward.name, str(shared)),
            principal="apigateway.amazonaws.com",
            source=Joined((root, which)),
            title=f"{topology.function_name(function)} for authorizer of {api}",
            needs=(parent, ward.key),
            selectors=set(ward.selectors) - {authorizer.PLURAL},
        )


def _below(scope: Scope, paths: Sequence[str]) -> str:
    """The sandbox's part of a shared API, its root included where a route is there."""
    root = public_path(scope, "/", shared=True)
    if root == "/":
        return "/*"
    return f"{root}*" if root in paths else f"{root}/*"


def _for_events(topology: Topology) -> Iterator[Resource]:
    scope = topology.scope
    for entry in event.deployed(topology):
        for kind, name in entry.targets:
            if kind == "function":
                yield _permission(
                    topology,
                    name,
                    sid=_sid("event", entry.name),
                    principal="events.amazonaws.com",
                    source=event.rule_arn(scope, entry),
                    title=f"{topology.function_name(name)} for event {entry.name}",
                    needs=(),
                    selectors=set(rule_selectors(entry.name)),
                )


def _for_pools(topology: Topology) -> Iterator[Resource]:
    """One statement for each function and pool, whatever the pool asks it for."""
    for resource in trigger.desired(topology, Facts()):
        for function in resource.payload["asks"]:
            pool = str(resource.parent)
            yield _permission(
                topology,
                function,
                sid=_sid("pool", resource.name),
                principal="cognito-idp.amazonaws.com",
                source=Ref(pool, "arn"),
                title=f"{topology.function_name(function)} for pool {resource.name}",
                needs=(pool,),
                selectors=set(resource.selectors),
            )


def _for_appsync(topology: Topology) -> Iterator[Resource]:
    """AppSync asks an authorizer by itself, with no role."""
    scope = topology.scope
    asked = [
        ("channel", channel_api.authorizer_of(topology), event_api(scope, "arn")),
        ("mutation", mutation_api.authorizer_of(topology), graphql_api(scope, "arn")),
    ]
    for kind, function, arn in asked:
        if function:
            yield _permission(
                topology,
                function,
                sid=_sid(kind, "authorizer"),
                principal=_APPSYNC,
                source=arn,
                title=f"{topology.function_name(function)} for the authorizer of {kind}s",
                needs=(arn.key,),
                selectors={f"{kind}s"},
            )


def _permission(
    topology: Topology,
    function: str,
    *,
    sid: str,
    principal: str,
    source: str | Ref | Joined,
    title: str,
    needs: tuple[str, ...],
    selectors: set[str],
) -> Resource:
    full, called = topology.function_name(function), topology.called_name(function)
    # an alias has a policy of its own
    sid += called.removeprefix(full).replace(":", "-")
    return Resource(
        kind=KIND,
        key=f"{KIND}/{called}/{sid}",
        name=sid,
        title=title,
        owner=topology.scope.owner,
        props={"principal": principal, "source": source},
        needs=(topology.called_key(function), *needs),
        selectors=frozenset(selectors | {PLURAL}),
        parent=f"function/{full}",
        detail="OK",
        payload={"function": called},
    )


def api_sid(api: str, *, shared: bool) -> str:
    """The statement by which a function lets an API in."""
    return _sid("api", api, str(shared))


def _sid(*parts: str) -> str:
    """A statement id: readable, and of its own for each thing (Lambda: 100 characters)."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(parts[:2])).strip("-")[:60]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
    return f"{_PREFIX}{readable}-{digest}"


def find(aws: Aws, scope: Scope, index: Index) -> Iterator[Resource]:
    """One stand-in for each function, so that its policy is read."""
    for name in sorted(owned(index)):
        yield _stand_in(name, name, scope.owner)


def trace(actuals: Iterable[Actual]) -> Iterator[Resource]:
    """One stand-in for each alias whose policy hasn't been read yet."""
    actuals = list(actuals)
    read_already = {a.outputs["function"] for a in actuals if a.kind == KIND}
    for actual in actuals:
        if actual.kind == alias.KIND and actual.name not in read_already:
            yield _stand_in(actual.name, actual.outputs["function"], actual.owner)


def _stand_in(called: str, function_name: str, owner: str) -> Resource:
    return Resource(
        kind=KIND,
        key=f"{KIND}/{called}/*",
        name="*",
        title=called,
        owner=owner,
        props={},
        parent=f"function/{function_name}",
        payload={"function": called},
    )


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    functions = {resource.payload["function"]: resource.owner for resource in resources}
    found = aws.map(lambda name: _read(aws, name, functions[name]), functions)
    return [actual for actuals in found for actual in actuals]


def _read(aws: Aws, function: str, owner: str) -> list[Actual]:
    try:
        policy = json.loads(aws.call("lambda", "get_policy", FunctionName=function)["Policy"])
    except AwsError as error:
        if error.missing:
            return []
        raise
    return [
        _actual(function, owner, statement)
        for statement in policy.get("Statement", [])
        if str(statement.get("Sid", "")).startswith(_PREFIX)
        and statement["Resource"].endswith(f":function:{function}")
    ]


def _actual(function: str, owner: str, statement: Mapping[str, Any]) -> Actual:
    sid = statement["Sid"]
    principal = statement.get("Principal")
    conditions = statement.get("Condition", {})
    name, _, qualifier = function.partition(":")
    whose = sid.removeprefix(_PREFIX).removesuffix(f"-{qualifier}" if qualifier else "")
    whose = whose.rpartition("-")[0].replace("-", " ", 1)
    source = next(iter(conditions.get("ArnLike", conditions.get("ArnEquals", {})).values()), "")
    return Actual(
        kind=KIND,
        key=f"{KIND}/{function}/{sid}",
        name=sid,
        title=f"{function} for {whose}",
        owner=owner,
        props={
            "principal": principal.get("Service") if isinstance(principal, dict) else principal,
            "source": source,
        },
        outputs={"function": function, "serves": _serves(principal, sid)},
        parent=f"function/{name}",
    )


def _serves(principal: Any, sid: str) -> str:
    """The kind of the things that a statement is there for."""
    kinds = {"events.amazonaws.com": event.KIND, "cognito-idp.amazonaws.com": trigger.KIND}
    service = principal.get("Service", "") if isinstance(principal, dict) else ""
    if service == _APPSYNC:
        return "mutation" if sid.startswith(f"{_PREFIX}mutation-") else "channel"
    return kinds.get(service, route.KIND)


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    function = resource.payload["function"]
    aws.insist(
        f"function {function}",
        lambda: aws.call(
            "lambda",
            "add_permission",
            FunctionName=function,
            StatementId=resource.name,
            Action="lambda:InvokeFunction",
            Principal=resource.props["principal"],
            SourceArn=resource.props["source"],
        ),
    )
    return {"function": function}


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    """A statement can't be changed, only taken out and added again."""
    delete(aws, actual)
    return create(aws, resource, ())


def delete(aws: Aws, actual: Actual) -> None:
    function = actual.outputs["function"]
    with defaults.if_there():
        aws.insist(
            f"function {function}",
            lambda: aws.call(
                "lambda", "remove_permission", FunctionName=function, StatementId=actual.name
            ),
        )
