"""Tests: `tests` of a topology, `test` of a function and its file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tc.load.json_text import parse_json
from tc.load.reader import Reader
from tc.load.scalars import plain
from tc.load.text import exists
from tc.load.yaml_text import MISSING, Stop
from tc.spec.fetched import is_reference, mistake
from tc.spec.finding import Address, Finding
from tc.spec.test import CONDITIONS, ONLY_FOR, S3, Case, CaseEntry

_FILES = (".json", ".yml", ".yaml")
_JSON_STARTS = ("{", "[", '"')
#: what can't stand in a name: what ends a line, and what parts a name from its function's
_UNNAMABLE = re.compile(r"[\x00-\x1f\x7f/]")
_SECTIONS = ("functions", "routes", "events", "queues", "flow", "state", "states")


def topology_cases(
    written: Mapping[str, CaseEntry], address: Address, reader: Reader
) -> tuple[Case, ...]:
    """The tests of `tests`, which stands at `address`."""
    found = [
        _case(f"tests/{name}", "", entry, address / name, reader) for name, entry in written.items()
    ]
    _check_names(written, address, reader)
    return tuple(case for case in found if case)


def function_cases(
    function: str, written: CaseEntry | Mapping[str, CaseEntry], address: Address, reader: Reader
) -> Iterator[Case]:
    """The tests of the function `function`; `test` stands at `address`."""
    own = f"functions/{function}"
    if isinstance(written, CaseEntry):
        named = {own: (written, address)}
    else:
        _check_names(written, address, reader)
        named = {f"{own}/{name}": (entry, address / name) for name, entry in written.items()}
    for name, (entry, at) in named.items():
        case = _case(name, entry.entity or own, entry, at, reader)
        if case:
            yield case


def _check_names(written: Mapping[str, CaseEntry], address: Address, reader: Reader) -> None:
    for name in written:
        if not name or _UNNAMABLE.search(name):
            message = "a test's name is one line, without `/`"
            reader.findings.append(Finding("invalid-name", message, address / name, at="key"))


def _case(
    name: str, entity: str, entry: CaseEntry, address: Address, reader: Reader
) -> Case | None:
    """The test; None, and findings, when its payload can't be had."""
    payload = _payload(entry.payload, address / "payload", reader)
    if payload is MISSING:
        return None
    case = Case(name, entry.entity or entity, payload, entry, address)
    reader.findings += _problems(case)
    return case


def _payload(written: Any, address: Address, reader: Reader) -> Any:
    """What `payload` means; `MISSING`, and a finding, when there is nothing there."""
    if written is None:
        return {}
    if not isinstance(written, str):
        return plain(written)
    if written.startswith(S3):
        hint = mistake(written)
        if hint:
            message = f"`{written}` is no object in S3"
            reader.findings.append(Finding("invalid-value", message, address, hint))
        return written
    if written.endswith(_FILES) and "\n" not in written:
        return plain(_file(address.file.parent / written, written, address, reader))
    if written.lstrip().startswith(_JSON_STARTS) and not written.startswith("{{"):
        return _json(written, address, reader)
    return written


def _file(file: Path, name: str, address: Address, reader: Reader) -> Any:
    if not reader.inside(file):
        message, code = f"`{name}` is outside the project", "outside-project"
        hint = f"the project is {reader.root}"
    elif not exists(file):
        message, code, hint = f"there is no file `{name}`", "missing-file", ""
    else:
        return reader.read(file)
    reader.findings.append(Finding(code, message, address, hint))
    return MISSING


def _json(text: str, address: Address, reader: Reader) -> Any:
    try:
        return parse_json(text, address.file, [])
    except Stop as stop:
        message = f"`payload` starts as JSON and is none: {stop}"
        hint = "write it as YAML, without quotes around it"
        reader.findings.append(Finding("invalid-value", message, address, hint))
        return MISSING


