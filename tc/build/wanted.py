"""Which layers functions need: read from their files, nothing is started or built.

What a function depends on goes into a layer, with the files of `build.dirs` beside that; a
library, an extension or a layer of dependencies is one itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tc.build.deps import Needs, language_of
from tc.build.entry import Entry, identity
from tc.build.failures import together
from tc.build.files import code
from tc.build.words import shown
from tc.errors import TcError
from tc.records import dataclass
from tc.spec.function import Function
from tc.spec.layer import Platform, own_layer

#: start of a runtime -> where a layer has what is imported ("Packaging your layer content",
#: AWS Lambda developer guide)
_ROOTS = {"python": "python/", "ruby": "ruby/lib/", "nodejs": "nodejs/node_modules/"}
#: directories that are merged into a layer when nobody names any
_DIRS = ("lib", "vendor")
#: in `vendor`, what bundler keeps there: installed anew, elsewhere
_MANAGED = ("/bundle/", "/cache/")
#: a function's dependencies are in its package
_PACKAGED = ("code", "layer")

#: the interpreter of this machine that runs a runtime; empty for Lambda
Host = Callable[[str], str]


def on_lambda(runtime: str) -> str:  # noqa: ARG001
    """A `Host`: what is built is for Lambda."""
    return ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A layer that functions need.

    `digest` (hex) is of all it is built of: `needs`, what the language installs, None for
    nothing, and `files`, which are put beside that, by their names in the layer. `users` are
    the functions, `others` the most layers that one of them lists besides. `dir` is for messages.
    """

    name: str
    owner: str
    digest: str
    platform: Platform
    needs: Needs | None
    users: tuple[str, ...]
    others: int
    dir: Path
    files: tuple[Entry, ...] = ()

    @property
    def source(self) -> Path:
        """The file that says what is needed."""
        return self.needs.file if self.needs else self.dir


def platform_of(function: Function, host: Host) -> Platform:
    return Platform(function.runtime, function.arch, host(function.runtime))


def needs_of(function: Function, platform: Platform) -> Needs | None:
    """What `function` depends on; None for nothing, and for a language that has no such file."""
    if function.inline or function.is_image:
        return None
    language = language_of(function.runtime)
    return language.needs(function, platform) if language else None


def wanted(functions: Iterable[tuple[str, Function]], host: Host = on_lambda) -> list[Wanted]:
    """The layers that `functions` need, pairs of the namespace and the function, sorted by name.

    A function has one when it has dependencies, unless these are in its package, in its image, or
    on a file system (`assets.DEPS_PATH`). Reads files and starts nothing. Raises TcError that
    tells every file that can't be read, and ``shared-layer`` when functions share a layer and
    need different things.
    """
    found: list[Wanted] = []
    failures: list[TcError] = []
    for owner, function in functions:
        try:
            one = wanted_by(function, owner, host)
        except TcError as error:
            failures.append(error)
            continue
        found += [one] if one else []
    if failures:
        raise together(failures, "functions have dependencies that can't be read", "layer-failed")
    return joined(found)


