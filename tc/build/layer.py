"""Dependencies to layers: which are wanted, and their bodies, made or found in the cache.

::

    functions ──► wanted layers ──► installed once for each digest ──► checked ──► zips ──► cache

    layers/{digest}-{MB}/   0.zip, 1.zip, … and manifest.json: a layer in parts of so many MB
    layers/names/{name}     of what the layer was built last: says why it is built again
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tc.build.cache import private, remove, replacing, staging
from tc.build.deps import Needs, language_of
from tc.build.elf import check_elves
from tc.build.entry import Entry, identity
from tc.build.files import code
from tc.build.library import own_files
from tc.build.limits import first, told
from tc.build.split import split
from tc.build.tools import Tools
from tc.build.words import MB, amount, few, reason, shown
from tc.build.zip_writer import copy_files, write_zip
from tc.errors import TcError
from tc.events import Event
from tc.spec.artifact import UNPACKED
from tc.spec.function import Function
from tc.spec.layer import (
    MOST_LAYERS,
    BuiltLayer,
    LayerPart,
    Package,
    Platform,
    own_layer,
)

#: of what is kept of a layer; another number makes all of them anew
_FORMAT = 1
_WORKERS = 4
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
    on a file system (`assets.DEPS_PATH`). Reads files and starts nothing. Raises TcError
    ``shared-layer`` when functions share a layer and need different things.
    """
    return joined(one for owner, function in functions if (one := wanted_by(function, owner, host)))


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
                raise _conflict(function.name, name, f"{other[1]}/{entry.name}", written)
    yield from (entry for _, (entry, _) in sorted(merged.items()))


def _is_merged(directory: Path) -> bool:
    return directory.is_dir() and not (directory / "__init__.py").exists()


def _conflict(who: str, name: str, one: str, other: str) -> TcError:
    return TcError(
        f"the layer of `{who}` would have two files {name}: from {one} and from {other}",
        code="layer-conflict",
        where=name,
        hint="remove one of them, or say in `build.dirs` which directories go into the layer",
    )


def build_layers(wanted: Sequence[Wanted], tools: Tools, part_size: int) -> list[BuiltLayer]:
    """The bodies of the `wanted` layers, in zips of at most `part_size` MB, in their order.

    What needs the same is installed once. Raises TcError; of several failures one that
    tells all of them, each once.
    """
    groups: dict[str, list[Wanted]] = defaultdict(list)
    for one in wanted:
        groups[one.needs.digest if one.needs else one.digest].append(one)
    if not groups:
        return []
    built: dict[str, BuiltLayer] = {}
    failures: list[TcError] = []
    pool = ThreadPoolExecutor(min(_WORKERS, len(groups)), thread_name_prefix="layer")
    try:
        work = [pool.submit(_build, group, tools, part_size) for group in groups.values()]
        for future in work:
            try:
                built |= {layer.name: layer for layer in future.result()}
            except TcError as error:
                failures.append(error)
    except BaseException:
        tools.running.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if failures:
        raise _all_of(failures)
    return [built[one.name] for one in wanted]


def _all_of(failures: Sequence[TcError]) -> TcError:
    if len(failures) == 1:
        return failures[0]
    texts = [
        f"{error.where}: {error.message}" + (f"\n  next: {error.hint}" if error.hint else "")
        for error in failures
    ]
    return TcError(
        f"{len(failures)} layers can't be built:\n\n" + "\n\n".join(texts), code="layer-failed"
    )


def _build(group: Sequence[Wanted], tools: Tools, part_size: int) -> list[BuiltLayer]:
    """All layers with the same dependencies."""
    found = {one.name: _cached(one, tools.cache, part_size) for one in group}
    missing = [one for one in group if found[one.name] is None]
    if missing:
        why = {one.name: _why(one, tools.cache) for one in missing}
        begun = time.monotonic()
        try:
            _make(missing, tools, part_size)
        except OSError as error:
            raise TcError(
                f"the layer `{missing[0].name}` can't be built: {reason(error)}",
                code="layer-failed",
                where=shown(error.filename) if error.filename else shown(missing[0].source),
            ) from error
        seconds = time.monotonic() - begun
        for one in missing:
            made = _cached(one, tools.cache, part_size)
            assert made is not None
            found[one.name] = replace(made, cached=False, why=why[one.name], seconds=seconds)
            _remember(one, tools.cache)
    layers = [layer for layer in found.values() if layer is not None]
    for one, layer in zip(group, layers, strict=True):
        _check_count(one, layer, part_size)
    return layers


