"""What is told about an event, the same to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tc.cli.render.changes import change_lines
from tc.cli.render.faults import labelled
from tc.cli.render.text import Line, Span, block, cells, pad, safe
from tc.cli.render.units import human_bytes, human_seconds
from tc.events import Event

_SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-", "keep": "="}
_STYLES = {"+": "good", "~": "warn", "±": "warn", "-": "bad", "=": "dim"}
_DOING = {
    "create": "Creating",
    "update": "Updating",
    "replace": "Replacing",
    "delete": "Deleting",
    "keep": "Keeping",
}
_INDENT = "    "


def plan_text(data: Mapping[str, Any]) -> str:
    """``Plan: 3 to create, 1 to update, 0 to delete, 12 unchanged.``"""
    count = {action: int(data.get(action) or 0) for action in _SIGNS}
    if not any(count[action] for action in _SIGNS if action != "keep"):
        return "No differences."
    replaced = f"{count['replace']} to replace, " if count["replace"] else ""
    return (
        f"Plan: {count['create']} to create, {count['update']} to update, {replaced}"
        f"{count['delete']} to delete, {count['keep']} unchanged."
    )


def plan_step(data: Mapping[str, Any], width: int) -> list[Line]:
    """The thing, each field that changes, and the diff of its code."""
    lines = [(*sign(data), Span(" "), *thing(data))]
    for change in data.get("changes") or ():
        for line in change_lines(
            str(change["path"]), change.get("before"), change.get("after"), width - len(_INDENT)
        ):
            lines.append((Span(_INDENT), *line))
    for row in str(data.get("diff") or "").splitlines():
        lines.append((Span(_INDENT), Span(safe(row, keep="\t"), _diff_style(row))))
    return lines


def sign(data: Mapping[str, Any]) -> Line:
    """The sign of a step's action, in its colour."""
    char = _SIGNS.get(str(data.get("action")), " ")
    return (Span(char, _STYLES.get(char, "")),)


def thing(data: Mapping[str, Any]) -> Line:
    """``function etl_enhancer_bob (214 B)``"""
    kind, detail = safe(str(data.get("kind") or "")), safe(str(data.get("detail") or ""))
    title = safe(str(data.get("title") or data.get("name") or data.get("key") or ""))
    said = (Span(f"{kind} {title}".strip()),)
    # "OK" is what the seed prints of a thing that has no size; it says nothing before it is done
    return said if detail in ("", "OK") else (*said, Span(f" ({detail})", "dim"))


def fact_text(event: Event) -> str:
    """The sentence of an event that is told in one."""
    match event.name:
        case "step.started":
            return event.text or f"{doing(event.data)} {words(event.data)}..."
        case "step.done":
            return step_text(event)
        case "step.skipped":
            return skipped_text(event)
        case "done":
            return done_text(event)
    return event.text


def step_text(event: Event) -> str:
    """``Creating function etl_enhancer_bob (214 B)``"""
    if event.text:
        return event.text
    data = event.data
    return f"{doing(data)} {words(data)} ({data.get('detail') or 'OK'})"


def doing(data: Mapping[str, Any]) -> str:
    """What the step does, as the first word of a sentence."""
    return _DOING.get(str(data.get("action")), "Changing")


def words(data: Mapping[str, Any]) -> str:
    """``function etl_enhancer_bob``"""
    return thing(data)[0].text


def failed_lines(event: Event) -> list[Line]:
    """What failed, why, and the way out."""
    data = event.data
    code = f" [{data['code']}]" if data.get("code") else ""
    said = f"{doing(data)} {words(data)} failed: {data.get('message') or event.text}{code}"
    return [*block(said, "bad"), *labelled("next", str(data.get("hint") or ""))]


def skipped_text(event: Event) -> str:
    """What was left out, and the reason."""
    because = event.data.get("because")
    return event.text or f"Skipped {words(event.data)}" + (f": {because}" if because else "")


def warning_lines(event: Event) -> list[Line]:
    """``warning: …`` and the way out."""
    first, *more = block(event.text)
    hint = labelled("next", str(event.data.get("hint") or ""))
    return [(Span("warning: ", "warn"), *first), *more, *hint]


def waiting_text(event: Event) -> str:
    """What is waited for and what it says, or how far something is."""
    data = event.data
    if event.name == "progress":
        return f"{event.text or data.get('what')}{_share(data)}"
    said = event.text or f"Waiting for {data.get('what')}"
    seen = [str(data["state"])] if data.get("state") else []
    if data.get("seconds"):
        seen.append(human_seconds(float(data["seconds"])))
    return f"{said} ({', '.join(seen)})" if seen else said


def _share(data: Mapping[str, Any]) -> str:
    done, total, unit = data.get("done"), data.get("total"), str(data.get("unit") or "")
    if done is None:
        return ""
    if unit in ("B", "bytes"):
        amounts = [human_bytes(int(n)) for n in (done, total) if n]
        return f" ({' of '.join(amounts)})" if amounts else ""
    return (
        f" ({done} of {total} {unit}".rstrip() + ")" if total else f" ({done} {unit}".rstrip() + ")"
    )


def done_text(event: Event) -> str:
    """The summary of a run."""
    data = event.data
    if event.text:
        return event.text
    said = f"Done in {human_seconds(float(data.get('seconds') or 0))}."
    if data.get("calls") is not None:
        said += f" {_count(data['calls'], 'call')}, {data.get('wrote') or 0} writing."
    missed = [f"{data[what]} {what}" for what in ("failed", "skipped") if data.get(what)]
    return f"{said} {', '.join(missed)}." if missed else said


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def table_lines(data: Mapping[str, Any], *, ruled: bool) -> list[Line]:
    """The table, `ruled` as ``name | version`` over ``-----+--------``; `dim` are the indexes
    of rows that matter less."""
    head = [safe(str(column)) for column in data["columns"]]
    rows = [["" if cell is None else safe(str(cell)) for cell in row] for row in data["rows"]]
    widths = [max(map(cells, column)) for column in zip(head, *rows, strict=True)]
    between = " | " if ruled else "  "

    def line(row: list[str], style: str = "") -> Line:
        padded = (pad(cell, width) for cell, width in zip(row, widths, strict=True))
        return (Span(between.join(padded).rstrip(" "), style),)

    rule = [(Span("-+-".join("-" * width for width in widths)),)] if ruled else []
    dim = set(data.get("dim") or ())
    told = [line(row, "dim" if index in dim else "") for index, row in enumerate(rows)]
    return [line(head, "bold"), *rule, *told]


def _diff_style(row: str) -> str:
    if row.startswith(("+++", "---", "@@")):
        return "dim"
    return {"+": "good", "-": "bad"}.get(row[:1], "")
