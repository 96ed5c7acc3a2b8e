"""The rules of a Choice state.

Facts: states-language.net, section "Choice State".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tc.compose.asl.node import Checker, Node, anything, boolean, fields, has, number, text
from tc.compose.asl.paths import path
from tc.compose.asl.payload import assign, is_expression, payload
from tc.compose.asl.timestamp import timestamp
from tc.compose.asl.walk import shown

_ORDERS = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
_KINDS: Mapping[str, tuple[Checker, tuple[str, ...]]] = {
    "String": (text, _ORDERS),
    "Numeric": (number(), _ORDERS),
    "Boolean": (boolean, _ORDERS[:1]),
    "Timestamp": (timestamp, _ORDERS),
}
_TESTS = ("IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp")


def _comparisons() -> dict[str, Checker]:
    table: dict[str, Checker] = {"StringMatches": text}
    for kind, (checker, orders) in _KINDS.items():
        for order in orders:
            table[f"{kind}{order}"] = checker
            table[f"{kind}{order}Path"] = path()
    return table | dict.fromkeys(_TESTS, boolean)


COMPARISONS = _comparisons()
_LOGIC = ("And", "Or", "Not")
_OPERATORS = (*COMPARISONS, *_LOGIC)


def choices(node: Node) -> None:
    """`Choices`: a list of rules, one at least."""
    if not isinstance(node.value, list):
        node.fail(f"must be a list of rules, not {shown(node.value)}", "wrong-type")
        return
    if not node.value:
        node.fail("has no rule")
    for rule in node.items("rule"):
        if node.language == "JSONata":
            _jsonata_rule(rule)
        else:
            _rule(rule, top=True)


def _jsonata_rule(rule: Node) -> None:
    table: dict[str, Checker] = {
        "Condition": _condition,
        "Next": anything,
        "Assign": assign,
        "Output": payload,
        "Comment": text,
    }
    jsonpath = "a JSONata rule has a `Condition` in its place"
    foreign = dict.fromkeys((*_OPERATORS, "Variable"), jsonpath)
    fields(rule, table, ("Condition", "Next"), foreign)


def _condition(node: Node) -> None:
    if not isinstance(node.value, bool) and not is_expression(node.value):
        hint = f"`{{% {node.value} %}}`" if _plain(node.value) else ""
        wanted = "must be an expression in `{% %}`, or `true` or `false`"
        node.fail(f"{wanted}, not {shown(node.value)}", "invalid-expression", hint)


def _plain(value: object) -> bool:
    return isinstance(value, str) and "%" not in value and 0 < len(value) < 60


def _rule(rule: Node, top: bool) -> None:
    table: dict[str, Checker] = {**COMPARISONS, "And": _rules, "Or": _rules, "Not": bare_rule}
    table |= {"Variable": path(), "Comment": text}
    foreign = {"Condition": "set `QueryLanguage: JSONata` on the state to use it"}
    if top:
        table |= {"Next": anything, "Assign": assign}
        foreign["Output"] = "only JSONata states have it"
    else:
        foreign["Next"] = "only the outermost rule says where to go"
        foreign["Assign"] = "only the outermost rule assigns variables"
    if not fields(rule, table, ("Next",) if top else (), foreign):
        return
    used = [name for name in rule.value if name in _OPERATORS]
    if len(used) > 1:
        message = f"compares more than once: {', '.join(f'`{name}`' for name in used)}"
        rule.fail(message, "conflict", "join the comparisons with `And`")
    elif not has(rule.value, *_OPERATORS, known=table):
        rule.fail("compares nothing", "missing-key", "such as `StringEquals` or `IsPresent`", "key")
    if any(name in COMPARISONS for name in used) and "Variable" not in rule.value:
        rule.fail("has no `Variable`", "missing-key", at="key")


def bare_rule(node: Node) -> None:
    """A rule without its `Next`."""
    _rule(node, top=False)


def _rules(node: Node) -> None:
    if not isinstance(node.value, list) or not node.value:
        node.fail("must be a list of rules, one at least", "wrong-type")
        return
    for rule in node.items("rule"):
        inner = f"{rule.label.split(' of ', 1)[0]} in {node.label}"
        _rule(replace(rule, label=inner), top=False)
