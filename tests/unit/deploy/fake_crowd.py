"""Others in the account in memory: copies of all that is there, under other names.

A copy is as whole as what it is made from, tags, roles and policies included, so whatever
a kind has in the account, the crowd has too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fake_aws import FakeAws

#: what copies share with the original: nobody's in particular
_SHARED = frozenset({"default", "orders"})


def strangers(aws: FakeAws, count: int, namespace: str, sandbox: str) -> None:
    """`count` sandboxes of other topologies, half of them before ours in every listing."""
    _copy(aws, count, lambda name: {namespace: name, sandbox: name})


def siblings(aws: FakeAws, count: int, sandbox: str) -> None:
    """`count` other sandboxes of the same topology."""
    _copy(aws, count, lambda name: {sandbox: name})


def _copy(aws: FakeAws, count: int, words: Callable[[str], Mapping[str, str]]) -> None:
    before = {name: dict(held) for name, held in vars(aws).items() if isinstance(held, dict)}
    changing = set(words("")) | {"api-test"}
    numbers = _numbers(before, changing)
    for holder in before:
        getattr(aws, holder).clear()
    for turn in range(count):
        if turn == count // 2:
            _put(aws, before)
        name = f"{'a' if turn < count // 2 else 'z'}{turn:04d}"
        told = {"api-test": f"api-{name}", **words(name)}
        told |= {number: f"{number}{name}" for number in numbers}
        rename = _renaming(told)
        _put(aws, {holder: rename(held) for holder, held in before.items()})


def _put(aws: FakeAws, held: Mapping[str, Mapping[Any, Any]]) -> None:
    """What is there already is nobody's in particular, and stays."""
    for holder, things in held.items():
        there = getattr(aws, holder)
        there.update({key: value for key, value in things.items() if key not in there})


def _numbers(holders: Mapping[str, Mapping[Any, Any]], changing: set[str]) -> set[str]:
    """The keys that AWS gave: ids in which there is none of the words that change."""
    keys = {key for held in holders.values() for key in held if isinstance(key, str)}
    return {key for key in keys - _SHARED if not any(word in key for word in changing)}


def _renaming(told: Mapping[str, str]) -> Callable[[Any], Any]:
    pattern = re.compile("|".join(re.escape(word) for word in sorted(told, key=len, reverse=True)))

    def rename(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(lambda match: told[match.group()], value)
        if isinstance(value, dict):
            return {rename(key): rename(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set):
            return type(value)(rename(item) for item in value)
        return value

    return rename
