"""Errors: where, what, why, and what to do next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from render_stream import Told, everywhere_alike  # noqa: F401
from syrupy.assertion import SnapshotAssertion

from tc.errors import AwsError, InvalidInput, Problem, TcError

TYPO = Problem(
    "unknown-key",
    "`mehtod` is not a key of a route",
    "etl/topology.yml",
    14,
    5,
    6,
    "    mehtod: POST",
    "did you mean `method`?",
)


def told(*problems: Problem) -> str:
    """What stderr says of these problems."""
    out = Told()
    out.printer.error(InvalidInput(problems))
    return out.err


def test_problem() -> None:
    assert told(TYPO) == (
        "etl/topology.yml:14:5: error[unknown-key]: `mehtod` is not a key of a route\n"
        "   14 |     mehtod: POST\n"
        "      |     ^^^^^^ did you mean `method`?\n"
        "1 problem in 1 file. Nothing was called, nothing was changed.\n"
    )


def test_problems(snapshot: SnapshotAssertion) -> None:
    assert (
        told(
            TYPO,
            Problem("empty", "The file is empty", "a.yml", hint="write `name: …` into it"),
            Problem("late", "python3.10 ends", "etl/f.json", 3, severity="warning"),
            Problem("tab", "A tab", "b.yml", 123456, 3, 1, "\t\tx: 1", ""),
        )
        == snapshot
    )


def caret_is_below(source: str, word: str, **more: str) -> None:
    problem = Problem("x", "m", "f", 1, source.index(word) + 1, len(word), source, **more)
    _, shown, carets, *_ = told(problem).split("\n")
    before, _, _ = carets.partition("^")
    wide = sum(2 if ord(char) > 0x2E80 else 1 for char in shown[: shown.index(word)])
    assert len(before) == wide
    assert carets.count("^") == sum(2 if ord(char) > 0x2E80 else 1 for char in word)


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("\tkey: 1", "key"),
        ("  \t x\tkey: 1", "key"),
        ("名前: 値 key: 1", "key"),
        ("名前: 値", "値"),
        ("a\x1b[2Jb: key", "key"),
        ("x" * 500 + " key: " + "y" * 500, "key"),
        ("名" * 300 + " key: " + "y" * 500, "key"),
        ("key: " + "y" * 500, "key"),
        ("y" * 500 + "key", "key"),
    ],
)
def test_caret_is_below_what_is_wrong(source: str, word: str) -> None:
    caret_is_below(source, word)


def test_long_line_is_cut_to_the_width() -> None:
    problem = Problem("x", "m", "f", 1, 301, 3, "x" * 300 + "key" + "y" * 300)

    shown = told(problem).split("\n")[1]
    assert len(shown) <= 200
    assert shown.startswith("    1 | …x")
    assert shown.endswith("y…")


def test_caret_beyond_the_line() -> None:
    assert told(Problem("x", "m", "f", 1, 9, 4, "abc")).split("\n")[2] == "      |    ^"


def test_error(snapshot: SnapshotAssertion) -> None:
    out = Told()
    out.printer.error(
        TcError(
            "The engine does not start:\nport 4599 is taken",
            code="local-port",
            where="/home/u/log",
            hint="tc local reset",
        )
    )
    out.printer.error(
        AwsError(
            "The role cannot be assumed.",
            aws_code="InvalidParameterValueException",
            operation="lambda.create_function",
            status=400,
            where="function etl_enhancer_bob",
        )
    )
    out.printer.error(AwsError("No answer.", aws_code="ReadTimeoutError", operation="sqs.x"))
    out.printer.error(KeyboardInterrupt())
    assert str(out) == snapshot


def test_errors_as_json(snapshot: SnapshotAssertion) -> None:
    out = Told(as_json=True)
    out.printer.error(InvalidInput([TYPO, TYPO]))
    out.printer.error(
        AwsError("No.", aws_code="Denied", operation="iam.create_role", status=403, hint="ask")
    )
    assert str(out) == snapshot


def boom() -> TypeError:
    try:
        raise TypeError("int + str\nsecond line")
    except TypeError as error:
        return error


def test_bug_goes_to_a_private_file(tmp_path: Path) -> None:
    out = Told()
    out.printer.error(boom())

    (file,) = (tmp_path / "tc-home" / "bugs").iterdir()
    assert out.err == (
        "error[bug]: tc has a bug: TypeError: int + str\n"
        f"  at: {file}\n"
        "  next: report it with that file\n"
    )
    assert "in boom" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_bug_as_json(tmp_path: Path) -> None:
    out = Told(as_json=True)
    out.printer.error(boom())

    (line,) = out.out.splitlines()
    assert json.loads(line)["code"] == "bug"
    assert Path(json.loads(line)["where"]).parent == tmp_path / "tc-home" / "bugs"
    assert out.err == ""


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TC_DEBUG", "1")
    out = Told()
    out.printer.error(boom())
    out.printer.error(TcError("known"))

    assert out.err.count("Traceback (most recent call last)") == 1
    assert "in boom" in out.err


def test_bug_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TC_HOME", str(tmp_path / "file" / "below"))
    out = Told()
    out.printer.error(boom())

    assert out.err == (
        "error[bug]: tc has a bug: TypeError: int + str\n"
        "  next: run it again with TC_DEBUG=1 for the details\n"
    )
