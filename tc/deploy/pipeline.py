"""The pipeline in one place: package, look up, read, plan, walk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypedDict

from tc.components import kinds
from tc.components.protocol import Aws, Component
from tc.deploy import switch as switching
from tc.deploy.desired import desired_of
from tc.deploy.gather import Found, gather
from tc.deploy.layers import LayerSource, check_sizes, look_up
from tc.deploy.old_versions import prune
from tc.deploy.purge import spare_data
from tc.deploy.sites import ReadSite, build_sites, read_sites
from tc.deploy.switch import Walk
from tc.deploy.values import fetch
from tc.deploy.walk import Outcome, walk
from tc.events import Emit
from tc.plan.ownership import refuse_foreign
from tc.plan.plan import make_plan, make_removal
from tc.plan.resource import Action, Plan, Resource, Step
from tc.plan.select import EVERYTHING, Selection, parse
from tc.publish.bucket import Bucket
from tc.publish.packages import upload
from tc.records import dataclass
from tc.spec.artifact import Artifact
from tc.spec.facts import Facts
from tc.spec.function import Function
from tc.spec.scope import Scope
from tc.spec.topology import Topology

#: packages functions: by name on AWS, what their zips are
Package = Callable[[Mapping[str, Function]], Mapping[str, Artifact]]
#: finds the images of functions: by name on AWS, their addresses
FindImages = Callable[[Mapping[str, Function]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and what was read to make it; `bucket` is the name, with its templates, of the one
    for large packages, empty for the usual. `keep` is how many published versions stay where
    the sandbox goes live by them, 0 where it doesn't (see `tc.deploy.switch`)."""

    plan: Plan
    desired: tuple[Resource, ...]
    found: Found
    selection: Selection
    bucket: str = ""
    keep: int = 0


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
    find_images: FindImages | None = None,
    layers: LayerSource | None = None,
    bucket: str = "",
) -> Prepared:
    """Reads what is there and plans; changes nothing.

    Pages are read by `read_site`; without it they are planned without their files, and functions
    without the images that `find_images` finds. `layers` says which layers functions have
    besides those they list, `bucket` where large packages go. `components` are the values of
    ``-c``. What holds data is kept unless `purge`. Raises UsageError when a component is unknown,
    and `Conflict` when a thing belongs to somebody else, unless `adopt`.
    """
    source = layers or LayerSource()
    lookups = _Lookups(topology, aws, package, emit, read_site, find_images, source, bucket)
    bare = desired_of(topology, Facts())
    selection = select(components, bare)
    facts = lookups.first(bare, selection)
    desired = desired_of(topology, facts)
    scopes = [part.scope for part in topology.family()]
    found = gather(aws, scopes, desired, selection)
    completed = lookups.completed(facts, _unknown(desired, found, selection), found)
    if completed is not facts:
        desired = desired_of(topology, completed)
    plan = make_plan(desired, found, selection, **terms(scopes))
    if not adopt:
        refuse_foreign(plan)
    plan = spare_data(plan, aws, purge=purge)
    keep = topology.scope.keep if topology.scope.stable else 0
    return Prepared(plan, tuple(desired), found, selection, bucket, keep)


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


def carry_out(prepared: Prepared, aws: Aws, emit: Emit, go: Walk = walk) -> Outcome:
    """Does what was planned; packages that come from the bucket are brought there first.

    Where the sandbox goes live by versions, in phases, of which `go` does the second; old
    versions go when all has succeeded.
    """
    upload(_large(prepared.plan), _bucket(aws, prepared.bucket), emit)
    if not prepared.keep:
        return walk(prepared.plan, aws, emit)
    outcome = switching.carry_out(prepared.plan, aws, emit, go)
    # what flows that aren't selected name isn't known
    if outcome.ok and prepared.selection.everything:
        prune(prepared.plan, outcome, aws, emit, prepared.keep)
    return outcome


def _bucket(aws: Aws, template: str) -> Bucket:
    return Bucket(aws, template) if template else Bucket(aws)


