"""A plan, or what a run did, as Markdown: for comments on changes and the summaries of CI jobs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tc.cli.render.text import CUT, safe

#: characters that a comment may have (GitHub's limit; GitLab takes a million)
LIMIT = 65_536
#: what is left for what a job puts around it
_ROOM = 1_000
#: characters of a value
_VALUE = 120
_SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
_COUNTED = (
    ("create", "to create"),
    ("update", "to update"),
    ("replace", "to replace"),
    ("delete", "to delete"),
    ("keep", "unchanged"),
)

Data = Mapping[str, Any]


def plan_markdown(
    title: str,
    steps: Sequence[Data],
    counts: Mapping[str, int],
    *,
    note: str = "",
    limit: int = LIMIT - _ROOM,
) -> str:
    """What `steps` of a plan change, as events tell it: a table, and for code its diff, folded.

    Without steps it is one line. What passes `limit` characters is cut, and said. `note` is a
    sentence that stands above the table.
    """
    if not steps:
        return f"{code(title)}: no differences.\n"
    told = ", ".join(f"{counts[name]} {words}" for name, words in _COUNTED if counts.get(name))
    said = f"{_plain(note)}\n\n" if note else ""
    head = f"### {code(title)}\n\n{told}\n\n{said}| | kind | name | change |\n|---|---|---|---|\n"
    rows = _fitting((_row(step) for step in steps), limit - len(head))
    left = len(steps) - len(rows)
    text = head + "".join(rows)
    if left:
        text += f"\nand {left} more: `tc diff` tells them\n"
    diffs = [_folded(step) for step in steps if step.get("diff")]
    shown = _fitting(diffs, limit - len(text))
    text += "".join(shown)
    if len(shown) < len(diffs):
        text += f"\nCode of {len(diffs) - len(shown)} more functions: `tc diff` shows it\n"
    return text


def run_markdown(title: str, steps: Sequence[Data], failures: Sequence[str], end: str) -> str:
    """What a run did: its steps as a table, what failed, and its last sentence."""
    lines = [f"### {code(title)}\n\n{_plain(end)}\n"]
    lines += [f"\n- **failed** {_plain(failure)}" for failure in failures]
    if failures:
        lines.append("\n")
    if steps:
        lines.append("\n| | kind | name | change |\n|---|---|---|---|\n")
    rows = _fitting((_row(step) for step in steps), LIMIT - _ROOM - sum(map(len, lines)))
    if len(rows) < len(steps):
        rows.append(f"\nand {len(steps) - len(rows)} more\n")
    return "".join([*lines, *rows])


def code(text: str) -> str:
    """`text` as it is, in one line, whatever Markdown would make of it."""
    shown = safe(text).replace("|", "\\|")
    ticks = "`" * (_longest(shown) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def _longest(text: str) -> int:
    """The length of the longest run of backticks."""
    return max(map(len, re.findall("`+", text)), default=0)


def _plain(text: str) -> str:
    """A sentence whose characters mean nothing to Markdown, and that calls nobody."""
    return re.sub(r"([\\`*_{}\[\]<>#|@])", r"\\\1", safe(text))


def _row(step: Data) -> str:
    changes = "<br>".join(_change(change) for change in step["changes"])
    sign = _SIGNS.get(str(step["action"]), "")
    name = code(str(step["title"]))
    return f"| {sign} | {_plain(str(step['kind']))} | {name} | {changes} |\n"


def _change(change: Data) -> str:
    before, after = _value(change["before"]), _value(change["after"])
    return f"{code(str(change['path']))}: {before} → {after}"


def _value(value: Any) -> str:
    if value is None:
        return "none"
    said = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    if len(said) > _VALUE:
        half = (_VALUE - len(CUT)) // 2
        said = said[:half] + CUT + said[-half:]
    return code(said)


def _folded(step: Data) -> str:
    """The diff of a function's code, behind a line that opens it."""
    diff = safe(str(step["diff"]), keep="\n\t").rstrip("\n")
    fence = "`" * max(3, _longest(diff) + 1)
    name = safe(str(step["title"])).replace("&", "&amp;").replace("<", "&lt;")
    head = f"\n<details><summary>Code of {name}</summary>\n\n"
    return f"{head}{fence}diff\n{diff}\n{fence}\n\n</details>\n"


def _fitting(parts: Sequence[str] | Iterator[str], room: int) -> list[str]:
    """The first of `parts` that have room, with a line to spare."""
    kept: list[str] = []
    for part in parts:
        room -= len(part)
        if room < 100:
            break
        kept.append(part)
    return kept
