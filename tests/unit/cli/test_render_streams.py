"""One run, told by each of the three printers."""

from __future__ import annotations

import json

import pytest
from render_screen import Screen
from render_stream import RUN, Told, everywhere_alike, step  # noqa: F401
from syrupy.assertion import SnapshotAssertion

from tc.events import Event

PLAN = (
    Event(
        "plan.step",
        "",
        {"action": "create", "kind": "function", "title": "etl_enhancer_bob", "detail": "214 B"},
    ),
    Event(
        "plan.step",
        "",
        {
            "action": "update",
            "kind": "route",
            "title": "/api/etl",
            "detail": "OK",
            "changes": [
                {"path": "timeout", "before": 10, "after": 20},
                {"path": "environment.STAGE", "before": None, "after": "dev"},
            ],
        },
    ),
    Event(
        "plan.step",
        "",
        {
            "action": "update",
            "kind": "function",
            "title": "etl_loader_bob",
            "diff": "--- a/handler.py\n+++ b/handler.py\n@@ -1 +1 @@\n-\tx = 1\n+\tx = 2\n",
        },
    ),
    Event("plan.step", "", {"action": "keep", "kind": "role", "title": "tc_etl_enhancer_bob"}),
    Event("plan.step", "", {"action": "delete", "kind": "event", "title": "StartETL"}),
)
TABLE = Event(
    "table",
    "",
    {
        "columns": ["name", "version", "created_date"],
        "rows": [
            ["etl-enhancer", 1, "2024-01-04T17:24:28.363+0000"],
            ["日本", 12, None],
        ],
    },
)


def test_run_without_terminal(snapshot: SnapshotAssertion) -> None:
    assert str(Told().tell(*RUN)) == snapshot


def test_run_without_terminal_verbose(snapshot: SnapshotAssertion) -> None:
    assert str(Told(verbose=True).tell(*RUN, *PLAN)) == snapshot


def test_run_as_json(snapshot: SnapshotAssertion) -> None:
    told = Told(as_json=True).tell(*RUN, TABLE)

    assert str(told) == snapshot
    assert [json.loads(line)["event"] for line in told.out.splitlines()] == [
        event.name for event in (*RUN, TABLE)
    ]


def test_run_on_terminal(snapshot: SnapshotAssertion) -> None:
    told = Told(terminal=True).tell(*RUN)
    told.printer.close()

    screen = Screen(told.out)
    assert screen.cursor
    assert f"--- screen\n{screen}\n--- stderr\n{told.err}" == snapshot


def test_terminal_shows_what_is_running() -> None:
    told = Told(terminal=True).tell(
        step("started", "create", "function", "etl_enhancer_bob", detail="214 B"),
        step("started", "create", "role", "tc_etl_loader_bob"),
        step("done", "create", "function", "etl_enhancer_bob", detail="214 B", seconds=0.4),
    )
    shown = str(Screen(told.out))
    told.printer.close()

    done, running = shown.split("\n")
    assert done == "+ function etl_enhancer_bob (214 B)  0.4 s"
    assert running[1:].startswith(" + role tc_etl_loader_bob  ")
    assert str(Screen(told.out)).strip() == done


def test_terminal_keeps_room_for_what_is_done() -> None:
    many = [step("started", "create", "role", f"r{n}") for n in range(50)]
    told = Told(terminal=True).tell(*many, step("done", "create", "role", "r49", seconds=1))
    rows = str(Screen(told.out)).split("\n")
    told.printer.close()

    assert len(rows) <= 24
    assert rows[-1] == "  and 29 more"


def test_a_step_that_never_ends_is_gone_with_the_run() -> None:
    told = Told(terminal=True).tell(step("started", "update", "api", "etl"), Event("done", "Done."))

    screen = Screen(told.out)
    assert str(screen).strip() == "Done."
    assert screen.cursor


