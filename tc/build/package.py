"""Functions to packages: the zips that Lambda runs.

::

    files of the function ──► copy, commands, lambda.zip ──► entries ──► checks ──► zip in the cache
                          ├──────── no build command ───────┤
                          └─ dependencies, `kind: inline` ──┘

A package is known by the digest of its contents and is written once. What build
commands made is remembered by the digest of the sources and the commands, so that
commands run only for what has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tc.build import compiled
from tc.build.cache import private, replacing, staging
from tc.build.commands import Commands, masked, run_all
from tc.build.deps import installed_by
from tc.build.entry import Entry, Identity, identity
from tc.build.files import code, sources
from tc.build.handler import check_handler
from tc.build.inline import entries as inline_entries
from tc.build.limits import check_unpacked, largest
from tc.build.tools import NoContainers, Tools
from tc.build.wanted import Host, inside_package, needs_of, on_lambda, platform_of
from tc.build.words import MB, few, reason, shown
from tc.build.zips import opened, write_zip
from tc.errors import TcError
from tc.events import Emit, Event
from tc.processes import Running
from tc.records import dataclass
from tc.spec.artifact import DIRECT, UNPACKED, Artifact
from tc.spec.function import Function
from tc.spec.layer import Platform

#: bytes of contents below which a package is not compressed: the same zip on every machine
STORED_BELOW = MB
#: of what is remembered of builds; another number forgets all of it
_FORMAT = "1"
_WORKERS = 16


@dataclass(frozen=True, slots=True)
class _Work:
    """What packaging works with; `host` tells which interpreter will run a function."""

    tools: Tools
    host: Host

    @property
    def cache(self) -> Path:
        return self.tools.cache


def package(function: Function, cache: Path, emit: Emit) -> Artifact:
    """The package of `function`, made or found in `cache` (see `tc.build.cache`).

    Raises TcError when it can't be made, is empty, too large, or lacks the handler.
    """
    return _package(function, _Work(_usual_tools(cache, emit), on_lambda))


def _usual_tools(cache: Path, emit: Emit) -> Tools:
    return Tools(cache, emit, Running(), NoContainers())


def package_all(
    functions: Iterable[Function],
    cache: Path,
    emit: Emit,
    *,
    tools: Tools | None = None,
    host: Host = on_lambda,
) -> dict[str, Artifact]:
    """The packages of `functions`, by their names; made at once.

    `tools` are for dependencies that go into packages, and for builds in containers; they
    have a cache of their own. Raises one TcError that lists every function that failed. An
    interrupt ends the commands of all of them.
    """
    wanted = _by_name(functions)
    if not wanted:
        return {}
    from concurrent.futures import ThreadPoolExecutor

    work = _Work(tools or _usual_tools(cache, emit), host)
    workers = min(_WORKERS, os.cpu_count() or 1, len(wanted))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="package")
    try:
        futures = {name: pool.submit(_package, function, work) for name, function in wanted.items()}
        artifacts: dict[str, Artifact] = {}
        failures: dict[str, TcError] = {}
        for name, future in futures.items():
            try:
                artifacts[name] = future.result()
            except TcError as error:
                failures[name] = error
    except BaseException:
        work.tools.running.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if failures:
        raise _all_of(failures)
    return artifacts


def _by_name(functions: Iterable[Function]) -> dict[str, Function]:
    wanted: dict[str, Function] = {}
    for function in functions:
        other = wanted.setdefault(function.name, function)
        if other != function:
            # One package can't stand for both, and which is which would be lost.
            raise TcError(
                f"two functions are called `{function.name}`: in {shown(other.dir)} and in "
                f"{shown(function.dir)}",
                code="same-name",
                where=shown(function.dir),
                hint="rename one of them",
            )
    return wanted


def _all_of(failures: dict[str, TcError]) -> TcError:
    """One error that tells all of them, each with its place and its way out."""
    if len(failures) == 1:
        return next(iter(failures.values()))
    told = []
    for name in sorted(failures):
        error = failures[name]
        text = f"{error.where}: {error.message}" if error.where else f"{name}: {error.message}"
        told.append(f"{text}\n  next: {error.hint}" if error.hint else text)
    return TcError(
        f"{len(failures)} functions can't be packaged ({few(sorted(failures))}):\n\n"
        + "\n\n".join(told),
        code="package-failed",
    )


def _package(function: Function, work: _Work) -> Artifact:
    if function.inline:
        return _stored(function, inline_entries(function.inline), work)
    try:
        commands = Commands.of(function)
        if commands.main or (commands.all and not compiled.language_of(function)):
            return _built(function, commands, work)
        platform = platform_of(function, work.host)
        if function.build.bundle and function.runtime.startswith("nodejs"):
            from tc.build.bundle import bundle

            return _stored(function, [bundle(function, platform, work.tools)], work)
        if compiled.language_of(function):
            return _stored(function, _program(function, commands, platform, work), work)
        _refuse_unbuilt(function)
        installed = installed_by(function)
        left_out = installed if installed and needs_of(function, platform) else ()
        return _stored(function, code(function.dir, (*left_out, *function.ignore)), work)
    except OSError as error:
        raise TcError(
            f"`{function.name}` can't be packaged: {reason(error)}",
            code="package-failed",
            where=shown(error.filename) if error.filename else shown(function.dir),
        ) from error


def _program(
    function: Function, commands: Commands, platform: Platform, work: _Work
) -> list[Entry]:
    """The program of `function`, with what its commands make before and after it is compiled."""
    if not commands.all:
        return [compiled.build(function, platform, work.tools)]
    from tc.build.compiled import around

    def run(some: Commands, directory: Path) -> None:
        _run(function, some, directory, work)

    return around.build(function, commands, platform, work.tools, run)


def _refuse_unbuilt(function: Function) -> None:
    """Raises TcError for a language that must be compiled and has no command for that."""
    unbuilt = function.runtime.startswith("java") or (
        function.runtime.startswith("provided") and not (function.dir / "bootstrap").exists()
    )
    if unbuilt:
        made = "the classes" if function.runtime.startswith("java") else "`bootstrap`"
        raise TcError(
            f"`{function.name}` ({function.runtime}) must be built, and nothing says how",
            code="no-build",
            where=shown(function.dir),
            hint=f"write `tasks.build`: a command that puts {made} into lambda.zip",
        )


def _stored(function: Function, own: Sequence[Entry], work: _Work, digest: str = "") -> Artifact:
    """The package with the function's `own` entries and what goes beside them, checked; written
    only where the cache lacks it.

    `digest` is that of `own` where it is known already; else they are read.
    """
    if not own:
        raise TcError(
            f"the package of `{function.name}` would be empty",
            code="empty-package",
            where=shown(function.dir),
            hint="look at what .tcignore leaves out"
            if function.ignore
            else "write the handler's file",
        )
    with _complete(function, own, work) as entries:
        return _written(function, entries, work, digest if len(entries) == len(own) else "")


def _written(function: Function, entries: Sequence[Entry], work: _Work, digest: str) -> Artifact:
    check_unpacked(function, entries)
    check_handler(function, entries)
    stored = sum(entry.size for entry in entries) < STORED_BELOW
    if stored and not digest:
        # Read once, so that the digest and the zip are of the same contents.
        entries = [_held(entry) for entry in entries]
    digest = digest or identity(entries)
    path = _place(work.cache, digest)
    if not zipfile.is_zipfile(path):
        with replacing(path) as temporary:
            written = write_zip(temporary, entries, stored=stored)
            if written != digest:
                raise TcError(
                    f"files of `{function.name}` changed while they were packaged",
                    code="changed-meanwhile",
                    where=shown(function.dir),
                    hint="run this again",
                )
    return _artifact(path, digest, entries, stored)


@contextlib.contextmanager
def _complete(function: Function, own: Sequence[Entry], work: _Work) -> Iterator[Sequence[Entry]]:
    """`own` with the function's dependencies where these go into its package; contents can be
    read inside the `with` only."""
    wanted = inside_package(function, work.host)
    if wanted is None:
        yield own
        return
    from tc.build.layer import build_layers

    (layer,) = build_layers([wanted], work.tools, UNPACKED // MB)
    with contextlib.ExitStack() as stack:
        installed = [e for part in layer.parts for e in stack.enter_context(opened(part.path))]
        entries = {entry.name: entry for entry in own}
        for entry in installed:
            beside = replace(entry, name=_in_package(entry.name))
            other = entries.setdefault(beside.name, beside)
            if other is not beside and other.read() != beside.read():
                raise TcError(
                    f"the package of `{function.name}` would have two files {beside.name}: its "
                    f"own, and one of what {shown(wanted.source)} asks for",
                    code="layer-conflict",
                    where=shown(function.dir / beside.name),
                    hint="rename the function's own, or have the dependencies in a layer",
                )
        yield [entries[name] for name in sorted(entries)]


def _in_package(name: str) -> str:
    """Where a file of a layer is found in a package ("Working with layers" and the pages on each
    language in the AWS Lambda developer guide)."""
    top, _, rest = name.partition("/")
    if top == "ruby":
        return f"vendor/bundle/ruby/{rest.removeprefix('gems/')}" if rest[:5] == "gems/" else rest
    return rest if top in ("python", "nodejs") else name


def _held(entry: Entry) -> Entry:
    content = entry.read()
    return Entry(entry.name, entry.executable, len(content), lambda: content)


def _place(cache: Path, digest: str) -> Path:
    return cache / "packages" / f"{digest}.zip"


def _artifact(path: Path, digest: str, entries: Sequence[Entry], stored: bool) -> Artifact:
    size = path.stat().st_size
    with path.open("rb") as body:
        sha256 = b64encode(hashlib.file_digest(body, "sha256").digest()).decode()
    return Artifact(
        path=path,
        sha256=sha256,
        digest=digest,
        size=size,
        unpacked=sum(entry.size for entry in entries),
        stored=stored,
        files=len(entries),
        largest=largest(entries) if size > DIRECT else (),
    )


def _built(function: Function, commands: Commands, work: _Work) -> Artifact:
    """What the commands made of the sources, now or the last time."""
    found = sources(function.dir, function.ignore)
    contained = work.tools.always
    # what was built in a container was asked for: Lambda gets it while it is of these files
    ways = (True,) if contained else (True, False) if work.host is on_lambda else (False,)
    keys = [_key(identity(found), commands, contained=way) for way in ways]
    known = next((made for key in keys if (made := _remembered(work.cache, key))), None)
    if known is not None:
        with opened(known) as entries:
            return _stored(function, entries, work, known.stem)
    begun = time.monotonic()
    told = f"Building {function.name}: {masked('; '.join(commands.all))}"
    work.tools.emit(Event("progress", told, {"what": f"build of {function.name}"}))
    with staging(work.cache) as place:
        directory = private(place / "function")
        key = _key(copy_entries(found, directory), commands, contained=contained)
        _run(function, commands, directory, work)
        with _left(function, commands, directory) as entries:
            artifact = _stored(function, entries, work)
            digest = artifact.digest
            if function.build_kind == "inline":
                # what is remembered is the function's own: dependencies have a cache of theirs
                digest = _keep(entries, work.cache)
    with replacing(work.cache / "builds" / key) as temporary:
        temporary.write_text(digest)
    seconds = round(time.monotonic() - begun, 3)
    data = {"function": function.name, "seconds": seconds, "bytes": artifact.size}
    work.tools.emit(Event("build.done", f"Built {function.name} ({seconds:.1f} s)", data))
    return artifact


def _keep(entries: Sequence[Entry], cache: Path) -> str:
    """Puts `entries` into the cache; their digest."""
    digest = identity(entries)
    with replacing(_place(cache, digest)) as temporary:
        write_zip(temporary, entries, stored=sum(entry.size for entry in entries) < STORED_BELOW)
    return digest


def _run(function: Function, commands: Commands, directory: Path, work: _Work) -> None:
    if work.tools.always:
        from tc.build.container.functions import run_in_container

        run_in_container(function, commands, directory, work.tools)
    else:
        run_all(function, commands, directory, directory.parent / "log", work.tools.running)


@contextlib.contextmanager
def _left(function: Function, commands: Commands, directory: Path) -> Iterator[list[Entry]]:
    """What the commands left for the package; the staging is gone when the user reads of it."""
    if not commands.main:
        yield code(directory, function.ignore)
        return
    with opened(_made(function, commands, directory), shown(function.dir)) as entries:
        yield entries


def _key(digest: str, commands: Commands, *, contained: bool) -> str:
    parts = (_FORMAT, digest, *commands.pre, "", commands.main, "", *commands.post)
    parts += ("", "container") if contained else ()
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _remembered(cache: Path, key: str) -> Path | None:
    """The package that was made for `key`, while the cache has it."""
    try:
        path = _place(cache, (cache / "builds" / key).read_text())
    except FileNotFoundError:
        return None
    return path if zipfile.is_zipfile(path) else None


def copy_entries(entries: Sequence[Entry], directory: Path) -> str:
    """Copies `entries` below `directory`; the identity of what was copied."""
    copied = Identity()
    made = {directory}
    for entry in entries:
        path = directory / entry.name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        content = entry.read()
        copied.add(entry, content)
        if entry.link:
            path.symlink_to(entry.link)
            continue
        path.write_bytes(content)
        if entry.executable:
            path.chmod(0o755)
    return copied.hex()


def _made(function: Function, commands: Commands, directory: Path) -> Path:
    """The zip that the commands left behind."""
    zips = sorted(path for path in directory.glob("*.zip") if path.is_file())
    named = directory / "lambda.zip"
    if named in zips:
        return named
    if len(zips) == 1:
        return zips[0]
    made = f"{few([path.name for path in zips])}, none of them lambda.zip" if zips else "no zip"
    raise TcError(
        f"the build of `{function.name}` left no package: `{masked(commands.main)}` made {made}",
        code="no-package",
        where=shown(function.dir),
        hint="end the build in the function's directory with: zip -r lambda.zip .",
    )