def _problems(case: Case) -> Iterator[Finding]:
    """What can't be so, whatever the topology has."""
    yield from _conditions(case)
    yield from _places(case)
    entry, at = case.entry, case.address
    if entry.error is not None and case.expects:
        message = "`error` says that it fails: there is no answer to `expect` anything of"
        yield Finding("both", message, at / "error", "keep one of them", "key")
    if entry.auth and is_reference(entry.auth):
        named = entry.auth.startswith(("ssm:", "secretsmanager:"))
        hint = mistake(entry.auth) if named else "write `ssm:/path` or `secretsmanager:name`"
        if hint:
            yield Finding("invalid-value", "`auth` names no value", at / "auth", hint)


def _conditions(case: Case) -> Iterator[Finding]:
    entry, at = case.entry, case.address / "condition"
    written = "condition" in entry.model_fields_set
    if case.is_path:
        from jsonpath import JSONPathError
        from jsonpath import compile as compiled

        try:
            compiled(entry.condition)
        except JSONPathError as error:
            message = f"`{entry.condition}` is no JSONPath: {str(error).partition(chr(10))[0]}"
            yield Finding("invalid-value", message, at, "see RFC 9535")
    elif entry.condition not in CONDITIONS:
        message = f"`{entry.condition}` is no condition"
        hint = f"there are {', '.join(CONDITIONS)}, and JSONPaths, which start with `$`"
        yield Finding("invalid-value", message, at, hint)
    elif written and not case.expects:
        message = f"`condition: {entry.condition}` needs `expect`"
        yield Finding("missing-key", message, at, at="key")
    elif entry.condition == "regex":
        yield from _regex(entry.expect, case.address / "expect")


def _regex(written: Any, address: Address) -> Iterator[Finding]:
    if not isinstance(written, str):
        yield Finding("wrong-type", "with `regex`, `expect` is text", address)
        return
    try:
        re.compile(written)
    except re.error as error:
        yield Finding("invalid-value", f"`expect` is no regular expression: {error}", address)


def _places(case: Case) -> Iterator[Finding]:
    """Keys that its entity has no use for."""
    entry, at = case.entry, case.address
    if case.entity and case.section not in _SECTIONS:
        message = f"`{entry.entity}` can't be tested"
        hint = "write functions/X, routes/X, events/X, queues/X, flow or flow/X"
        yield Finding("invalid-value", message, at / "entity", hint)
        return
    for key, sections in ONLY_FOR.items():
        if key in entry.model_fields_set and case.section not in sections:
            listed = " or ".join(f"{section}/X" for section in sorted(sections))
            message = f"`{key}` is for tests of {listed}"
            yield Finding("invalid-value", message, at / key, "take it out", "key")
    if case.section in ONLY_FOR["reaches"]:
        yield from _sent(case)


def _sent(case: Case) -> Iterator[Finding]:
    """An event and a message are answered by nobody."""
    entry, at = case.entry, case.address
    if entry.reaches is None:
        for key in ("expect", "error"):
            if key in entry.model_fields_set:
                message = f"{case.section}/X gives no answer to look at"
                hint = "say with `reaches: functions/X` or `reaches: flow` who gets it"
                yield Finding("missing-key", message, at / key, hint, "key")
        return
    if "error" in entry.model_fields_set:
        message = "with `reaches`, say what is expected by `expect`"
        yield Finding("invalid-value", message, at / "error", "take it out", "key")
    section = entry.reaches.partition("/")[0]
    if section not in ("functions", "flow"):
        message = f"`{entry.reaches}` can't be looked at"
        yield Finding("invalid-value", message, at / "reaches", "write functions/X or flow")
    elif section == "functions" and (not isinstance(entry.expect, str) or case.is_path):
        message = "of what a function logged, `expect` is a text"
        hint = "a part of a line that it logs, or with `condition: regex` a pattern of one"
        yield Finding("missing-key", message, at / "reaches", hint, "key")
