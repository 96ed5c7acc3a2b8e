"""What API Gateway would refuse of routes, found without asking it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tc.components.api_names import public_path
from tc.components.gateways import Gateway, gateways, rest_need
from tc.components.route_model import cors, methods, model_of, path
from tc.spec.finding import Finding
from tc.spec.topology import Entry, Topology

_PATH = re.compile(
    r"/(?:[A-Za-z0-9._~$&'()*+,;=:@%-]*|\{[A-Za-z0-9._-]+\+?\})(?:/(?:[A-Za-z0-9._~$&'()*+,;=:@%-]+|\{[A-Za-z0-9._-]+\+?\}))*/?\Z"
)
_STAGE = re.compile(r"\$default|[A-Za-z0-9_-]{1,128}")
_VARIABLE = re.compile(r"[A-Za-z0-9_]{1,64}")
_VALUE = re.compile(r"[A-Za-z0-9\-._~:/?#&=,]{1,512}")
_SOURCES = re.compile(r"integration\.request\.(?:header|querystring|path)\.\S+")
_ANSWERS = re.compile(r"method\.response\.header\.[A-Za-z0-9-]+")
_MAPPINGS = re.compile(r"(?:append|overwrite|remove):(?:header|querystring)\.\S+|overwrite:path")
_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.*-]+(?::\d+)?")
#: what may be said of a service by an HTTP API ("Integration subtype reference", API
#: Gateway Developer Guide), without what tc says itself
_PARAMETERS = {
    "flow": frozenset({"Name", "Input", "Region", "TraceHeader"}),
    "event": frozenset({"Detail", "Time", "TraceHeader", "Region"}),
    "queue": frozenset(
        {
            "MessageBody",
            "DelaySeconds",
            "MessageAttributes",
            "MessageDeduplicationId",
            "MessageGroupId",
            "MessageSystemAttributes",
            "Region",
        }
    ),
}


def check(topology: Topology) -> Iterator[Finding]:
    for gateway in gateways(topology):
        yield from _check_places(gateway)
        yield from _check_agreement(gateway)
        for entry in gateway.entries:
            yield from _check_path(entry)
            yield from _check_targets(entry)
            yield from _check_protocol(gateway, entry)
            yield from _check_stage(gateway, entry)
            yield from _check_parameters(gateway, entry)
            yield from _check_cors(gateway, entry)
    yield from _check_family(topology)


def _check_places(gateway: Gateway) -> Iterator[Finding]:
    seen: dict[tuple[str, str], str] = {}
    for entry in gateway.entries:
        for method in methods(entry):
            place = (method, path(entry))
            if place in seen:
                yield _finding(
                    entry,
                    "duplicate-route",
                    f"{method} {path(entry)} is also the route `{seen[place]}`",
                )
            seen[place] = entry.name


def _check_family(topology: Topology) -> Iterator[Finding]:
    """The same place on a shared gateway in two nested topologies, told by the one above both;
    and a gateway that one of them needs as HTTP and another as REST."""
    groups = [[topology], *(node.family() for node in topology.nodes)]
    places: dict[tuple[str, str, str], tuple[int, str]] = {}
    protocols: dict[str, tuple[int, str, str]] = {}
    for number, group in enumerate(groups if topology.nodes else []):
        for part in group:
            for gateway in gateways(part):
                if not gateway.shared:
                    continue
                mine = (number, gateway.protocol, part.name)
                before = protocols.setdefault(gateway.name, mine)
                if before[0] != number and before[1] != gateway.protocol:
                    yield _finding(
                        gateway.entries[0],
                        "disagree",
                        f"`{part.name}` needs `{gateway.name}` as {gateway.protocol} API, "
                        f"`{before[2]}` as {before[1]} API",
                        "gateway",
                    )
                for entry, method in _served(gateway):
                    where = public_path(part.scope, path(entry), shared=True)
                    key = (gateway.name, method, where)
                    other = places.setdefault(key, (number, part.name))
                    if other[0] != number:
                        yield _finding(
                            entry,
                            "duplicate-route",
                            f"{method} {where} on `{gateway.name}` is also a route of `{other[1]}`",
                        )


def _served(gateway: Gateway) -> Iterator[tuple[Entry, str]]:
    return ((entry, method) for entry in gateway.entries for method in methods(entry))


def _check_agreement(gateway: Gateway) -> Iterator[Finding]:
    """What an API has once, its routes must say alike; the first one that says it decides."""
    for key in ("stage", "stage_variables"):
        said = [(entry, getattr(model_of(entry), key)) for entry in gateway.entries]
        written = [(entry, value) for entry, value in said if value]
        for entry, value in written[1:]:
            first, wanted = written[0]
            if value != wanted:
                yield _finding(
                    entry,
                    "disagree",
                    f"the routes of one API have one `{key}`; "
                    f"`{first.name}` says something else than `{entry.name}`",
                    key,
                    hint="write it once, below `default:`",
                )


def _check_targets(entry: Entry) -> Iterator[Finding]:
    model = model_of(entry)
    if model.method and model.methods:
        yield _finding(entry, "both", "write `method` or `methods`, not both", "methods")
    if not entry.targets and not model.targets():
        yield _finding(
            entry,
            "no-target",
            f"the route `{entry.name}` has no target",
            hint="add `function:`, `state:`, `event:` or `queue:`",
        )
    if len(model.targets()) > 1:
        last = model.target_key(model.targets()[-1][0])
        yield _finding(entry, "targets", "a route has one target", last)


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
            "path" if model_of(entry).path else None,
            hint="segments are letters, digits, `-._~`, `{name}` or, last, `{name+}`",
        )


def _check_protocol(gateway: Gateway, entry: Entry) -> Iterator[Finding]:
    model = model_of(entry)
    need = rest_need(entry, gateway.entries)
    if need and model.kind == "http":
        yield _finding(
            entry,
            "needs-rest",
            f"an HTTP API can't do this: {need}",
            "kind",
            hint="leave `kind` out, or write `kind: rest`",
        )
    limit = 29 if gateway.protocol == "REST" else 30
    if model.timeout and model.timeout > limit:
        yield _finding(
            entry,
            "timeout",
            f"API Gateway waits {limit} s at most, not {model.timeout} s",
            "timeout",
        )


def _check_stage(gateway: Gateway, entry: Entry) -> Iterator[Finding]:
    model = model_of(entry)
    if model.stage and not _STAGE.fullmatch(model.stage):
        yield _finding(entry, "bad-name", f"`{model.stage}` is no name of a stage", "stage")
    elif model.stage == "$default" and gateway.protocol == "REST":
        yield _finding(entry, "bad-name", "a REST API has no stage `$default`", "stage")
    if model.stage_variables and gateway.shared:
        yield _finding(
            entry,
            "shared-gateway",
            f"the stage of `{gateway.name}` is others' too: its variables stay as they are",
            "stage_variables",
            hint="leave `gateway` out: the sandbox gets an API of its own",
        )
    for name, value in (model.stage_variables or {}).items():
        if not _VARIABLE.fullmatch(name) or not _VALUE.fullmatch(value):
            yield Finding(
                "invalid-value",
                f"API Gateway takes no stage variable `{name}` with this value",
                entry.address / "stage_variables" / name,
                "names are letters, digits and `_`; values also `-.~:/?#&=,`",
            )


def _check_parameters(gateway: Gateway, entry: Entry) -> Iterator[Finding]:
    model = model_of(entry)
    kind = entry.targets[0][0] if entry.targets else ""
    for name in model.request_params or {}:
        if gateway.protocol == "REST":
            known, hint = bool(_SOURCES.fullmatch(name)), "`integration.request.header.NAME`"
        elif kind in _PARAMETERS:
            known = name in _PARAMETERS[kind]
            hint = f"there are: {', '.join(sorted(_PARAMETERS[kind]))}"
        else:
            known, hint = bool(_MAPPINGS.fullmatch(name)), "`append:header.NAME`, `overwrite:path`"
        if not known:
            yield Finding(
                "invalid-key",
                f"an API of this kind takes no parameter `{name}` for such a target",
                entry.address / "request_params" / name,
                hint,
                at="key",
            )
    for name in model.response_params or {}:
        if not _ANSWERS.fullmatch(name):
            yield Finding(
                "invalid-key",
                f"`{name}` is no header of an answer",
                entry.address / "response_params" / name,
                "`method.response.header.NAME`",
                at="key",
            )


def _check_cors(gateway: Gateway, entry: Entry) -> Iterator[Finding]:
    written = cors(entry)
    if written is None:
        return
    key = "cors"
    for origin in written.origins:
        if not _ORIGIN.fullmatch(origin):
            yield _finding(
                entry,
                "invalid-value",
                f"`{origin}` is no origin",
                key,
                hint="`https://example.com`",
            )
    if not written.origins:
        yield _finding(entry, "invalid-value", "`origins` needs at least one", key)
    elif gateway.protocol == "REST" and len(written.origins) > 1:
        yield _finding(
            entry,
            "needs-http",
            "a REST API answers with one origin",
            key,
            hint="name one, or `*`; an HTTP API takes several",
        )
    if gateway.protocol != "REST":
        return
    for other in gateway.entries:
        if path(other) == path(entry) and cors(other) not in (None, written):
            yield _finding(
                entry,
                "disagree",
                f"a path has one answer to browsers; `{other.name}` says another `cors`",
                key,
            )


def _finding(
    entry: Entry, code: str, message: str, key: str | None = None, *, hint: str = ""
) -> Finding:
    address = entry.address / key if key else entry.address
    return Finding(code, message, address, hint, at="value" if key else "key")
