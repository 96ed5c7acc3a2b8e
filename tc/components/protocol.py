"""The one shape of every kind of AWS thing.

A kind is a module with these names; `tc.components` lists the modules. What
tc knows of a kind, from ``-c`` to the order of deletion, comes from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal, Protocol, TypeVar

from tc.errors import TcError
from tc.plan.resource import Actual, Change, Plan, Ref, Resource
from tc.records import dataclass
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.finding import Finding
from tc.spec.scope import Scope
from tc.spec.topology import Topology

Item = TypeVar("Item")
Result = TypeVar("Result")
Outputs = Mapping[str, str]
#: see `Traits.switch`
Switch = Literal["beside", "container", "alias", "entry", "companion"]


class Aws(Protocol):
    """The door to AWS that components are handed; `tc.aws.session` is the real one."""

    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def partition(self) -> str: ...
    @property
    def local(self) -> bool: ...
    @property
    def endpoint(self) -> str | None: ...

    # `service` may name a region of its own: ``acm@us-east-1``
    def call(self, service: str, operation: str, /, **kwargs: Any) -> dict[str, Any]: ...
    def pages(
        self, service: str, operation: str, key: str, /, **kwargs: Any
    ) -> Iterator[dict[str, Any]]: ...
    def map(self, function: Callable[[Item], Result], items: Iterable[Item], /) -> list[Result]: ...
    def wait(
        self,
        what: str,
        probe: Callable[[], str],
        /,
        *,
        first: float | None = None,
        deadline: float | None = None,
    ) -> None:
        """Calls `probe` until it says nothing; what it says is the state waited on.

        `first` is the pause before the first look, `deadline` when to give up, in seconds.
        """

    def insist(self, what: str, call: Callable[[], Result], /) -> Result:
        """Repeats `call` while AWS says "not yet" (a role that can't be assumed yet)."""


@dataclass(frozen=True, slots=True)
class Index:
    """What a sandbox owns, as far as AWS tells in two calls.

    `roles` are those under the sandbox's IAM path; a role is made before its
    thing and deleted after it, and its description says ``function
    etl_enhancer_bob``. `tagged` are the ARNs that carry the owner's mark.
    """

    owner: str
    roles: tuple[Mapping[str, Any], ...] = ()
    tagged: tuple[str, ...] = ()

    @property
    def lags(self) -> bool:
        """Whether there are roles, and of what they were made for the tags tell nothing."""
        return bool(self.roles) and not self.tagged

    def names(self, kind: str) -> frozenset[str]:
        """The names on AWS of the things of `kind` that the roles were made for."""
        prefix = f"{kind} "
        return frozenset(
            role["Description"].removeprefix(prefix)
            for role in self.roles
            if role.get("Description", "").startswith(prefix)
        )

    def roles_of(self, kind: str, name: str) -> list[str]:
        """The names of the roles made for one thing."""
        wanted = f"{kind} {name}"
        return [role["RoleName"] for role in self.roles if role.get("Description") == wanted]


@dataclass(frozen=True, slots=True)
class Traits:
    """What a kind says of itself, and what few have to say; the default is what most do.

    `switch` says how a change of it goes live in a stable sandbox. ``beside``: it reaches nothing
    that runs, since that calls a published version, or uses it as it was (a queue), or nothing
    calls it yet. ``entry``: it hands over what comes from outside as soon as it is there.
    ``alias``: what is called through it changes with its one call. ``container``: entries are in
    it, so it can be made before them, and a change of it reaches callers. ``companion``: the
    same, and it goes with the entry that it lets in. See `tc.deploy.switch`. `gives` are the
    fields by which a thing ``beside`` gives something to others: what a change takes away of
    them stays until the switch is done.

    `told_by` is the kind whose `read` tells of this one too (an API tells of its
    routes); its resources come with the desired children in
    ``payload["children"]``. `comes_with` are kinds: what of this one nobody
    desires any more goes when ``-c`` selects one of those. Things of a kind that
    is `used_by_others` are never removed by ``-c`` alone. `addresses` are what
    variables may name of a thing (``{{queues.jobs.url}}``): the attribute, and
    its value for a topology and an entry's name. `holds` tells what data a live
    thing has (``12 objects``, empty for none): such a thing is removed only with
    ``--purge``, which sets ``outputs["purge"]`` of what `delete` gets.

    Things that AWS names, and lists only together with everybody's, have `pointed_at`:
    the ids that what is read already tells of such a thing. Unless the index of tags knew
    them, it is read after all others with these as ``payload["ids"]``, so that nobody has to
    list the account to find it.

    `hindrances` looks for what on AWS would stop a step of the kind in the middle of a plan
    (a domain name that isn't there), in few calls, and only for steps that need it.
    """

    switch: Switch
    gives: frozenset[str] = frozenset()
    told_by: str = ""
    comes_with: frozenset[str] = frozenset()
    used_by_others: bool = False
    addresses: Mapping[str, Callable[[Topology, str], str | Ref]] = field(default_factory=dict)
    pointed_at: Callable[[Resource, Sequence[Actual]], Sequence[str]] | None = None
    holds: Callable[[Aws, Actual], str] | None = None
    hindrances: Callable[[Aws, Plan], Iterable[TcError]] | None = None


class Component(Protocol):
    """A kind.

    `KIND` is its name in plans (``event``), `PLURAL` what ``-c`` calls it,
    `SECTION` its key in topology.yml with the model of one entry, `ASPECTS`
    groups of fields that ``-c`` can select, `REPLACE` the fields that AWS can't
    change in place, `TRAITS` what else is special about it.
    """

    KIND: str
    PLURAL: str
    SECTION: tuple[str, type[Strict]] | None
    ASPECTS: Mapping[str, frozenset[str]]
    REPLACE: frozenset[str]
    TRAITS: Traits

    def check(self, topology: Topology) -> Iterable[Finding]:
        """What AWS would refuse, found without asking it."""

    def desired(self, topology: Topology, facts: Facts) -> Iterable[Resource]:
        """The things that should be; pure."""

    def find(self, aws: Aws, scope: Scope, index: Index) -> Iterable[Resource]:
        """Every thing of this kind the sandbox owns, by name only (no props)."""

    def trace(self, actuals: Iterable[Actual]) -> Iterable[Resource]:
        """Things of this kind that others point at and nobody has read yet."""

    def read(self, aws: Aws, resources: Sequence[Resource]) -> Iterable[Actual]:
        """What is there of `resources`, in few calls; may tell of their children too."""

    def create(self, aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
        """Makes it, tagged, with its children where the resource `bears` them."""

    def update(
        self,
        aws: Aws,
        resource: Resource,
        actual: Actual,
        changes: Sequence[Change],
        children: Sequence[Resource],
    ) -> Outputs:
        """Changes just `changes`; `children` as in `create`, all that should be in the end."""

    def delete(self, aws: Aws, actual: Actual) -> None:
        """Removes it; already gone is success."""

    def settle(self, aws: Aws, resource: Resource) -> None:
        """Waits until what was created or updated can be used."""