def _make(group: Sequence[Wanted], tools: Tools, part_size: int) -> None:
    """Installs once, then zips each of the layers."""
    lead = group[0]
    users = [user for one in group for user in one.users]
    with staging(tools.cache) as place:
        directory = private(place / "layer")
        packages: tuple[Package, ...] = ()
        if lead.needs:
            language = language_of(lead.platform.runtime)
            assert language is not None
            text = f"Installing the dependencies of {few(users)}"
            tools.emit(Event("progress", text, {"what": f"dependencies of {few(users)}"}))
            packages = language.install(lead.needs, users, lead.platform, directory, tools)
        _check_compiled(lead, directory, packages, tools)
        installed = list(_installed(directory))
        for number, one in enumerate({one.digest: one for one in group}.values()):
            _pack(one, installed, packages, private(place / str(number)), tools, part_size)


def _check_compiled(
    lead: Wanted, directory: Path, packages: Sequence[Package], tools: Tools
) -> None:
    """Refuses files that the runtime can't load; warns of libraries that it lacks."""

    def provided() -> Iterator[str]:
        yield from tools.containers.provided(lead.platform)

    findings = check_elves(directory, lead.platform, provided(), packages)
    if findings.refused:
        raise TcError(
            f"the layer `{lead.name}` has files that {lead.platform.runtime} on "
            f"{lead.platform.arch} can't load:\n  "
            + "\n  ".join(str(refusal) for refusal in findings.refused[:10]),
            code="wrong-cpu",
            where=shown(lead.source),
            hint="choose a version that has a package for this CPU, or tc build --container",
        )
    if findings.missing:
        sentences = replace(findings, refused=()).sentences()
        text = f"layer {lead.name}: {few(sentences, 3)}"
        hint = "tc build --container copies them in"
        tools.emit(Event("warning", text, {"code": "missing-library", "hint": hint}))


def _installed(directory: Path) -> Iterator[Entry]:
    for folder, folders, names in os.walk(directory):
        folders.sort()
        for name in names:
            path = Path(folder, name)
            if path.is_symlink() and not path.exists():
                continue
            status = path.stat()
            executable = bool(status.st_mode & 0o111)
            read = partial(Path.read_bytes, path)
            yield Entry(path.relative_to(directory).as_posix(), executable, status.st_size, read)


def _merged(one: Wanted, installed: Sequence[Entry]) -> list[Entry]:
    entries = {entry.name: entry for entry in installed}
    for entry in one.files:
        other = entries.setdefault(entry.name, entry)
        if other is not entry and other.read() != entry.read():
            source = shown(one.source)
            raise _conflict(one.users[0], entry.name, source, "the function's own directories")
    return [entries[name] for name in sorted(entries)]


def _pack(
    one: Wanted,
    installed: Sequence[Entry],
    packages: Sequence[Package],
    place: Path,
    tools: Tools,
    part_size: int,
) -> None:
    """Writes the parts and what is told of them, then puts all of it into the cache at once."""
    entries = _merged(one, installed)
    if not entries:
        raise TcError(
            f"the layer `{one.name}` would be empty",
            code="empty-layer",
            where=shown(one.source),
            hint="take the file out, or write there what the function needs",
        )
    _check_unpacked(one, entries, packages)
    whole = place / "whole.zip"
    write_zip(whole, entries, stored=False)
    parts = split(whole, packages, part_size * MB)
    sizes = {entry.name: entry.size for entry in entries}
    body = private(place / "body")
    manifest: dict[str, Any] = {"format": _FORMAT, "parts": [], "packages": []}
    for index, names in enumerate(parts):
        path = body / f"{index}.zip"
        if len(parts) == 1:
            whole.rename(path)
        else:
            copy_files(whole, path, names)
        unpacked = sum(sizes[name] for name in names)
        manifest["parts"].append([_sha256(path), path.stat().st_size, unpacked])
    manifest["packages"] = [[p.name, p.version, p.size] for p in packages]
    (body / "manifest.json").write_text(json.dumps(manifest))
    goal = _place(tools.cache, one, part_size)
    private(goal.parent)
    if goal.exists():
        # damaged, or somebody else was faster
        remove(goal)
    body.rename(goal)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return b64encode(hashlib.file_digest(file, "sha256").digest()).decode()


