"""A new topology: its file, and a function to begin with."""

from __future__ import annotations

from pathlib import Path

from tc.errors import UsageError
from tc.load.find import find_service, topology_file
from tc.load.ignored import is_ignored, patterns
from tc.scaffold.files import File, shown
from tc.scaffold.function import function_files
from tc.spec.names import NAME
from tc.spec.spec import Spec

_TOPOLOGY = """\
name: {name}

# A directory with a handler is a function: {function}/ is one. To put it behind a route:
# routes:
#   POST /{function}: {{ function: {function} }}
"""


def topology_files(directory: Path, name: str, function: str, lang: str) -> list[File]:
    """The files of a new topology in `directory`, with the function `function`."""
    text = _TOPOLOGY.format(name=name, function=function)
    return [
        File(directory / "topology.yml", text),
        *function_files(directory / function, lang),
    ]


def check_name(name: str, here: Path) -> None:
    """Raises UsageError when `name` can't name a new topology in the project around `here`."""
    if not NAME.match(name):
        raise UsageError(
            f"`{name}` can't name a topology: a-z, 0-9 and - only, no - at the start",
            code="invalid-name",
        )
    try:
        where = shown(find_service(name, here))
    except UsageError as error:
        if error.code == "no-topology":
            return
        where = error.where
    raise UsageError(
        f"there is a topology `{name}` already; two of one name would share their sandboxes",
        code="exists",
        where=where,
        hint="give the new one another name",
    )


def check_free(directory: Path) -> None:
    """Raises UsageError when something is in the place of the new directory."""
    try:
        free = not directory.is_symlink() and not any(directory.iterdir())
    except FileNotFoundError:
        free = True
    except OSError:
        free = False
    if not free:
        raise UsageError(
            f"`{shown(directory)}` is there already, and nothing is ever written over",
            code="exists",
            hint="choose another name, or another directory",
        )


def check_new_function(spec: Spec, name: str) -> None:
    """Raises UsageError when the topology has a function `name`, or wouldn't find it."""
    address = spec.addresses.get(("functions", name))
    if address is not None:
        raise UsageError(
            f"`{spec.name}` has a function `{name}` already",
            code="exists",
            where=shown(address.file),
            hint="choose another name",
        )
    if is_ignored(name, patterns(spec.dir, [])):
        raise UsageError(
            f"`{name}` would be no function of `{spec.name}`: its .tcignore leaves it out",
            code="invalid-name",
            where=shown(spec.dir / ".tcignore"),
        )
    check_free(spec.dir / name)


def is_topology(directory: Path) -> bool:
    """Whether a topology file is here or above."""
    here = directory.absolute()
    return any(topology_file(above) for above in (here, *here.parents))
