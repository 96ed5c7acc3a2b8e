"""What is deployed: few reads for many things, each kind at once.

Two calls tell what a sandbox owns: the roles under its IAM path (a role is made
before its thing and deleted after it) and the ARNs that carry its mark. From
these every kind names its things, and reads them with the desired ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tc.components import by_kind, kinds
from tc.components.protocol import Aws, Component, Index
from tc.errors import AwsError
from tc.plan.resource import Actual, Resource, refs
from tc.plan.select import EVERYTHING, Selection
from tc.spec.scope import OWNER_TAG, Scope

Found = dict[str, Actual]

#: ARNs in a page (GetResources; unless it is told, it gives fewer)
_TAGGED_PAGE = 100


def gather(
    aws: Aws,
    scopes: Sequence[Scope],
    desired: Sequence[Resource],
    selection: Selection = EVERYTHING,
) -> Found:
    """The live things by key: those selected, what they need where they are
    missing, and what the sandbox owns of kinds selected whole."""
    by_key = {resource.key: resource for resource in desired}
    wanted = {key: resource for key, resource in by_key.items() if selection.selects(resource)}
    wanted |= _tellers(wanted.values(), by_key)
    sweeping = [c for c in kinds() if _sweeps(c, selection)]
    if sweeping:
        wanted = _merged(wanted, _owned(aws, scopes, sweeping))
    children = _children(desired)
    found: Found = {}
    looked: set[str] = set()
    while fresh := [_with_children(r, children) for k, r in wanted.items() if k not in looked]:
        looked |= {resource.key for resource in fresh}
        _read(aws, fresh, found, looked)
        missing = [r for r in fresh if r.key not in found]
        wanted |= _referred(fresh, by_key) | _needs(missing, by_key)
        wanted |= _traced(found, sweeping) | _turned(found, desired)
        wanted |= _following(fresh, desired)
    return found


def _children(desired: Iterable[Resource]) -> dict[str, list[Resource]]:
    """By their parent's key, the desired things that it tells of."""
    children: dict[str, list[Resource]] = {}
    for resource in desired:
        if resource.parent and by_kind()[resource.kind].TRAITS.told_by:
            children.setdefault(resource.parent, []).append(resource)
    return children


def _with_children(resource: Resource, children: Mapping[str, list[Resource]]) -> Resource:
    """An API with the routes that it should have, to know the live ones by."""
    if not any(resource.kind == component.TRAITS.told_by for component in kinds()):
        return resource
    payload = {**(resource.payload or {}), "children": children.get(resource.key, [])}
    return replace(resource, payload=payload)


def _turned(found: Found, desired: Sequence[Resource]) -> dict[str, Resource]:
    """What refers to a parent that has to be made anew, selected or not."""
    fixed = {component.KIND: component.REPLACE for component in kinds()}
    anew = {
        resource.key
        for resource in desired
        if resource.bears and resource.key in found
        for prop in fixed[resource.kind]
        if found[resource.key].props.get(prop) != resource.props.get(prop)
    }
    return {r.key: r for r in desired if not anew.isdisjoint((r.parent, *r.needs))} if anew else {}


def _following(fresh: Sequence[Resource], desired: Sequence[Resource]) -> dict[str, Resource]:
    """What refers to the snapshots of `fresh`, selected or not: it is done with a new one."""
    keys = {resource.key for resource in fresh if resource.snapshot}
    if not keys:
        return {}
    return {r.key: r for r in desired if any(ref.key in keys for ref in refs(r.props))}


def _sweeps(component: Component, selection: Selection) -> bool:
    """Whether things of this kind that nobody desires any more are looked for."""
    told = [c.KIND for c in kinds() if c.TRAITS.told_by == component.KIND]
    return any(selection.removes(kind) for kind in (component.KIND, *told))


def read_index(aws: Aws, scope: Scope) -> Index:
    """What `scope` owns, as far as AWS tells in two listings."""
    filters: list[dict[str, Any]] = [{"Key": OWNER_TAG, "Values": [scope.owner]}]
    listings: list[Callable[[], tuple[Mapping[str, Any], ...]]] = [
        lambda: tuple(aws.pages("iam", "list_roles", "Roles", PathPrefix=scope.role_path)),
        lambda: _tagged(aws, filters),
    ]
    roles, tagged = aws.map(lambda listing: listing(), listings)
    return Index(scope.owner, roles, tuple(item["ResourceARN"] for item in tagged))


