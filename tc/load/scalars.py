"""Plain YAML scalars by the core schema of YAML 1.2 (yaml.org/spec/1.2.2, 10.3).

One deviation, for the user: what would not be written back as it stands
(``012345678901``, ``0o17``, infinities) stays the text it is.
"""

from __future__ import annotations

import math
import re
from typing import Any

_CONSTANTS: dict[str, Any] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,999})")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,999}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMBER_STARTS = frozenset("0123456789+-.")


class WrittenInt(int):
    """A whole number that was not written as Python writes it: ``0x1F``."""

    text: str


class WrittenFloat(float):
    """A number that was not written as Python writes it: ``1.10``."""

    text: str


def resolve(text: str) -> Any:
    """The value of the plain scalar `text`."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INT.fullmatch(text):
        return whole_number(text)
    if _HEX.fullmatch(text):
        return whole_number(text)
    return number(text) if _FLOAT.fullmatch(text) else text


def whole_number(text: str) -> int | str:
    """`text` as a number that remembers how it was written; too long ones stay text."""
    if len(text) > 1000:
        return text
    value = int(text, 16 if text.startswith("0x") else 10)
    if str(value) == text:
        return value
    written = WrittenInt(value)
    written.text = text
    return written


def number(text: str) -> float | str:
    value = float(text)
    if math.isinf(value):
        return text
    if repr(value) == text:
        return value
    written = WrittenFloat(value)
    written.text = text
    return written


def as_text(value: Any) -> Any:
    """A number or a truth value as it was written; anything else as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, WrittenInt | WrittenFloat):
        return value.text
    return str(value) if isinstance(value, int | float) else value


def plain(value: Any) -> Any:
    """`value` without the memory of how it was written; itself when there is none in it.

    What leaves `tc.load` is plain: YAML's representer refuses subclasses of float.
    """
    if isinstance(value, WrittenInt):
        return int(value)
    if isinstance(value, WrittenFloat):
        return float(value)
    if isinstance(value, dict):
        made = {key: plain(item) for key, item in value.items()}
        return value if all(made[key] is value[key] for key in made) else made
    if isinstance(value, list):
        items = [plain(item) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    return value