def _check_unpacked(one: Wanted, entries: Sequence[Entry], packages: Sequence[Package]) -> None:
    total = sum(entry.size for entry in entries)
    if total <= UNPACKED:
        return
    sizes = [(f"{package.name} {package.version}", package.size) for package in packages]
    raise TcError(
        f"the layer `{one.name}` of {few(one.users)} is {amount(total)} unpacked, Lambda takes "
        f"{amount(UNPACKED)}, a function's other layers and its code included; the largest:\n"
        + told(first(sizes or [(entry.name, entry.size) for entry in entries])),
        code="too-large",
        where=shown(one.source),
        hint="need less, have them on EFS (`assets.DEPS_PATH`), or make it an image "
        "(`package_type: image`: 10 GB)",
    )


def _check_count(one: Wanted, layer: BuiltLayer, part_size: int) -> None:
    count = len(layer.parts) + one.others
    if count <= MOST_LAYERS:
        return
    raise TcError(
        f"{few(one.users)} would have {count} layers, Lambda takes {MOST_LAYERS}: {one.others} "
        f"listed, and {len(layer.parts)} parts of `{one.name}` ({amount(layer.size)})",
        code="too-many-layers",
        where=shown(one.source),
        hint=f"larger parts: `layers.part_size` in config.yml (now {part_size} MB); or have the "
        "dependencies on EFS: `assets.DEPS_PATH`",
    )


def _place(cache: Path, one: Wanted, part_size: int) -> Path:
    return cache / "layers" / f"{one.digest}-{part_size}"


def _cached(one: Wanted, cache: Path, part_size: int) -> BuiltLayer | None:
    """The layer as the cache has it, whole; else None."""
    place = _place(cache, one, part_size)
    try:
        manifest = json.loads((place / "manifest.json").read_text())
        parts = tuple(
            LayerPart(place / f"{index}.zip", *said) for index, said in enumerate(manifest["parts"])
        )
        whole = manifest["format"] == _FORMAT and all(
            part.path.stat().st_size == part.size for part in parts
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None
    if not whole:
        return None
    packages = tuple(
        Package(name, version, size, ()) for name, version, size in manifest["packages"]
    )
    return BuiltLayer(
        one.name,
        one.owner,
        one.digest,
        one.platform,
        parts,
        packages,
        cached=True,
        users=one.users,
    )


def _traits(one: Wanted) -> dict[str, str]:
    """What a layer is built of, by the words in which a change of it is told."""
    file = hashlib.sha256(one.needs.file.read_bytes()).hexdigest() if one.needs else ""
    return {
        f"{one.source.name} changed": file,
        "the runtime or the CPU changed": str(one.platform),
        "files of its directories changed": identity(one.files),
        "what it depends on changed": one.digest,
    }


def _why(one: Wanted, cache: Path) -> str:
    try:
        last: Mapping[str, str] = json.loads(_record(one, cache).read_text())
    except (OSError, ValueError):
        return "not built before"
    for words, value in _traits(one).items():
        if last.get(words) != value:
            return words
    return "the cache no longer had it"


def _remember(one: Wanted, cache: Path) -> None:
    with replacing(_record(one, cache)) as temporary:
        temporary.write_text(json.dumps(_traits(one)))


def _record(one: Wanted, cache: Path) -> Path:
    return cache / "layers" / "names" / f"{one.owner} {one.name}.json"
