"""Every `{{name}}` in a file is one that tc fills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tc.load.suggest import did_you_mean
from tc.spec.addresses import parse_address
from tc.spec.finding import Address, Finding
from tc.spec.scope import TEMPLATE_NAMES, unknown_templates

#: keys below which texts may name addresses of the sandbox's own things
_ADDRESSED = frozenset({"environment", "arguments"})
#: the same, of a state
_ADDRESSED_BY_STATES = frozenset({"Parameters", "Arguments", "Resource"})


def check_templates(data: Any, address: Address, *, in_vars: bool = False) -> list[Finding]:
    """A finding for each template in `data`'s texts that has no value.

    Variables (`environment`), everything of a vars file, and the parameters of a flow's
    tasks may name addresses of the sandbox's own things.
    """
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if not key.startswith("x-")}
    return [
        _finding(name, at)
        for text, at in _texts(data, address)
        if not _is_jsonata(text)
        for name in unknown_templates(text)
        if not ((in_vars or _may_address(at)) and parse_address(name))
    ]


def _may_address(at: Address) -> bool:
    keys = {*at.path}
    return bool(_ADDRESSED & keys or ("States" in keys and _ADDRESSED_BY_STATES & keys))


def _texts(data: Any, address: Address) -> Iterator[tuple[str, Address]]:
    if isinstance(data, str):
        if "{{" in data:
            yield data, address
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, address / key)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _texts(value, address / index)


def _is_jsonata(text: str) -> bool:
    stripped = text.strip()
    return stripped.startswith("{%") and stripped.endswith("%}")


def _finding(name: str, address: Address) -> Finding:
    if parse_address(name):
        message = (
            f"`{{{{{name}}}}}` is an address, which only variables and parameters of a flow hold"
        )
        hint = "write it in `environment` of a function or of its vars file"
        return Finding("unknown-template", message, address, hint)
    hint = did_you_mean(name, TEMPLATE_NAMES)
    known = ", ".join(TEMPLATE_NAMES)
    return Finding(
        "unknown-template",
        f"`{{{{{name}}}}}` is no template; there are {known}",
        address,
        hint or "for a literal `{{` write `{{{{`",
    )
