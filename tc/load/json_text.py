"""JSON text to plain data, as strict as YAML is read."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

from tc.load.scalars import number, whole_number
from tc.load.text import MAX_DEPTH, position
from tc.load.yaml_text import Stop
from tc.spec.finding import Address, Finding

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


class _Duplicate(Exception):
    pass


def parse_json(text: str, file: Path, findings: list[Finding]) -> Any:
    """The value in `text`; raises `Stop` when there is none to be had."""
    if not text.strip():
        raise Stop("empty", "is empty", -1)
    _check_depth(text)
    try:
        try:
            value = _parse(text, _unique)
        except _Duplicate:
            value = _parse(text, _first)
            findings += _duplicates(text, file)
    except json.JSONDecodeError as error:
        why = error.msg[:1].lower() + error.msg[1:]
        raise Stop("syntax", f"is not JSON: {why}", error.pos) from None
    except RecursionError:
        raise Stop("too-deep", f"is nested deeper than {MAX_DEPTH} levels", -1) from None
    _check_surrogates(text, value)
    return value


def _parse(text: str, pairs: Any) -> Any:
    return json.loads(
        text,
        object_pairs_hook=pairs,
        parse_float=number,
        parse_int=whole_number,
        parse_constant=lambda name: _constant(text, name),
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Duplicate
    return made


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _constant(text: str, name: str) -> Any:
    offset = next((m.start() for m in TOKEN.finditer(text) if m.group() == name), 0)
    raise json.JSONDecodeError(f"{name} is no value of JSON", text, offset)


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in TOKEN.finditer(text):
        word = match.group()
        depth += (word in "[{") - (word in "]}")
        if depth > MAX_DEPTH:
            raise Stop("too-deep", f"is nested deeper than {MAX_DEPTH} levels", match.start())


def _check_surrogates(text: str, value: Any) -> None:
    half = re.search(r"\\u[dD][89a-fA-F]", text)
    if half is None:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Stop("encoding", "has half of a character (a lone surrogate)", half.start()) from None


def _duplicates(text: str, file: Path) -> list[Finding]:
    """A finding for each key that its object already has."""
    found: list[Finding] = []
    objects: list[set[str] | None] = []
    tokens = list(TOKEN.finditer(text))
    for token, following in pairwise(tokens):
        word = token.group()
        if word in "{[":
            objects.append(set() if word == "{" else None)
        elif word in "}]":
            objects.pop()
        elif following.group() == ":" and objects and (keys := objects[-1]) is not None:
            key = json.loads(word)
            if key in keys:
                place = position(text, token.start(), len(word))
                found.append(
                    Finding(
                        "duplicate-key",
                        f"`{key}` is here twice",
                        Address(file),
                        "take one out",
                        position=place,
                    )
                )
            keys.add(key)
    return found
