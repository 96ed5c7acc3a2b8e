"""YAML text to plain data, from the parser's events in one pass.

Events rather than PyYAML's constructors: duplicate keys, depth and aliases are
seen where they happen, nothing recurses, and it takes a fifth of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from tc.load.scalars import as_text, resolve
from tc.load.text import MAX_DEPTH, position
from tc.records import dataclass
from tc.spec.finding import Address, Finding

#: tag, its argument (text or list), where it stands -> the value
Macro = Callable[[str, Any, tuple[int, int, int]], Any]

#: values that aliases may add to those written out
MAX_ALIASED = 100_000
MERGE = "<<"
#: what a macro gives that found nothing
MISSING: Any = object()
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STANDARD = "tag:yaml.org,2002:"
_RESOLVED = frozenset({"int", "float", "bool", "null"})


class Stop(Exception):
    """Nothing after this place can be understood."""

    def __init__(self, code: str, message: str, offset: int, hint: str = ""):
        super().__init__(message)
        self.code = code
        self.offset = offset
        self.hint = hint


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is not complete yet."""

    value: Any
    tag: str | None
    anchor: str | None
    offset: int
    before: int
    height: int = 1
    keyed: bool = False
    key: Any = None
    key_offset: int = 0
    merged: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: Any
    size: int
    height: int


def parse_yaml(text: str, file: Path, macro: Macro, findings: list[Finding]) -> Any:
    """The one document in `text`; raises `Stop` when there is none to be had.

    Duplicate keys and unknown tags become findings, the rest of the file is read.
    """
    builder = _Builder(text, file, macro, findings)
    try:
        parser = PARSER(text)
        while parser.check_event():
            builder.take(parser.get_event())
    except yaml.YAMLError as error:
        raise _syntax(text, error) from None
    if not builder.documents:
        raise Stop("empty", "is empty", -1)
    return builder.result


