"""Mapping templates of REST APIs: what API Gateway evaluates, evaluated.

Why: the engine knows `#set` and a few references, but no `#if`, no comparison, no
`$util.parseJson`, no `$util.escapeJavaScript` and no `$context.responseOverride`, so a route can't
turn the answer of a flow into the flow's own output and a failed flow into a 500.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from .vtl_java import MISSING, item_of, java, show
from .vtl_parse import Node, TemplateError, parse

STEPS = re.compile(r"\.([^.\[\]]+)|\['([^']+)'\]|\[\"([^\"]+)\"\]|\[(-?\d+|\*)\]")
ESCAPED = {"\\": "\\\\", '"': '\\"', "'": "\\'", "/": "\\/"}
ESCAPED |= {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


class BodyError(Exception):
    """The template wants a field of a body that isn't JSON."""


@dataclass
class Mapping:
    """What a template reads, and the overrides it may set in `context`."""

    body: str
    params: dict[str, dict[str, str]]  # path, querystring, header
    context: dict[str, Any] = field(default_factory=dict)
    stage: dict[str, str] = field(default_factory=dict)


def render(template: str, mapping: Mapping) -> str:
    """The text that a template makes. Raises TemplateError and BodyError."""
    mapping.context.setdefault("responseOverride", {}).setdefault("header", {})
    roots = {"input": Input(mapping), "util": Util()}
    names = {"context": mapping.context, "stageVariables": mapping.stage}
    return Evaluator({**names, **roots}).block(parse(template))


class Input:
    def __init__(self, mapping: Mapping) -> None:
        self.body = mapping.body
        self._params = mapping.params

    def json(self, path: str) -> str:
        return json.dumps(self.path(path), separators=(",", ":"), ensure_ascii=False)

    def path(self, path: str) -> Any:
        try:
            value = json.loads(self.body or "{}")
        except ValueError as error:
            raise BodyError(f"Could not parse request body into json: {error}") from error
        return follow(value, path)

    def params(self, name: str | None = None) -> Any:
        if name is None:
            return self._params
        for place in ("path", "querystring", "header"):
            found = self._params.get(place, {})
            for key, value in found.items():
                if key == name or (place == "header" and key.lower() == name.lower()):
                    return value
        return ""


class Util:
    def escapeJavaScript(self, text: Any) -> str:  # noqa: N802
        return "".join(ESCAPED.get(sign, sign) for sign in show(text))

    def parseJson(self, text: Any) -> Any:  # noqa: N802
        try:
            return json.loads(show(text))
        except ValueError:
            return None

    def urlEncode(self, text: Any) -> str:  # noqa: N802
        return quote_plus(show(text), safe="*-_.").replace("~", "%7E")

    def urlDecode(self, text: Any) -> str:  # noqa: N802
        return unquote_plus(show(text))

    def base64Encode(self, text: Any) -> str:  # noqa: N802
        return base64.b64encode(show(text).encode()).decode()

    def base64Decode(self, text: Any) -> str:  # noqa: N802
        return base64.b64decode(show(text)).decode(errors="replace")


def follow(value: Any, path: str) -> Any:
    """A JSONPath of names, indexes and `[*]`; None where there is nothing."""
    rest = path.strip().removeprefix("$")
    if rest and rest[0] not in ".[":
        rest = "." + rest
    while rest:
        step = STEPS.match(rest)
        if step is None:
            return None
        rest = rest[step.end() :]
        name = step[1] or step[2] or step[3]
        if name is not None:
            value = value.get(name) if isinstance(value, dict) else None
        elif step[4] == "*":
            return [follow(item, "$" + rest) for item in value] if isinstance(value, list) else None
        else:
            value = item_of(value, int(step[4]))
        if value is None:
            return None
    return value


