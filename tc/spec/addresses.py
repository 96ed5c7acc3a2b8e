"""Addresses of a sandbox's own things in variables: ``{{queues.jobs.url}}``."""

from __future__ import annotations

import re

from tc.records import dataclass
from tc.spec.base import SECTION_KINDS

#: what stands for the root of the sandbox's own API
OWN_API = "API_GATEWAY_URL"
_SECTIONS = {**SECTION_KINDS, "flows": "flow"}
_NAME = re.compile(rf"(?P<section>{'|'.join(_SECTIONS)})\.(?P<name>.+)\.(?P<attr>[a-z_]+)")
_TEMPLATE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


@dataclass(frozen=True, slots=True)
class ThingAddress:
    """The attribute `attr` (``url``) of the `kind` called `name`; `text` is how it was written.

    The sandbox's own API and its written flow need no name.
    """

    kind: str
    name: str
    attr: str
    text: str


def parse_address(text: str) -> ThingAddress | None:
    """What stands between the braces of a template, when it is an address."""
    if text == OWN_API:
        return ThingAddress("api", "", "url", text)
    if text.startswith("flow.") and text.count(".") == 1:
        return ThingAddress("flow", "", text.removeprefix("flow."), text)
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    return ThingAddress(_SECTIONS[match["section"]], match["name"], match["attr"], text)


def split_addresses(text: str) -> list[str | ThingAddress]:
    """`text` as its plain parts and the addresses between them."""
    parts: list[str | ThingAddress] = []
    end = 0
    for match in _TEMPLATE.finditer(text):
        address = parse_address(match.group(1))
        if address is not None:
            parts += [text[end : match.start()], address]
            end = match.end()
    parts.append(text[end:])
    return [part for part in parts if part != ""]


def addresses_in(text: str) -> list[ThingAddress]:
    """The addresses in `text`."""
    if "{{" not in text:
        return []
    return [part for part in split_addresses(text) if isinstance(part, ThingAddress)]
