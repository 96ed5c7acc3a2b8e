"""The pipeline in one place: package, look up, read, plan, walk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from tc.components import kinds
from tc.components.protocol import Aws, Component
from tc.deploy.gather import Found, gather
from tc.deploy.layers import look_up
from tc.deploy.purge import spare_data
from tc.deploy.sites import ReadSite, build_sites, read_sites
from tc.deploy.values import fetch
from tc.deploy.walk import Outcome, walk
from tc.events import Emit
from tc.plan.ownership import refuse_foreign
from tc.plan.plan import make_plan, make_removal
from tc.plan.resource import Action, Plan, Resource, Step, refs
from tc.plan.select import EVERYTHING, Selection, parse
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
    """Everything that should be, nested topologies included.

    What a thing refers to, it needs.
    """
    return [
        replace(resource, needs=needs)
        for part in topology.family()
        for component in kinds()
        for resource in component.desired(part, facts)
        for needs in [_needs(resource)]
    ]


def _needs(resource: Resource) -> tuple[str, ...]:
    referred = (ref.key for ref in refs(resource.props) if ref.key != resource.key)
    return tuple(dict.fromkeys([*resource.needs, *referred]))


def prepare(
    topology: Topology,
    aws: Aws,
    package: Package,
    emit: Emit,
    *,
    components: Sequence[str] = (),
    adopt: bool = False,
    purge: bool = False,
    read_site: ReadSite | None = None,
) -> Prepared:
    """Reads what is there and plans; changes nothing.

    Pages are read by `read_site`; without it they are planned without their files. `components`
    are the values of ``-c``. What holds data is kept unless `purge`. Raises UsageError when a
    component is unknown, and `Conflict` when a thing belongs to somebody else, unless `adopt`.
    """
    bare = desired_of(topology, Facts())
    selection = select(components, bare)
    facts = _facts(topology, aws, package, emit, _wanted(bare, selection))
    if read_site:
        sites = read_sites(topology, bare, selection, read_site, aws)
        facts = replace(facts, sites=sites)
    desired = desired_of(topology, facts)
    scopes = [part.scope for part in topology.family()]
    found = gather(aws, scopes, desired, selection)
    needed = _unknown(desired, found, selection)
    if facts.sites:
        outputs = {key: actual.outputs for key, actual in found.items()}
        facts = replace(facts, sites=build_sites(topology, facts.sites, outputs))
    if needed:
        more = _facts(topology, aws, package, emit, dict.fromkeys(_LOOKED_UP, needed))
        facts = Facts(
            {**facts.artifacts, **more.artifacts},
            {**facts.layers, **more.layers},
            {**facts.values, **more.values},
            facts.sites,
        )
    if needed or facts.sites:
        desired = desired_of(topology, facts)
    plan = make_plan(desired, found, selection, **terms(scopes))
    if not adopt:
        refuse_foreign(plan)
    plan = spare_data(plan, aws, purge=purge)
    return Prepared(plan, tuple(desired), found, selection)


def prepare_removal(
    topology: Topology, aws: Aws, *, components: Sequence[str] = (), purge: bool = False
) -> Prepared:
    """Plans to remove what the sandbox owns; of it, what ``-c`` selects.

    What holds data is kept unless `purge`.
    """
    desired = desired_of(topology, Facts())
    selection = select(components, desired)
    scopes = [part.scope for part in topology.family()]
    found = gather(aws, scopes, desired, selection)
    plan = make_removal(desired, found, selection, **terms(scopes))
    plan = spare_data(plan, aws, purge=purge)
    return Prepared(plan, tuple(desired), found, selection)


class Terms(TypedDict):
    owners: frozenset[str]
    replacing: Mapping[str, frozenset[str]]
    order: Sequence[str]


def terms(scopes: Sequence[Scope]) -> Terms:
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
        companions={component.KIND: _companions(component) for component in kinds()},
    )


def _companions(component: Component) -> frozenset[str]:
    """The kinds of which leftovers go when `component` is selected whole: its own,
    unless living things of others may use them, and those that come with it."""
    if component.TRAITS.used_by_others:
        return frozenset()
    with_it = {c.KIND for c in kinds() if component.KIND in c.TRAITS.comes_with}
    return frozenset({component.KIND, *with_it})


#: the props of a function that must be looked up: its package, its layers, its fetched values
_LOOKED_UP = ("code", "layers", "environment")


def _wanted(desired: Sequence[Resource], selection: Selection) -> dict[str, frozenset[str]]:
    """For each of `_LOOKED_UP` the functions of which the selection is about it."""
    functions = [
        (resource.name.split(":")[0], selection.fields(resource))
        for resource in desired
        if resource.kind in ("function", "alias") and selection.selects(resource)
    ]
    return {
        prop: frozenset(name for name, fields in functions if fields is None or prop in fields)
        for prop in _LOOKED_UP
    }


def _unknown(desired: Sequence[Resource], found: Found, selection: Selection) -> frozenset[str]:
    """Functions that aren't there, that something selected needs, and of which something
    wasn't looked up yet."""
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
        if missing[key].kind == "function"
        and not missing[key].props.keys() >= _all_of(missing[key])
    )


def _all_of(function: Resource) -> set[str]:
    """Those of `_LOOKED_UP` that the function has; the layers of an image are in it."""
    is_image = function.props["package_type"] == "Image"
    return set(_LOOKED_UP) - ({"layers"} if is_image else set())


def _facts(
    topology: Topology,
    aws: Aws,
    package: Package,
    emit: Emit,
    wanted: Mapping[str, frozenset[str]],
) -> Facts:
    """What must be looked up: for each of `_LOOKED_UP` of which functions."""
    functions = {
        part.function_name(name): function
        for part in topology.family()
        for name, function in part.functions.items()
    }
    chosen = {
        prop: {name: function for name, function in functions.items() if name in wanted[prop]}
        for prop in _LOOKED_UP
    }
    layered = chosen["layers"].values()
    values = fetch(aws, chosen["environment"].values(), layered)
    layers = look_up(aws, layered, emit, values)
    zipped = {name: function for name, function in chosen["code"].items() if not function.is_image}
    return Facts(package(zipped), layers, values)


def readable(plan: Plan) -> list[Step]:
    """The steps for people: an API that is only written for its routes is left out."""
    return [step for step in plan.work if not (step.action is Action.UPDATE and not step.changes)]


def resolved(topology: Topology, aws: Aws, package: Package, emit: Emit) -> list[Resource]:
    """Everything that should be, with its packages and layers looked up."""
    bare = desired_of(topology, Facts())
    return desired_of(topology, _facts(topology, aws, package, emit, _wanted(bare, EVERYTHING)))
