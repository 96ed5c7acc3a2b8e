"""Libraries and extensions: a directory's own files, as they stand in a layer.

Where a layer has what: "Packaging your layer content" and "Using the Lambda Extensions API to
create extensions" (AWS Lambda developer guide).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tc.build.compiled import language_of
from tc.build.deps.node import read_manifest
from tc.build.entry import Entry
from tc.build.files import code
from tc.build.words import shown
from tc.errors import TcError
from tc.spec.function import Function

_EXTENSIONS = "extensions/"
#: what is no part of a library, whatever its language
_LEFT_OUT = ("/node_modules/", "/.bundle/", "/tests/", "/test/", "/spec/")
_RUBY_FILES = "ruby/lib/"


def own_files(function: Function) -> tuple[Entry, ...]:
    """The files of a library or an extension by their names in its layer, sorted.

    A kind that has only dependencies has none. Raises TcError when nothing could be used by a
    function.
    """
    if function.build_kind == "extension":
        found = _extension(function)
    elif function.build_kind == "library":
        found = _library(function)
    else:
        found = []
    return tuple(sorted(found, key=lambda entry: entry.name))


def _library(function: Function) -> list[Entry]:
    if function.runtime.startswith("python"):
        found = list(_python(function))
    elif function.runtime.startswith("ruby"):
        found = list(_below(function, "lib", _RUBY_FILES))
    elif function.runtime.startswith("nodejs"):
        name = read_manifest(function.dir / "package.json").get("name") or function.dir.name
        found = _named(_code(function), f"nodejs/node_modules/{name}/")
    else:
        raise TcError(
            f"`{function.name}` is a library for {function.runtime}, whose functions import none",
            code="no-library",
            where=shown(function.dir),
            hint="compile it into the functions: `replace` of go.mod, a `path` of Cargo.toml",
        )
    if not found:
        raise TcError(
            f"the library `{function.name}` has no file that could be imported",
            code="empty-layer",
            where=shown(function.dir),
            hint="for dependencies alone write `build: {kind: layer}`",
        )
    return found


def _python(function: Function) -> Iterator[Entry]:
    """A directory that is a package keeps its name; else its packages and modules are found by
    theirs, those of a `src` directory too."""
    if (function.dir / "__init__.py").is_file():
        yield from _named(_code(function), f"python/{function.dir.name}/")
    else:
        yield from _below(function, "src", "python/")


def _below(function: Function, folder: str, prefix: str) -> Iterator[Entry]:
    """The files of `folder` where there is one, else all."""
    directory = function.dir / folder
    if directory.is_dir() and not (directory / "__init__.py").exists():
        yield from _named(code(directory, function.ignore), prefix)
    else:
        yield from _named(_code(function), prefix)


def _code(function: Function) -> list[Entry]:
    return code(function.dir, (*_LEFT_OUT, *function.ignore))


def _named(entries: Sequence[Entry], prefix: str) -> list[Entry]:
    return [replace(entry, name=prefix + entry.name) for entry in entries]


def _extension(function: Function) -> list[Entry]:
    """The directory as it is, when it has `extensions/`; else its programs go there."""
    if language_of(function):
        return []
    found = code(function.dir, function.ignore)
    if not any(entry.name.startswith(_EXTENSIONS) for entry in found):
        found = [
            replace(entry, name=_EXTENSIONS + entry.name) if _is_program(entry) else entry
            for entry in found
        ]
    programs = [entry for entry in found if entry.name.startswith(_EXTENSIONS)]
    if not any(entry.executable for entry in programs):
        names = f" ({programs[0].name} isn't executable)" if programs else ""
        raise TcError(
            f"the extension `{function.name}` has no program that Lambda could start{names}",
            code="empty-layer",
            where=shown(function.dir),
            hint="chmod +x the program; all programs of extensions/ are started",
        )
    return found


def _is_program(entry: Entry) -> bool:
    return entry.executable and "/" not in entry.name