def joined(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Those of one name in one, sorted by name; raises as `wanted` does."""
    found: dict[str, Wanted] = {}
    for one in wanted:
        other = found.get(one.name)
        found[one.name] = one if other is None else _joined(other, one)
    return [found[name] for name in sorted(found)]


def wanted_by(function: Function, owner: str, host: Host = on_lambda) -> Wanted | None:
    """The layer that `function` needs for itself, or is; None when it needs none."""
    if function.is_library:
        return _library(function, owner, host)
    if function.build_kind not in _PACKAGED or "DEPS_PATH" in function.assets:
        return None
    platform = platform_of(function, host)
    needs = needs_of(function, platform)
    if needs is None:
        return None
    files = tuple(_beside(function))
    name = own_layer(function, owner)
    listed = [layer for layer in function.layers if layer.partition(":")[0] != name]
    return Wanted(
        name=name,
        owner=owner,
        digest=_digest(needs, files),
        platform=platform,
        needs=needs,
        users=(function.name,),
        others=len(listed),
        dir=function.dir,
        files=files,
    )


def _library(function: Function, owner: str, host: Host) -> Wanted:
    """The layer that a library, an extension or a layer of dependencies is."""
    from tc.build.library import own_files

    platform = platform_of(function, host)
    needs = needs_of(function, platform)
    files = tuple(_beside(function)) if function.build_kind == "layer" else own_files(function)
    if needs is None and not files:
        raise TcError(
            f"the layer `{function.name}` has nothing in it: it depends on nothing",
            code="empty-layer",
            where=shown(function.dir),
            hint="write its dependencies, or `build: {kind: library}` for files of its own",
        )
    name, users = own_layer(function, owner), (function.name,)
    digest = _digest(needs, files)
    return Wanted(name, owner, digest, platform, needs, users, 0, function.dir, files)


def inside_package(function: Function, host: Host = on_lambda) -> Wanted | None:
    """What goes into the function's package beside its code, in the layout of a layer; None when
    it depends on nothing, or its dependencies aren't packaged so (`build.kind: inline`)."""
    if function.build_kind != "inline":
        return None
    platform = platform_of(function, host)
    needs = needs_of(function, platform)
    if needs is None:
        return None
    name = f"inline-{function.name}"
    users = (function.name,)
    return Wanted(name, "", needs.digest, platform, needs, users, 0, function.dir)


def _joined(one: Wanted, other: Wanted) -> Wanted:
    if (one.digest, one.owner) != (other.digest, other.owner):
        raise TcError(
            f"`{one.users[0]}` and `{other.users[0]}` share the layer `{one.name}` and need "
            f"different things: {shown(one.source)} and {shown(other.source)}"
            + ("" if one.platform == other.platform else ", or another runtime or CPU"),
            code="shared-layer",
            where=shown(other.source),
            hint="make them equal, or list another layer in `runtime.layers` of one of them",
        )
    return replace(one, users=(*one.users, *other.users), others=max(one.others, other.others))


def _digest(needs: Needs | None, files: Sequence[Entry]) -> str:
    parts = [needs.digest] if needs else []
    if files or not needs:
        parts.append(identity(files))
    if len(parts) == 1:
        return parts[0]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _beside(function: Function) -> Iterator[Entry]:
    """The files of `build.dirs`, by their names in the layer, sorted.

    Without such a setting those of `lib` and `vendor`, except one that is a Python package: that
    is imported by its own name. They stay in the function's package as well.
    """
    root = next((r for start, r in _ROOTS.items() if function.runtime.startswith(start)), "")
    usual = [name for name in _DIRS if _is_merged(function.dir / name)]
    merged: dict[str, tuple[Entry, str]] = {}
    for written in function.build.dirs or usual:
        directory = function.dir / written
        if not directory.is_dir():
            raise TcError(
                f"`build.dirs` of `{function.name}` names {written}, which is no directory",
                code="no-directory",
                where=shown(function.dir),
                hint="name directories of the function",
            )
        for entry in code(directory, (*_MANAGED, *function.ignore)):
            name = root + entry.name
            other = merged.setdefault(name, (replace(entry, name=name), written))
            if other[1] != written and other[0].read() != entry.read():
                raise conflict(function.name, name, f"{other[1]}/{entry.name}", written)
    yield from (entry for _, (entry, _) in sorted(merged.items()))


def _is_merged(directory: Path) -> bool:
    return directory.is_dir() and not (directory / "__init__.py").exists()


def conflict(who: str, name: str, one: str, other: str) -> TcError:
    return TcError(
        f"the layer of `{who}` would have two files {name}: from {one} and from {other}",
        code="layer-conflict",
        where=name,
        hint="remove one of them, or say in `build.dirs` which directories go into the layer",
    )
