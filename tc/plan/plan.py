"""Desired against actual: what to do about each thing, and in which order; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tc.plan.changes import compare, resolve
from tc.plan.resource import Action, Actual, Change, Plan, Resource, Step, refs
from tc.plan.select import EVERYTHING, Selection


def make_plan(
    desired: Sequence[Resource],
    actual: Mapping[str, Actual],
    selection: Selection = EVERYTHING,
    *,
    owners: frozenset[str],
    replacing: Mapping[str, frozenset[str]],
    order: Sequence[str],
) -> Plan:
    """The plan that makes `actual` what `desired` says.

    `desired` is the whole topology; of it, `selection` is done, and what that
    needs and isn't there. What one of `owners` has and nobody desires is
    removed. `replacing` are the fields of each kind that can't be changed in
    place, `order` the kinds in the order in which they need each other.
    """
    outputs = {key: found.outputs for key, found in actual.items()}
    gone = _gone(desired, actual, selection, owners)
    known, steps = _building(desired, actual, selection, replacing, outputs, gone)
    while anew := _anew(steps) & outputs.keys():
        # what refers to a thing that is made anew can't be compared with the old one's
        outputs = {key: told for key, told in outputs.items() if key not in anew}
        known, steps = _building(desired, actual, selection, replacing, outputs, gone)
    steps += [_release(found) for found in _left(desired, actual, gone, owners)]
    steps += [_remove(found) for found in gone]
    return Plan(tuple(_ordered(_grouped(steps, known, actual), order)), outputs)


def _anew(steps: Sequence[Step]) -> set[str]:
    """What others know by something that it will have no more."""
    return {
        step.key
        for step in steps
        if step.action is Action.REPLACE
        or (step.action is Action.CREATE and step.resource and step.resource.snapshot)
    }


def make_removal(
    desired: Sequence[Resource],
    actual: Mapping[str, Actual],
    selection: Selection,
    *,
    owners: frozenset[str],
    replacing: Mapping[str, frozenset[str]],
    order: Sequence[str],
) -> Plan:
    """The plan that removes what `selection` means of `actual`, and leaves the rest.

    What only comes with a selected thing stays: others may use it too. But a
    parent that nothing is left in goes with its last child.
    """
    going = {
        resource.key
        for resource in desired
        if selection.selects(resource) and selection.about(resource.kind)
    }
    children = {parent.key: _children_of(parent, desired) for parent in desired if parent.bears}
    going |= {key for key, inside in children.items() if inside and inside <= going}
    return make_plan(
        [resource for resource in desired if resource.key not in going],
        actual,
        selection.only_removing(frozenset(going)),
        owners=owners,
        replacing=replacing,
        order=order,
    )


def _children_of(parent: Resource, desired: Sequence[Resource]) -> set[str]:
    return {resource.key for resource in desired if resource.parent == parent.key}


def _building(
    desired: Sequence[Resource],
    actual: Mapping[str, Actual],
    selection: Selection,
    replacing: Mapping[str, frozenset[str]],
    outputs: Mapping[str, Mapping[str, str]],
    gone: Sequence[Actual],
) -> tuple[list[Resource], list[Step]]:
    """The desired things with their references filled, and the steps for the chosen ones."""
    known = [replace(r, props=resolve(r.props, outputs)) for r in desired]
    chosen = _with_needs(known, actual, selection)
    steps = [
        _step(resource, actual.get(resource.key), selection.fields(resource), replacing)
        for resource in chosen
    ]
    carriers = [
        _step(parent, actual.get(parent.key), replacing.get(parent.kind), replacing)
        for parent in _carriers(chosen, gone, known)
    ]
    steps += [
        step
        for step in carriers
        if step.action is Action.REPLACE or (step.resource and "update" in step.resource.bears)
    ]
    steps += [
        _step(resource, actual.get(resource.key), None, replacing)
        for resource in _carried(known, steps)
    ]
    return known, _with_followers(known, steps, actual, replacing)


def _with_needs(
    desired: Sequence[Resource], actual: Mapping[str, Actual], selection: Selection
) -> list[Resource]:
    """What is selected, with all that this needs and that isn't there yet."""
    by_key = {resource.key: resource for resource in desired}
    chosen = {r.key for r in desired if selection.selects(r)}
    queue = list(chosen)
    while queue:
        resource = by_key[queue.pop()]
        for need in resource.needs:
            known = need not in by_key or need in chosen or need in actual
            if not known and (resource.key not in actual or by_key[need].snapshot):
                chosen.add(need)
                queue.append(need)
    return [resource for resource in desired if resource.key in chosen]


