"""Routes: what an API does with a request to a path.

A route of an own API is known by its operation name, one on a shared gateway by
the description of its integration, ``{namespace}@{sandbox} {route}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from tc.components import defaults, http_api, rest_api
from tc.components.api_names import (
    Protocol,
    api_key,
    api_name,
    public_path,
    route_id,
    route_key,
)
from tc.components.protocol import Aws, Index, Outputs, Traits
from tc.components.role import role_arn, role_key
from tc.plan.resource import Actual, Change, Ref, Resource
from tc.spec.base import Strict, Targets
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import Scope
from tc.spec.topology import Entry, Topology

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"]
_PATH = re.compile(
    r"/(?:[A-Za-z0-9._~$&'()*+,;=:@%-]*|\{[A-Za-z0-9._-]+\+?\})(?:/(?:[A-Za-z0-9._~$&'()*+,;=:@%-]+|\{[A-Za-z0-9._-]+\+?\}))*/?\Z"
)
_KEY = re.compile(r"(?:(?P<method>[A-Z]+)\s+)?(?P<path>/\S*)\Z")


class RouteModel(Targets):
    """`routes.X`: its key is a path, a method and a path, or a name with `path`."""

    method: Method | None = Field(None, description="POST")
    methods: list[Method] | None = Field(None, description="several, instead of `method`")
    path: str | None = Field(None, description="the key, when that is a path")
    gateway: str | None = Field(None, description="name of a shared API; an own one otherwise")
    kind: Literal["http", "rest"] | None = Field(None, description="http")
    timeout: Annotated[int, Field(ge=1, le=30)] | None = Field(None, description="seconds; 30")
    async_: bool = Field(False, alias="async", description="answer before the target has")
    doc_only: bool = Field(False, description="documented, not deployed")
    proxy: str | None = Field(None, description="the function, by its full name; or `none`")

    def targets(self) -> list[tuple[str, str]]:
        found = super().targets()
        if self.proxy and self.proxy != "none":
            found.append(("function", self.proxy))
        return found

    def target_key(self, kind: str) -> str:
        if kind == "function" and self.proxy:
            return "proxy"
        return super().target_key(kind)

    def label(self, name: str) -> str:
        match = _KEY.match(name)
        found: list[str] = list(self.methods or []) or [
            self.method or (match["method"] if match and match["method"] else "POST")
        ]
        return f"{','.join(found)} {self.path or (match['path'] if match else name)}"

    def waits(self) -> bool:
        return not self.async_ and not self.doc_only

    def deployed(self, _: str, /) -> bool:
        return not self.doc_only and self.proxy != "none"


KIND = "route"
PLURAL = "routes"
SECTION: tuple[str, type[Strict]] | None = ("routes", RouteModel)
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(told_by="api", addresses={"url": lambda topology, name: url(topology, name)})
trace = defaults.nothing_to_trace


def methods(entry: Entry) -> list[str]:
    """The methods of a route: `methods`, `method`, the key's, else POST."""
    model = _model(entry)
    if model.methods:
        return list(dict.fromkeys(model.methods))
    match = _KEY.match(entry.name)
    return [model.method or (match["method"] if match and match["method"] else "POST")]


def path(entry: Entry) -> str:
    """The path of a route, empty when nobody wrote one."""
    match = _KEY.match(entry.name)
    return _model(entry).path or (match["path"] if match else "")


def _model(entry: Entry) -> RouteModel:
    assert isinstance(entry.model, RouteModel)
    return entry.model


def check(topology: Topology) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], str] = {}
    protocol = own_protocol(topology)
    for entry in deployed(topology):
        model = _model(entry)
        yield from _check_path(entry)
        yield from _check_protocol(topology, entry, protocol)
        if model.method and model.methods:
            yield _finding(entry, "both", "write `method` or `methods`, not both", "methods")
        if not entry.targets and not model.targets():
            yield _finding(
                entry,
                "no-target",
                f"the route `{entry.name}` has no target",
                hint="add `function:`, `state:` or `event:`",
            )
        if len(model.targets()) > 1:
            yield _finding(
                entry, "targets", "a route has one target", model.target_key(model.targets()[-1][0])
            )
        for method in methods(entry):
            place = (api_name(topology, entry), method, path(entry))
            if place in seen:
                yield _finding(
                    entry,
                    "duplicate-route",
                    f"{method} {path(entry)} is also the route `{seen[place]}`",
                )
            seen[place] = entry.name


def _check_path(entry: Entry) -> Iterator[Finding]:
    written = path(entry)
    if not written:
        yield _finding(
            entry,
            "no-path",
            f"the route `{entry.name}` has no path",
            hint="add `path: /…`, or make the path its key",
        )
    elif not _PATH.match(written):
        yield _finding(
            entry,
            "bad-path",
            f"`{written}` is no path that API Gateway takes",
            "path" if _model(entry).path else None,
            hint="segments are letters, digits, `-._~`, `{name}` or, last, `{name+}`",
        )


