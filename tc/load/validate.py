"""A user's mapping to its strict model: every problem found, what is wrong taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from tc.load.messages import Mistake, mistakes
from tc.records import dataclass
from tc.spec.base import TARGET_KEYS, Strict
from tc.spec.finding import Address, Finding, KeyPath

Model = TypeVar("Model", bound=Strict)

#: taking something out can make something else wrong, but not forever
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Checked(Generic[Model]):
    """`model` is None when nothing usable is left; `removed` are the paths taken out."""

    model: Model | None
    findings: tuple[Finding, ...] = ()
    removed: tuple[KeyPath, ...] = ()


def validate(model: type[Model], data: Any, address: Address, kind: str) -> Checked[Model]:
    """`data` as a `model`; `kind` is the section it is from (`routes`), for the sentences.

    Keys starting ``x-`` are taken out silently, wherever the model would refuse them.
    """
    data = {} if data is None else data
    findings: list[Finding] = []
    removed: list[KeyPath] = []
    for _ in range(_ROUNDS):
        try:
            return Checked(model.model_validate(data), tuple(findings), tuple(removed))
        except ValidationError as error:
            found = mistakes(model, data, error, kind)
        told = [mistake for mistake in found if not mistake.is_users_own]
        if not removed:
            findings += [_finding(mistake, address) for mistake in told]
        paths = [mistake.remove for mistake in found]
        if () in paths:
            break
        removed += [mistake.remove for mistake in told]
        data = without(data, paths)
    return Checked(None, tuple(findings), tuple(removed))


def lost_target(checked: Checked[Any]) -> bool:
    """Whether what was taken out may have been the entry's target, so that it has none now."""
    left = checked.model
    if left is None or not checked.removed:
        return False
    names = [*TARGET_KEYS, "proxy", "target", "consumer"]
    has_one = any(getattr(left, key, None) for key in names)
    could_have = any(key in type(left).model_fields for key in TARGET_KEYS)
    return could_have and not has_one


def without(data: Any, paths: list[KeyPath]) -> Any:
    """A copy of `data` that lacks the values at `paths`; `data` may share parts, so it stays."""
    here = {path[0] for path in paths if len(path) == 1}
    below: dict[Any, list[KeyPath]] = {}
    for path in paths:
        if len(path) > 1 and path[0] not in here:
            below.setdefault(path[0], []).append(path[1:])

    def kept(key: Any, value: Any) -> Any:
        return without(value, below[key]) if key in below else value

    if isinstance(data, Mapping):
        return {key: kept(key, value) for key, value in data.items() if key not in here}
    if isinstance(data, list):
        return [kept(index, value) for index, value in enumerate(data) if index not in here]
    return data


def _finding(mistake: Mistake, address: Address) -> Finding:
    at = Address(address.file, (*address.path, *mistake.path))
    return Finding(mistake.code, mistake.message, at, mistake.hint, mistake.at)
