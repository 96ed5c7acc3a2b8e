"""Numbers, ages and single fields in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tc.cli.render import ago, human_bytes, human_seconds
from tc.cli.render.changes import change_lines
from tc.cli.render.text import cells, cut_middle, plain


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, "0 B"),
        (214, "214 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (10 * 1024, "10 KiB"),
        (1024 * 1024 - 1, "1 MiB"),
        (1468006, "1.4 MiB"),
        (262144000, "250 MiB"),
        (5 * 1024**3, "5 GiB"),
        (5000 * 1024**4, "5000 TiB"),
    ],
)
def test_bytes(n: int, said: str) -> None:
    assert human_bytes(n) == said


@pytest.mark.parametrize(
    ("s", "said"),
    [
        (0, "0 ms"),
        (0.0404, "40 ms"),
        (0.0999, "0.1 s"),
        (0.4, "0.4 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min 0 s"),
        (63.4, "1 min 3 s"),
        (3599.7, "1 h 0 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_seconds(s: float, said: str) -> None:
    assert human_seconds(s) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (0.5, "just now"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (7300, "2 h ago"),
        (86400, "1 day ago"),
        (86400 * 40, "40 days ago"),
    ],
)
def test_ago(seconds: float, said: str) -> None:
    now = datetime(2024, 1, 15, tzinfo=UTC)
    then = now - timedelta(seconds=seconds)

    assert ago(then, now) == ago(then.replace(tzinfo=None), now) == said


def shown(before: Any, after: Any, width: int = 60, path: str = "field") -> list[str]:
    return [plain(line) for line in change_lines(path, before, after, width)]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (10, 20, "field: 10 -> 20"),
        ("a", "b", 'field: "a" -> "b"'),
        (None, {"a": [1, 2]}, 'field: none -> {"a":[1,2]}'),
        (True, None, "field: true -> none"),
        ("é", "\x1b", 'field: "é" -> "\\u001b"'),
    ],
)
def test_short_values(before: Any, after: Any, said: str) -> None:
    assert shown(before, after) == [said]


def test_long_values_are_cut_with_the_difference_in_view() -> None:
    (line,) = shown("a" * 300 + "X" + "b" * 300, "a" * 300 + "Y" + "b" * 300)

    assert "aXb" in line
    assert "aYb" in line
    assert cells(line) <= 60


@pytest.mark.parametrize("width", [48, 60, 200])
def test_a_long_value_beside_a_short_one_fits(width: int) -> None:
    (line,) = shown("short", "日本" * 300, width)

    assert 'field: "short" -> "日' in line
    assert cells(line) <= width


def test_structures_tell_the_values_that_differ() -> None:
    statement = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": "x" * 80}
    before = {"Version": "2012-10-17", "Statement": [statement]}
    after = {"Version": "2012-10-17", "Statement": [{**statement, "Effect": "Deny"}, {}]}

    assert shown(before, after) == [
        "field:",
        '  Statement[0].Effect: "Allow" -> "Deny"',
        "  Statement[1]: none -> {}",
    ]


def test_structures_tell_one_from_true() -> None:
    long = "x" * 80

    assert shown([1, long], [True, long]) == ["field:", "  [0]: 1 -> true"]


def test_a_structure_in_place_of_a_long_text() -> None:
    (line,) = shown("x" * 300, {"a": "y" * 300})

    assert line.startswith('field: "xxx')


def test_texts_of_several_lines_are_a_diff() -> None:
    assert shown("a: 1\nb: 2\nc: 3\nd: 4\n", "a: 1\nb: 5\nc: 3\nd: 4\n") == [
        "field:",
        "  @@ -1,3 +1,3 @@",
        "   a: 1",
        "  -b: 2",
        "  +b: 5",
        "   c: 3",
    ]


def test_texts_that_differ_in_their_last_newline_only() -> None:
    assert shown("a\nb", "a\nb\n") == ['field: "a\\nb" -> "a\\nb\\n"']


def test_cut_middle() -> None:
    assert cut_middle("abcdefghij", 10) == "abcdefghij"
    assert cut_middle("abcdefghij", 5) == "ab…ij"
    assert cells(cut_middle("日本語日本語", 7)) <= 7
