"""Extensions in Go and Rust: a program in ``extensions/`` of their layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tc.build import compiled
from tc.build.deps import Needs
from tc.build.tools import Tools
from tc.spec.function import Function
from tc.spec.layer import Package, Platform


def needs(function: Function, platform: Platform) -> Needs | None:
    """The program of an extension; None for functions: theirs is their package."""
    if function.build_kind != "extension" or compiled.language_of(function) is None:
        return None
    file = next(function.dir / name for name in compiled.MARKERS if (function.dir / name).is_file())
    return Needs("program", file, compiled.digest(function, platform), function)


def install(
    needs: Needs,
    functions: Sequence[str],  # noqa: ARG001
    platform: Platform,
    directory: Path,
    tools: Tools,
) -> tuple[Package, ...]:
    """Compiles into ``extensions/`` of `directory`."""
    function: Function = needs.detail
    entry = compiled.build(function, platform, tools)
    path = directory / "extensions" / function.name
    path.parent.mkdir(parents=True)
    path.write_bytes(entry.read())
    path.chmod(0o755)
    name = path.relative_to(directory).as_posix()
    return (Package(function.name, "", entry.size, (name,)),)
