"""The JUnit file: whole and readable whatever was answered, and whatever went wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, parse

import pytest
from composing import Directory

from tc.cli.junit import Report
from tc.errors import TcError
from tc.spec.finding import Address
from tc.spec.test import Case, CaseEntry
from tc.testing.run import Result, Test


@pytest.fixture
def tests(directory: Directory) -> list[Test]:
    topology = directory.write("name: etl\n", "one").topology()
    entry = CaseEntry(entity="functions/one")
    at = Address(directory.root / "topology.yml")
    return [
        Test(f"tests/{name}", Case(f"tests/{name}", "functions/one", {}, entry, at), topology)
        for name in ("good", "bad", "broken", "not run")
    ]


def written(report: Report, file: Path) -> Element:
    report.write(file, 1.5)
    return parse(file).getroot()


def test_every_test_is_told(tests: list[Test], tmp_path: Path) -> None:
    good, bad, broken, _ = tests
    results = [
        Result(good, True, 0.25, answer="fine"),
        Result(bad, False, 0.5, "it differs", "-1\n+2", ("File x",), "2"),
        Result(broken, False, 0.0, "isn't deployed", broken=True),
    ]
    top = written(Report("tc test", tests, results), tmp_path / "new" / "out.xml")
    assert {key: top.get(key) for key in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
        "time": "1.500",
    }
    (suite,) = top
    assert suite.attrib == {
        "name": "etl",
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
        "time": "0.750",
    }
    assert [(case.get("name"), [part.tag for part in case]) for case in suite] == [
        ("tests/good", ["system-out"]),
        ("tests/bad", ["failure", "system-out"]),
        ("tests/broken", ["error"]),
        ("tests/not run", ["skipped"]),
    ]
    failure = suite[1][0]
    assert failure.get("message") == "it differs"
    assert failure.text == "it differs\n-1\n+2\nFile x"
    assert suite[0].get("time") == "0.250"
    assert suite[0].get("classname") == "etl.functions.one"


def test_what_xml_cannot_hold_is_an_escape(tests: list[Test], tmp_path: Path) -> None:
    wild = '\x1b[31m<&>"]]>\x00\ud800 é\u2028 \U0001f600\ttab'
    named = replace(tests[0], name="tests/a\x01<b>")
    results = [Result(named, False, 0.1, wild, wild, (wild,), wild)]
    top = written(Report("tc test", [named], results), tmp_path / "out.xml")
    case = top[0][0]
    assert case.get("name") == "tests/a\\x01<b>"
    said = '\\x1b[31m<&>"]]>\\x00\\xd800 é\u2028 \U0001f600\ttab'
    assert case.findtext("system-out") == said
    assert said in (case.findtext("failure") or "")


def test_what_stopped_the_run_is_an_error(tests: list[Test], tmp_path: Path) -> None:
    report = Report("tc test", tests[:1], failure="the login has expired")
    top = written(report, tmp_path / "out.xml")
    assert top.get("errors") == "1"
    assert top.get("skipped") == "1"
    assert top[1][0][0].get("message") == "the login has expired"


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TcError, match="can't be written"):
        Report("tc test").write(tmp_path / "file" / "out.xml", 1)
