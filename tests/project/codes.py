"""The codes of errors and warnings, read from the calls in tc/ that name one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: calls one of whose first two arguments is a code
_CALLS = frozenset(
    "Finding Mistake Message Stop fail _Refused _add _finding _refuse".split()  # noqa: SIM905
)
_CODE = re.compile(r"[a-z]+(-[a-z]+)*\Z")
_SEVERITIES = frozenset({"error", "warning"})


def codes() -> dict[str, str]:
    """code -> the first place that names it."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "tc").rglob("*.py")):
        if path.is_relative_to(ROOT / "tc" / "local" / "hooks"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                for code in _codes(node):
                    found.setdefault(code, f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def _codes(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    candidates: list[ast.expr] = [word.value for word in node.keywords if word.arg == "code"]
    if name in _CALLS:
        candidates += node.args[:2]
    for candidate in candidates:
        value = getattr(candidate, "value", None)
        if isinstance(value, str) and _CODE.match(value) and value not in _SEVERITIES:
            yield value
