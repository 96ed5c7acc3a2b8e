"""`--summary FILE`: a section of Markdown for each functor, also when something failed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tc.cli.render import printer
from tc.cli.run import Run
from tc.cli.summary import summarised
from tc.errors import TcError, UsageError
from tc.events import Event

STEP = {"action": "create", "kind": "function", "title": "etl_a_bob", "changes": []}


@pytest.fixture
def run() -> Run:
    return Run(printer(as_json=True, out=io.StringIO(), err=io.StringIO()))


def functor(name: str) -> Event:
    return Event("functor", "", {"functor": name})


def test_each_functor_has_a_section(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "new" / "summary.md"
    with summarised(run, file):
        run.log("etl@stable 0.1.0: is new there")
        for name in ("etl@stable.prod", "pay@stable.prod"):
            run.emit(functor(name))
            run.emit(Event("step.done", "", STEP))
            run.emit(Event("done", f"Done with {name}", {}))
    text = file.read_text()
    assert text.count("### ") == 2
    assert text.index("### `etl@stable.prod`") < text.index("Done with pay")
    assert text.count("| + | function | `etl_a_bob` |") == 2


def test_what_failed_is_told_where_it_did_and_by_itself(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    with summarised(run, file):
        run.emit(functor("etl@stable.prod"))
        # of several topologies the others go on
        run.printer.error(TcError("the engine is gone"))
        run.emit(functor("pay@stable.prod"))
        run.emit(Event("step.failed", "", {**STEP, "message": "it is full"}))
        run.emit(Event("done", "Failed: 1", {}))
    first, second = file.read_text().split("### ")[1:]
    assert "- **failed** the engine is gone" in first
    assert "- **failed** function etl\\_a\\_bob: it is full" in second
    with pytest.raises(TcError), summarised(run, file):
        raise TcError("no such env")
    assert file.read_text().count("### ") == 3
    assert "- **failed** no such env" in file.read_text()


def test_nothing_to_do_is_told(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    with summarised(run, file):
        run.log("Nothing to do: prod runs these versions")
    assert "Nothing to do: prod runs these versions" in file.read_text()


def test_a_summary_that_cannot_be_written_stops_the_command_first(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UsageError, match="the summary can't be written"),
        summarised(run, tmp_path / "file" / "summary.md"),
    ):
        pytest.fail("it was begun")
