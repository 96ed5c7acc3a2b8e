"""The pipeline in one place: package, look up, read, plan, walk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from tc.components import kinds
from tc.components.protocol import Aws
from tc.deploy.gather import Found, gather
from tc.deploy.layers import look_up
from tc.deploy.walk import Outcome, walk
from tc.events import Emit
from tc.plan.ownership import refuse_foreign
from tc.plan.plan import make_plan, make_removal
from tc.plan.resource import Action, Plan, Resource, Step
from tc.plan.select import Selection, parse
from tc.spec.artifact import Artifact
from tc.spec.facts import Facts
from tc.spec.function import Function
from tc.spec.scope import Scope
from tc.spec.topology import Topology

#: packages functions: by name on AWS, what their zips are
Package = Callable[[Mapping[str, Function]], Mapping[str, Artifact]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and what was read to make it."""

    plan: Plan
    desired: tuple[Resource, ...]
    found: Found
    selection: Selection


def desired_of(topology: Topology, facts: Facts) -> list[Resource]:
    """Everything that should be, nested topologies included."""
    return [
        resource
        for part in topology.family()
        for component in kinds()
        for resource in component.desired(part, facts)
    ]


def prepare(
    topology: Topology,
    aws: Aws,
    package: Package,
    emit: Emit,
    *,
    components: Sequence[str] = (),
    adopt: bool = False,
) -> Prepared:
    """Reads what is there and plans; changes nothing.

    `components` are the values of ``-c``. Raises UsageError when one is unknown,
    and `Conflict` when a thing belongs to somebody else, unless `adopt`.
    """
    bare = desired_of(topology, Facts())
    selection = select(components, bare)
    facts = _facts(topology, aws, package, emit, _chosen(bare, selection))
    desired = desired_of(topology, facts)
    scopes = [part.scope for part in topology.family()]
    found = gather(aws, scopes, desired, selection)
    needed = _unpackaged(desired, found, selection)
    if needed:
        more = _facts(topology, aws, package, emit, needed)
        facts = Facts({**facts.artifacts, **more.artifacts}, {**facts.layers, **more.layers})
        desired = desired_of(topology, facts)
    plan = make_plan(desired, found, selection, **_terms(scopes))
    if not adopt:
        refuse_foreign(plan)
    return Prepared(plan, tuple(desired), found, selection)


def prepare_removal(topology: Topology, aws: Aws, *, components: Sequence[str] = ()) -> Prepared:
    """Plans to remove what the sandbox owns; of it, what ``-c`` selects."""
    desired = desired_of(topology, Facts())
    selection = select(components, desired)
    scopes = [part.scope for part in topology.family()]
    found = gather(aws, scopes, desired, selection)
    plan = make_removal(desired, found, selection, **_terms(scopes))
    return Prepared(plan, tuple(desired), found, selection)


class _Terms(TypedDict):
    owners: frozenset[str]
    replacing: Mapping[str, frozenset[str]]
    order: Sequence[str]


def _terms(scopes: Sequence[Scope]) -> _Terms:
    """What the planner must know of the kinds and the owners."""
    return {
        "owners": frozenset(scope.owner for scope in scopes),
        "replacing": {component.KIND: component.REPLACE for component in kinds()},
        "order": [component.KIND for component in kinds()],
    }


def carry_out(prepared: Prepared, aws: Aws, emit: Emit) -> Outcome:
    """Does what was planned."""
    return walk(prepared.plan, aws, emit)


def select(components: Sequence[str], desired: Sequence[Resource]) -> Selection:
    return parse(
        components,
        desired,
        plurals={component.PLURAL: component.KIND for component in kinds()},
        aspects={component.PLURAL: component.ASPECTS for component in kinds()},
    )


def _chosen(desired: Sequence[Resource], selection: Selection) -> frozenset[str]:
    """The functions whose packages and layers the selection is about."""
    return frozenset(
        resource.name
        for resource in desired
        if resource.kind == "function"
        and selection.selects(resource)
        and (selection.fields(resource) or {"code"}) & {"code", "layers"}
    )


def _unpackaged(desired: Sequence[Resource], found: Found, selection: Selection) -> frozenset[str]:
    """Functions that aren't there, that something selected needs, and that have no package yet."""
    missing = {r.key: r for r in desired if r.key not in found}
    wanted = {r.key for r in missing.values() if selection.selects(r)}
    queue = list(wanted)
    while queue:
        for need in missing[queue.pop()].needs:
            if need in missing and need not in wanted:
                wanted.add(need)
                queue.append(need)
    return frozenset(
        missing[key].name
        for key in wanted
        if missing[key].kind == "function" and "code" not in missing[key].props
    )


def _facts(
    topology: Topology, aws: Aws, package: Package, emit: Emit, names: frozenset[str]
) -> Facts:
    functions = {
        part.function_name(name): function
        for part in topology.family()
        for name, function in part.functions.items()
        if part.function_name(name) in names
    }
    return Facts(package(functions), look_up(aws, functions.values(), emit))


def readable(plan: Plan) -> list[Step]:
    """The steps for people: an API that is only written for its routes is left out."""
    return [step for step in plan.work if not (step.action is Action.UPDATE and not step.changes)]


def resolved(topology: Topology, aws: Aws, package: Package, emit: Emit) -> list[Resource]:
    """Everything that should be, with its packages and layers looked up."""
    bare = desired_of(topology, Facts())
    names = frozenset(resource.name for resource in bare if resource.kind == "function")
    return desired_of(topology, _facts(topology, aws, package, emit, names))
