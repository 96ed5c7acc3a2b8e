"""Tests in users' files: what they mean, and every way in which they can be wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from composing import Directory

from tc.components import sections
from tc.load.load import load
from tc.load.locate import locate
from tc.spec.test import Case
from tc.testing.check import check

TOPOLOGY = """\
name: etl
routes:
  /a: {function: one}
  /items/{id}: {function: one, method: GET}
events:
  Start: {producer: default, function: one}
queues:
  jobs: {function: one}
"""


def cases(directory: Directory) -> dict[str, Case]:
    loaded = load(directory.root, sections())
    assert [f for f in loaded.findings if f.severity == "error"] == []
    assert loaded.spec
    return {case.name: case for case in loaded.spec.cases}


def problems(directory: Directory) -> list[str]:
    """``LINE:COL code: message | hint`` of what is wrong."""
    loaded = load(directory.root, sections())
    assert loaded.spec
    found = list(loaded.findings)
    if not found:
        found = list(check(loaded.spec, directory.topology()))
    return [
        f"{p.file.rpartition('/')[2]}:{p.line}:{p.col} {p.code}: {p.message}" for p in locate(found)
    ]


def test_a_topology_and_its_functions_have_tests(directory: Directory) -> None:
    directory.write(
        TOPOLOGY
        + "functions: {two: {test: {payload: {a: 1}}}}\n"
        + "tests:\n  all: {entity: routes/a, payload: {x-a: 1.10}, expect: null}\n  any:\n    {}\n",
        "one two",
        {
            "one/function.json": json.dumps(
                {"test": {"good": {"payload": "p.json"}, "other": {"entity": "queues/jobs"}}}
            ),
            "one/p.json": '{"sandbox": "{{sandbox}}"}',
        },
    )
    found = cases(directory)
    assert {name: (case.entity, case.payload) for name, case in found.items()} == {
        "tests/all": ("routes/a", {"x-a": 1.1}),
        "tests/any": ("", {}),
        "functions/two": ("functions/two", {"a": 1}),
        "functions/one/good": ("functions/one", {"sandbox": "{{sandbox}}"}),
        "functions/one/other": ("queues/jobs", {}),
    }
    assert found["tests/all"].expects
    assert not found["tests/any"].expects


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("'{\"a\": [1]}'", {"a": [1]}),
        ("'[1, 2]'", [1, 2]),
        ("hello", "hello"),
        ("'42'", "42"),
        ("7", 7),
        ("p.yml", {"b": "012"}),
        ("s3://bucket/key.json", "s3://bucket/key.json"),
    ],
)
def test_a_payload_is_json_a_file_or_an_object(
    directory: Directory, written: str, meant: Any
) -> None:
    directory.write(
        f"{TOPOLOGY}tests: {{t: {{payload: {written}}}}}\n", "one", {"p.yml": "b: 012\n"}
    )
    assert cases(directory)["tests/t"].payload == meant


def test_what_the_topology_says_wins_over_the_function_file(directory: Directory) -> None:
    directory.write(
        TOPOLOGY + "functions: {one: {test: {b: {payload: 3}, c: {payload: 4}}}}\n",
        "one",
        {"one/function.yml": "test: {a: {payload: 1}, b: {payload: 2}}\n"},
    )
    assert {name: case.payload for name, case in cases(directory).items()} == {
        "functions/one/a": 1,
        "functions/one/b": 3,
        "functions/one/c": 4,
    }


@pytest.mark.parametrize(
    ("written", "code", "words"),
    [
        ("{expct: 1}", "unknown-key", "`expct` is not a key of `t`"),
        ("[1]", "wrong-type", "`t` must be a mapping"),
        ("{within: 0}", "invalid-value", "`within` must be at least 1"),
        ("{status: 99, entity: routes/a}", "invalid-value", "`status` must be at least 100"),
        ("{entity: pages/a}", "invalid-value", "`pages/a` can't be tested"),
        ("{entity: one}", "invalid-value", "`one` can't be tested"),
        ("{condition: equals, expect: 1}", "invalid-value", "`equals` is no condition"),
        ("{condition: '$.a[', expect: 1}", "invalid-value", "`$.a[` is no JSONPath"),
        ("{condition: matches}", "missing-key", "`condition: matches` needs `expect`"),
        ("{condition: regex, expect: '('}", "invalid-value", "no regular expression"),
        ("{condition: regex, expect: 1}", "wrong-type", "with `regex`, `expect` is text"),
        ("{error: a, expect: 1}", "both", "there is no answer"),
        ("{status: 200}", "invalid-value", "`status` is for tests of routes/X"),
        ("{reaches: flow, entity: routes/a}", "invalid-value", "`reaches` is for tests of events"),
        ("{entity: events/Start, expect: 1}", "missing-key", "gives no answer to look at"),
        ("{entity: events/Start, reaches: pages/a}", "invalid-value", "can't be looked at"),
        ("{entity: events/Start, reaches: functions/one}", "missing-key", "`expect` is a text"),
        ("{entity: routes/a, auth: 'file:a'}", "invalid-value", "`auth` names no value"),
        ("{payload: none.json}", "missing-file", "there is no file `none.json`"),
        ("{payload: ../../x.json}", "outside-project", "is outside the project"),
        ("{payload: '{a'}", "invalid-value", "starts as JSON and is none"),
        ("{payload: bad.json}", "syntax", "is not JSON"),
        ("{payload: '{{nothing}}'}", "unknown-template", "nothing"),
        ("{entity: functions/two}", "unknown-name", "there is no `functions/two`"),
        ("{entity: flow}", "unknown-name", "there is no `flow`"),
        ("{entity: events/Start, reaches: flow}", "unknown-name", "there is no `flow`"),
        ("{entity: 'routes/items/{id}'}", "missing-key", "has parameters"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    directory: Directory, written: str, code: str, words: str
) -> None:
    directory.write(f"{TOPOLOGY}tests:\n  t: {written}\n", "one", {"bad.json": "{"})
    (found,) = problems(directory)
    place, told, message = found.split(" ", 2)
    assert told == f"{code}:"
    assert words in message
    assert (
        place == "bad.json:1:2" if "bad.json" in written else place.startswith("topology.yml:10:")
    )


def test_every_problem_is_told_at_once(directory: Directory) -> None:
    directory.write(
        TOPOLOGY + "functions: {one: {test: {payloda: 1}}}\ntests: {a: {expct: 1}, b/c: {}}\n",
        "one two",
        {"two/function.json": '{"test": {"x": {"within": "a"}, "y": {"nope": 1}}}'},
    )
    told = problems(directory)
    assert [line.split(": ")[0] for line in told] == [
        "topology.yml:9:26 unknown-key",
        "topology.yml:10:13 unknown-key",
        "topology.yml:10:24 invalid-name",
        "function.json:1:27 wrong-type",
        "function.json:1:39 unknown-key",
    ]


def test_a_test_that_could_call_several_things_says_so(directory: Directory) -> None:
    directory.write("name: etl\ntests: {t: {}}\n", "one two")
    (found,) = problems(directory)
    assert "this test doesn't say what it calls" in found


def test_an_express_flow_is_not_waited_for(directory: Directory) -> None:
    directory.write(
        "name: etl\nmode: Express\nflow: {StartAt: a, States: {a: {Type: Succeed}}}\n"
        "events: {Go: {producer: default, state: flow}}\n"
        "tests: {t: {entity: events/Go, reaches: flow}}\n"
    )
    (found,) = problems(directory)
    assert "is an Express flow" in found


def test_what_a_broken_function_is_tested_for_is_no_second_problem(directory: Directory) -> None:
    directory.write(
        "name: etl\nfunctions: {one: {uri: nowhere}}\ntests: {t: {entity: functions/one}}\n"
    )
    (found,) = problems(directory)
    assert "no directory `nowhere`" in found
