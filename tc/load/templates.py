"""Every `{{name}}` in a file is one that tc fills."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tc.load.suggest import did_you_mean
from tc.spec.finding import Address, Finding
from tc.spec.scope import TEMPLATE_NAMES, unknown_templates

#: addresses of the sandbox's own things, which vars files may name in the full grammar
_LATER = re.compile(
    r"API_GATEWAY_URL|(?:routes|functions|events|queues|channels|tables|buckets|streams|pages)\..+"
)


def check_templates(data: Any, address: Address, *, in_vars: bool = False) -> list[Finding]:
    """A finding for each template in `data`'s texts that has no value."""
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if not key.startswith("x-")}
    return [
        _finding(name, at, in_vars)
        for text, at in _texts(data, address)
        if not _is_jsonata(text)
        for name in unknown_templates(text)
    ]


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


def _finding(name: str, address: Address, in_vars: bool) -> Finding:
    if in_vars and _LATER.fullmatch(name):
        return Finding("not-yet", f"this version of tc can't fill `{{{{{name}}}}}` yet", address)
    hint = did_you_mean(name, TEMPLATE_NAMES)
    known = ", ".join(TEMPLATE_NAMES)
    return Finding(
        "unknown-template",
        f"`{{{{{name}}}}}` is no template; there are {known}",
        address,
        hint or "for a literal `{{` write `{{{{`",
    )
