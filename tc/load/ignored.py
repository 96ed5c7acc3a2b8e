"""`.tcignore` files."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from tc.load.text import read_text
from tc.spec.finding import Finding

FILE = ".tcignore"


def patterns(directory: Path, findings: list[Finding]) -> tuple[str, ...]:
    """The patterns of `directory`'s own .tcignore, without comments."""
    file = directory / FILE
    if not file.exists():
        return ()
    lines = (read_text(file, findings) or "").splitlines()
    return tuple(line for line in lines if line.strip() and not line.startswith("#"))


def is_ignored(path: str, rules: tuple[str, ...], *, is_dir: bool = True) -> bool:
    """Whether `path` (posix, relative to where `rules` stand) is left out."""
    return bool(rules) and _matcher(rules)(path, is_dir)


@lru_cache(maxsize=32)
def _matcher(rules: tuple[str, ...]) -> Callable[[str, bool], bool]:
    from tc.spec.ignore import matcher

    return matcher(rules)


def rebased(rules: tuple[str, ...], directory: str) -> tuple[str, ...]:
    """`rules` of a parent as they read in its sub-directory `directory` (posix)."""
    return tuple(found for rule in rules for found in [_rebase(rule, directory)] if found)


def _rebase(rule: str, directory: str) -> str:
    """`rule` seen from `directory`; nothing when it is about other directories.

    Only a slash that is not at the end ties a rule to its place (gitignore(5)).
    """
    mark, body = ("!", rule[1:]) if rule.startswith("!") else ("", rule)
    if "/" not in body.rstrip("/") or body.startswith("**/"):
        return rule
    parts = body.lstrip("/").split("/")
    for name in directory.split("/"):
        if not parts or parts[0] == "**":
            break
        if not fnmatchcase(name, parts[0]):
            return ""
        parts = parts[1:]
    rest = "/".join(parts)
    return f"{mark}/{rest}" if rest else ""
