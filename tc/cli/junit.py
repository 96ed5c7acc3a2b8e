"""JUnit XML as GitHub, GitLab and CircleCI read it: written whatever becomes of a run."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

if TYPE_CHECKING:
    from tc.testing.run import Result, Test

#: what XML 1.0 has no way to write (W3C, "Extensible Markup Language", 2.2)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Report:
    """What is known of a run so far: `tests` that are to be run, and `results` of some.

    `failure` is what stopped the run: a sandbox that couldn't be made, a login that is over.
    """

    name: str
    tests: Sequence[Test] = ()
    results: list[Result] = field(default_factory=list)
    failure: str = ""

    def write(self, file: Path, seconds: float) -> None:
        """Raises TcError when `file` can't be written. `seconds` is how long the run took."""
        from tc.errors import TcError

        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            tree = ElementTree(self.element(seconds))
            indent(tree)
            tree.write(file, encoding="utf-8", xml_declaration=True)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            message = f"the JUnit file can't be written: {why}"
            raise TcError(message, code="output", where=str(file)) from error

    def element(self, seconds: float) -> Element:
        """``testsuites``: a suite for each topology, in the order of the tests."""
        top = Element("testsuites", {"name": _xml(self.name), "time": f"{seconds:.3f}"})
        ended = {result.test.name: result for result in self.results}
        groups: dict[str, list[Test]] = {}
        for test in self.tests:
            groups.setdefault(test.topology.name, []).append(test)
        for name, tests in groups.items():
            suite = SubElement(top, "testsuite", {"name": _xml(name)})
            for test in tests:
                _case(suite, test, ended.get(test.name))
            _count(suite)
        if self.failure:
            suite = SubElement(top, "testsuite", {"name": "tc"})
            case = SubElement(suite, "testcase", {"name": "tc test", "classname": "tc"})
            _told(case, "error", self.failure, self.failure)
            _count(suite)
        _count(top)
        return top


def _case(suite: Element, test: Test, result: Result | None) -> None:
    seconds = result.seconds if result else 0
    case = SubElement(
        suite,
        "testcase",
        {
            "name": _xml(test.name),
            "classname": _xml(f"{test.topology.name}.{test.entity.replace('/', '.', 1)}"),
            "file": _xml(os.path.relpath(test.case.address.file)),
            "time": f"{seconds:.3f}",
        },
    )
    if result is None:
        SubElement(case, "skipped", {"message": "it wasn't run"})
        return
    if not result.ok:
        parts = [result.message, result.difference, *result.trace]
        text = "\n".join(part for part in parts if part)
        _told(case, "error" if result.broken else "failure", result.message, text)
    if result.answer:
        SubElement(case, "system-out").text = _xml(result.answer)


def _told(case: Element, kind: str, message: str, text: str) -> None:
    told = SubElement(case, kind, {"message": _xml(message), "type": kind})
    told.text = _xml(text)


def _count(element: Element) -> None:
    """The counts of what is below `element`, as its attributes."""
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(case.find(kind) is not None for case in cases)))
    if element.tag == "testsuite":
        seconds = sum(float(case.get("time", "0")) for case in cases)
        element.set("time", f"{seconds:.3f}")


def _xml(text: str) -> str:
    """`text` with what XML can't hold written as an escape."""
    return _NOT_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
