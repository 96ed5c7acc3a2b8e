"""Which functions a command is about: those that ``-c`` names, the one we stand in, or all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tc.spec.function import Function
    from tc.spec.spec import Spec


def labelled(spec: Spec) -> dict[str, Function]:
    """Every function and library by its name; with its topology's before it where another has
    the same."""
    return dict(
        _named(
            (part.name, one)
            for part in spec.family()
            for one in (*part.functions.values(), *part.libraries.values())
        )
    )


def _named(functions: Iterable[tuple[str, Function]]) -> Iterable[tuple[str, Function]]:
    listed = list(functions)
    names = [function.name for _, function in listed]
    for namespace, f in listed:
        yield f"{namespace}/{f.name}" if names.count(f.name) > 1 else f.name, f


def chosen(
    every: Mapping[str, Function], components: Sequence[str], here: Path | None
) -> dict[str, Function]:
    """Those that ``-c`` names, else the one whose directory `here` is in, else all.

    Raises UsageError for a name that no function has.
    """
    from tc.errors import UsageError
    from tc.load.suggest import did_you_mean

    wanted = [component.removeprefix("functions/") for component in components]
    known = {name for label, function in every.items() for name in (label, function.name)}
    for name in wanted:
        if name not in known:
            listed = ", ".join(every) or "none"
            raise UsageError(
                f"there is no function `{name}`",
                code="component",
                where="-c",
                hint=did_you_mean(name, known) or f"the functions are {listed}",
            )
    if wanted:
        return {label: f for label, f in every.items() if label in wanted or f.name in wanted}
    # inline code has no directory of its own
    inside = {
        label: f
        for label, f in every.items()
        if here and f.inline is None and here.is_relative_to(f.dir)
    }
    return inside or dict(every)
