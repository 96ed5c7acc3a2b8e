"""The addresses that variables name, as values: what AWS only tells later is a `Ref`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from tc.plan.resource import Joined, Ref
from tc.spec.addresses import ThingAddress, addresses_in, split_addresses
from tc.spec.finding import Finding
from tc.spec.function import Function
from tc.spec.topology import Topology


def check_addresses(topology: Topology, function: Function) -> Iterator[Finding]:
    """Attributes that no kind tells; names that don't exist are found when composing."""
    for variable, text in function.environment.items():
        for address in addresses_in(str(text)):
            known = sorted(told(address))
            if address.attr not in known:
                close = difflib.get_close_matches(address.attr, known, n=1)
                what = f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(known)}"
                yield Finding(
                    "unknown-template",
                    f"a {address.kind} has no address `{address.attr}`",
                    function.written_at("environment", variable),
                    what if known else f"nothing can be named of a {address.kind}",
                )


def told(address: ThingAddress) -> set[str]:
    """The attributes that can be named of the kind of thing that `address` means."""
    from tc.components import by_kind

    component = by_kind().get(address.kind)
    return set(component.TRAITS.addresses) if component else set()


def fill_addresses(topology: Topology, text: str) -> str | Ref | Joined:
    """`text` with every address in it as its value."""
    if "{{" not in text:
        return text
    parts = [
        part if isinstance(part, str) else _value(topology, part) for part in split_addresses(text)
    ]
    if all(isinstance(part, str) for part in parts):
        return "".join(str(part) for part in parts)
    only = parts[0]
    return only if len(parts) == 1 and isinstance(only, Ref) else Joined(tuple(parts))


def _value(topology: Topology, address: ThingAddress) -> str | Ref:
    from tc.components import by_kind

    return by_kind()[address.kind].TRAITS.addresses[address.attr](topology, address.name)
