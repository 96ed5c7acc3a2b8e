"""docs/cli.md from the commands' own help; ``--check`` only says whether it is current."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from tc.cli.app import command_line

FILE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
WIDTH = 88
_HEAD = """# Commands

Made by `make docs` from what `tc COMMAND --help` says.
Exit codes and errors: [errors.md](errors.md).
"""


def text() -> str:
    """The whole page."""
    parts = [_HEAD]
    for context in contexts(typer.main.get_command(command_line()), "tc"):
        parts.append(f"## {context.command_path}\n\n```\n{context.get_help().strip()}\n```\n")
    return "\n".join(parts)


def contexts(command: Any, name: str, parent: Any = None) -> Iterator[Any]:
    """Of the command itself, then of everything below it."""
    context = command.make_context(
        name,
        [],
        parent=parent,
        resilient_parsing=True,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
    )
    yield context
    for name_below, below in getattr(command, "commands", {}).items():
        yield from contexts(below, name_below, context)


def main() -> int:
    if "--check" not in sys.argv[1:]:
        FILE.write_text(text())
        return 0
    if FILE.is_file() and FILE.read_text() == text():
        return 0
    print("docs/cli.md is not what the commands say\n  next: make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
