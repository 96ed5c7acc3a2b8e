"""A yes before what can't be taken back: on a terminal, never on standard output."""

from __future__ import annotations

import io
import sys

import pytest
import typer

from tc.cli.asking import ask
from tc.cli.render import printer
from tc.cli.run import Run
from tc.errors import UsageError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def asked(monkeypatch: pytest.MonkeyPatch, answer: str, err: io.StringIO, *, yes: bool) -> str:
    """What is on standard output after the question."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    run = Run(printer(as_json=True, out=out, err=err))
    ask(run, "Delete it?", yes=yes, doing="deleting it", no="Nothing was deleted")
    return out.getvalue()


def test_a_yes_is_asked_for_on_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    err = Terminal()
    assert asked(monkeypatch, "y\n", err, yes=False) == ""
    assert "Delete it? [y/N]" in err.getvalue()
    assert asked(monkeypatch, "", err := Terminal(), yes=True) == ""
    assert err.getvalue() == ""


@pytest.mark.parametrize("answer", ["\n", "n\n"])
def test_anything_else_is_no(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    with pytest.raises(typer.Exit) as ended:
        asked(monkeypatch, answer, Terminal(), yes=False)
    assert ended.value.exit_code == 1


def test_who_stops_at_the_question_is_not_answered_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        asked(monkeypatch, "", Terminal(), yes=False)


def test_nobody_is_asked_who_cannot_see_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="deleting it needs a yes") as refused:
        asked(monkeypatch, "y\n", io.StringIO(), yes=False)
    assert refused.value.hint == "add -y to the command"