class _Builder:
    def __init__(self, text: str, file: Path, macro: Macro, findings: list[Finding]):
        self.text = text
        self.file = file
        self.macro = macro
        self.findings = findings
        self.result: Any = None
        self.documents = 0
        self.stack: list[_Frame] = []
        self.anchors: dict[str, _Anchored] = {}
        self.size = 0
        self.aliased = 0

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is ScalarEvent:
            self.size += 1
            self._scalar(event)
        elif kind is MappingStartEvent:
            self._open({}, event)
        elif kind is SequenceStartEvent:
            self._open([], event)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            self._close()
        elif kind is AliasEvent:
            self._alias(event)
        elif kind is DocumentStartEvent:
            self.documents += 1
            if self.documents > 1:
                raise Stop(
                    "several-documents",
                    "a second document starts here; a file holds one",
                    event.start_mark.index,
                )

    def _scalar(self, event: Any) -> None:
        offset = event.start_mark.index
        plain = event.implicit[0] and event.style in (None, "")
        if self._wants_key():
            self._key(event.value, offset, plain)
            return
        value = self._tagged(event.tag, event.value, offset, plain)
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(value, 1, 1)
        self._add(value, offset, 1)

    def _tagged(self, tag: str | None, text: str, offset: int, plain: bool) -> Any:
        if tag is None or tag == "!":
            return resolve(text) if plain else text
        if tag.startswith(_STANDARD):
            name = tag.removeprefix(_STANDARD)
            if name == "str":
                return text
            if name in _RESOLVED:
                return resolve(text)
        return self._run(tag, text, offset)

    def _run(self, tag: str, argument: Any, offset: int) -> Any:
        return self.macro(tag, argument, position(self.text, offset, len(tag)))

    def _wants_key(self) -> bool:
        return bool(self.stack) and not self.stack[-1].keyed and type(self.stack[-1].value) is dict

    def _open(self, value: Any, event: Any) -> None:
        offset = event.start_mark.index
        if self._wants_key():
            raise Stop("invalid-key", "a key must be text, not a list or a mapping", offset)
        if len(self.stack) >= MAX_DEPTH:
            raise Stop("too-deep", f"is nested deeper than {MAX_DEPTH} levels", offset)
        self.size += 1
        self.stack.append(_Frame(value, event.tag, event.anchor, offset, self.size - 1))

    def _close(self) -> None:
        frame = self.stack.pop()
        value = frame.value
        for merged in frame.merged:
            for key in merged:
                value.setdefault(key, merged[key])
        if frame.tag and frame.tag not in (_STANDARD + "map", _STANDARD + "seq", "!"):
            value = self._run(frame.tag, value, frame.offset)
        if frame.anchor:
            size = self.size - frame.before
            self.anchors[frame.anchor] = _Anchored(value, size, frame.height)
        self._add(value, frame.offset, frame.height)

    def _alias(self, event: Any) -> None:
        offset = event.start_mark.index
        known = self.anchors.get(event.anchor)
        if known is None:
            if any(frame.anchor == event.anchor for frame in self.stack):
                raise Stop("cycle", f"`*{event.anchor}` stands inside itself", offset)
            raise Stop("unknown-alias", f"there is no `&{event.anchor}` before this", offset)
        self.size += known.size
        self.aliased += known.size
        if self.aliased > MAX_ALIASED:
            raise Stop(
                "too-large",
                f"aliases unfold to more than {MAX_ALIASED:,} values",
                offset,
                "write it out, or use fewer aliases",
            )
        if len(self.stack) + known.height > MAX_DEPTH:
            raise Stop("too-deep", f"is nested deeper than {MAX_DEPTH} levels", offset)
        if self._wants_key():
            if isinstance(known.value, dict | list):
                raise Stop("invalid-key", "a key must be text, not a list or a mapping", offset)
            self._key(str(as_text(known.value)), offset, False)
            return
        self._add(known.value, offset, known.height)

    def _key(self, text: str, offset: int, plain: bool) -> None:
        frame = self.stack[-1]
        frame.keyed, frame.key_offset = True, offset
        frame.key = _Merge if plain and text == MERGE else text
        if frame.key in frame.value:
            self._duplicate(text, offset)
            frame.key = None

    def _duplicate(self, key: str, offset: int) -> None:
        self.findings.append(
            Finding(
                "duplicate-key",
                f"`{key}` is here twice",
                Address(self.file),
                "take one out",
                position=position(self.text, offset, len(key)),
            )
        )

    def _add(self, value: Any, offset: int, height: int) -> None:
        if not self.stack:
            self.result = value
            return
        frame = self.stack[-1]
        frame.height = max(frame.height, height + 1)
        if type(frame.value) is list:
            frame.value.append(None if value is MISSING else value)
            return
        if value is MISSING:
            frame.keyed = False
            return
        if frame.key is _Merge:
            frame.merged += self._mergeable(value, offset)
        elif frame.key is not None:
            frame.value[frame.key] = value
        frame.keyed = False

    def _mergeable(self, value: Any, offset: int) -> list[Any]:
        several = value if isinstance(value, list) else [value]
        if not all(isinstance(item, dict) for item in several):
            raise Stop("wrong-type", f"`{MERGE}` merges mappings only", offset)
        return several


class _Merge:
    """The key ``<<``, told from a quoted one."""


def _syntax(text: str, error: yaml.YAMLError) -> Stop:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        offset = int(getattr(error, "position", 0) or 0)
        why = getattr(error, "reason", "") or "it can't be read"
        return Stop("syntax", f"is not YAML: {why}", offset)
    problem = getattr(error, "problem", None) or "it can't be read"
    context = getattr(error, "context", None)
    offset = mark.index
    if offset >= len(text.rstrip()) and context and getattr(error, "context_mark", None):
        # the end of the file is where it was noticed; what is open began before
        offset = error.context_mark.index  # type: ignore[attr-defined]
    character = text[offset : offset + 1]
    if "cannot start any token" in problem:
        if character == "\t":
            return Stop("syntax", "a tab can't indent YAML", offset, "use spaces")
        return Stop("syntax", f"a value can't start with `{character}`", offset, "put it in quotes")
    if "mapping values are not allowed" in problem:
        return Stop(
            "syntax", "a `:` can't stand here", offset, "indent the line, or quote the value"
        )
    return Stop("syntax", f"is not YAML: {problem}{f', {context}' if context else ''}", offset)
