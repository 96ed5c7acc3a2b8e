"""What differs between the props of a thing that is and of the one that should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tc.plan.resource import Actual, Change, Joined, Ref, Resource


def resolve(value: Any, outputs: Mapping[str, Mapping[str, str]]) -> Any:
    """`value` with every `Ref` replaced whose thing is known; others stay."""
    if isinstance(value, Ref):
        known = outputs.get(value.key, {}).get(value.attr)
        return value if known is None else f"{value.before}{known}{value.after}"
    if isinstance(value, Joined):
        parts = tuple(resolve(part, outputs) for part in value.parts)
        whole = all(isinstance(part, str) for part in parts)
        return "".join(parts) if whole else Joined(parts)
    if isinstance(value, Mapping):
        return {key: resolve(item, outputs) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, outputs) for item in value]
    return value


def compare(
    resource: Resource, actual: Actual, fields: frozenset[str] | None = None
) -> tuple[Change, ...]:
    """The fields that differ, deepest name first known: ``environment.STAGE``.

    Only what `resource` speaks of is compared, and of that only `fields` where given.
    """
    changes: list[Change] = []
    if resource.owner and actual.owner != resource.owner:
        changes.append(Change("owner", actual.owner or None, resource.owner))
    for prop, after in resource.props.items():
        if fields is None or prop in fields:
            changes += _differences(prop, actual.props.get(prop), after)
    return tuple(changes)


def _differences(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            old, new = before.get(key), after.get(key)
            if old is new is None and (key in before) != (key in after):
                # in ASL a null is not the same as nothing
                old, new = ("null", None) if key in before else (None, "null")
            yield from _differences(f"{path}.{key}", old, new)
        return
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{path}.{place}", old, new)
        return
    if isinstance(before, list) and isinstance(after, list) and None not in [*before, *after]:
        yield from (Change(path, item, None) for item in before if item not in after)
        yield from (Change(path, None, item) for item in after if item not in before)
        if any(item not in after for item in before) or any(i not in before for i in after):
            return
    yield Change(path, before, after)
