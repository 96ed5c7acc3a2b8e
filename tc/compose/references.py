"""Which entity a written name means.

An entity is named by its bare name (``enhancer``) or by its full one
(``'{{namespace}}_enhancer_{{sandbox}}'``); both are edges to it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import field

from tc.compose.appsync import feed_name
from tc.compose.producers import of_results
from tc.records import dataclass
from tc.spec.base import SECTION_KINDS
from tc.spec.finding import Address, Finding
from tc.spec.scope import Scope
from tc.spec.spec import Spec
from tc.spec.topology import Id


@dataclass(frozen=True, slots=True)
class Names:
    """The entities of a topology, by every name that means them; `libraries` are the kinds of
    what is no function, by name."""

    by_name: Mapping[str, Mapping[str, Id]]
    broken: frozenset[tuple[str, str]]
    libraries: Mapping[str, str] = field(default_factory=dict)

    def resolve(
        self, kind: str, written: str, address: Address
    ) -> tuple[Id | None, Finding | None]:
        """The entity that `written` means, or the finding that it means none."""
        known = self.by_name.get(kind, {})
        if written in known:
            return known[written], None
        if (kind, written) in self.broken:
            return None, None
        if kind == "function" and written in self.libraries:
            message = f"`{written}` is no function: it is built as a {self.libraries[written]}"
            return None, Finding("unknown-name", message, address, "look at its `build.kind`")
        own = {text: name for text, (of, name) in known.items() if of == kind}
        close = difflib.get_close_matches(written, own, n=1)
        if close:
            hint = f"did you mean `{own[close[0]]}`?"
        elif own:
            hint = f"there are: {', '.join(sorted(set(own.values())))}"
        else:
            hint = f"the topology has no {kind}s"
        return None, Finding("unknown-name", f"there is no {kind} `{written}`", address, hint)


def collect(spec: Spec, scope: Scope, flows: Iterable[str]) -> Names:
    """The names of everything in `spec`; `flows` are those of its state machines."""
    namespace, sandbox = scope.namespace, scope.sandbox
    functions: dict[str, Id] = {}
    for name, function in spec.functions.items():
        functions[name] = ("function", name)
        functions[function.full_name(scope)] = ("function", name)
        if not function.fqn:
            functions[f"{namespace}_{name}_{sandbox}"] = ("function", name)
    machines: dict[str, Id] = {}
    for name in flows:
        machines[name] = ("flow", name)
        full = f"{namespace}_{sandbox}" if name == namespace else f"{namespace}_{name}_{sandbox}"
        machines[full] = ("flow", name)
        if name == namespace:
            machines["flow"] = ("flow", name)
    for name in spec.sections.get("channels", {}):
        machines[feed_name(scope, name)] = ("channel", name)
    by_name: dict[str, Mapping[str, Id]] = {"function": functions, "flow": machines, "event": {}}
    for section, entries in spec.sections.items():
        kind = SECTION_KINDS[section]
        known: dict[str, Id] = {}
        for name in entries:
            known[f"{namespace}_{name}_{sandbox}"] = (kind, name)
        by_name[kind] = known | {name: (kind, name) for name in entries}
    results = {of_results(name): ("mutation", name) for name in spec.sections.get("mutations", {})}
    by_name["event"] = results | dict(by_name["event"])
    broken = frozenset(
        (SECTION_KINDS[section], name) for section, name in spec.broken if section in SECTION_KINDS
    )
    libraries = {name: one.build_kind for name, one in spec.libraries.items()}
    return Names(by_name, broken, libraries)
