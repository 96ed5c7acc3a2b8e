"""``tc build --kind code``: the packages of functions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tc.cli.build import Build

_PACKAGED = ("code", "inline")


def build_code(build: Build) -> None:
    """Packages the chosen functions, all at once."""
    from dataclasses import replace

    from tc.build.package import package_all
    from tc.cli.build import Made
    from tc.cli.build.layers import host_for

    wanted = {
        label: replace(function, name=label)
        for label, function in build.functions.items()
        if function.build_kind in _PACKAGED
    }
    if build.dry_run:
        from tc.cli.build.tell import would_build

        for label in wanted:
            would_build(build, "code", label, "if its files have changed")
        return
    packages = build.tools.cache / "packages"
    there = set(packages.iterdir()) if packages.is_dir() else set()
    begun = time.monotonic()
    artifacts = package_all(
        wanted.values(), build.tools.cache, build.run.emit, tools=build.tools, host=host_for(build)
    )
    seconds = time.monotonic() - begun
    made_now = [one for one in artifacts.values() if one.path not in there]
    for label, artifact in artifacts.items():
        made = Made(
            "code",
            label,
            (label,),
            artifact.size,
            artifact.unpacked,
            cached=artifact.path in there,
            # what several took together is nobody's
            seconds=seconds if len(made_now) == 1 else 0.0,
            path=artifact.path,
        )
        build.tell(made)
