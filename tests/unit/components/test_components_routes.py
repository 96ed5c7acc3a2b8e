"""Routes of several topologies, and routes.json."""

from __future__ import annotations

import json
from typing import Any

import pytest
from composing import Directory, codes

from tc.components import sections
from tc.load.load import load

OUTER = "name: outer\nrecursive: true\nroutes: {%s}\n"
INNER = "name: inner\nroutes: {%s}\n"
SHARED = "/a: {gateway: g, function: one}"
RULES = "infrastructure/tc/etl/routes.json"


@pytest.mark.parametrize(
    ("outer", "inner", "found"),
    [
        (SHARED, SHARED, ["duplicate-route"]),
        (SHARED, "/a: {gateway: h, function: one}", []),
        (SHARED, "GET /a: {gateway: g, function: one}", []),
        (SHARED, "/b: {gateway: g, function: one, async: true}", ["disagree"]),
        ("/a: {function: one}", "/a: {function: one}", []),
    ],
)
def test_nested_topologies_on_one_gateway(
    directory: Directory, outer: str, inner: str, found: list[str]
) -> None:
    files = {"inner/topology.yml": INNER % inner}
    directory.write(OUTER % outer, "one inner/one", files)
    assert codes(directory.findings()) == found


def test_two_topologies_side_by_side_are_told_once_by_the_one_above(directory: Directory) -> None:
    files = {
        f"mid/{name}/topology.yml": f"name: {name}\nroutes: {{{SHARED}}}\n" for name in ("x", "y")
    }
    files |= {f"mid/{name}/one/handler.py": "def handler(e, c): ...\n" for name in ("x", "y")}
    files["mid/topology.yml"] = "name: mid\nrecursive: true\n"
    directory.write("name: top\nrecursive: true\n", "", files)
    assert codes(directory.findings()) == ["duplicate-route"]


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ({"throttling": {"dev": {"bob": {"burst_limit": 1}}}}, "missing-key"),
        ({"throttling": {"dev": {"bob": {"burst_limit": 0, "rate_limit": 1}}}}, "invalid-value"),
        ({"throttlin": {}}, "unknown-key"),
        ({"domains": {"dev": "a.b"}}, "wrong-type"),
        ({"verticals": {}}, "refused-key"),
    ],
)
def test_a_routes_json_that_says_what_it_cannot(
    directory: Directory, rules: Any, found: str
) -> None:
    text = "name: etl\nroutes: {/a: {function: one}}\n"
    directory.write(text, "one", {RULES: json.dumps(rules)})
    assert codes(list(load(directory.root, sections()).findings)) == [found]


def test_the_closest_word_of_routes_json_counts(directory: Directory) -> None:
    rules = {
        "domains": {
            "default": {"default": "{{sandbox}}.example.com", "ann": "ann.example.com"},
            "dev": {"bob": "bob.example.net"},
        }
    }
    text = "name: etl\nroutes: {/a: {function: one}}\n"
    directory.write(text, "one", {RULES: json.dumps(rules)})
    told = {
        (env, sandbox): directory.topology(env=env, sandbox=sandbox).gateway.domain
        for env in ("dev", "qa")
        for sandbox in ("bob", "ann")
    }
    assert told == {
        ("dev", "bob"): "bob.example.net",
        ("dev", "ann"): "ann.example.com",
        ("qa", "bob"): "bob.example.com",
        ("qa", "ann"): "ann.example.com",
    }


def test_rules_for_an_api_that_is_others_too_are_refused(directory: Directory) -> None:
    rules = {"domains": {"default": {"default": "a.example.com"}}}
    directory.write(f"name: etl\nroutes: {{{SHARED}}}\n", "one", {RULES: json.dumps(rules)})
    assert codes(directory.findings()) == ["shared-gateway"]
