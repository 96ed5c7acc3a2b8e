"""Node.js in one file: esbuild puts the handler and all that it imports together.

The package has that file and nothing else, and needs no layer. esbuild is the project's own,
where it has one, else it is installed once into the cache. What the handler imports comes from
the function's `node_modules` where there is one, else it is installed after the lock file.

::

    bundles/{key}/     the file, and inputs.json: which files it was made of, with their digests
    node/{digest}/     what package.json asks for, for bundling
    esbuild/{version}/ esbuild
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tc.build.cache import private, remove, settle, staging
from tc.build.deps import node
from tc.build.entry import Entry, identity
from tc.build.files import project_of, sources
from tc.build.run import Work, on_path, run
from tc.build.tools import Tools
from tc.build.words import shown
from tc.errors import TcError
from tc.events import Event
from tc.processes import Program
from tc.spec.function import Function
from tc.spec.layer import Platform

#: of what is remembered; another number forgets all of it
_FORMAT = "1"
_ESBUILD = "0.28.2"
_SOURCES = (".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".tsx", ".jsx")
#: a module has no `require`, and what was written for it asks for one
_BANNER = (
    "import { createRequire as __tc_require } from 'node:module';"
    "const require = __tc_require(import.meta.url);"
)
#: Lambda's Node.js brings the AWS SDK ("Building Lambda functions with Node.js")
_BROUGHT = ("@aws-sdk/*", "@smithy/*")


def bundle(function: Function, platform: Platform, tools: Tools) -> Entry:
    """The handler of `function` in one file, made now or the last time.

    Raises TcError when it can't be made.
    """
    manifest = node.read_manifest(function.dir / "package.json")
    start = _start(function)
    key = _key(function, platform)
    place = tools.cache / "bundles" / key
    if not _holds(place, function.dir):
        _make(function, platform, start, manifest, place, tools)
    file = next(path for path in sorted(place.iterdir()) if path.name != "inputs.json")
    folder, slash, _ = function.handler.removeprefix("./").rpartition("/")
    name = f"{folder}{slash}{file.name}"
    return Entry(name, False, file.stat().st_size, partial(Path.read_bytes, file))


def _start(function: Function) -> Path:
    """The file with the handler."""
    folder, slash, last = function.handler.removeprefix("./").rpartition("/")
    module = f"{folder}{slash}{last.partition('.')[0]}"
    for ending in _SOURCES:
        if (file := function.dir / f"{module}{ending}").is_file():
            return file
    raise TcError(
        f"there is no {module}.ts, .js or .mjs to bundle for `{function.name}`",
        code="no-handler",
        where=shown(function.dir),
        hint="change `runtime.handler`",
    )


def _key(function: Function, platform: Platform) -> str:
    own = identity(sources(function.dir, ("node_modules/", *function.ignore)))
    parts = (_FORMAT, _ESBUILD, platform.runtime, function.handler, str(function.dir), own)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _holds(place: Path, directory: Path) -> bool:
    """Whether the bundle at `place` is of the files as they are now."""
    try:
        inputs: Mapping[str, str] = json.loads((place / "inputs.json").read_text())
        return all(_sha256(directory / name) == digest for name, digest in inputs.items())
    except (OSError, ValueError):
        return False


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _make(
    function: Function,
    platform: Platform,
    start: Path,
    manifest: Mapping[str, Any],
    place: Path,
    tools: Tools,
) -> None:
    told = f"Bundling {function.name}"
    tools.emit(Event("progress", told, {"what": f"build of {function.name}"}))
    modules = _modules(function, platform, tools)
    esbuild = _esbuild(function, tools)
    with staging(tools.cache) as made:
        out = private(made / "out")
        is_module = start.suffix in (".mjs", ".mts") or manifest.get("type") == "module"
        file = out / f"{start.stem}{'.mjs' if is_module else '.js'}"
        words = [
            *(str(esbuild), start.relative_to(function.dir).as_posix()),
            *("--bundle", "--platform=node", "--log-level=warning", "--color=false"),
            f"--target=node{platform.runtime.removeprefix('nodejs').removesuffix('.x')}",
            *(f"--outfile={file}", f"--metafile={made / 'meta.json'}"),
            *(("--format=esm", f"--banner:js={_BANNER}") if is_module else ("--format=cjs",)),
            *_external(manifest),
        ]
        environment = {**os.environ, "NODE_PATH": str(modules)} if modules else dict(os.environ)
        program = Program(words, function.dir, environment)
        work = Work(f"`{function.name}`", function.dir, program, "look at what esbuild says")
        run(work, made / "log", tools.running)
        meta = json.loads((made / "meta.json").read_text())
        inputs = {name: _sha256(function.dir / name) for name in meta["inputs"] if _is_file(name)}
        (out / "inputs.json").write_text(json.dumps(inputs))
        remove(place)
        private(place.parent)
        out.rename(place)


def _is_file(name: str) -> bool:
    """What esbuild makes up itself has names like ``(disabled):fs``."""
    return not name.startswith(("(", "<"))


def _external(manifest: Mapping[str, Any]) -> list[str]:
    """The SDK stays out, unless the function asks for a version of its own."""
    wanted = manifest.get("dependencies") or {}
    if any(str(name).startswith("@aws-sdk/") for name in wanted):
        return []
    return [f"--external:{name}" for name in _BROUGHT]


def _modules(function: Function, platform: Platform, tools: Tools) -> Path | None:
    """Where installed packages are, when they aren't with the function."""
    if (function.dir / "node_modules").is_dir():
        return None
    needs = node.wanted(function, platform)
    if needs is None:
        return None
    place = tools.cache / "node" / needs.digest
    modules = place / "nodejs" / "node_modules"
    if not modules.is_dir():
        with staging(tools.cache) as made:
            there = private(made / "installed")
            node.install(needs, [function.name], platform, there, tools)
            settle(there, place)
    return modules


def _esbuild(function: Function, tools: Tools) -> Path:
    """The program; the project's own, or one in the cache."""
    top = project_of(function.dir)
    for above in (function.dir, *function.dir.parents):
        own = above / "node_modules" / ".bin" / "esbuild"
        if own.is_file():
            return own
        if above == top:
            break
    place = tools.cache / "esbuild" / _ESBUILD
    program = place / "node_modules" / ".bin" / "esbuild"
    if not program.is_file():
        _install_esbuild(function, place, tools)
    return program


def _install_esbuild(function: Function, place: Path, tools: Tools) -> None:
    if not on_path("npm"):
        raise TcError(
            f"`{function.name}` is to be bundled, and this machine has no esbuild and no npm",
            code="no-tool",
            where=shown(function.dir),
            hint="install Node.js",
        )
    with staging(tools.cache) as made:
        there = private(made / "esbuild")
        (there / "package.json").write_text("{}")
        words = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        program = Program([*words, f"esbuild@{_ESBUILD}"], there, dict(os.environ))
        hint = "have it in the project: npm install --save-dev esbuild"
        run(Work("esbuild", function.dir, program, hint), made / "log", tools.running)
        settle(there, place)
