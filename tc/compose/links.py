"""What comes after each function of a chain: its targets, resolved, and its hints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tc.compose.asl.choice import bare_rule
from tc.compose.asl.node import Node
from tc.compose.asl.paths import path_problem
from tc.compose.leaves import LEAVES
from tc.compose.references import Names
from tc.records import dataclass
from tc.spec.chain import ChoiceRule
from tc.spec.finding import Address, Finding
from tc.spec.function import Function
from tc.spec.scope import Scope
from tc.spec.topology import Id

#: `$.total > 100`
_COMPARISON = re.compile(
    r"\s*(?P<path>\$\S*)\s*(?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>.+?)\s*\Z"
)
_ORDERS = {
    "==": "Equals",
    "!=": "Equals",
    "<": "LessThan",
    "<=": "LessThanEquals",
    ">": "GreaterThan",
    ">=": "GreaterThanEquals",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a choice: a condition in ASL (None: otherwise), and where it goes (None: the
    end)."""

    condition: Mapping[str, Any] | None
    target: Id | None


@dataclass(frozen=True, slots=True)
class Link:
    """What comes after a function.

    The `leaves` get its result first. Then it goes to all `functions` at once, or with
    `items` each item of its result at that path to the only one, `concurrency` of them at
    once (0: as many as may be), and what they made to `then`; or by `rules` to the first
    that fits.
    """

    functions: tuple[str, ...] = ()
    leaves: tuple[Id, ...] = ()
    items: str = ""
    concurrency: int = 0
    then: str = ""
    rules: tuple[Rule, ...] = ()

    @property
    def followers(self) -> tuple[str, ...]:
        """Every function that may run after it, in the order in which they were written."""
        ruled = [rule.target[1] for rule in self.rules if rule.target and _runs(rule.target)]
        return tuple(dict.fromkeys((*self.functions, *ruled, *((self.then,) if self.then else ()))))


def _runs(target: Id) -> bool:
    return target[0] == "function"


def link_all(
    functions: Mapping[str, Function], names: Names, scope: Scope, findings: list[Finding]
) -> dict[str, Link]:
    """The links of the functions that have any, and what is wrong with them."""
    links = {name: _link(function, names, scope, findings) for name, function in functions.items()}
    return {name: link for name, link in links.items() if link != Link()}


def _link(function: Function, names: Names, scope: Scope, findings: list[Finding]) -> Link:
    at = function.target_address or function.address
    found = [_resolved(kind, text, at, names, findings) for kind, text in function.targets]
    targets = [target for target in found if target]
    then = function.then and _resolved(
        "function", scope.fill(function.then), at, names, findings, "then"
    )
    following = tuple(name for kind, name in targets if kind == "function")
    link = Link(
        functions=following,
        leaves=tuple(target for target in targets if not _runs(target)),
        items=function.map.items if function.map and len(following) == 1 else "",
        concurrency=(function.map and function.map.concurrency) or 0,
        then=then[1] if then else "",
        rules=tuple(_rules(function.choice, at / "choice", names, scope, findings)),
    )
    findings += _misfits(function, at)
    return link


def _resolved(
    kind: str, written: str, at: Address, names: Names, findings: list[Finding], key: str = ""
) -> Id | None:
    key = key or _KEYS.get(kind, kind)
    target, finding = names.resolve(kind, written, at / key)
    if finding:
        findings.append(finding)
    if target and not _runs(target) and target[0] not in LEAVES:
        findings.append(
            Finding(
                "not-yet",
                f"this version of tc can't hand the result of a function to a {kind}",
                at / key,
                f"send an event: `event: NAME` here, `{key}:` at the event",
            )
        )
        return None
    return target


_KEYS = {"flow": "state"}


def _misfits(function: Function, at: Address) -> Iterator[Finding]:
    """Hints that don't fit each other or the targets."""
    to = [kind for kind, _ in function.targets if kind == "function"]
    if function.map is not None:
        problem = path_problem(function.map.items)
        if problem:
            yield Finding("invalid-value", f"`map` {problem}", at / "map", "such as `$.items`")
        if len(to) != 1:
            hint = "`function: NAME`: each item goes through it and what comes after it"
            yield Finding("missing-key", "`map` needs one function", at / "map", hint, "key")
    if function.then and function.map is None and len(to) < 2:
        hint = "it goes on after `map`, or after several `functions`"
        yield Finding("missing-key", "`then` has nothing to wait for", at / "then", hint, "key")
    if function.choice and (to or function.map is not None):
        message = "`choice` says where the result goes, and so does another key"
        yield Finding("both", message, at / "choice", "put that into a rule without `when`", "key")


def _rules(
    written: tuple[ChoiceRule, ...],
    at: Address,
    names: Names,
    scope: Scope,
    findings: list[Finding],
) -> Iterator[Rule]:
    if written and all(rule.when is None for rule in written):
        findings.append(
            Finding("missing-key", "no rule of `choice` has a `when`", at, "`when: $.total > 100`")
        )
    for index, rule in enumerate(written):
        here = at / index
        targets = [(kind, scope.fill(text)) for kind, text in rule.targets()]
        if len(targets) > 1:
            findings.append(Finding("targets", "a rule has one target", here, at="key"))
        if rule.when is None and index < len(written) - 1:
            message = "only the last rule may be without `when`: the ones after it are never used"
            findings.append(Finding("missing-key", message, here, "put it last", "key"))
        target = _resolved(*targets[0], here, names, findings) if targets else None
        condition = (
            None
            if rule.when is None
            else _condition(scope.fill(rule.when), here / "when", findings)
        )
        yield Rule(condition, target)


def _condition(
    when: str | Mapping[str, Any], at: Address, findings: list[Finding]
) -> Mapping[str, Any]:
    """`when` as the rule of a Choice state."""
    if not isinstance(when, str):
        bare_rule(Node(when, at, "the rule", "JSONPath", findings))
        return when
    path, operator, value = _parted(when)
    compared = _compared(path, operator, value)
    problem = path_problem(path)
    if compared is None or problem:
        findings.append(
            Finding(
                "invalid-expression",
                f"`{when}` is no condition" + (f": the path {problem}" if path else ""),
                at,
                "write `$.total > 100`, or a rule such as "
                "`{Variable: $.total, NumericGreaterThan: 100}`",
            )
        )
        return {}
    is_so = {"And": [{"Variable": path, "IsPresent": True}, compared]}
    return {"Not": is_so} if operator == "!=" else is_so


def _parted(when: str) -> tuple[str, str, Any]:
    """Path, operator and value; a path alone is compared with `true`."""
    match = _COMPARISON.match(when)
    if match is None:
        return when.strip(), "==", True
    return match["path"], match["operator"], _value(match["value"])


def _value(text: str) -> Any:
    """A number, `true`, `false`, `null` or a text in quotes; `...` for anything else."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    try:
        return json.loads(text)
    except ValueError:
        return ...


def _compared(path: str, operator: str, value: Any) -> dict[str, Any] | None:
    order = _ORDERS[operator]
    if value is None and order == "Equals":
        return {"Variable": path, "IsNull": True}
    if isinstance(value, bool):
        kind = "Boolean" if order == "Equals" else ""
    elif isinstance(value, int | float):
        kind = "Numeric"
    else:
        kind = "String" if isinstance(value, str) else ""
    return {"Variable": path, f"{kind}{order}": value} if kind else None