def _carriers(
    chosen: Sequence[Resource], gone: Sequence[Actual], desired: Sequence[Resource]
) -> list[Resource]:
    """Parents that aren't selected but may do their children's changes by a call of theirs.

    Of such a parent itself only what would replace it is looked at.
    """
    keys = {resource.key for resource in chosen}
    wanted = {resource.parent for resource in chosen} | {found.parent for found in gone}
    return [parent for parent in desired if parent.key in wanted - keys and parent.bears]


def _carried(desired: Sequence[Resource], steps: Sequence[Step]) -> list[Resource]:
    """What lives in or refers to a parent that is made anew, and isn't in the plan yet."""
    anew = {
        step.key
        for step in steps
        if step.action is Action.REPLACE and step.resource and step.resource.bears
    }
    planned = {step.key for step in steps}
    return [
        resource
        for resource in desired
        if resource.key not in planned and not anew.isdisjoint((resource.parent, *resource.needs))
    ]


def _with_followers(
    desired: Sequence[Resource],
    steps: list[Step],
    actual: Mapping[str, Actual],
    replacing: Mapping[str, frozenset[str]],
) -> list[Step]:
    """`steps`, and what refers to a snapshot that is made, selected or not: only the fields
    that do."""
    found = {step.key: step for step in steps}
    queue = [key for key in _anew(steps) if (r := found[key].resource) and r.snapshot]
    while queue:
        made = queue.pop()
        for resource in desired:
            fields = frozenset(
                prop
                for prop, value in resource.props.items()
                if any(ref.key == made for ref in refs(value))
            )
            there = (resource.parent if resource.snapshot else resource.key) in actual
            planned = found.get(resource.key)
            if not fields or not there or (planned and not _lacks(planned, fields)):
                continue
            step = _step(resource, actual.get(resource.key), fields, replacing)
            if planned:
                step = replace(step, changes=(*planned.changes, *step.changes))
            found[resource.key] = step
            if resource.snapshot:
                queue.append(resource.key)
    return list(found.values())


def _lacks(step: Step, fields: frozenset[str]) -> bool:
    """Whether a step leaves out what differs in `fields`, since they weren't selected."""
    if step.action not in (Action.KEEP, Action.UPDATE):
        return False
    return fields.isdisjoint(change.path.split(".")[0] for change in step.changes)


def _step(
    resource: Resource,
    found: Actual | None,
    fields: frozenset[str] | None,
    replacing: Mapping[str, frozenset[str]],
) -> Step:
    action = Action.CREATE
    changes: tuple[Change, ...] = ()
    if found:
        changes = compare(resource, found, fields)
        fixed = replacing.get(resource.kind, frozenset())
        if not changes:
            action = Action.KEEP
        elif resource.snapshot:
            action, changes = Action.CREATE, ()
        elif any(change.path.split(".")[0] in fixed for change in changes):
            action = Action.REPLACE
        else:
            action = Action.UPDATE
    return Step(
        action=action,
        key=resource.key,
        kind=resource.kind,
        name=resource.name,
        title=resource.title,
        resource=resource,
        actual=found,
        changes=changes,
        needs=resource.needs,
    )


def _gone(
    desired: Sequence[Resource],
    actual: Mapping[str, Actual],
    selection: Selection,
    owners: frozenset[str],
) -> list[Actual]:
    """What is an owner's and isn't desired; a gateway that tc made goes with its last route."""
    wanted = {resource.key for resource in desired}
    gone = {
        key: found
        for key, found in actual.items()
        if key not in wanted
        and found.owner in owners
        and (selection.takes(found) or key in selection.gone)
    }
    for key, found in actual.items():
        if found.outputs.get("made") == "tc" and not _in_use(found, gone, desired, actual):
            gone[key] = found
    return list(gone.values())


def _in_use(
    shared: Actual,
    gone: Mapping[str, Actual],
    desired: Sequence[Resource],
    actual: Mapping[str, Actual],
) -> bool:
    """Whether anything is left in what nobody owns. `outputs["inside"]` counts what is in it
    now, other owners' things included, where its kind tells no children."""
    key, inside = shared.key, shared.outputs.get("inside")
    if inside is not None:
        users = [found for found in actual.values() if key in found.needs]
        left = int(inside) - sum(found.key in gone for found in users)
        return left > 0 or any(resource.key == key for resource in desired)
    children = [child.key for child in actual.values() if child.parent == key]
    left_here = any(child not in gone for child in children)
    return left_here or any(resource.parent == key for resource in desired)


