"""What it takes to hand data to a thing: one statement for each kind of target.

The actions are those of the service authorization reference
(docs.aws.amazon.com/service-authorization).
"""

from __future__ import annotations

from collections.abc import Callable

from tc.compose.permissions.parts import Parts
from tc.spec.topology import How, Id, Statement


def can_reach(target: Id) -> bool:
    """Whether it takes a permission at all: anybody may call a route."""
    return target[0] in _REACH


def reach(parts: Parts, target: Id, how: How, because: str) -> Statement:
    """The statement that lets a role hand data to `target`; see `Edge` for `how`."""
    kind, name = target
    return _REACH[kind](parts, name, how, because)


def _function(parts: Parts, name: str, _: How, because: str) -> Statement:
    arn = parts.scope.arn("lambda", f"function:{parts.function_name(name)}")
    return Statement(("lambda:InvokeFunction",), (arn, f"{arn}:*"), because)


def _flow(parts: Parts, name: str, how: How, because: str) -> Statement:
    flow = parts.flows[name]
    waits = how == "sync" and flow.mode == "Express"
    action = "states:StartSyncExecution" if waits else "states:StartExecution"
    return Statement((action,), (flow.arn,), because)


def _event(parts: Parts, name: str, _: How, because: str) -> Statement:
    bus = getattr(parts.entries["events"][name].model, "bus", None) or "default"
    return Statement(
        ("events:PutEvents",), (parts.scope.arn("events", f"event-bus/{bus}"),), because
    )


_REACH: dict[str, Callable[[Parts, str, How, str], Statement]] = {
    "function": _function,
    "flow": _flow,
    "event": _event,
}