def _tagged(aws: Aws, filters: list[dict[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The tag index lags and may be forbidden; the roles alone are enough to go on."""
    try:
        return tuple(
            aws.pages(
                "resourcegroupstaggingapi",
                "get_resources",
                "ResourceTagMappingList",
                TagFilters=filters,
                PaginationConfig={"PageSize": _TAGGED_PAGE},
            )
        )
    except AwsError as error:
        if error.aws_code in {"AccessDeniedException", "AccessDenied"}:
            return ()
        raise


def _owned(
    aws: Aws, scopes: Sequence[Scope], components: Sequence[Component]
) -> dict[str, Resource]:
    """A resource without props for each thing that the sandbox owns."""
    indexes = aws.map(lambda scope: (scope, read_index(aws, scope)), scopes)
    jobs = [(c, scope, index) for scope, index in indexes for c in components]
    listings = aws.map(lambda job: list(job[0].find(aws, job[1], job[2])), jobs)
    return {resource.key: resource for listing in listings for resource in listing}


def _merged(wanted: Mapping[str, Resource], owned: Mapping[str, Resource]) -> dict[str, Resource]:
    """The desired things with what their owner's index knows of them, then the others."""
    merged = dict(owned)
    for key, resource in wanted.items():
        known = owned.get(key)
        payload = {**(resource.payload or {}), **((known and known.payload) or {})}
        merged[key] = replace(resource, payload=payload)
    return merged


def _tellers(resources: Iterable[Resource], by_key: Mapping[str, Resource]) -> dict[str, Resource]:
    """What tells of the resources: a route is read with its API."""
    told = (r.parent for r in resources if by_kind()[r.kind].TRAITS.told_by)
    return {key: by_key[key] for key in told if key and key in by_key}


def _referred(resources: Iterable[Resource], by_key: Mapping[str, Resource]) -> dict[str, Resource]:
    """What the resources refer to: its outputs are part of their fields."""
    keys = (ref.key for resource in resources for ref in refs(resource.props))
    found = {key: by_key[key] for key in keys if key in by_key}
    return found | _tellers(found.values(), by_key)


def _needs(missing: Iterable[Resource], by_key: Mapping[str, Resource]) -> dict[str, Resource]:
    """What must be there before the missing things can be made."""
    keys = (need for resource in missing for need in resource.needs)
    needed = {key: by_key[key] for key in keys if key in by_key}
    return needed | _tellers(needed.values(), by_key)


def _traced(found: Found, components: Sequence[Component]) -> dict[str, Resource]:
    known = list(found.values())
    return {r.key: r for component in components for r in component.trace(known)}


def _read(aws: Aws, resources: Sequence[Resource], found: Found, looked: set[str]) -> None:
    """Reads things, then those that live in others: a child of what isn't there isn't there.

    Last those that others point at, where their ids aren't known yet.
    """
    roots = [r for r in resources if not r.parent]
    late = {r.key for r in roots if _is_late(r)}
    _read_kinds(aws, [r for r in roots if r.key not in late], found)
    children = [r for r in resources if r.parent and (r.parent in found or r.parent not in looked)]
    _read_kinds(aws, children, found)
    _read_kinds(aws, [_pointed_at(r, found) for r in roots if r.key in late], found)


def _is_late(resource: Resource) -> bool:
    known = resource.payload or {}
    told = by_kind()[resource.kind].TRAITS.pointed_at
    return told is not None and not known.get("ids")


def _pointed_at(resource: Resource, found: Found) -> Resource:
    told = by_kind()[resource.kind].TRAITS.pointed_at
    ids = told(resource, list(found.values())) if told else ()
    return replace(resource, payload={**(resource.payload or {}), "ids": list(ids)})


def _read_kinds(aws: Aws, resources: Sequence[Resource], found: Found) -> None:
    grouped: dict[str, list[Resource]] = {}
    for resource in resources:
        grouped.setdefault(resource.kind, []).append(resource)
    components = by_kind()

    def job(kind: str) -> Callable[[], list[Actual]]:
        return lambda: list(components[kind].read(aws, grouped[kind]))

    for actuals in at_once([job(kind) for kind in grouped]):
        found.update({actual.key: actual for actual in actuals})


def at_once(jobs: Sequence[Callable[[], list[Actual]]]) -> list[list[Actual]]:
    """The kinds side by side, each in a thread that may use the pool for its things."""
    from concurrent.futures import ThreadPoolExecutor

    if len(jobs) < 2:
        return [job() for job in jobs]
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]
