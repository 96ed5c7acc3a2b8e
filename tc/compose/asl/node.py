"""A value under inspection, and the plain kinds of values."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Literal

from tc.compose.asl.walk import Language, key, shown
from tc.records import dataclass
from tc.spec.finding import Address, Finding

#: names among which a guess is worth its time
_CANDIDATES = 500
#: findings after which guessing stops: it is slow, and nobody reads that far
GUESSES = 200


@dataclass(frozen=True, slots=True)
class Node:
    """A value, where it stands, what an error calls it, and where findings go."""

    value: Any
    address: Address
    label: str
    language: Language
    findings: list[Finding]
    owner: str = ""

    def fail(
        self,
        text: str,
        code: str = "invalid-value",
        hint: str = "",
        at: Literal["key", "value"] = "value",
    ) -> None:
        """A finding that reads: label, text."""
        self.findings.append(Finding(code, f"{self.label} {text}", self.address, hint, at))

    def suggest(self, word: object, known: Collection[str]) -> str:
        """``did you mean `X`?`` or nothing; guesses end where a file has errors without end."""
        guess = closest(word, known) if len(self.findings) < GUESSES else ""
        return f"did you mean `{guess}`?" if guess else ""

    def field(self, name: Any) -> Node:
        """The value of a key of this mapping."""
        return replace(
            self,
            value=self.value[name],
            address=self.address / key(name),
            label=f"{shown(name)} of {self.label}",
            owner=self.label,
        )

    def items(self, noun: str, of: str = "") -> list[Node]:
        """The values of this list, called `retrier 1 of …` (its mapping, or `of`)."""
        return [
            replace(
                self,
                value=value,
                address=self.address / index,
                label=f"{noun} {index + 1} of {of or self.owner}",
            )
            for index, value in enumerate(self.value)
        ]


Checker = Callable[[Node], None]


def anything(node: Node) -> None:
    """No rule."""


def text(node: Node) -> None:
    if not isinstance(node.value, str):
        node.fail(f"must be text, not {shown(node.value)}", "wrong-type")


def true(node: Node) -> None:
    if node.value is not True:
        node.fail(f"must be `true`, not {shown(node.value)}", hint="leave it out, or `End: true`")


def boolean(node: Node) -> None:
    if not isinstance(node.value, bool):
        node.fail(f"must be `true` or `false`, not {shown(node.value)}", "wrong-type")


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: object) -> bool:
    """Whether JSON has it as a whole number; `10.0` is one."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool)


def integer(low: int, high: int | None = None) -> Checker:
    """A whole number from `low` to `high`."""
    wanted = f"from {low} to {high}" if high is not None else f"of {low} or more"

    def check(node: Node) -> None:
        value = node.value
        if not is_integer(value):
            node.fail(f"must be a whole number {wanted}, not {shown(value)}", "wrong-type")
        elif value < low or (high is not None and value > high):
            node.fail(f"must be a whole number {wanted}, not {shown(value)}")

    return check


def number(low: float | None = None, high: float | None = None) -> Checker:
    """A number from `low` to `high`."""
    if low is None:
        wanted = ""
    else:
        wanted = f" from {low:g} to {high:g}" if high is not None else f" of {low:g} or more"

    def check(node: Node) -> None:
        value = node.value
        if not is_number(value):
            node.fail(f"must be a number{wanted}, not {shown(value)}", "wrong-type")
        elif (low is not None and not value >= low) or (high is not None and not value <= high):
            node.fail(f"must be a number{wanted}, not {shown(value)}")

    return check


def one_of(*allowed: str) -> Checker:
    """One of these words; a template is left alone."""
    wanted = " or ".join(f"`{word}`" for word in allowed)

    def check(node: Node) -> None:
        value = node.value
        if isinstance(value, str) and (value in allowed or "{{" in value):
            return
        guess = node.suggest(value, allowed)
        node.fail(f"must be {wanted}, not {shown(value)}", hint=guess)

    return check


def texts(node: Node) -> None:
    """A list of texts."""
    if not isinstance(node.value, list) or not all(isinstance(v, str) for v in node.value):
        node.fail("must be a list of texts", "wrong-type")


def fields(
    node: Node,
    table: Mapping[str, Checker],
    required: Iterable[str] = (),
    foreign: Mapping[str, str] | None = None,
) -> bool:
    """Check a mapping: each key by the table, none unknown, none missing.

    `foreign` has sentences for keys that belong elsewhere. Returns whether the
    value is a mapping at all.
    """
    if not isinstance(node.value, Mapping):
        node.fail(f"must be a mapping, not {shown(node.value)}", "wrong-type")
        return False
    for name in node.value:
        checker = table.get(name) if isinstance(name, str) else None
        if checker:
            checker(node.field(name))
        else:
            hint = (foreign or {}).get(name) or node.suggest(name, table)
            message = f"{shown(name)} is not a key of {node.label}"
            address = node.address / key(name)
            node.findings.append(Finding("unknown-key", message, address, hint, "key"))
    for name in required:
        if not has(node.value, name, known=table):
            node.fail(f"has no `{name}`", "missing-key", at="key")
    return True


def has(value: Mapping[Any, Any], *names: str, known: Collection[str]) -> bool:
    """Whether a mapping has one of these keys, or an unknown one that was meant to be it."""
    if any(name in value for name in names):
        return True
    first = islice(value, _CANDIDATES)
    return any(name not in known and closest(name, names) for name in first)


def exclusive(node: Node, *pairs: tuple[str, str]) -> None:
    """Of each pair, at most one."""
    for first, second in pairs:
        if first in node.value and second in node.value:
            message = f"{node.label} has both `{first}` and `{second}`"
            address = node.address / second
            hint = f"leave out `{first}` or `{second}`"
            node.findings.append(Finding("conflict", message, address, hint, "key"))


def closest(word: object, known: Collection[str]) -> str:
    """The known word that was probably meant, empty when none is near."""
    if not isinstance(word, str) or len(word) > 100 or len(known) > _CANDIDATES:
        return ""
    for candidate in known:
        if candidate.lower() == word.lower():
            return candidate
    near = difflib.get_close_matches(word, known, n=1)
    return near[0] if near else ""
