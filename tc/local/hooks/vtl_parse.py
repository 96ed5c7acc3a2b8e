"""Mapping templates to trees: the part of the Velocity language that API Gateway documents.

Nodes are tuples that start with their kind: `("text", str)`, `("show", source, quiet, expression)`,
`("set", target, expression)`, `("if", [(condition, block), …])`, `("each", name, expression,
block)`. Expressions: `("value", x)`, `("words", block)` for a string with references in it,
`("name", root, steps)` with steps `("get", key)`, `("call", name, arguments)`, `("at",
expression)`, `("not", e)`, `("op", sign, left, right)`, `("list", [e])`, `("range", a, b)`,
`("map", [(key, e)])`.
"""

from __future__ import annotations

import re
from typing import Any

Node = tuple[Any, ...]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
DIRECTIVE = re.compile(
    r"#(?:\{(set|if|elseif|else|end|foreach)\}|(set|if|elseif|else|end|foreach)\b)"
)
REST_OF_LINE = re.compile(r"[ \t]*\r?\n")
SIGNS = (
    ("||", "or"),
    ("&&", "and"),
    ("==", "!=", "eq", "ne"),
    ("<=", ">=", "<", ">", "le", "ge", "lt", "gt"),
    ("+", "-"),
    ("*", "/", "%"),
)
NUMBER = re.compile(r"-?\d+(\.\d+)?")


class TemplateError(Exception):
    """The template isn't one; the text says why."""


def parse(text: str) -> list[Node]:
    """The nodes of a template. Raises TemplateError."""
    reader = Reader(text)
    block, word = reader.block()
    if word is not None:
        raise TemplateError(f"#{word} without its beginning")
    return block


class Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def block(self) -> tuple[list[Node], str | None]:
        """Nodes up to the end or to the directive that ends a block, whose word is given."""
        nodes: list[Node] = []
        while self.at < len(self.text):
            next_sign = min(
                (p for p in (self.text.find("#", self.at), self.text.find("$", self.at)) if p >= 0),
                default=len(self.text),
            )
            if next_sign > self.at:
                nodes.append(("text", self.text[self.at : next_sign]))
                self.at = next_sign
                continue
            if self.text[self.at] == "$":
                nodes.append(self.shown())
                continue
            word = self.directive_word()
            if word in ("elseif", "else", "end"):
                return nodes, word
            nodes.extend(self.directive(word))
        return nodes, None

    def directive_word(self) -> str:
        """The word after `#`, the reader behind it; "" for a comment or a plain `#`."""
        found = DIRECTIVE.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        word = found[1] or found[2]
        if word in ("else", "end"):
            self.skip_line_end()
        return word

    def directive(self, word: str) -> list[Node]:
        if word == "set":
            return [self.assignment()]
        if word == "if":
            return [self.condition()]
        if word == "foreach":
            return [self.loop()]
        if self.text.startswith("##", self.at):
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end + 1
            return []
        if self.text.startswith("#*", self.at):
            end = self.text.find("*#", self.at + 2)
            self.at = len(self.text) if end < 0 else end + 2
            return []
        self.at += 1
        return [("text", "#")]

    def assignment(self) -> Node:
        self.expect("(")
        self.expect("$")
        self.accept("!")
        braced = self.accept("{")
        target = self.reference()
        if braced:
            self.expect("}")
        self.expect("=")
        value = self.expression()
        self.expect(")")
        self.skip_line_end()
        return ("set", target, value)

    def condition(self) -> Node:
        branches = []
        word: str | None = "if"
        while word in ("if", "elseif"):
            self.expect("(")
            test = self.expression()
            self.expect(")")
            self.skip_line_end()
            block, word = self.block()
            branches.append((test, block))
        if word == "else":
            block, word = self.block()
            branches.append((("value", True), block))
        if word != "end":
            raise TemplateError("#if without #end")
        return ("if", branches)

    def loop(self) -> Node:
        self.expect("(")
        self.expect("$")
        name = self.name()
        if self.name() != "in":
            raise TemplateError("#foreach needs `$name in …`")
        items = self.expression()
        self.expect(")")
        self.skip_line_end()
        block, word = self.block()
        if word != "end":
            raise TemplateError("#foreach without #end")
        return ("each", name, items, block)

    def shown(self) -> Node:
        """A reference in text. What is no reference is text."""
        start = self.at
        self.at += 1
        quiet = self.text.startswith("!", self.at)
        self.at += quiet
        braced = self.text.startswith("{", self.at)
        self.at += braced
        if NAME.match(self.text, self.at) is None:
            self.at = start + 1
            return ("text", "$")
        value = self.reference()
        if braced:
            if not self.text.startswith("}", self.at):
                raise TemplateError(f"${{ without }} at `{self.text[start : start + 20]}`")
            self.at += 1
        return ("show", self.text[start : self.at], quiet, value)

    def reference(self) -> Node:
        """`name.key.call(…)[0]`, without spaces: a full stop before a space ends a sentence."""
        found = NAME.match(self.text, self.at)
        if found is None:
            raise TemplateError(f"a name is missing at `{self.text[self.at : self.at + 20]}`")
        self.at = found.end()
        steps: list[Node] = []
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                self.at += 1
                steps.append(("at", self.expression()))
                self.expect("]")
                continue
            key = NAME.match(self.text, self.at + 1) if self.text[self.at] == "." else None
            if key is None:
                break
            self.at = key.end()
            if self.text.startswith("(", self.at):
                self.at += 1
                steps.append(("call", key[0], self.several(")")))
            else:
                steps.append(("get", key[0]))
        return ("name", found[0], steps)

    def several(self, end: str) -> list[Node]:
        values: list[Node] = []
        while not self.accept(end):
            if values:
                self.expect(",")
            values.append(self.expression())
        return values

    def expression(self, level: int = 0) -> Node:
        if level == len(SIGNS):
            return self.single()
        left = self.expression(level + 1)
        while (sign := self.sign(SIGNS[level])) is not None:
            left = ("op", sign, left, self.expression(level + 1))
        return left

    def sign(self, signs: tuple[str, ...]) -> str | None:
        self.space()
        for sign in signs:
            if not self.text.startswith(sign, self.at):
                continue
            after = self.text[self.at + len(sign) : self.at + len(sign) + 1]
            if sign.isalpha() and (after.isalnum() or after == "_"):
                continue
            self.at += len(sign)
            return sign
        return None

    def single(self) -> Node:
        self.space()
        if self.accept("!"):
            return ("not", self.single())
        if self.accept("("):
            value = self.expression()
            self.expect(")")
            return value
        if self.accept("$"):
            return self.used()
        if self.accept("["):
            return self.list_or_range()
        if self.accept("{"):
            return self.map()
        if self.text[self.at : self.at + 1] in ("'", '"'):
            return self.string()
        return self.number_or_word()

    def used(self) -> Node:
        """A reference in an expression, the reader behind its `$`."""
        self.accept("!")
        braced = self.accept("{")
        value = self.reference()
        if braced:
            self.expect("}")
        return value

    def number_or_word(self) -> Node:
        number = NUMBER.match(self.text, self.at)
        if number is not None:
            self.at = number.end()
            return ("value", float(number[0]) if number[1] else int(number[0]))
        word = self.name()
        if word == "not":
            return ("not", self.single())
        if word not in ("true", "false", "null"):
            raise TemplateError(f"`{word}` is no value")
        return ("value", {"true": True, "false": False, "null": None}[word])

    def list_or_range(self) -> Node:
        if self.accept("]"):
            return ("list", [])
        first = self.expression()
        if self.accept(".."):
            last = self.expression()
            self.expect("]")
            return ("range", first, last)
        if self.accept(","):
            return ("list", [first, *self.several("]")])
        self.expect("]")
        return ("list", [first])

    def map(self) -> Node:
        pairs: list[tuple[Node, Node]] = []
        while not self.accept("}"):
            if pairs:
                self.expect(",")
            key = self.expression()
            self.expect(":")
            pairs.append((key, self.expression()))
        return ("map", pairs)

    def string(self) -> Node:
        quote = self.text[self.at]
        parts, start = [], self.at + 1
        while True:
            end = self.text.find(quote, start)
            if end < 0:
                raise TemplateError(
                    f"a string without its end: {self.text[self.at : self.at + 20]}"
                )
            parts.append(self.text[start:end])
            if not self.text.startswith(quote, end + 1):
                break
            start = end + 2  # a doubled quote stands for itself
        self.at = end + 1
        written = quote.join(parts)
        return ("value", written) if quote == "'" else ("words", parse(written))

    # -- characters ------------------------------------------------------------------------

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def accept(self, sign: str) -> bool:
        self.space()
        found = self.text.startswith(sign, self.at)
        self.at += len(sign) if found else 0
        return found

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            raise TemplateError(f"`{sign}` is missing at `{self.text[self.at : self.at + 20]}`")

    def name(self) -> str:
        self.space()
        found = NAME.match(self.text, self.at)
        if found is None:
            raise TemplateError(f"a name is missing at `{self.text[self.at : self.at + 20]}`")
        self.at = found.end()
        return found[0]

    def skip_line_end(self) -> None:
        found = REST_OF_LINE.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
