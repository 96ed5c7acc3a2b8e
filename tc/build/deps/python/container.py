"""Dependencies that are built where Lambda's Python, its compiler and its libraries are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tc.build.cache import private
from tc.build.deps.python.local import Local
from tc.build.deps.python.requirements import Lines
from tc.build.package import copy_entries
from tc.build.tools import Job, Tools
from tc.errors import TcError
from tc.spec.layer import Platform

_PIP = ("python3", "-m", "pip", "--disable-pip-version-check", "--no-input")
_INSTALL = ("install", "--no-compile", "--no-warn-script-location", "--prefer-binary")


def install_in_container(
    what: str,
    lines: Lines,
    locked: bool,
    platform: Platform,
    place: Path,
    site: Path,
    tools: Tools,
) -> None:
    """Fills `site` by pip in a container; `place` is staging that may be written.

    All of `lines` is installed there, so that one resolver sees everything; wheels that fit
    are taken, the rest is built. A lock's pins and hashes hold there too, and what is in the
    project has none, so it goes in a step of its own. Raises TcError.
    """
    job = private(place / "container")
    wanted, own = _rewritten(lines, job)
    if locked and any("--hash=" in line for line in wanted):
        # with one hash pip wants one of each: repositories have none, their commits are pinned
        own += [line for line in wanted if "--hash=" not in line]
        wanted = [line for line in wanted if line not in own]
    files = [*wanted, *([] if locked else own)]
    (job / "requirements.txt").write_text("\n".join(files) + "\n", "utf-8")
    options = ["--target", "out/index", "-r", "requirements.txt", *(["--no-deps"] * locked)]
    if lines.constraints:
        (job / "constraints.txt").write_text("\n".join(lines.constraints) + "\n", "utf-8")
        options += ["-c", "constraints.txt"]
    options += [f"--no-binary={name}" for name in lines.from_source]
    commands: list[str | Sequence[str]] = []
    if files:
        commands.append([*_PIP, *_INSTALL, *options])
    if locked and own:
        commands.append([*_PIP, *_INSTALL, "--no-deps", "--target", "out/own", *own])
    tools.containers.run(Job(what, platform, job, tuple(commands), ssh=_over_ssh(wanted)))
    _merge([job / "out/index", job / "out/own"], site)
    # what Lambda lacks of the libraries that were linked to
    _merge([job / "out/lib"], site.parent / "lib")


def _rewritten(lines: Lines, job: Path) -> tuple[list[str], list[str]]:
    """The lines without those of the project, and the latter: paths that are copied in."""
    own: list[str] = []
    rest = list(lines.lines)
    for index, local in enumerate(one for one in lines.locals if one.built):
        path = f"./own/{index}/{local.path.name}"
        address = local.path.as_uri()
        found = [line for line in rest if line.partition(" ; ")[0].endswith(f" @ {address}")]
        rest = [line for line in rest if line not in found]
        if found:
            copy(local, job / "own" / str(index))
            own += [_own_line(line, path, address) for line in found]
    return rest, own


def _own_line(line: str, path: str, address: str) -> str:
    name, _, marker = line.partition(" ; ")
    extras = name.removesuffix(f" @ {address}").partition("[")[2]
    return f"{path}{f'[{extras}' if extras else ''}{f' ; {marker}' if marker else ''}"


def copy(local: Local, above: Path) -> Path:
    """A copy of `local` in the directory `above`, without what isn't its source."""
    place = above if local.path.is_file() else above / local.path.name
    place.mkdir(parents=True, exist_ok=True)
    copy_entries(local.entries(), place)
    return above / local.path.name


def _over_ssh(lines: Sequence[str]) -> bool:
    return any("git+ssh:" in line or "@git@" in line for line in lines)


def _merge(parts: Sequence[Path], site: Path) -> None:
    """Moves the contents of `parts` into `site`; packages may share directories."""
    for part in parts:
        for folder, _, files in os.walk(part):
            below = site / Path(folder).relative_to(part)
            below.mkdir(parents=True, exist_ok=True)
            for name in files:
                if (below / name).exists() and "bin" not in below.parts:
                    raise TcError(
                        f"two packages have a file {(below / name).relative_to(site)}",
                        code="install-failed",
                        hint="leave one of them out",
                    )
                shutil.move(Path(folder, name), below / name)
