"""Findings to problems: file, line, column, and the line itself."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tc.errors import Problem
from tc.load.marks import Marked, Span, marks
from tc.load.text import Position, position, read_text, source_line
from tc.spec.finding import Finding, Key


def locate(findings: Iterable[Finding]) -> list[Problem]:
    """`findings` with their places, by file, line and column, each told once."""
    files = _Files()
    problems = {files.problem(finding): None for finding in findings}
    return sorted(problems, key=lambda p: (p.file, p.line, p.col, p.code, p.message))


class _Files:
    """The texts and positions of the files that findings name."""

    def __init__(self) -> None:
        self.texts: dict[Path, str | None] = {}
        self.trees: dict[Path, Marked | None] = {}
        self.here = Path.cwd()

    def problem(self, finding: Finding) -> Problem:
        file = finding.address.file
        place = finding.position
        if place is None and (finding.address.path or self._whole(finding)):
            file, place = self._find(file, finding.address.path, finding.at)
        line, col, width = place or (0, 0, 1)
        source = source_line(self._text(file) or "", line)
        return Problem(
            finding.code,
            finding.message,
            self._shown(file),
            line,
            col,
            max(1, min(width, len(source) - col + 1)),
            source,
            finding.hint,
            finding.severity,
        )

    def _whole(self, finding: Finding) -> bool:
        return finding.code in ("missing-key", "unknown-key", "wrong-type")

    def _find(self, file: Path, path: tuple[Key, ...], at: str) -> tuple[Path, Position | None]:
        """The place of the value at `path`, or of what is nearest above it."""
        start, rest = file, list(path)
        node = self._tree(file)
        last: tuple[Path, Marked] | None = None
        for _ in range(len(path) + 100):
            if node is None:
                break
            last = (start, node)
            if node.include and rest:
                start = start.parent / node.include
                node = self._tree(start)
            elif rest:
                node = node.child(rest[0])
                rest = rest[1:]
            else:
                break
        if last is None:
            return file, None
        found, node = last
        text = self._text(found) or ""
        return found, _place(text, _span(text, node, at))

    def _tree(self, file: Path) -> Marked | None:
        if file not in self.trees:
            text = self._text(file)
            tree = marks(text, is_json=file.suffix == ".json") if text else None
            self.trees[file] = tree
        return self.trees[file]

    def _text(self, file: Path) -> str | None:
        if file not in self.texts:
            self.texts[file] = read_text(file, [])
        return self.texts[file]

    def _shown(self, file: Path) -> str:
        absolute = Path(os.path.normpath(self.here / file))
        if absolute.is_relative_to(self.here):
            return absolute.relative_to(self.here).as_posix()
        return str(absolute)


def _span(text: str, node: Marked, at: str) -> Span:
    """What the caret underlines: the key, or the value when it fits on its line.

    Of mappings, lists and empty values there is only the key to point at.
    """
    start, end = node.value
    is_short = end > start and not node.children and text[start : start + 1] not in "{["
    if node.key and (at == "key" or not is_short):
        return node.key
    if not node.key and node.children and text[start : start + 1] != "{":
        first = next(iter(node.children.values()))
        return first.key or node.value
    return node.value


def _place(text: str, span: Span) -> Position:
    start, end = span
    stop = text.find("\n", start, end)
    return position(text, start, (stop if stop >= 0 else end) - start)
