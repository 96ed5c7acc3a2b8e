"""Dependencies that are built where Lambda's Python, its compiler and its libraries are."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tc.build.cache import private
from tc.build.deps.python.local import Local
from tc.build.deps.python.requirements import ARCHIVES, OFFERS, Lines
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
    settings: Mapping[str, Any],
    platform: Platform,
    place: Path,
    site: Path,
    tools: Tools,
) -> None:
    """Fills `site` by pip in a container; `place` is staging that may be written.

    All of `lines` is installed there, so that one resolver sees everything; wheels that fit
    are taken, the rest is built. Pins and hashes hold there too, and what is in the project has
    none, so it goes in a step of its own then. `settings` are uv's. Raises TcError.
    """
    job = private(place / "container")
    steps = _steps(lines, locked, settings, job)
    for name, asked, _ in steps:
        (job / name).write_text("\n".join(asked) + "\n", "utf-8")
    if lines.constraints:
        (job / "constraints.txt").write_text("\n".join(lines.constraints) + "\n", "utf-8")
    every = [line for _, asked, _ in steps for line in asked]
    commands = tuple([*_PIP, *_INSTALL, *words, "-r", name] for name, _, words in steps)
    work = Job(what, platform, job, commands, secrets=_named(every), ssh=_over_ssh(every))
    tools.containers.run(work)
    _merge([job / "out/index", job / "out/own"], site)
    # what Lambda lacks of the libraries that were linked to
    _merge([job / "out/lib"], site.parent / "lib")


def _steps(
    lines: Lines, locked: bool, settings: Mapping[str, Any], job: Path
) -> list[tuple[str, list[str], list[str]]]:
    """Each call of pip: its file of requirements, the lines in it, its options."""
    rest, own = _rewritten(lines, job)
    options = [*_indexes(settings), *(line for line in rest if line.startswith("-"))]
    options = [_brought(line, job) for line in options]
    wanted = [line for line in rest if not line.startswith("-")]
    hashed = any("--hash=" in line for line in wanted)
    if hashed:
        # with one hash pip wants one of each: repositories have none, their commits are pinned
        own += [line for line in wanted if "--hash=" not in line]
        wanted = [line for line in wanted if line not in own]
    words = ["--target", "out/index", *(["--no-deps"] * locked)]
    words += [f"--no-binary={name}" for name in lines.from_source]
    words += ["-c", "constraints.txt"] if lines.constraints else []
    if not locked and not hashed:
        wanted, own = [*wanted, *own], []
    steps = [
        ("requirements.txt", wanted, words),
        ("own.txt", own, ["--target", "out/own", "--no-deps"]),
    ]
    return [(name, [*options, *asked], words) for name, asked, words in steps if asked]


def _indexes(settings: Mapping[str, Any]) -> list[str]:
    """uv's `settings` of where packages come from, in pip's words. A user and a password for the
    index X are in UV_INDEX_X_USERNAME and UV_INDEX_X_PASSWORD."""
    found = [f"--index-url {settings['index-url']}"] if "index-url" in settings else []
    found += [f"--extra-index-url {url}" for url in settings.get("extra-index-url", [])]
    found += [f"{OFFERS}{link}" for link in settings.get("find-links", [])]
    for index in settings.get("index", []):
        name = re.sub(r"\W", "_", str(index.get("name", ""))).upper()
        user, password = f"UV_INDEX_{name}_USERNAME", f"UV_INDEX_{name}_PASSWORD"
        url = str(index["url"])
        if {user, password} <= os.environ.keys() and "@" not in url:
            url = url.replace("://", f"://${{{user}}}:${{{password}}}@", 1)
        found.append(f"--{'' if index.get('default') else 'extra-'}index-url {url}")
    return found


def _brought(line: str, job: Path) -> str:
    """The option `line`; a directory of wheels that it names is copied in."""
    directory = Path(line.removeprefix(OFFERS))
    if not line.startswith(OFFERS) or not directory.is_dir():
        return line
    place = job / "offers" / str(sum(1 for _ in job.glob("offers/*")))
    place.mkdir(parents=True)
    for file in directory.iterdir():
        if file.name.endswith(ARCHIVES):
            shutil.copy(file, place)
    return f"{OFFERS}{place.relative_to(job)}"


def _named(lines: Sequence[str]) -> dict[str, str]:
    """The variables that `lines` name, as pip fills them in."""
    names = {name for line in lines for name in re.findall(r"\$\{([A-Z0-9_]+)\}", line)}
    return {name: os.environ[name] for name in sorted(names & os.environ.keys())}


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
