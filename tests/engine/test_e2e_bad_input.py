"""Broken topologies: the place of each mistake, a hint that helps, and nothing called."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from e2e_support import Lab, Project

pytestmark = pytest.mark.engine

PLACE = re.compile(r"^(\S+):(\d+):(\d+): error\[([\w-]+)\]: (.+)$", re.MULTILINE)
TASK = "{ Type: Task, Resource: 'arn:aws:states:::lambda:invoke', "

#: name: (topology.yml with « before the mistake, the error's code, words of message or hint)
TOPOLOGIES: dict[str, tuple[str, str, str]] = {
    "misspelled key": (
        "name: bad\nroutes:\n  /a: { «mehtod: GET, function: one }\n",
        "unknown-key",
        "did you mean `method`?",
    ),
    "misspelled section": (
        "name: bad\n«route:\n  /a: { function: one }\n",
        "unknown-key",
        "did you mean `routes`?",
    ),
    "misspelled function": (
        "name: bad\nroutes:\n  /a: { function: «onne }\n",
        "unknown-name",
        "did you mean `one`?",
    ),
    "misspelled full name": (
        "name: bad\nroutes:\n  a: { path: /a, proxy: «'{{namespace}}_onne_{{sandbox}}' }\n",
        "unknown-name",
        "one",
    ),
    "unknown template": (
        "name: bad\nroutes:\n  /a: { path: «'/{{sandbx}}', function: one }\n",
        "unknown-template",
        "did you mean `sandbox`?",
    ),
    "twice the same key": (
        "name: bad\nroutes:\n  /a: { function: one }\n  «/a: { function: two }\n",
        "duplicate-key",
        "twice",
    ),
    "twice the same route": (
        "name: bad\nroutes:\n  a: { path: /x, function: one }\n  «/x: { function: two }\n",
        "duplicate-route",
        "/x",
    ),
    "a tab": ("name: bad\nroutes:\n«\t/a: { function: one }\n", "syntax", "tab"),
    "an open bracket": ("name: bad\nroutes: «{ /a: { function: one }\n", "syntax", "or '}'"),
    "text for a number": (
        "name: bad\nroutes:\n  /a: { timeout: «soon, function: one }\n",
        "wrong-type",
        "number",
    ),
    "a bad method": (
        "name: bad\nroutes:\n  /a: { method: «FETCH, function: one }\n",
        "invalid-value",
        "GET",
    ),
    "a bad name": ("name: «Bad_Name\n", "invalid-name", "`bad-name` would do"),
    "no name": ("«routes: {}\n", "missing-key", "name"),
    "a list": ("«- name: bad\n", "wrong-type", ""),
    "no target": ("name: bad\nroutes:\n  «/a: { method: GET }\n", "no-target", "function"),
    "two targets": (
        (
            "name: bad\nroutes:\n  /a: { async: true, function: one, state: «flow }\n"
            "flow: { StartAt: a, States: { a: { Type: Pass, End: true } } }\n"
        ),
        "targets",
        "",
    ),
    "too slow": (
        "name: bad\nroutes:\n  /a: { timeout: «31, function: one }\n",
        "invalid-value",
        "at most 30",
    ),
    "http can't": (
        "name: bad\nroutes:\n  /a: { kind: «http, async: true, function: one }\n",
        "needs-rest",
        "kind: rest",
    ),
    "a cycle": (
        "name: bad\nfunctions:\n  «one: { function: two }\n  two: { function: one }\n",
        "cycle",
        "one",
    ),
    "an unknown state": (
        "name: bad\nflow:\n  StartAt: a\n  States:\n    a: { Type: Pass, Next: «b }\n",
        "unknown-state",
        "",
    ),
    "an unreachable state": (
        (
            "name: bad\nflow:\n  StartAt: a\n  States:\n    a: { Type: Pass, End: true }\n"
            "    «b: { Type: Pass, End: true }\n"
        ),
        "unreachable-state",
        "",
    ),
    "a flow that waits for itself": (
        (
            "name: bad\nflow:\n  StartAt: a\n  States:\n    a: { Type: Pass, Next: b }\n"
            "    b: { Type: Pass, Next: «b }\n    c: { Type: Succeed }\n"
        ),
        "unreachable-state",
        "Next: c",
    ),
    "a state without an end": (
        "name: bad\nflow:\n  StartAt: a\n  States:\n    «a: { Type: Pass }\n",
        "missing-key",
        "End",
    ),
    "a bad path in a state": (
        (
            "name: bad\nflow:\n  StartAt: a\n  States:\n"
            "    a: { Type: Pass, InputPath: «'$.[', End: true }\n"
        ),
        "invalid-path",
        "",
    ),
    "a bare name in a state": (
        (
            f"name: bad\nflow:\n  StartAt: a\n  States:\n    a: {TASK}"
            "Parameters: { FunctionName: «one }, End: true }\n"
        ),
        "bare-name",
        "{{namespace}}_one_{{sandbox}}",
    ),
    "a standard flow that is waited for": (
        (
            "name: bad\nroutes:\n  «/a: { state: flow }\n"
            "flow: { StartAt: a, States: { a: { Type: Pass, End: true } } }\n"
        ),
        "sync-standard",
        "Express",
    ),
    "a bad pattern": (
        "name: bad\nevents:\n  E: { pattern: { source: «shop }, function: one }\n",
        "bad-pattern",
        "list",
    ),
    "too many targets": (
        "name: bad\nevents:\n  «E: { functions: [one, two, one, two, one, two] }\n",
        "too-many-targets",
        "5",
    ),
    "a file that isn't there": ("name: bad\nflow: «!include flow.yml\n", "missing-file", ""),
    "an unknown macro": ("name: bad\nflow: «!incldue flow.yml\n", "unknown-tag", "!include"),
    "a key of a test": (
        "name: bad\ntests:\n  one: { entity: functions/one, «expct: 1 }\n",
        "unknown-key",
        "expect",
    ),
    "a test of what isn't there": (
        "name: bad\ntests:\n  one: { entity: «functions/onee }\n",
        "unknown-name",
        "functions/one",
    ),
}

#: name: (file below the topology, its text with « before the mistake, code, words)
FILES: dict[str, tuple[str, str, str, str]] = {
    "function file": (
        "one/function.json",
        '{\n  "runtime": { «"memroy": 128 }\n}\n',
        "unknown-key",
        "did you mean `memory`?",
    ),
    "function file, no JSON": (
        "one/function.json",
        '{\n  "runtime": { "memory": 128\n}\n«',
        "syntax",
        "",
    ),
    "memory": ("two/function.yml", "runtime:\n  memory: «64\n", "invalid-value", "128"),
    "language": ("two/function.yml", "runtime:\n  lang: «python2\n", "unknown-language", "python3"),
    "layers": (
        "two/function.yml",
        "runtime:\n  «layers: [a, b, c, d, e, f]\n",
        "too-many-layers",
        "5",
    ),
    "variable": (
        "two/function.yml",
        "runtime:\n  environment: { OK: x, «1ST: x }\n",
        "bad-variable",
        "a letter",
    ),
    "overlay": (
        "infrastructure/tc/bad/vars/one.json",
        '{\n  "default": { «"memory": 128 }\n}\n',
        "unknown-key",
        "memory_size",
    ),
    "config": (
        "infrastructure/tc/config.yml",
        "envs:\n  dev: { profile: dev, «regoin: eu-west-1 }\n",
        "unknown-key",
        "did you mean `region`?",
    ),
}
GOOD = "name: bad\nroutes:\n  /a: { function: one }\n  /b: { function: two }\n"


def place(text: str) -> tuple[int, int]:
    """Line and column of the «, counted from 1."""
    before = text.partition("«")[0]
    return before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1


def problems(lab: Lab, root: Path, topology: str, file: str = "", text: str = "") -> str:
    files = {
        ".git/HEAD": "",
        "one/handler.py": "def handler(event, context): return 1\n",
        "two/handler.py": "def handler(event, context): return 2\n",
        "topology.yml": topology.replace("«", ""),
    }
    project = Project(lab, root, env="aws").write(files)
    if file:
        project.write({file: text.replace("«", "")})
    with lab.proxy.counting() as calls:
        said = project.tc("create", code=2)
    assert [call.name for call in calls] == []
    return said.err


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_a_mistake_in_a_topology_is_told_with_its_place(
    lab: Lab, tmp_path: Path, name: str
) -> None:
    topology, code, words = TOPOLOGIES[name]
    check(problems(lab, tmp_path, topology), "topology.yml", topology, code, words)


@pytest.mark.parametrize("name", FILES)
def test_a_mistake_in_another_file_is_told_with_its_place(
    lab: Lab, tmp_path: Path, name: str
) -> None:
    file, text, code, words = FILES[name]
    check(problems(lab, tmp_path, GOOD, file, text), file, text, code, words)


def check(said: str, file: str, text: str, code: str, words: str) -> None:
    found = [match.groups() for match in PLACE.finditer(said)]
    told = {(where, int(line), int(col)) for where, line, col, _, _ in found}
    assert told == {(file, *place(text))}, said
    assert code in {kind for *_, kind, _ in found}, said
    assert words in said, said


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "empty"), ("# nothing\n", "empty"), ("\xff\xfe", "encoding"), ("\0", "syntax")],
)
def test_files_that_are_no_topology_at_all(lab: Lab, tmp_path: Path, text: str, code: str) -> None:
    project = Project(lab, tmp_path, env="aws").write({".git/HEAD": ""})
    (tmp_path / "topology.yml").write_bytes(text.encode("latin-1"))
    with lab.proxy.counting() as calls:
        said = project.tc("create", code=2).err
    assert calls == []
    assert re.match(rf"topology\.yml(:\d+:\d+)?: error\[{code}\]: ", said), said


def test_a_bomb_is_refused_at_once(lab: Lab, tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    project = Project(lab, tmp_path, env="aws")
    project.write({".git/HEAD": "", "topology.yml": "\n".join(["name: bad", *lines, ""])})
    said = project.tc("create", code=2).err
    assert re.search(r"topology\.yml:\d+:\d+: error\[too-large\]", said), said[:500]
    assert len(said) < 5000


def test_every_problem_of_every_file_in_one_run(lab: Lab, tmp_path: Path) -> None:
    said = problems(
        lab,
        tmp_path,
        "name: bad\nroutes:\n  /a: { mehtod: GET, function: onne }\n  /b: { timeout: 99 }\n"
        "flow: { StartAt: x, States: { a: { Type: Pass } } }\n",
        "one/function.json",
        '{ "runtime": { "memory": 1, "lang": "cobol" } }',
    )
    codes = {match[4] for match in PLACE.finditer(said)}
    assert {"unknown-key", "unknown-name", "unknown-state", "unknown-language"} <= codes
    assert "invalid-value" in codes
    assert "^" in said
    assert said.splitlines()[-1] != ""
