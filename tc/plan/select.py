"""What ``-c`` means: which things, and which of their fields."""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable, Mapping, Sequence

from tc.errors import UsageError
from tc.plan.resource import Actual, Resource
from tc.records import dataclass

Fields = frozenset[str]


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen selectors, each with the fields it is limited to (None: all).

    `kinds` are the kinds chosen whole, of which things taken out of the topology
    are removed too; `named` are the kinds that were named at all; `gone` are keys of
    things to remove although the topology has them. An empty selection is everything.
    """

    chosen: Mapping[str, Fields | None]
    kinds: frozenset[str]
    gone: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()

    @property
    def everything(self) -> bool:
        return not self.chosen

    def selects(self, resource: Resource) -> bool:
        return self.everything or any(name in resource.selectors for name in self.chosen)

    def fields(self, resource: Resource) -> Fields | None:
        """The fields to compare, None for all of them."""
        found: set[str] = set()
        for name, fields in self.chosen.items():
            if name in resource.selectors:
                if fields is None:
                    return None
                found |= fields
        return frozenset(found) or None

    def about(self, kind: str) -> bool:
        """Whether `kind` itself was chosen, not only what comes with another."""
        return self.everything or kind in self.named or kind in self.kinds

    def only_removing(self, gone: frozenset[str]) -> Selection:
        """The selection that builds nothing and removes `gone` and its whole kinds."""
        if self.everything:
            return self
        return Selection({"": None}, self.kinds, gone)

    def removes(self, kind: str) -> bool:
        """Whether things of `kind` that no topology explains are in the selection."""
        return self.everything or kind in self.kinds

    def takes(self, found: Actual) -> bool:
        """Whether `found`, which no topology explains, is in the selection: what only
        serves things of another kind (a permission) goes with that kind."""
        serves = found.outputs.get("serves", "")
        alone = not serves or found.kind in self.named
        return self.removes(found.kind) and (alone or self.removes(serves))


EVERYTHING = Selection({}, frozenset())


def parse(
    written: Sequence[str],
    resources: Iterable[Resource],
    plurals: Mapping[str, str],
    aspects: Mapping[str, Mapping[str, Fields]],
    companions: Mapping[str, frozenset[str]],
) -> Selection:
    """The selection that `written` (the values of ``-c``) means.

    `plurals` maps what ``-c`` calls a kind to the kind, `aspects` a kind's plural
    to its groups of fields, `companions` a kind to those of which leftovers are
    removed with its own (none where ``-c`` alone removes nothing of it). A kind
    wins over a function of the same name. An aspect of the functions may stand
    alone (``vars``), or follow its kind or one function (``functions/enhancer/vars``).
    """
    if not written:
        return EVERYTHING
    resources = list(resources)
    known = {name for resource in resources for name in resource.selectors}
    chosen: dict[str, Fields | None] = {}
    kinds: set[str] = set()
    named: set[str] = set()
    for name in written:
        aspect = None if name in plurals else _aspect(name, known, aspects)
        if aspect:
            what, fields = aspect
            before = chosen.get(what, frozenset())
            chosen[what] = None if before is None else before | fields
        elif name in known or name in plurals:
            chosen[name] = None
            kinds |= companions.get(plurals.get(name, ""), frozenset())
            named.add(plurals.get(name.split("/")[0], "function"))
        elif f"functions/{name}" in known:
            chosen[f"functions/{name}"] = None
            named.add("function")
        else:
            bare = {text.removeprefix("functions/") for text in known}
            raise _unknown(name, known | bare | set(plurals), aspects)
    return Selection(chosen, frozenset(kinds), named=frozenset(named))


def _aspect(
    name: str, known: Container[str], aspects: Mapping[str, Mapping[str, Fields]]
) -> tuple[str, Fields] | None:
    """The selector and the fields that an aspect means: of a whole kind (``vars``,
    ``functions/vars``) or of one thing of it (``functions/enhancer/vars``, ``enhancer/vars``)."""
    for plural, groups in aspects.items():
        for aspect, fields in groups.items():
            if name in (aspect, f"{plural}/{aspect}"):
                return plural, fields
            thing = name.removesuffix(f"/{aspect}")
            for what in (thing, f"{plural}/{thing}"):
                if thing != name and what.startswith(f"{plural}/") and what in known:
                    return what, fields
    return None


def _unknown(
    name: str, known: Iterable[str], aspects: Mapping[str, Mapping[str, Fields]]
) -> UsageError:
    names = {name for name in known if not name.startswith("routes//")}
    names |= {f"{plural}/{aspect}" for plural, groups in aspects.items() for aspect in groups}
    of_one = {
        f"{thing}/{aspect}"
        for plural, groups in aspects.items()
        for thing in names
        if thing.startswith(f"{plural}/") and thing.count("/") == 1
        for aspect in groups
    }
    close = difflib.get_close_matches(name, names | of_one, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(sorted(names))}"
    return UsageError(f"`{name}` is no component of this topology", code="component", hint=hint)
