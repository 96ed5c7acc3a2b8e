"""What a flow's tasks call: the edges they are.

A name on AWS (``etl_enhancer_bob``) that is one of the topology's own is an edge to that
thing; names of other topologies are left to the user.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from tc.compose.asl.check import TaskUse, resources
from tc.compose.calls import ACTIVITY_ARN, LAMBDA_ARN, call_of, invoked_function
from tc.compose.references import Names
from tc.records import dataclass
from tc.spec.base import SECTION_KINDS
from tc.spec.finding import Address, Finding
from tc.spec.scope import Scope
from tc.spec.topology import Edge, Flow, How

_SECTIONS = {kind: section for section, kind in SECTION_KINDS.items()}
#: integration -> the kind of the thing it uses, and the argument that names it
_NAMED = {
    "athena:startQueryExecution": ("workgroup", "WorkGroup"),
    "dynamodb:deleteItem": ("table", "TableName"),
    "dynamodb:getItem": ("table", "TableName"),
    "dynamodb:putItem": ("table", "TableName"),
    "dynamodb:updateItem": ("table", "TableName"),
    "glue:startJobRun": ("job", "JobName"),
    "sqs:sendMessage": ("queue", "QueueUrl"),
    "states:startExecution": ("flow", "StateMachineArn"),
}


@dataclass(frozen=True, slots=True)
class Used:
    """A thing that a task names: its kind, its name on AWS, and the keys where that stands."""

    kind: str
    name: str
    keys: tuple[str, ...]
    how: How = "async"


def task_edges(flow: Flow, names: Names, scope: Scope, findings: list[Finding]) -> list[Edge]:
    """The edges from `flow` to what its tasks use.

    A name that looks like the topology's own (``etl_…_bob``) but is none of its
    things is a finding, and so is a bare name, which on AWS is another thing's.
    """
    edges: dict[Edge, None] = {}
    for use in resources(flow.definition):
        edges |= dict.fromkeys(_event_edges(use, flow, names, scope))
        used = used_by(use, scope)
        if used is None:
            continue
        known = names.by_name.get(used.kind, {})
        target = known.get(used.name)
        if target and used.name == target[1] and used.kind != "flow":
            findings.append(_bare_name(use, used, flow))
        elif target:
            edges[Edge(("flow", flow.name), target, used.how)] = None
        elif _is_dangling(used, names, scope):
            findings.append(
                _dangling(use, used, flow, sorted({n for _, n in known.values()}), scope)
            )
    return list(edges)


def used_by(use: TaskUse, scope: Scope) -> Used | None:
    """The thing a task uses, as far as the topology could have it; None for anything else."""
    activity = ACTIVITY_ARN.match(use.resource)
    if activity:
        return Used("activity", activity["name"], ("Resource",), "sync")
    arguments = "Arguments" if use.query_language == "JSONata" else "Parameters"
    function = invoked_function(use)
    if function is not None:
        keys = ("Resource",) if LAMBDA_ARN.match(use.resource) else (arguments, "FunctionName")
        return Used("function", function.split(":")[0], keys, "sync")
    call = call_of(use, scope, "")
    if call is None or call.sdk:
        return None
    kind, key = _NAMED.get(f"{call.service}:{call.action}", ("", ""))
    name = _name(call.text(key), kind)
    if not name:
        return None
    how: How = "sync" if call.waits or kind == "table" else "async"
    return Used(kind, name, (arguments, key), how)


def _name(written: str, kind: str) -> str:
    """The name in an ARN or a URL."""
    if kind == "queue":
        return written.rstrip("/").split("/")[-1].removesuffix(".fifo")
    if kind == "flow":
        return written.split(":stateMachine:")[-1].split(":")[0]
    return written.split("/")[-1]


def _event_edges(use: TaskUse, flow: Flow, names: Names, scope: Scope) -> Iterator[Edge]:
    events = names.by_name["event"]
    for name in detail_types(use, scope):
        if name in events:
            yield Edge(("flow", flow.name), events[name])


def detail_types(use: TaskUse, scope: Scope) -> Iterator[str]:
    """The detail-types of what a task puts on a bus: an event's name is its detail-type."""
    call = call_of(use, scope, "")
    if call is None or (call.service, call.action) != ("events", "putEvents"):
        return
    entries = use.arguments.get("Entries")
    for entry in entries if isinstance(entries, list) else []:
        name = entry.get("DetailType") if isinstance(entry, dict) else None
        if isinstance(name, str):
            yield name


def _is_dangling(used: Used, names: Names, scope: Scope) -> bool:
    ours = used.name.startswith(f"{scope.namespace}_") and used.name.endswith(f"_{scope.sandbox}")
    return ours and (used.kind, _short(used.name, scope)) not in names.broken


def _short(name: str, scope: Scope) -> str:
    return name.removeprefix(f"{scope.namespace}_").removesuffix(f"_{scope.sandbox}")


def _written_at(use: TaskUse, used: Used, flow: Flow) -> Address:
    return Address(flow.address.file, (*flow.address.path, *use.path, *used.keys))


def _verb(used: Used) -> str:
    return "invokes" if used.kind == "function" else f"names the {used.kind}"


def _bare_name(use: TaskUse, used: Used, flow: Flow) -> Finding:
    kind = used.kind
    return Finding(
        "bare-name",
        f"the state `{use.name}` {_verb(used)} `{used.name}`, "
        f"which on AWS is another {kind}'s name",
        _written_at(use, used, flow),
        f"write `'{{{{namespace}}}}_{used.name}_{{{{sandbox}}}}'`",
    )


def _dangling(use: TaskUse, used: Used, flow: Flow, known: list[str], scope: Scope) -> Finding:
    short = _short(used.name, scope)
    close = difflib.get_close_matches(short, known, n=1)
    if close:
        hint = f"did you mean `{close[0]}`?"
    elif known:
        hint = f"there are: {', '.join(known)}"
    else:
        hint = f"the topology has no {_SECTIONS.get(used.kind, 'flows')}"
    verb = "invokes" if used.kind == "function" else "names"
    return Finding(
        "unknown-name",
        f"the state `{use.name}` {verb} the {used.kind} `{short}`, which isn't there",
        _written_at(use, used, flow),
        hint,
    )
