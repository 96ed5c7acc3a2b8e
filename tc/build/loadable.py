"""Whether what was installed can be loaded where it is to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tc.build.elf import Elf, check
from tc.build.tools import Tools
from tc.build.words import few
from tc.errors import TcError
from tc.events import Event
from tc.spec.layer import Package, Platform


def check_loadable(
    what: str,
    found: Mapping[str, Elf],
    platform: Platform,
    packages: Sequence[Package],
    tools: Tools,
    where: str,
) -> None:
    """Warns of libraries that the compiled files `found` need and `platform` lacks. Raises TcError
    ``wrong-cpu`` when it can't load them.

    `what` they are in begins the sentences: ``the layer `etl-enhancer```.
    """

    def provided() -> Iterator[str]:
        yield from tools.containers.provided(platform)

    findings = check(found, platform, provided(), packages)
    if findings.refused:
        refused = "\n  ".join(str(refusal) for refusal in findings.refused[:10])
        raise TcError(
            f"{what} has files that {platform.runtime} on {platform.arch} can't load:\n  {refused}",
            code="wrong-cpu",
            where=where,
            hint="choose a version that has a package for this CPU, or tc build --container",
        )
    if findings.missing:
        text = f"{what}: {few(replace(findings, refused=()).sentences(), 3)}"
        hint = "tc build --container copies them in"
        tools.emit(Event("warning", text, {"code": "missing-library", "hint": hint}))
