"""Languages that are compiled into one program, ``bootstrap``: Go and Rust.

::

    binaries/{key}     a program, 0600, by the digest of its sources, target and compiler
    cargo/             what cargo compiled, shared by all functions

The compiler starts only when something changed of what the program is made of. It runs in the
user's directory and writes nothing there.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from tc.build.cache import replacing, staging
from tc.build.entry import Entry
from tc.build.files import project_of
from tc.build.run import on_path
from tc.build.tools import Tools
from tc.build.words import shown
from tc.errors import TcError
from tc.events import Event
from tc.spec.function import Function
from tc.spec.layer import Platform

if TYPE_CHECKING:
    from tc.build.compiled.compile import Order

#: of what is remembered; another number forgets all of it
_FORMAT = "2"
#: the file that says what a directory is compiled with
MARKERS = {"main.go": "go", "Cargo.toml": "rust"}


def language_of(function: Function) -> ModuleType | None:
    """What `function` must be compiled with; None when it has its program already, or isn't
    of these languages."""
    if not function.runtime.startswith("provided") or (function.dir / "bootstrap").exists():
        return None
    found = [module for name, module in MARKERS.items() if (function.dir / name).is_file()]
    return import_module(f"tc.build.compiled.{found[0]}") if len(found) == 1 else None


def build(
    function: Function, platform: Platform, tools: Tools, project: Path | None = None
) -> Entry:
    """The program of `function`, as ``bootstrap``, compiled now or the last time; what it is
    made of is looked for in `project` (default: the function's own).

    Raises TcError when it can't be compiled, or nothing here can compile it.
    """
    language = language_of(function)
    assert language is not None
    project = project or project_of(function.dir)
    files = language.inputs(function.dir, project)
    key = _key(language, files, project, platform, always=tools.always)
    path = tools.cache / "binaries" / key
    if not path.is_file():
        from tc.build.compiled.compile import Order

        _compile(Order(language, function, platform, project, files), path, tools)
    status = path.stat()
    return Entry("bootstrap", True, status.st_size, partial(Path.read_bytes, path))


def digest(function: Function, platform: Platform) -> str:
    """The digest (hex) of what the program of `function` is made of."""
    language = language_of(function)
    assert language is not None
    project = project_of(function.dir)
    files = language.inputs(function.dir, project)
    return _key(language, files, project, platform, always=False)


def _key(
    language: ModuleType, files: Sequence[Path], project: Path, platform: Platform, *, always: bool
) -> str:
    """The digest of all that decides about the program; `files` are read."""
    target = (platform.runtime, platform.arch, platform.host, str(always))
    total = hashlib.sha256("\0".join((_FORMAT, language.PROGRAM, *target)).encode())
    for part in _compiler(language):
        total.update(f"\0{part}".encode("utf-8", "surrogateescape"))
    for file in files:
        name = os.fsencode(os.path.relpath(file, project))
        content = hashlib.sha256(file.read_bytes()).digest()
        total.update(b"\0" + name + b"\0" + content)
    return total.hexdigest()


def _compiler(language: ModuleType) -> list[str]:
    """Another compiler makes another program. It isn't asked, since that is a start of it."""
    home = Path(os.environ.get("RUSTUP_HOME") or Path.home() / ".rustup")
    places = [Path(on_path(language.PROGRAM))]
    if language.PROGRAM == "cargo":
        hashes = home / "update-hashes"
        places += [home / "settings.toml", *(sorted(hashes.iterdir()) if hashes.is_dir() else ())]
        places += [Path(on_path(name)) for name in ("cargo-lambda", "cargo-zigbuild")]
    return [f"{p} {p.stat().st_mtime_ns}" for p in places if p.is_file()]


def _compile(order: Order, path: Path, tools: Tools) -> None:
    from tc.build.compiled.compile import check_fits, in_container, on_host

    language, function, platform = order.language, order.function, order.platform
    language.check(function.dir)
    here = bool(on_path(language.PROGRAM))
    begun = time.monotonic()
    told = f"Compiling {function.name} ({language.LANGUAGE})"
    tools.emit(Event("progress", told, {"what": f"build of {function.name}"}))
    with staging(tools.cache) as place, replacing(path) as made:
        if here and (platform.host or not tools.always):
            on_host(order, place, made, tools)
        elif platform.host:
            raise _no_compiler(language, function)
        else:
            in_container(order, place, made, tools)
        if not platform.host:
            check_fits(order, made, place)
    seconds = round(time.monotonic() - begun, 3)
    data = {"function": function.name, "seconds": seconds, "bytes": path.stat().st_size}
    tools.emit(Event("build.done", f"Compiled {function.name} ({seconds:.1f} s)", data))


def _no_compiler(language: ModuleType, function: Function) -> TcError:
    return TcError(
        f"`{function.name}` is written in {language.LANGUAGE}, and this machine has no "
        f"`{language.PROGRAM}` to compile it",
        code="no-tool",
        where=shown(function.dir),
        hint=f"install {language.LANGUAGE}, or put `bootstrap` into {function.dir.name}/",
    )
