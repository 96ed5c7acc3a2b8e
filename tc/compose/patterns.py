"""EventBridge event patterns, checked offline.

Source: the EventBridge user guide, "Creating Amazon EventBridge event patterns"
and "Comparison operators".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_OPERATORS = frozenset(
    {
        "prefix",
        "suffix",
        "anything-but",
        "numeric",
        "exists",
        "equals-ignore-case",
        "wildcard",
        "cidr",
    }
)
_OF_A_STRING = frozenset({"cidr", "equals-ignore-case", "wildcard"})
_NUMERIC = frozenset({"=", "<", "<=", ">", ">="})

Path = tuple[str | int, ...]


def check_pattern(pattern: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, str]]:
    """(keys that lead there, what is wrong) for everything EventBridge would refuse."""
    if not pattern:
        yield path, "a pattern needs at least one field"
    for key, value in pattern.items():
        here = (*path, key)
        if key == "$or":
            yield from _check_or(value, here)
        elif isinstance(value, Mapping):
            yield from check_pattern(value, here)
        elif isinstance(value, list):
            yield from _check_values(value, here)
        else:
            yield here, f"`{key}` needs a list of values: write `[{value}]`"


def _check_or(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(value, list) or len(value) < 2:
        yield path, "`$or` needs a list of two or more patterns"
        return
    for place, item in enumerate(value):
        if isinstance(item, Mapping):
            yield from check_pattern(item, (*path, place))
        else:
            yield (*path, place), "`$or` takes patterns only"


def _check_values(values: list[Any], path: Path) -> Iterator[tuple[Path, str]]:
    if not values:
        yield path, "an empty list matches nothing"
    for place, value in enumerate(values):
        here = (*path, place)
        if isinstance(value, Mapping):
            yield from _check_operator(value, here)
        elif isinstance(value, list):
            yield here, "a list in a list matches nothing"


def _check_operator(value: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
    if len(value) != 1:
        yield path, "a comparison has one operator"
        return
    operator, operand = next(iter(value.items()))
    if operator not in _OPERATORS:
        yield path, f"`{operator}` is no operator: there are {', '.join(sorted(_OPERATORS))}"
    elif operator == "exists" and not isinstance(operand, bool):
        yield path, "`exists` takes true or false"
    elif operator in _OF_A_STRING and not isinstance(operand, str):
        yield path, f"`{operator}` takes a string"
    elif operator in {"prefix", "suffix"} and not _affix(operand):
        yield path, f"`{operator}` takes a string, or `{{equals-ignore-case: …}}`"
    elif operator == "numeric" and not _numeric(operand):
        yield path, '`numeric` takes operators with numbers: `[">", 0, "<=", 5]`'


def _affix(operand: Any) -> bool:
    if isinstance(operand, Mapping) and list(operand) == ["equals-ignore-case"]:
        operand = operand["equals-ignore-case"]
    return isinstance(operand, str)


def _numeric(operand: Any) -> bool:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        return False
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(
        sign in _NUMERIC and isinstance(number, int | float) and not isinstance(number, bool)
        for sign, number in pairs
    )