class Evaluator:
    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names

    def block(self, nodes: list[Node]) -> str:
        return "".join(self.node(node) for node in nodes)

    def node(self, node: Node) -> str:
        match node:
            case ("text", text):
                return str(text)
            case ("show", source, quiet, reference):
                value = self.value(reference)
                return str(source) if value is MISSING and not quiet else show(value)
            case ("set", ("name", root, steps), value):
                self.assign(root, steps, self.value(value))
            case ("if", branches):
                for test, block in branches:
                    if truth(self.value(test)):
                        return self.block(block)
            case ("each", name, items, block):
                return self.loop(name, self.value(items), block)
        return ""

    def loop(self, name: str, items: Any, block: list[Node]) -> str:
        every = list(items.values()) if isinstance(items, dict) else items
        if not isinstance(every, list):
            return ""
        made = []
        for place, item in enumerate(every):
            self.names[name] = item
            more = place + 1 < len(every)
            self.names["foreach"] = {"index": place, "count": place + 1, "hasNext": more}
            self.names["velocityCount"] = place + 1
            made.append(self.block(block))
        return "".join(made)

    def assign(self, root: str, steps: list[Node], value: Any) -> None:
        value = None if value is MISSING else value
        if not steps:
            self.names[root] = value
            return
        owner = self.walk(self.names.get(root, MISSING), steps[:-1])
        last = steps[-1]
        key = last[1] if last[0] == "get" else self.value(last[1])
        if isinstance(owner, dict) or (isinstance(owner, list) and item_of(owner, key) is not None):
            owner[key] = value

    def value(self, node: Node) -> Any:
        match node:
            case ("value", value):
                return value
            case ("words", block):
                return self.block(block)
            case ("name", root, steps):
                return self.walk(self.names.get(root, MISSING), steps)
            case ("not", inner):
                return not truth(self.value(inner))
            case ("op", sign, left, right):
                return self.operation(sign, left, right)
            case ("list", items):
                return [self.value(item) for item in items]
            case ("range", first, last):
                return list(range(int(self.value(first)), int(self.value(last)) + 1))
            case ("map", pairs):
                return {show(self.value(key)): self.value(item) for key, item in pairs}
        raise TemplateError(f"{node[0]} is no expression")

    def operation(self, sign: str, left: Node, right: Node) -> Any:
        """The right side of "and" and "or" is looked at only when it decides."""
        if sign in ("&&", "and"):
            return truth(self.value(left)) and truth(self.value(right))
        if sign in ("||", "or"):
            return truth(self.value(left)) or truth(self.value(right))
        return operate(sign, self.value(left), self.value(right))

    def walk(self, value: Any, steps: list[Node]) -> Any:
        for step in steps:
            if value is None or value is MISSING:
                return None if value is None else MISSING
            match step:
                case ("get", key):
                    value = _get(value, key)
                case ("at", index):
                    place = self.value(index)
                    value = (
                        value.get(show(place)) if isinstance(value, dict) else item_of(value, place)
                    )
                case ("call", name, arguments):
                    value = call(value, name, [self.value(each) for each in arguments])
        return value


def _get(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, Input) and key == "body":
        return value.body
    return None


def truth(value: Any) -> bool:
    return value is not None and value is not MISSING and value is not False and value != ""


def operate(sign: str, left: Any, right: Any) -> Any:
    left, right = (None if each is MISSING else each for each in (left, right))
    if sign in ("==", "eq", "!=", "ne"):
        # A path that leads nowhere is "" in API Gateway, and templates compare with that.
        same = left == right or (left in (None, "") and right in (None, ""))
        return same if sign in ("==", "eq") else not same
    try:
        return _compute(sign, left, right)
    except (TypeError, ZeroDivisionError):
        return None


def _compute(sign: str, left: Any, right: Any) -> Any:
    match sign:
        case "+":
            text = isinstance(left, str) or isinstance(right, str)
            return show(left) + show(right) if text else left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            whole = isinstance(left, int) and isinstance(right, int)
            return int(left / right) if whole else left / right
        case "%":
            return left % right
        case "<" | "lt":
            return left < right
        case ">" | "gt":
            return left > right
        case "<=" | "le":
            return left <= right
    return left >= right


def call(value: Any, name: str, given: list[Any]) -> Any:
    """A method: ours of `$input` and `$util`, Java's of strings, lists and maps."""
    given = [None if each is MISSING else each for each in given]
    if isinstance(value, Input | Util):
        method = None if name.startswith("_") else getattr(type(value), name, None)
        return None if method is None else method(value, *given)
    try:
        return java(value, name, *given)
    except (TypeError, ValueError, IndexError, AttributeError):
        return None