def _check_protocol(topology: Topology, entry: Entry, protocol: Protocol) -> Iterator[Finding]:
    model = _model(entry)
    need = rest_need(entry)
    shared = model.gateway is not None
    if need and model.kind == "http":
        yield _finding(
            entry,
            "needs-rest",
            f"an HTTP API can't do this: {need}",
            "kind",
            hint="leave `kind` out, or write `kind: rest`",
        )
    elif shared and (need or model.kind == "rest"):
        yield _finding(
            entry,
            "not-yet",
            f"this version of tc has no routes on shared REST APIs ({need or 'kind: rest'})",
            "gateway",
            hint="leave `gateway` out: the sandbox gets an API of its own",
        )
    limit = 29 if protocol == "REST" and not shared else 30
    if model.timeout and model.timeout > limit:
        yield _finding(
            entry,
            "timeout",
            f"API Gateway waits {limit} s at most, not {model.timeout} s",
            "timeout",
        )


def rest_need(entry: Entry) -> str:
    """What of this route only a REST API can do, empty when an HTTP API will do."""
    model = _model(entry)
    kinds = {kind for kind, _ in entry.targets}
    if model.async_ and "function" in kinds:
        return "`async` on a route to a function"
    if not model.async_ and "flow" in kinds:
        return "a route that answers with its flow's output"
    return ""


def own_protocol(topology: Topology) -> Protocol:
    """REST for all the routes of the own API when one needs it, else HTTP."""
    for entry in deployed(topology):
        if _model(entry).gateway is None and (rest_need(entry) or _model(entry).kind == "rest"):
            return "REST"
    return "HTTP"


def deployed(topology: Topology) -> list[Entry]:
    """The routes that are more than documentation."""
    sandbox = topology.scope.sandbox
    routes = topology.entries.get("routes", {}).values()
    return [entry for entry in routes if _model(entry).deployed(sandbox)]


def desired(topology: Topology, facts: Facts) -> Iterator[Resource]:
    protocol = own_protocol(topology)
    for entry in deployed(topology):
        if not entry.targets:
            continue
        for method in methods(entry):
            yield _desired(topology, entry, method, protocol)


def _desired(topology: Topology, entry: Entry, method: str, protocol: Protocol) -> Resource:
    scope = topology.scope
    model = _model(entry)
    api = api_name(topology, entry)
    shared = model.gateway is not None
    name = route_id(entry.name, method, several=len(methods(entry)) > 1)
    where = public_path(scope, path(entry), shared=shared)
    kind, target = entry.targets[0]
    needs = [api_key(api, shared=shared)]
    role = ""
    if kind != "function":
        role = role_arn(scope, f"api.{model.gateway or scope.namespace}")
        needs.append(role_key(scope, f"api.{model.gateway or scope.namespace}"))
    write = rest_api if protocol == "REST" and not shared else http_api
    props = {
        "method": method,
        "path": where,
        "timeout_ms": model.timeout * 1000 if model.timeout else write.TIMEOUT_MS,
        "integration": write.integration(topology, (kind, target), role, waits=model.waits()),
    }
    return Resource(
        kind=KIND,
        key=route_key(api, scope.owner, name, shared=shared),
        name=name,
        title=path(entry) if method == "POST" else f"{method} {path(entry)}",
        owner=scope.owner,
        props=props,
        needs=tuple(needs),
        selectors=frozenset(
            {PLURAL, f"routes/{entry.name}", f"routes{path(entry)}", f"routes/{path(entry)}"}
        ),
        parent=api_key(api, shared=shared),
        address=entry.address,
        detail="OK",
        payload={"protocol": protocol if not shared else "HTTP", "shared": shared},
    )


def url(topology: Topology, name: str) -> Ref:
    """Where the route answers."""
    entry = topology.entries["routes"][name]
    shared = _model(entry).gateway is not None
    where = public_path(topology.scope, path(entry), shared=shared)
    return Ref(api_key(api_name(topology, entry), shared=shared), "url", after=where)


def find(aws: Aws, scope: Scope, index: Index) -> Iterable[Resource]:
    """Routes are found in their APIs."""
    return ()


def read(aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
    """The API tells of its routes."""
    return ()


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    return http_api.create_route(aws, resource)


def update(
    aws: Aws,
    resource: Resource,
    actual: Actual,
    changes: Sequence[Change],
    children: Sequence[Resource],
) -> Outputs:
    return http_api.update_route(aws, resource, actual, changes)


def delete(aws: Aws, actual: Actual) -> None:
    http_api.delete_route(aws, actual)


def settle(aws: Aws, resource: Resource) -> None:
    """A route answers as soon as its stage has it."""


def _finding(
    entry: Entry, code: str, message: str, key: str | None = None, *, hint: str = ""
) -> Finding:
    address = entry.address / key if key else entry.address
    return Finding(code, message, address, hint, at="value" if key else "key")
