"""Where the topology is: upwards from here, or by its name in the whole project.

Light: neither pydantic nor yaml is needed to find a file.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tc.errors import UsageError
from tc.load.suggest import did_you_mean
from tc.load.text import exists, read_text

TOPOLOGY_FILES = ("topology.yml", "topology.yaml", "topology.json")
#: never looked into: what tools put there, not people
SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "target"})
_NAME = re.compile(r"""^["']?name["']?[ ]*:[ ]*["']?([^"'\s#]+)""", re.MULTILINE)
_GIT_SECONDS = 10


def topology_file(directory: Path) -> Path | None:
    """The topology file in `directory`."""
    return next((directory / n for n in TOPOLOGY_FILES if exists(directory / n)), None)


def git_root(start: Path) -> Path | None:
    """The directory above `start` that has a .git; links are followed first."""
    start = start.resolve()
    return next((d for d in (start, *start.parents) if exists(d / ".git")), None)


def find_topology(start: Path) -> Path:
    """The nearest topology file upwards from `start`; raises UsageError when there is none."""
    start = start.absolute()
    for directory in (start, *start.parents):
        file = topology_file(directory)
        if file is not None:
            return file
    raise UsageError(
        "there is no topology here",
        code="no-topology",
        where=str(start),
        hint="go to a directory with a topology.yml, or name one with --service NAME",
    )


def find_service(name: str, start: Path) -> Path:
    """The file of the topology called `name` in the git repository around `start`.

    Raises UsageError when no topology, or more than one, has that name.
    """
    root = git_root(start) or start.resolve()
    named = [(_name(file), file) for file in sorted(_topologies(root))]
    found = [file for its_name, file in named if its_name == name]
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join(str(file.relative_to(root)) for file in found)
        raise UsageError(
            f"{len(found)} topologies are called `{name}`: {shown}",
            code="ambiguous-service",
            where=str(root),
            hint="go to the directory of the one you mean, and leave --service out",
        )
    names = sorted({its_name for its_name, _ in named if its_name})
    listed = f"there are: {', '.join(names)}" if names else "there is no topology.yml below"
    raise UsageError(
        f"no topology is called `{name}`",
        code="no-topology",
        where=str(root),
        hint=did_you_mean(name, names) or listed,
    )


def name_of(file: Path) -> str:
    """The name that stands in a topology file; raises UsageError when none does."""
    if name := _name(file):
        return name
    raise UsageError(
        "the topology has no `name`", code="no-topology", where=str(file), hint="tc validate"
    )


def topology_names(start: Path) -> dict[str, Path]:
    """The file of each topology of the git repository around `start`, by name."""
    root = git_root(start) or start.resolve()
    return {name: file for file in _topologies(root) if (name := _name(file))}


def _topologies(root: Path) -> Iterator[Path]:
    listed = _listed_by_git(root)
    if listed is None:
        for directory in directories_below(root):
            file = topology_file(directory)
            if file is not None:
                yield file
        return
    yield from (root / name for name in listed if exists(root / name))


def _listed_by_git(root: Path) -> list[str] | None:
    """Topology files that git does not ignore; None where git can't tell."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others"]
    patterns = [f":(glob)**/{name}" for name in TOPOLOGY_FILES]
    try:
        done = subprocess.run(
            [*command, "--exclude-standard", "--", *patterns],
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    return [os.fsdecode(name) for name in dict.fromkeys(done.stdout.split(b"\0")) if name]


def directories_below(root: Path) -> Iterator[Path]:
    """`root` and every directory below it, parents first, by name; links are not followed."""
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        yield directory
        waiting += reversed(sub_directories(directory))


def sub_directories(directory: Path) -> list[Path]:
    """The real, visible directories in `directory`, by name."""
    try:
        with os.scandir(directory) as entries:
            names = sorted(e.name for e in entries if e.is_dir(follow_symlinks=False))
    except OSError:
        return []
    return [directory / n for n in names if not n.startswith(".") and n not in SKIPPED]


def _name(file: Path) -> str:
    text = read_text(file, []) or ""
    if file.suffix == ".json":
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return ""
        return str(data.get("name", "")) if isinstance(data, dict) else ""
    match = _NAME.search(text)
    return match.group(1) if match else ""
