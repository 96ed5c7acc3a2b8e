"""`build.pre` and `build.post` around a compiler: what they make is compiled, or packaged.

::

    programs/{key}/    the program, and the files that `build.post` made, by their digest
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tc.build import compiled
from tc.build.cache import private, settle, staging
from tc.build.commands import Commands
from tc.build.compiled.compile import copied
from tc.build.entry import Entry, identity
from tc.build.files import code, project_of, sources
from tc.build.tools import Tools
from tc.build.words import shown
from tc.errors import TcError
from tc.spec.function import Function
from tc.spec.layer import Platform

#: runs commands in a directory
Run = Callable[[Commands, Path], None]


def build(
    function: Function, commands: Commands, platform: Platform, tools: Tools, run: Run
) -> list[Entry]:
    """The program of `function` as ``bootstrap``, and what `build.post` left beside it; made now
    or the last time. The commands run in a copy of all that the program is made of.

    Raises TcError when a command fails, or the program can't be compiled.
    """
    own = sources(function.dir, function.ignore)
    parts = (compiled.digest(function, platform), identity(own), *commands.pre, "", *commands.post)
    parts += ("container",) if tools.always else ()
    key = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
    place = tools.cache / "programs" / key
    if not place.is_dir():
        with staging(tools.cache) as made:
            directory = _lay_out(function, own, made / "sources")
            if commands.pre:
                run(Commands(commands.pre, "", ()), directory)
            _compile(function, directory, made / "sources", platform, tools)
            before = {entry.name for entry in code(directory, ())} - {"bootstrap"}
            if commands.post:
                run(Commands((), "", commands.post), directory)
            settle(_kept(directory, before, private(made / "out")), place)
    return code(place, ())


def _lay_out(function: Function, own: Sequence[Entry], to: Path) -> Path:
    """A copy of all that the program is made of; where the function is in it."""
    files = [function.dir / entry.name for entry in own]
    language = compiled.language_of(function)
    assert language is not None
    project = project_of(function.dir)
    return copied([*files, *language.inputs(function.dir, project)], function.dir, to)


def _compile(
    function: Function, directory: Path, top: Path, platform: Platform, tools: Tools
) -> None:
    if compiled.language_of(replace(function, dir=directory)) is None:
        # `build.pre` made it
        return
    try:
        entry = compiled.build(replace(function, dir=directory), platform, tools, top)
    except TcError as error:
        # not the copy, which is gone by then
        error.where = shown(function.dir)
        raise
    (directory / entry.name).write_bytes(entry.read())
    (directory / entry.name).chmod(0o755)


def _kept(directory: Path, before: set[str], to: Path) -> Path:
    """Moves what isn't a source from `directory` to `to`."""
    for entry in code(directory, ()):
        if entry.name not in before:
            path = to / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(directory / entry.name, path)
    return to
