"""Where each value of a file stands: made only when there is something to report.

Tolerant: what can't be parsed any more is left out, never raised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tc.load.text import MAX_DEPTH
from tc.load.yaml_text import MERGE, PARSER
from tc.spec.finding import Key

Span = tuple[int, int]


@dataclass(slots=True)
class Marked:
    """A value: offsets (characters) of itself and of its key, and what is in it.

    `include` is the argument of an `!include` that stands here.
    """

    value: Span
    key: Span | None = None
    children: dict[Key, Marked] = field(default_factory=dict)
    include: str = ""

    def child(self, key: Key) -> Marked | None:
        found = self.children.get(key)
        if found is None and (merged := self.children.get(MERGE)):
            return merged.child(key) or next(
                (hit for one in merged.children.values() if (hit := one.child(key))), None
            )
        return found


def marks(text: str, *, is_json: bool) -> Marked | None:
    """The positions in `text`; None when it holds nothing."""
    return _json_marks(text) if is_json else _yaml_marks(text)


class _Builder:
    def __init__(self) -> None:
        self.root: Marked | None = None
        self.stack: list[tuple[Marked, bool]] = []
        self.key: tuple[str, Span] | None = None
        self.keys: list[tuple[str, Span] | None] = []

    def wants_key(self) -> bool:
        return bool(self.stack) and self.stack[-1][1] and self.key is None

    def add(self, node: Marked) -> None:
        if not self.stack:
            self.root = self.root or node
            return
        parent, is_map = self.stack[-1]
        if not is_map:
            parent.children[len(parent.children)] = node
        elif self.key:
            parent.children.setdefault(self.key[0], node)
            node.key = node.key or self.key[1]
            self.key = None

    def open(self, node: Marked, is_map: bool) -> None:
        self.stack.append((node, is_map))
        self.keys.append(self.key)
        self.key = None

    def close(self) -> Marked | None:
        if not self.stack:
            return None
        node, _ = self.stack.pop()
        self.key = self.keys.pop()
        self.add(node)
        return node


class _YamlBuilder(_Builder):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: dict[str, Marked] = {}
        self.waiting: list[str | None] = []

    def take(self, event: Any) -> None:
        name = type(event).__name__
        span = (event.start_mark.index, event.end_mark.index)
        if name in ("MappingStartEvent", "SequenceStartEvent"):
            self.open(Marked((span[0], span[0] + 1)), name == "MappingStartEvent")
            self.waiting.append(event.anchor)
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            self._anchor(self.waiting.pop(), self.close())
        elif name in ("ScalarEvent", "AliasEvent") and self.wants_key():
            self.key = (getattr(event, "value", ""), span)
        elif name == "ScalarEvent":
            include = event.value.strip() if event.tag == "!include" else ""
            node = Marked(span, include=include)
            self._anchor(event.anchor, node)
            self.add(node)
        elif name == "AliasEvent":
            known = self.anchors.get(event.anchor)
            self.add(Marked(span, None, known.children if known else {}))

    def _anchor(self, name: str | None, node: Marked | None) -> None:
        if name and node:
            self.anchors[name] = node


def _yaml_marks(text: str) -> Marked | None:
    import yaml

    builder = _YamlBuilder()
    try:
        parser = PARSER(text)
        while parser.check_event() and len(builder.stack) <= MAX_DEPTH:
            builder.take(parser.get_event())
    except yaml.YAMLError:
        return _partial(builder)
    return _partial(builder)


def _partial(builder: _Builder) -> Marked | None:
    while builder.stack:
        builder.close()
    return builder.root


def _json_marks(text: str) -> Marked | None:
    builder = _Builder()
    for word, span in _tokens(text):
        if word in "{[":
            builder.open(Marked((span[0], span[0] + 1)), word == "{")
        elif word in "}]":
            builder.close()
        elif word in ":,":
            continue
        elif builder.wants_key():
            builder.key = (_text(word), span)
        else:
            builder.add(Marked(span))
    return _partial(builder)


def _tokens(text: str) -> Iterator[tuple[str, Span]]:
    from tc.load.json_text import TOKEN

    for match in TOKEN.finditer(text):
        yield match.group(), match.span()


def _text(word: str) -> str:
    try:
        return str(json.loads(word))
    except ValueError:
        return word
