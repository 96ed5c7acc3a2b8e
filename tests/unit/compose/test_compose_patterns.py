"""Event patterns: what EventBridge takes, and what it would refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tc.compose.patterns import check_pattern

GOOD: list[dict[str, Any]] = [
    {"source": ["a", 1, None, True]},
    {"detail": {"a": {"b": ["c"]}}},
    {"a": [{"prefix": "x"}, {"suffix": "y"}, {"anything-but": ["x"]}]},
    {"a": [{"anything-but": {"prefix": "x"}}]},
    {"a": [{"prefix": {"equals-ignore-case": "x"}}]},
    {"a": [{"exists": False}, {"equals-ignore-case": "X"}, {"wildcard": "a*"}]},
    {"a": [{"cidr": "10.0.0.0/8"}, {"numeric": [">", 0, "<=", 5.5]}, {"numeric": ["=", 1]}]},
    {"$or": [{"a": ["b"]}, {"c": [{"exists": True}]}], "d": ["e"]},
]
BAD: list[tuple[dict[str, Any], list[tuple[Any, ...]]]] = [
    ({}, [()]),
    ({"a": {}}, [("a",)]),
    ({"a": "b"}, [("a",)]),
    ({"a": []}, [("a",)]),
    ({"a": [["b"]]}, [("a", 0)]),
    ({"a": [{"starts": "x"}]}, [("a", 0)]),
    ({"a": [{"prefix": "x", "suffix": "y"}]}, [("a", 0)]),
    ({"a": ["fine", {"exists": "yes"}]}, [("a", 1)]),
    ({"a": [{"cidr": 5}]}, [("a", 0)]),
    ({"a": [{"prefix": 5}]}, [("a", 0)]),
    ({"a": [{"wildcard": ["x"]}]}, [("a", 0)]),
    ({"a": [{"numeric": [">"]}]}, [("a", 0)]),
    ({"a": [{"numeric": [">", "1"]}]}, [("a", 0)]),
    ({"a": [{"numeric": [">", True]}]}, [("a", 0)]),
    ({"a": [{"numeric": ["!", 1]}]}, [("a", 0)]),
    ({"$or": [{"a": ["b"]}]}, [("$or",)]),
    ({"$or": [{"a": "b"}, 5]}, [("$or", 0, "a"), ("$or", 1)]),
    ({"a": "b", "c": {"d": []}}, [("a",), ("c", "d")]),
]


@pytest.mark.parametrize("pattern", GOOD)
def test_good(pattern: dict[str, Any]) -> None:
    assert list(check_pattern(pattern)) == []


@pytest.mark.parametrize(("pattern", "paths"), BAD)
def test_bad(pattern: dict[str, Any], paths: list[tuple[Any, ...]]) -> None:
    found = list(check_pattern(pattern))
    assert [path for path, _ in found] == paths
    assert all(message for _, message in found)
