"""Where assets come from: a directory of the project, what `tasks.artifacts` makes, what a
function depends on.

::

    assets/built/{function}/{digest}/   artifacts that a task made of these sources
    assets/deps/{digest}/               installed dependencies, as a layer has them
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from tc.build.cache import private, remove, settle, staging
from tc.build.commands import masked, run_commands
from tc.build.deps import language_of
from tc.build.elf import elves
from tc.build.entry import identity
from tc.build.files import sources
from tc.build.loadable import check_loadable
from tc.build.package import copy_entries
from tc.build.tools import Tools
from tc.build.wanted import Host, needs_of, on_lambda, platform_of
from tc.build.words import shown
from tc.errors import TcError
from tc.events import Event
from tc.spec.asset import DEPS, SOURCE, artifacts_dir
from tc.spec.function import Function

#: the task that makes artifacts, and the directory it must leave
_TASK = "artifacts"
#: of what is kept of builds; another number forgets all of them
_FORMAT = "1"
#: start of a runtime -> the directory of a layer that DEPS_PATH is to have the contents of
_ROOTS = {"python": "python", "nodejs": "nodejs", "ruby": "ruby"}


def artifacts_of(function: Function, tools: Tools) -> tuple[Path, str]:
    """(the directory to publish at MODEL_PATH, why it was built now: empty when it wasn't).

    Runs `tasks.artifacts` when there is one and its sources have changed. Raises TcError when
    there is no such directory.
    """
    task = function.tasks.get(_TASK, "").strip()
    if task:
        return _built(function, task, tools)
    directory = artifacts_dir(function.dir, function.assets)
    if directory is None or not directory.is_dir():
        where = directory or function.dir / "artifacts"
        raise TcError(
            f"`{function.name}` has nothing to publish at {function.assets['MODEL_PATH']}: "
            f"there is no {shown(where)}",
            code="no-asset",
            where=shown(function.dir),
            hint=f"put the files there, name them in `assets.{SOURCE}`, or write "
            f"`tasks.{_TASK}`: a command that makes {_TASK}/",
        )
    return directory, ""


def _built(function: Function, task: str, tools: Tools) -> tuple[Path, str]:
    """What the task leaves, now or the last time."""
    found = sources(function.dir, (*function.ignore, f"/{_TASK}/"))
    words = "\0".join((_FORMAT, task, identity(found)))
    key = hashlib.sha256(words.encode("utf-8", "surrogateescape")).hexdigest()
    folder = hashlib.sha256(os.fsencode(os.path.realpath(function.dir))).hexdigest()[:32]
    place = tools.cache / "assets" / "built" / folder / key
    if place.is_dir():
        return place, ""
    begun = time.monotonic()
    what = f"artifacts of {function.name}"
    tools.emit(Event("progress", f"Building the {what}: {masked(task)}", {"what": what}))
    with staging(tools.cache) as room:
        directory = private(room / "function")
        copy_entries(found, directory)
        run_commands(function.name, function.dir, [task], directory, room / "log", tools.running)
        made = directory / _TASK
        if not made.is_dir() or made.is_symlink():
            raise TcError(
                f"`{masked(task)}` of `{function.name}` left no directory {_TASK}/",
                code="no-asset",
                where=shown(function.dir),
                hint=f"`tasks.{_TASK}` runs in a copy of the directory and must make {_TASK}/",
            )
        settle(made, place)
    older = [one for one in place.parent.iterdir() if one != place]
    for one in older:
        remove(one)
    seconds = round(time.monotonic() - begun, 3)
    data = {"function": function.name, "seconds": seconds}
    tools.emit(Event("build.done", f"Built the {what} ({seconds:.1f} s)", data))
    return place, "its sources changed" if older else "not built before"


def dependencies_of(
    function: Function, tools: Tools, host: Host = on_lambda
) -> tuple[Path, str] | None:
    """(the directory to publish at DEPS_PATH, why it was installed now: empty when it wasn't);
    None when the function depends on nothing. Raises TcError."""
    platform = platform_of(function, host)
    needs = needs_of(function, platform)
    language = language_of(function.runtime)
    if needs is None or language is None:
        return None
    place = tools.cache / "assets" / "deps" / needs.digest
    root = next((name for start, name in _ROOTS.items() if function.runtime.startswith(start)), "")
    if place.is_dir():
        return place / root, ""
    what = f"dependencies of {function.name}"
    tools.emit(Event("progress", f"Installing the {what}", {"what": what}))
    with staging(tools.cache) as room:
        directory = private(room / "deps")
        packages = language.install(needs, [function.name], platform, directory, tools)
        what = f"what `{function.name}` depends on"
        check_loadable(what, elves(directory), platform, packages, tools, shown(needs.file))
        if not (directory / root).is_dir():
            raise TcError(
                f"nothing was installed of what `{function.name}` depends on",
                code="no-asset",
                where=shown(needs.file),
                hint=f"take `assets.{DEPS}` out when it depends on nothing",
            )
        settle(directory, place)
    return place / root, f"{needs.file.name} changed"
