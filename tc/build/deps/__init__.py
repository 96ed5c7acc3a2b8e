"""Dependencies, one file for each language.

A language is a module with `needs`, which reads files and starts nothing, and `install`,
which fills a directory as a layer has it (``python/``, ``ruby/``, ``nodejs/``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from tc.build.tools import Tools
from tc.records import dataclass
from tc.spec.function import Function
from tc.spec.layer import Package, Platform

#: start of a runtime -> its language's module here
_LANGUAGES = {"python": "python", "ruby": "ruby", "nodejs": "node", "provided": "program"}
#: start of a runtime -> where its package managers install by themselves
_LEFT = {"ruby": ("/vendor/bundle/", "/vendor/cache/", "/.bundle/"), "nodejs": ("/node_modules/",)}


@dataclass(frozen=True, slots=True)
class Needs:
    """What a function depends on.

    `file` is what the user wrote, `digest` (hex SHA-256) of everything that decides what will
    be installed: equal digests are installed once. `detail` is the language's own.
    """

    language: str
    file: Path
    digest: str
    detail: Any = field(default=None, compare=False)


class Language(Protocol):
    def needs(self, function: Function, platform: Platform) -> Needs | None:
        """What `function` depends on; None when nothing. Raises TcError for a file that can't
        be read."""

    def install(
        self,
        needs: Needs,
        functions: Sequence[str],
        platform: Platform,
        directory: Path,
        tools: Tools,
    ) -> tuple[Package, ...]:
        """Installs into the empty `directory`; the packages, each with all its files.

        `functions` are the names of those that need them, for messages. Raises TcError.
        """


def language_of(runtime: str) -> Language | None:
    """The language whose dependencies tc installs for `runtime` (``python3.12``)."""
    for start, module in _LANGUAGES.items():
        if runtime.startswith(start):
            found: Language = import_module(f"tc.build.deps.{module}")
            return found
    return None


def installed_by(function: Function) -> tuple[str, ...]:
    """Patterns of what package managers leave in the function's directory: tc installs it anew,
    elsewhere."""
    found = (left for start, left in _LEFT.items() if function.runtime.startswith(start))
    return next(found, ())