def test_a_command_that_only_prints_never_hides_the_cursor() -> None:
    told = Told(terminal=True).tell(*PLAN, TABLE, Event("result", "0.2.0"), Event("log", "x"))

    assert "?25l" not in told.out


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert not Screen(Told(terminal=True).tell(*RUN, *PLAN, TABLE).out).colours


def test_colours_say_what_happens() -> None:
    assert {"31", "32", "33"} <= Screen(Told(terminal=True).tell(*PLAN).out).colours


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)

    assert Told(terminal=True).tell(*RUN).out == Told().tell(*RUN).out


def test_plan_without_terminal(snapshot: SnapshotAssertion) -> None:
    assert str(Told().tell(*PLAN, TABLE)) == snapshot


def test_plan_on_terminal(snapshot: SnapshotAssertion) -> None:
    assert str(Screen(Told(terminal=True).tell(*PLAN, TABLE).out)) == snapshot


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (
            {"create": 3, "update": 1, "replace": 2, "delete": 0, "keep": 12},
            "Plan: 3 to create, 1 to update, 2 to replace, 0 to delete, 12 unchanged.",
        ),
        ({"create": 0, "keep": 12}, "No differences."),
    ],
)
def test_plan_in_numbers(counts: dict[str, int], said: str) -> None:
    assert Told().tell(Event("plan", "", counts)).out == f"{said}\n"


def test_same_wait_is_told_again_after_ten_seconds() -> None:
    wait = Event("wait", "", {"what": "the queue to be gone", "state": "", "seconds": 0})
    told = Told().tell(*[wait] * 150)

    assert [line[14:23] for line in told.out.splitlines()] == ["57:04.000", "57:14.000"]


def test_upload_that_is_complete_is_told() -> None:
    events = [
        Event("progress", "Uploading", {"what": "a", "done": n, "total": 3, "unit": "files"})
        for n in (1, 2, 3)
    ]

    out = Told().tell(*events).out
    assert [line[24:] for line in out.splitlines()] == [
        "Uploading (1 of 3 files)",
        "Uploading (3 of 3 files)",
    ]


def test_result_is_printed_as_it_is() -> None:
    assert Told().tell(Event("result", "a\tb\x1b[1m\n\n")).out == "a\tb\x1b[1m\n\n"
    assert Told().tell(Event("result", "0.2.0")).out == "0.2.0\n"
    assert Told().tell(Event("result", "")).out == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_values_cannot_steer_the_terminal(terminal: bool) -> None:
    evil = "a\x1b[2Jb\rc\x9b1md\u202ee\udc80"
    told = Told(terminal=terminal).tell(
        Event("log", evil),
        Event("warning", evil, {"hint": evil}),
        step("started", "create", "function", evil),
        step("failed", "create", "function", evil, message=evil, code="x"),
        Event("plan.step", "", {"action": "create", "kind": evil, "title": evil, "diff": evil}),
        Event("table", "", {"columns": [evil], "rows": [[evil + "\n"]]}),
        *([Event("result", evil)] if terminal else []),
    )
    told.printer.close()

    written = told.out + told.err
    assert not {"\x9b", "\u202e", "\udc80"} & set(written)
    assert "\x1b[2J" not in written
    assert "b\rc" not in written
    assert "a\\x1b[2Jb\\rc\\x9b1md\\u202ee\\udc80" in told.out


def test_a_value_cannot_pass_for_a_fact() -> None:
    out = Told().tell(Event("log", "one\n2024-01-15T19:57:03.865 Creating route /x (OK)")).out

    assert out.splitlines()[1].startswith("  2024")


def test_json_has_no_numbers_that_json_lacks() -> None:
    event = Event("result", "", {"answer": {"x": [float("nan"), 1.5]}, "event": "mine"})

    assert json.loads(Told(as_json=True).tell(event).out) == {
        "time": "2024-01-15T19:57:03.875Z",
        "event": "result",
        "answer": {"x": [None, 1.5]},
    }
