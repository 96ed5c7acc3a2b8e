"""EventBridge event patterns, checked offline.

Source: the EventBridge user guide, "Creating Amazon EventBridge event patterns"
and "Comparison operators".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

#: what may stand below `anything-but`
_NEGATED = frozenset({"prefix", "suffix", "equals-ignore-case", "wildcard"})
_FROM, _TO = (">", ">="), ("<", "<=")
#: no two wildcards in a row, and a backslash only before a wildcard or another
_WILDCARD = re.compile(r"(?:[^\\*]|\\[\\*]|\*(?!\*))*")

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
    elif not _CHECKS[operator](operand):
        yield path, f"`{operator}` takes {_TAKES[operator]}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _affix(operand: Any) -> bool:
    if isinstance(operand, Mapping) and list(operand) == ["equals-ignore-case"]:
        operand = operand["equals-ignore-case"]
    return isinstance(operand, str)


def _wildcard(operand: Any) -> bool:
    return isinstance(operand, str) and bool(_WILDCARD.fullmatch(operand))


def _cidr(operand: Any) -> bool:
    """A network; EventBridge takes none of a single address."""
    if not isinstance(operand, str) or "/" not in operand:
        return False
    try:
        network = ipaddress.ip_network(operand, strict=False)
    except ValueError:
        return False
    return operand.rpartition("/")[2].isdigit() and network.prefixlen < network.max_prefixlen


def _numeric(operand: Any) -> bool:
    """One comparison, or a lower bound and then a greater upper one."""
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        return False
    if operand[0] not in ("=", *_FROM, *_TO) or not _is_number(operand[1]):
        return False
    if len(operand) == 2:
        return True
    range_ = operand[0] in _FROM and operand[2] in _TO and _is_number(operand[3])
    return range_ and bool(operand[1] < operand[3])


def _anything_but(operand: Any) -> bool:
    """A text, a number, several of one type, or what may be negated with texts."""
    if isinstance(operand, Mapping):
        return len(operand) == 1 and all(
            name in _NEGATED and _negated(name, below) for name, below in operand.items()
        )
    values = operand if isinstance(operand, list) else [operand]
    texts = all(isinstance(value, str) for value in values)
    return bool(values) and (texts or all(_is_number(value) for value in values))


def _negated(name: str, operand: Any) -> bool:
    values = operand if isinstance(operand, list) else [operand]
    if not values or not all(isinstance(value, str) for value in values):
        return False
    if name == "wildcard":
        return all(_wildcard(value) for value in values)
    return name == "equals-ignore-case" or all(values)


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "prefix": _affix,
    "suffix": _affix,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "exists": lambda operand: isinstance(operand, bool),
    "equals-ignore-case": lambda operand: isinstance(operand, str),
    "wildcard": _wildcard,
    "cidr": _cidr,
}
_TAKES = {
    "prefix": "a string, or `{equals-ignore-case: …}`",
    "suffix": "a string, or `{equals-ignore-case: …}`",
    "anything-but": "a string, a number, a list of one of these, or `{prefix: …}` and its like",
    "numeric": 'operators with numbers, the lower bound first: `[">", 0, "<=", 5]`',
    "exists": "true or false",
    "equals-ignore-case": "a string",
    "wildcard": "a string in which no `*` follows another, and `\\` escapes `*` or itself",
    "cidr": "an address and a mask: `10.0.0.0/24`",
}
_OPERATORS = frozenset(_CHECKS)
