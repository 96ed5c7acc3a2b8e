"""Pages to files: a site's sources, through the user's build commands, to what is served.

The commands run in a copy of the page's directory, as those of functions do, and only
when the sources, the commands or the values of the template have changed. A
``node_modules`` that is there is lent to the copy, and never part of it.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tc.build.cache import private, remove, staging
from tc.build.commands import masked, run_commands
from tc.build.entry import Entry, identity
from tc.build.files import code, sources
from tc.build.package import copy_entries
from tc.build.words import shown
from tc.errors import TcError
from tc.events import Emit, Event
from tc.processes import Running
from tc.spec.site import Site, SiteFile, SiteSource

#: seconds after which a built site that nobody asked for is made again
_STALE = 7 * 24 * 3600
_MODULES = "node_modules"
_NAME = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_TEMPLATE_ENDINGS = (".template", ".tmpl", ".tpl", ".example")
#: bytes of the code of a CloudFront function ("Quotas on CloudFront Functions")
_CODE_LIMIT = 10 * 1024


def read_site(source: SiteSource, cache: Path, emit: Emit) -> Site:
    """The page, read and not built. Raises TcError where a file that it names isn't there."""
    if not source.dir.is_dir():
        raise _missing(source, source.dir, "write `dir`: where the site's files are")
    template = _text(source, source.template) if source.template else ""

    def build(values: Mapping[str, str]) -> Mapping[str, SiteFile]:
        rendered = _NAME.sub(lambda match: values[match.group(1)], template)
        return _built(source, rendered, cache, emit)

    return Site(
        build=build,
        names=tuple(dict.fromkeys(_NAME.findall(template))),
        functions={when: _code(source, file) for when, file in source.functions.items()},
    )


def _text(source: SiteSource, name: str) -> str:
    file = source.dir / name
    try:
        return file.read_text()
    except OSError:
        raise _missing(source, file, "the path is seen from the page's `dir`") from None


def _code(source: SiteSource, name: str) -> str:
    text = _text(source, name)
    size = len(text.encode())
    if size > _CODE_LIMIT:
        raise TcError(
            f"{name} has {size:,} bytes; CloudFront takes {_CODE_LIMIT:,}",
            code="too-large",
            where=f"page {source.name}",
            hint="minify it",
        )
    return text


def _missing(source: SiteSource, path: Path, hint: str) -> TcError:
    return TcError(
        f"there is no {shown(path)}", code="no-site", where=f"page {source.name}", hint=hint
    )


def _built(source: SiteSource, rendered: str, cache: Path, emit: Emit) -> Mapping[str, SiteFile]:
    if not source.build and not source.template:
        return _files(source, source.dir / source.dist)
    made = () if source.dist == "." else (f"/{source.dist.strip('/')}/",)
    found = sources(source.dir, (*made, f"{_MODULES}/", *_ignored(source.dir)))
    place = private(cache / "pages") / _key(source, rendered, found)
    if not place.is_dir():
        _run(source, rendered, found, place, cache, emit)
    os.utime(place)
    return _files(source, place)


def _ignored(directory: Path) -> list[str]:
    file = directory / ".tcignore"
    lines = file.read_text().splitlines() if file.is_file() else []
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _key(source: SiteSource, rendered: str, found: Sequence[Entry]) -> str:
    parts = (identity(found), *source.build, "", source.dist, rendered)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _run(
    source: SiteSource,
    rendered: str,
    found: Sequence[Entry],
    place: Path,
    cache: Path,
    emit: Emit,
) -> None:
    """Runs the commands, and keeps what they left in `dist` at `place`."""
    begun = time.monotonic()
    told = f"Building page {source.name}: {masked('; '.join(source.build))}"
    emit(Event("progress", told, {"what": f"build of page {source.name}"}))
    _sweep(place.parent)
    running = Running()
    with staging(cache) as stage:
        directory = private(stage / "page")
        copy_entries(found, directory)
        if source.template:
            (directory / dotenv(source.template)).write_text(rendered)
        modules = source.dir / _MODULES
        if modules.is_dir():
            (directory / _MODULES).symlink_to(modules.resolve())
        try:
            log = stage / "log"
            run_commands(source.name, source.dir, source.build, directory, log, running)
        except BaseException:
            running.stop()
            raise
        if modules.is_dir():
            (directory / _MODULES).unlink(missing_ok=True)
        made = directory / source.dist
        if not made.is_dir():
            raise TcError(
                f"the build of page `{source.name}` left no directory `{source.dist}`",
                code="no-site",
                where=shown(source.dir),
                hint="write `dist`: where the build puts the site, seen from `dir`",
            )
        try:
            made.rename(place)
        except OSError:
            # another run was quicker with the same site
            if not place.is_dir():
                raise
    seconds = round(time.monotonic() - begun, 3)
    text = f"Built page {source.name} ({seconds:.1f} s)"
    emit(Event("build.done", text, {"page": source.name, "seconds": seconds}))


def dotenv(template: str) -> str:
    """The file that a template becomes: ``.env`` of ``.env.template``."""
    name = Path(template).name
    for ending in _TEMPLATE_ENDINGS:
        if name.endswith(ending) and name != ending:
            return name.removesuffix(ending)
    return ".env"


def _sweep(folder: Path) -> None:
    for place in folder.iterdir():
        if time.time() - place.stat().st_mtime > _STALE:
            remove(place)


def _files(source: SiteSource, directory: Path) -> Mapping[str, SiteFile]:
    """What is served: everything in `directory` but what is secret or made by tools."""
    if not directory.is_dir():
        raise _missing(source, directory, "write `dist`, or `build` with the commands that make it")
    found = {
        entry.name: _file(directory / entry.name, entry)
        for entry in code(directory, (*_ignored(source.dir), "!*.zip"))
    }
    if "index.html" not in found:
        raise TcError(
            f"{shown(source.dir / source.dist)} has no index.html",
            code="no-site",
            where=f"page {source.name}",
            hint="write `dist`: where the build puts the site, seen from `dir`",
        )
    return found


def _file(path: Path, entry: Entry) -> SiteFile:
    return SiteFile(path, hashlib.md5(entry.read(), usedforsecurity=False).hexdigest(), entry.size)
