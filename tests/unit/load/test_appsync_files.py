"""Files that channels and mutations are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tc.components import sections
from tc.load.load import load

HANDLER = "export function onPublish(ctx) {\n  return ctx.events;\n}\n"
TYPES = "types: {Run: {id: ID!}}\n"
RESOLVERS = "resolvers: {start: {output: Run}}\n"


def loaded(directory: Path, topology: str, **files: str) -> Any:
    (directory / ".git").mkdir()
    for name, text in {"topology.yml": topology, **files}.items():
        (directory / name).write_text(text)
    return load(directory, sections())


def told(found: Any) -> list[tuple[str, tuple[Any, ...]]]:
    return [(finding.code, finding.address.path) for finding in found.findings]


def test_a_handler_is_the_text_of_its_file(tmp_path: Path) -> None:
    text = "name: live\nchannels: {up: {on_publish: {handler: up.js}}, down: {on_publish: "
    found = loaded(tmp_path, text + "{handler: default}}}\n", **{"up.js": HANDLER})
    assert told(found) == []
    channels = found.spec.sections["channels"]
    assert channels["up"].on_publish.code == HANDLER
    assert channels["down"].on_publish.code is None


@pytest.mark.parametrize(
    ("handler", "code"), [("none.js", "missing-file"), ("../../x.js", "outside-project")]
)
def test_a_handler_must_be_there(tmp_path: Path, handler: str, code: str) -> None:
    text = f"name: live\nchannels: {{up: {{on_subscribe: {{handler: {handler}}}}}}}\n"
    found = loaded(tmp_path, text)
    assert told(found) == [(code, ("channels", "up", "on_subscribe", "handler"))]


def test_fragments_are_one_api(tmp_path: Path) -> None:
    text = "name: runs\nmutations: !mutations a.yml b.yml\n"
    more = "types: {Note: {id: ID!}}\n" + RESOLVERS
    found = loaded(tmp_path, text, **{"a.yml": TYPES, "b.yml": more})
    assert told(found) == []
    start = found.spec.sections["mutations"]["start"]
    assert start.output == "Run"
    assert start.api.types == {"Run": {"id": "ID!"}, "Note": {"id": "ID!"}}


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (TYPES + RESOLVERS, "duplicate-name"),
        ("- a\n", "wrong-type"),
        ("authorizer: b\n" + RESOLVERS, "duplicate-key"),
    ],
)
def test_fragments_that_dont_fit_are_told(tmp_path: Path, second: str, code: str) -> None:
    text = "name: runs\nmutations: !mutations a.yml b.yml\n"
    found = loaded(tmp_path, text, **{"a.yml": f"{TYPES}authorizer: a\n", "b.yml": second})
    assert code in [finding.code for finding in found.findings]


def test_every_problem_of_an_api_is_told_and_the_rest_is_there(tmp_path: Path) -> None:
    text = (
        "name: runs\n"
        "mutations:\n"
        "  type: {}\n"
        "  types: {Run: {id: 7}}\n"
        "  resolvers:\n"
        "    start: {outputs: Run}\n"
        "    stop: {output: Run, x-note: mine}\n"
    )
    found = loaded(tmp_path, text)
    assert sorted(told(found)) == [
        ("missing-key", ("mutations", "resolvers", "start")),
        ("unknown-key", ("mutations", "resolvers", "start", "outputs")),
        ("unknown-key", ("mutations", "type")),
        ("wrong-type", ("mutations", "types", "Run", "id")),
    ]
    assert list(found.spec.sections["mutations"]) == ["stop"]
    assert ("mutations", "start") in found.spec.broken


@pytest.mark.parametrize("written", ["5", "start", "[5]", "[{start: {output: Run}}]"])
def test_resolvers_that_are_no_mapping_are_told(tmp_path: Path, written: str) -> None:
    found = loaded(tmp_path, f"name: runs\nmutations: {{{TYPES.strip()}, resolvers: {written}}}\n")
    assert told(found) == [("wrong-type", ("mutations", "resolvers"))]
