"""Plans as Markdown: everything said, nothing that Markdown or HTML would make something of."""

from __future__ import annotations

from typing import Any

from tc.cli.render.markdown import LIMIT, code, plan_markdown, run_markdown

COUNTS = {"create": 0, "update": 1, "replace": 0, "delete": 0, "keep": 3}


def step(title: str = "etl_a_bob", action: str = "update", **more: Any) -> dict[str, Any]:
    changes = [{"path": "timeout", "before": 10, "after": 20}]
    return {"action": action, "kind": "function", "title": title, "changes": changes, **more}


def test_a_plan_is_a_table() -> None:
    assert plan_markdown("etl@bob in dev", [step()], COUNTS).splitlines() == [
        "### `etl@bob in dev`",
        "",
        "1 to update, 3 unchanged",
        "",
        "| | kind | name | change |",
        "|---|---|---|---|",
        "| ~ | function | `etl_a_bob` | `timeout`: `10` → `20` |",
    ]


def test_nothing_to_do_is_one_line() -> None:
    assert plan_markdown("etl@bob in dev", [], COUNTS) == "`etl@bob in dev`: no differences.\n"


def test_values_stay_in_their_cell() -> None:
    before = "a|b`c\n</details>\x1b[31m@ana"
    changes = [{"path": "pattern", "before": before, "after": None}]
    text = plan_markdown("t", [step(changes=changes)], COUNTS)
    row = text.splitlines()[-1]
    assert row.count(" | ") == 3, "the value made a cell of its own"
    assert "\\|" in row
    assert "\x1b" not in text
    assert row.endswith("→ none |")


def test_a_note_calls_nobody() -> None:
    text = plan_markdown("t", [step()], COUNTS, note="Open: @everybody `x` <b>")
    assert "Open: \\@everybody \\`x\\` \\<b\\>" in text


def test_code_is_folded_behind_a_fence_that_it_can_not_close() -> None:
    diff = "--- deployed/a.md\n+++ here/a.md\n+````\n+</details>\n"
    text = plan_markdown("t", [step(diff=diff)], COUNTS)
    assert "`````diff\n" in text
    assert text.endswith("`````\n\n</details>\n")


def test_a_long_plan_is_cut_and_says_so() -> None:
    many = [step(f"etl_{number}_bob", diff="+x\n" * 3000) for number in range(2000)]
    text = plan_markdown("t", many, COUNTS)
    assert len(text) < LIMIT
    assert "more: `tc diff` tells them" in text
    assert text.count("<details>") == text.count("</details>")
    few = plan_markdown("t", many[:20], COUNTS)
    assert len(few) < LIMIT
    assert "etl_19_bob" in few
    assert "more functions: `tc diff` shows it" in few


def test_backticks_in_code() -> None:
    assert code("a`b") == "``a`b``"
    assert code("`a") == "`` `a ``"


def test_a_run_tells_what_failed() -> None:
    failed = "function etl_a_bob: it has no `handler`"
    text = run_markdown("etl@bob in dev", [step()], [failed], "Failed after 1.0 s: 1 done")
    assert "- **failed** function etl\\_a\\_bob: it has no \\`handler\\`" in text
    assert "| ~ | function | `etl_a_bob` |" in text