def _large(plan: Plan) -> list[tuple[str, Artifact]]:
    """The packages that a step hands to Lambda, and that come from a bucket."""
    return [
        (step.name, artifact)
        for step in plan.work
        if step.kind == "function" and step.resource and step.action is not Action.DELETE
        if (artifact := (step.resource.payload or {}).get("artifact")) and artifact.from_bucket
        if step.action is not Action.UPDATE
        or any(change.path in ("code", "arch") for change in step.changes)
    ]


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
        if resource.kind in ("function", "version", "alias") and selection.selects(resource)
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


@dataclass(frozen=True, slots=True)
class _Lookups:
    """What a plan needs besides the topology: packages, layers, values, the files of pages."""

    topology: Topology
    aws: Aws
    package: Package
    emit: Emit
    read_site: ReadSite | None
    find_images: FindImages | None
    layers: LayerSource
    bucket: str

    def first(self, bare: Sequence[Resource], selection: Selection) -> Facts:
        """What is needed of what is selected; pages are read, and not built yet."""
        facts = self._of_functions(_wanted(bare, selection))
        if self.read_site is None:
            return facts
        sites = read_sites(self.topology, bare, selection, self.read_site, self.aws)
        return replace(facts, sites=sites)

    def completed(self, facts: Facts, needed: frozenset[str], found: Found) -> Facts:
        """`facts` with the functions that are `needed` besides, and with pages built of what
        is there; `facts` itself when nothing is to be added."""
        if needed:
            more = self._of_functions(dict.fromkeys(_LOOKED_UP, needed))
            facts = replace(
                facts,
                artifacts={**facts.artifacts, **more.artifacts},
                layers={**facts.layers, **more.layers},
                values={**facts.values, **more.values},
                images={**facts.images, **more.images},
                bucket=more.bucket or facts.bucket,
            )
        if facts.sites:
            outputs = {key: actual.outputs for key, actual in found.items()}
            sites = build_sites(self.topology, facts.sites, outputs, self.aws)
            facts = replace(facts, sites=sites)
        return facts

    def _of_functions(self, wanted: Mapping[str, frozenset[str]]) -> Facts:
        """What must be looked up: for each of `_LOOKED_UP` of which functions."""
        functions = {
            part.function_name(name): function
            for part in self.topology.family()
            for name, function in part.functions.items()
        }
        chosen = {
            prop: {name: function for name, function in functions.items() if name in wanted[prop]}
            for prop in _LOOKED_UP
        }
        layered = {name: f for name, f in chosen["layers"].items() if not f.is_image}
        values = fetch(self.aws, chosen["environment"].values(), layered.values())
        scope = self.topology.scope
        layers = look_up(self.aws, layered, self.layers, scope, self.emit, values)
        code = chosen["code"].items()
        artifacts = self.package({name: f for name, f in code if not f.is_image})
        check_sizes(artifacts, layers, functions)
        large = any(artifact.from_bucket for artifact in artifacts.values())
        bucket = _bucket(self.aws, self.bucket).name if large else ""
        built = {name: f for name, f in code if f.is_image and not f.image_uri}
        images = self.find_images(built) if self.find_images and built else {}
        return Facts(artifacts, layers.arns, values, bucket=bucket, images=images)


def readable(plan: Plan) -> list[Step]:
    """The steps for people: an API that is only written for its routes is left out."""
    return [step for step in plan.work if not (step.action is Action.UPDATE and not step.changes)]


def resolved(
    topology: Topology,
    aws: Aws,
    package: Package,
    emit: Emit,
    read_site: ReadSite | None = None,
    find_images: FindImages | None = None,
    layers: LayerSource | None = None,
) -> list[Resource]:
    """Everything that should be, with its packages and layers looked up, and its pages built as
    far as they need nothing that AWS only tells later."""
    source = layers or LayerSource()
    lookups = _Lookups(topology, aws, package, emit, read_site, find_images, source, "")
    facts = lookups.first(desired_of(topology, Facts()), EVERYTHING)
    return desired_of(topology, lookups.completed(facts, frozenset(), {}))