def _left(
    desired: Sequence[Resource],
    actual: Mapping[str, Actual],
    gone: Sequence[Actual],
    owners: frozenset[str],
) -> list[Actual]:
    """What stays since others use it, and still says (`outputs["user"]`) that an owner does."""
    wanted = {resource.key for resource in desired} | {found.key for found in gone}
    return [
        found
        for key, found in actual.items()
        if key not in wanted and found.outputs.get("user") in owners
    ]


def _release(found: Actual) -> Step:
    """Takes an owner's name off what is nobody's in particular."""
    props = {**found.props, "user": ""}
    kept = Resource(found.kind, found.key, found.name, found.title, found.owner, props)
    changes = (Change("user", found.outputs["user"], ""),)
    return Step(Action.UPDATE, found.key, found.kind, found.name, found.title, kept, found, changes)


def _remove(found: Actual) -> Step:
    return Step(Action.DELETE, found.key, found.kind, found.name, found.title, actual=found)


def _grouped(
    steps: list[Step], desired: Sequence[Resource], actual: Mapping[str, Actual]
) -> list[Step]:
    """Steps that a parent's own call does are put within it."""
    by_key = {step.key: step for step in steps}
    grouped: dict[str, Step] = {}
    working: set[str] = set()
    for step in steps:
        parent = by_key.get(_parent(step) or "")
        anew = parent is not None and parent.action is Action.REPLACE
        if step.action is Action.KEEP and not anew:
            grouped[step.key] = step
            continue
        if anew and step.action is not Action.DELETE:
            # it went with the old parent
            step = replace(step, action=Action.CREATE, changes=())
        if parent and _bears(parent, step):
            working.add(parent.key)
            step = replace(step, within=parent.key)
        grouped[step.key] = step
    for key in working:
        parent = grouped[key]
        action = Action.UPDATE if parent.action is Action.KEEP else parent.action
        children = () if action is Action.DELETE else _children(parent, grouped, desired, actual)
        grouped[key] = replace(parent, action=action, children=children)
    return list(grouped.values())


def _parent(step: Step) -> str | None:
    if step.resource:
        return step.resource.parent
    return step.actual.parent if step.actual else None


def _bears(parent: Step, child: Step) -> bool:
    """Whether the parent's call also does what `child` is about."""
    if parent.action is Action.DELETE:
        return child.action is Action.DELETE
    bears = parent.resource.bears if parent.resource else frozenset()
    if parent.action is Action.REPLACE:
        return "create" in bears
    if parent.action is Action.CREATE:
        return "create" in bears and child.action is not Action.DELETE
    return "update" in bears


def _children(
    parent: Step,
    steps: Mapping[str, Step],
    desired: Sequence[Resource],
    actual: Mapping[str, Actual],
) -> tuple[Resource, ...]:
    """The children that the parent should have in the end: as planned where they
    are in the plan, as they are otherwise."""
    final: dict[str, Resource] = {}
    anew = parent.action is Action.REPLACE
    for found in [] if anew else actual.values():
        step = steps.get(found.key)
        if found.parent == parent.key and not (step and step.action is Action.DELETE):
            final[found.key] = Resource(
                found.kind, found.key, found.name, found.title, found.owner, found.props
            )
    for resource in desired:
        if resource.parent == parent.key and (anew or resource.key in steps):
            final[resource.key] = resource
    return tuple(final[name] for name in sorted(final))


def _ordered(steps: list[Step], order: Sequence[str]) -> list[Step]:
    """Creates and updates as they need each other, then removals the other way round.

    Nothing is removed before everything else is done: what is updated may still
    use it. Of the removals, a thing goes before what it needs.
    """
    rank = {kind: place for place, kind in enumerate(order)}
    busy = {step.key for step in steps if step.action is not Action.KEEP}
    building = sorted(
        (step for step in steps if step.action is not Action.DELETE),
        key=lambda step: (rank[step.kind], step.key),
    )
    removing = sorted(
        (step for step in steps if step.action is Action.DELETE),
        key=lambda step: (-rank[step.kind], step.key),
    )
    placed = [
        replace(step, needs=tuple(need for need in step.needs if need in busy)) for step in building
    ]
    built = tuple(step.key for step in building if step.action is not Action.KEEP)
    users: dict[str, list[str]] = {}
    for step in removing:
        for need in step.actual.needs if step.actual else ():
            users.setdefault(need, []).append(step.key)
    placed += [
        replace(
            step,
            needs=() if step.within else (*built, *users.get(step.key, ())),
        )
        for step in removing
    ]
    return placed
