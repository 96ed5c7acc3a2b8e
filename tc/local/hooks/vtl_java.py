"""The values of mapping templates: how they look in text, and Java's methods of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

MISSING = object()  # an undefined reference shows as it is written


def show(value: Any) -> str:
    """How a value looks in the text."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def item_of(value: Any, index: int) -> Any:
    if isinstance(value, list) and -len(value) <= index < len(value):
        return value[index]
    return None


def java(value: Any, name: str, *given: Any) -> Any:
    method = METHODS.get(name)
    return None if method is None else method(value, *given)


def _put(value: dict[Any, Any], key: Any, item: Any) -> None:
    value[key] = item


def _add(value: list[Any], item: Any) -> bool:
    value.append(item)
    return True


def _replace_all(value: str, pattern: str, by: str) -> str:
    return re.sub(pattern, re.sub(r"\$(\d)", r"\\\1", by), value)


#: Java's methods of strings, lists and maps that templates call
METHODS: dict[str, Callable[..., Any]] = {
    "toString": show,
    "equals": lambda value, other: value == other,
    "equalsIgnoreCase": lambda value, other: value.lower() == other.lower(),
    "size": len,
    "length": len,
    "isEmpty": lambda value: len(value) == 0,
    "get": lambda value, key: value.get(key) if isinstance(value, dict) else item_of(value, key),
    "contains": lambda value, item: item in value,
    "containsKey": lambda value, item: item in value,
    "put": _put,
    "add": _add,
    "keySet": list,
    "values": lambda value: list(value.values()),
    "entrySet": lambda value: [{"key": key, "value": item} for key, item in value.items()],
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "indexOf": str.find,
    "substring": lambda value, start, end=None: value[start:end],
    "replace": str.replace,
    "replaceAll": _replace_all,
    "matches": lambda value, pattern: re.fullmatch(pattern, value) is not None,
    "split": lambda value, pattern: re.split(pattern, value),
    "trim": str.strip,
    "toLowerCase": str.lower,
    "toUpperCase": str.upper,
}
