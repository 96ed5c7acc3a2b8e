"""What `tc.compose` hands on: a topology with every name, edge and permission resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from tc.records import dataclass
from tc.spec.base import Strict
from tc.spec.finding import Address
from tc.spec.function import ALIAS, Function, derived_name
from tc.spec.gateway import GatewaySettings
from tc.spec.ref import Ref
from tc.spec.scope import Scope
from tc.spec.spec import LogLevel, Mode

How = Literal["sync", "async", "uses"]
#: (kind, name): how an entity is named inside a topology
Id = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` hands data to `target`.

    `how` is ``sync`` when the source waits for the answer, ``async`` when it
    doesn't, and ``uses`` when the source only has the target's address (a
    variable with ``{{queues.jobs.url}}``) and calls it as it likes.
    """

    source: Id
    target: Id
    how: How = "async"


@dataclass(frozen=True, slots=True)
class Statement:
    """An IAM statement, and the edges that caused it."""

    actions: tuple[str, ...]
    resources: tuple[str | Ref, ...]
    because: str
    conditions: Mapping[str, Any] = field(default_factory=dict)
    sid: str = ""

    def document(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        if self.conditions:
            body["Condition"] = dict(self.conditions)
        return body


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """A role to be: who assumes it, what it may do, for which entity it is.

    `name` is the entity's name as it appears in the role's (``enhancer``, or
    ``{kind}.{name}`` for what is no function); `written` is the user's own
    policy document, kept whole.
    """

    name: str
    service: str
    entity: Id
    statements: tuple[Statement, ...] = ()
    written: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """A state machine to be: ASL with every template filled.

    `name` is the entity's name: the topology's own for the written flow, the
    head function's for a generated one; `full_name` the one on AWS. `log_level` is
    ``OFF``, ``ERROR``, ``FATAL`` or ``ALL``; with `log_data` the logs have inputs and
    outputs. With `versions` each change publishes a version. What is `aliased` is started
    by the ARN of its alias `live`.
    """

    name: str
    full_name: str
    definition: Mapping[str, Any]
    mode: Mode
    generated: bool
    address: Address
    arn: str = ""
    sync: bool = False
    log_level: LogLevel = "OFF"
    log_data: bool = False
    tracing: bool = False
    versions: bool = False
    aliased: bool = False

    @property
    def called_arn(self) -> str:
        """What entry points start."""
        return f"{self.arn}:{ALIAS}" if self.aliased else self.arn

    @property
    def called_key(self) -> str:
        """The key in a plan of what entry points start."""
        return f"flow alias/{self.full_name}" if self.aliased else f"flow/{self.full_name}"

    @property
    def version_key(self) -> str:
        """The key in a plan of the version that the alias names."""
        return f"flow version/{self.full_name}"

    @property
    def started_arns(self) -> tuple[str, ...]:
        """What a role must be allowed to start for `called_arn`."""
        return tuple(dict.fromkeys((self.arn, self.called_arn)))

    @property
    def log_group(self) -> str:
        """Step Functions asks for this prefix: it keeps the resource policy of logs short."""
        return f"/aws/vendedlogs/states/{self.full_name}"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a section (a route, an event, …): its model, templates filled."""

    kind: str
    name: str
    model: Strict
    address: Address
    targets: tuple[Id, ...] = ()


@dataclass(frozen=True, slots=True)
class Topology:
    """One topology in one sandbox: everything that follows from the user's files alone."""

    name: str
    scope: Scope
    functions: Mapping[str, Function]
    entries: Mapping[str, Mapping[str, Entry]]
    flows: Mapping[str, Flow]
    roles: tuple[RoleSpec, ...]
    edges: tuple[Edge, ...]
    address: Address
    nodes: tuple[Topology, ...] = ()
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    libraries: Mapping[str, Function] = field(default_factory=dict)

    def family(self) -> list[Topology]:
        """This topology and every nested one, parents first."""
        return [self, *(topology for node in self.nodes for topology in node.family())]

    def function_name(self, name: str) -> str:
        """The name on AWS of the function `name`."""
        function = self.functions.get(name)
        return function.full_name(self.scope) if function else derived_name(name, self.scope)

    def called_name(self, name: str) -> str:
        """The name by which the function `name` is called: with its alias where it has one."""
        function = self.functions.get(name)
        return function.called_name(self.scope) if function else self.function_name(name)

    def called_key(self, name: str) -> str:
        """The key in a plan of what is called: the function, or its alias."""
        called = self.called_name(name)
        return f"alias/{called}" if ":" in called else f"function/{called}"

    def function_arn(self, name: str) -> str:
        """The ARN by which the function `name` is called."""
        return self.scope.arn("lambda", f"function:{self.called_name(name)}")
