"""A task's call of a service: which one, how it waits, and with what."""

from __future__ import annotations

import re

from tc.compose.asl.walk import TaskUse
from tc.records import dataclass
from tc.spec.scope import Scope
from tc.spec.topology import Statement

_RESOURCE = re.compile(
    r"arn:[^:]+:states:::(?P<sdk>aws-sdk:)?(?P<service>[^:.]+):(?P<action>[^.]+)"
    r"(?:\.(?P<pattern>sync(?::2)?|waitForTaskToken))?\Z"
)
LAMBDA_ARN = re.compile(r"arn:[^:]+:lambda:[^:]*:[^:]*:function:(?P<name>[^:]+)(:[^:]+)?\Z")
ACTIVITY_ARN = re.compile(r"arn:[^:]+:states:[^:]*:[^:]*:activity:(?P<name>[^:]+)\Z")


@dataclass(frozen=True, slots=True)
class Call:
    """A task's call: ``glue:startJobRun`` with the pattern ``sync``, and its arguments.

    `machine` is the ARN of the flow itself. `sdk` tells an AWS SDK integration from an
    optimised one.
    """

    use: TaskUse
    scope: Scope
    machine: str
    service: str
    action: str
    pattern: str
    sdk: bool

    @property
    def waits(self) -> bool:
        return self.pattern.startswith("sync")

    @property
    def because(self) -> str:
        return f"state {self.use.name}"

    def text(self, key: str) -> str:
        """An argument that is plain text; empty when it is missing or known only at run time."""
        value = self.use.arguments.get(key)
        return value if isinstance(value, str) and not value.startswith("{%") else ""

    def arn(self, service: str, resource: str, given: str) -> str:
        """`given` where that is an ARN, else the ARN of the `resource` of that name here."""
        if given.startswith("arn:"):
            return given
        return self.scope.arn(service, f"{resource}{given}")

    def allow(self, actions: str, *resources: str) -> Statement:
        """The statement for the actions of one service: ``glue:StartJobRun GetJobRun``."""
        service, _, names = actions.partition(":")
        found = tuple(f"{service}:{name}" for name in names.split())
        return Statement(found, resources, self.because)

    def managed_rule(self, name: str) -> Statement:
        """The rule by which Step Functions learns that what it started has ended."""
        rule = self.scope.arn("events", f"rule/{name}")
        return self.allow("events:DescribeRule PutRule PutTargets", rule)


def call_of(use: TaskUse, scope: Scope, machine: str) -> Call | None:
    """The integration that a task calls; None for a function or an activity by its ARN."""
    match = _RESOURCE.match(use.resource)
    if match is None:
        return None
    return Call(
        use,
        scope,
        machine,
        match["service"],
        match["action"],
        match["pattern"] or "",
        bool(match["sdk"]),
    )


def invoked_function(use: TaskUse) -> str | None:
    """The name of the function a task invokes (without alias), None when it invokes none."""
    direct = LAMBDA_ARN.match(use.resource)
    if direct:
        return direct["name"]
    match = _RESOURCE.match(use.resource)
    if not match or match["sdk"] or (match["service"], match["action"]) != ("lambda", "invoke"):
        return None
    name = use.arguments.get("FunctionName")
    if not isinstance(name, str) or name.startswith("{%"):
        return None
    arn = LAMBDA_ARN.match(name)
    return arn["name"] if arn else name
