"""`.tcignore` patterns: the syntax of gitignore(5), the same for everybody who leaves files out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

Ignored = Callable[[str, bool], bool]

_NEVER = r"(?!)"


def matcher(patterns: Iterable[str]) -> Ignored:
    """Whether a path is left out: ``ignored("lib/x.py", is_dir=False)``.

    Paths are posix and relative to where the patterns stand. As in git, the last
    pattern that fits decides, ``!`` takes back, and nothing below a directory
    that is left out can be taken back. Git's ``[[:alpha:]]`` classes are not known.
    """
    return _matcher(tuple(patterns))


@lru_cache(maxsize=256)
def _matcher(patterns: tuple[str, ...]) -> Ignored:
    groups = _groups(patterns)
    directories: dict[str, bool] = {"": False}

    def decide(target: str) -> bool:
        for leaves_out, fits in groups:
            if fits(target):
                return leaves_out
        return False

    def inside(directory: str) -> bool:
        known = directories.get(directory)
        if known is None:
            known = inside(directory.rpartition("/")[0]) or decide(f"{directory}/")
            directories[directory] = known
        return known

    def ignored(path: str, is_dir: bool) -> bool:
        if not groups:
            return False
        return inside(path) if is_dir else inside(path.rpartition("/")[0]) or decide(path)

    return ignored


def _groups(patterns: Iterable[str]) -> list[tuple[bool, Callable[[str], object]]]:
    """(leaves out, fits) for each run of patterns of one sign, the last run first.

    A run is one regular expression, so that a hundred patterns cost little more
    than one on each file.
    """
    runs: list[tuple[bool, list[str]]] = []
    for pattern in patterns:
        leaves_out, expression = _translate(pattern)
        if not expression:
            continue
        if runs and runs[-1][0] == leaves_out:
            runs[-1][1].append(expression)
        else:
            runs.append((leaves_out, [expression]))
    return [(sign, re.compile("|".join(run), re.DOTALL).fullmatch) for sign, run in reversed(runs)]


def _translate(line: str) -> tuple[bool, str]:
    """Whether the line leaves out, and its regular expression, empty where it says nothing.

    Directories are matched with a slash at their end.
    """
    text = line.rstrip("\r\n")
    if text.startswith("#"):
        return True, ""
    while text.endswith(" ") and not _escaped(text):
        text = text[:-1]
    leaves_out = not text.startswith("!")
    text = text if leaves_out else text[1:]
    end = "/" if text.endswith("/") else "/?"
    text = text.removesuffix("/")
    if not text:
        return True, ""
    anchored = "/" in text
    body = _segments([re.sub(r"^\*\*+$", "**", part) for part in text.removeprefix("/").split("/")])
    return leaves_out, f"(?:{'' if anchored else '(?:.*/)?'}{body}{end})"


def _escaped(text: str) -> bool:
    """Whether an odd number of backslashes stands before the last character."""
    before = text[:-1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _segments(parts: list[str]) -> str:
    """``a/**/b``: two stars alone between slashes are any number of directories."""
    out = ""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part != "**":
            out += _segment(part) + ("" if last else "/")
        elif last:
            out += ".+" if index else ".*"
        elif parts[index + 1] != "**":
            out += "(?:.*/)?"
    return out


def _segment(part: str) -> str:
    """The expression of what stands between two slashes."""
    out, at = "", 0
    while at < len(part):
        char = part[at]
        at += 1
        if char == "*":
            out += "" if out.endswith("[^/]*") else "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "[":
            found, at = _class(part, at)
            out += found
        elif char == "\\":
            out += re.escape(part[at]) if at < len(part) else _NEVER
            at += 1
        else:
            out += re.escape(char)
    # a star alone is at least one letter: the slash behind a directory is no name
    return f"(?=[^/]){out}"


def _class(part: str, at: int) -> tuple[str, int]:
    """``[a-z]`` from behind its bracket, and where it ends; one that never ends fits nothing."""
    negated = part[at : at + 1] in ("!", "^")
    at += negated
    members = ""
    start = at
    while at < len(part) and (part[at] != "]" or at == start):
        char = part[at]
        if char == "\\" and at + 1 < len(part):
            at += 1
            members += re.escape(part[at])
        else:
            members += "-" if char == "-" else re.escape(char)
        at += 1
    if at >= len(part):
        return _NEVER, at
    expression = f"(?!/)[{'^' if negated else ''}{members}]"
    try:
        re.compile(expression)
    except re.error:
        return _NEVER, at + 1
    return expression, at + 1
