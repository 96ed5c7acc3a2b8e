"""Events in both generations of the grammar, and what they bring along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tc.components import sections
from tc.load.load import Loaded, load


def loaded(root: Path, text: str, **files: str) -> Loaded:
    (root / ".git").mkdir()
    infra = root / "infrastructure" / "tc" / "etl"
    infra.mkdir(parents=True)
    (root / "one").mkdir()
    (root / "one" / "handler.py").write_text("def handler(event, context): ...\n")
    (root / "topology.yml").write_text(f"name: etl\n{text}")
    for name, content in files.items():
        (infra / f"{name}.json").write_text(content)
    return load(root, sections())


def entries(found: Loaded, section: str) -> Any:
    assert found.spec is not None
    assert [finding.message for finding in found.findings] == []
    return found.spec.sections[section]


def test_what_a_topology_produces_is_from_itself(tmp_path: Path) -> None:
    text = (
        "events:\n"
        "  consumes: {In: {producer: shop, function: one}}\n"
        "  produces: {Out: , Named: {source: till}, Direct: {filter: {a: [1]}, target: one}}\n"
        "  Plain: {function: one}\n"
    )
    events = entries(loaded(tmp_path, text), "events")
    assert {name: event.sources() for name, event in events.items()} == {
        "In": ["shop"],
        "Out": ["{{namespace}}"],
        "Named": ["till"],
        "Direct": ["{{namespace}}"],
        "Plain": ["default"],
    }
    assert events["Out"].targets() == []
    assert events["Direct"].targets() == [("function", "one")]


def test_a_queue_for_dead_letters_is_one_of_the_queues(tmp_path: Path) -> None:
    text = (
        "queues: {Mine-dlq: {retention: 60}, other: {}}\n"
        "events:\n"
        "  E: {dlq: true, function: one}\n"
        "  Mine: {dead_letter_queue: true, function: one}\n"
        "  Other: {dlq: other, function: one}\n"
        "  None: {dlq: false, function: one}\n"
    )
    found = loaded(tmp_path, text)
    queues, events = entries(found, "queues"), entries(found, "events")
    assert list(queues) == ["Mine-dlq", "other", "E-dlq"]
    assert queues["Mine-dlq"].retention == 60
    assert [event.dlq for event in events.values()] == ["E-dlq", "Mine-dlq", "other", False]


def test_schedules_of_the_overlay_are_checked_where_they_stand(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "schedules: {a: {cron: 0 2 * * ? *, function: one}}\n",
        schedules='{"a": {"cron": "x"}, "b": {"corn": "0 2 * * ? *", "function": "one"}}',
    )
    told = [
        (finding.code, finding.address.file.name, finding.address.path)
        for finding in found.findings
    ]
    assert told == [
        ("duplicate-name", "schedules.json", ("a",)),
        ("unknown-key", "schedules.json", ("b", "corn")),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("queues: {jobs: {dlq: {max_receives: 0}}}", "invalid-value"),
        ("queues: {jobs: {dlq: {max: 5}}}", "unknown-key"),
        ("queues: {jobs: {dlq: 5}}", "wrong-type"),
        ("buckets: {raw: {event: New}}", "refused-key"),
        ("schedules: {s: {cron: 0 2 * * ? *, retries: 186, function: one}}", "invalid-value"),
    ],
)
def test_what_has_no_meaning_is_told(tmp_path: Path, text: str, code: str) -> None:
    assert [finding.code for finding in loaded(tmp_path, f"{text}\n").findings] == [code]
