"""Node.js: package.json and a lock file to ``nodejs/node_modules``.

Which manager installs is what `build.package_manager` says, else package.json's own
`packageManager`, else whose lock file is there, else npm. A lock file is followed to the
letter; without one the newest that package.json allows are taken.

No package runs a script of its own while it is installed: scripts of strangers are the usual
way in for malware, and they build for this machine. Packages that must be compiled (those with
a ``binding.gyp``) are, in the container of their runtime; on ``-e local`` on this machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tc.build.deps import Needs
from tc.build.entry import identity
from tc.build.files import project_of, sources
from tc.build.tools import Tools
from tc.build.words import few, shown
from tc.errors import TcError
from tc.records import dataclass
from tc.spec.function import Function
from tc.spec.layer import Package, Platform

#: of what is installed; another number forgets all of it
_FORMAT = "2"
#: lock file -> the manager that writes it
LOCKS = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
}
_MANAGERS = ("npm", "pnpm", "yarn")
#: tables of package.json that decide about what is installed
_TABLES = ("dependencies", "optionalDependencies", "overrides", "resolutions", "pnpm")
_LOCAL = ("file:", "link:", "portal:")


@dataclass(frozen=True, slots=True)
class Detail:
    """How `directory` is installed: by which manager, after which lock file (empty for none),
    with which directories and archives beside it."""

    directory: Path
    manager: str
    lock: str
    local: tuple[Path, ...]
    dev: bool


def needs(function: Function, platform: Platform) -> Needs | None:
    """What package.json asks for; None when nothing, and when all of it is bundled into the
    handler. Raises TcError for a file that can't be read or names what can't be had."""
    if function.build.bundle:
        return None
    return wanted(function, platform)


def wanted(function: Function, platform: Platform) -> Needs | None:
    """As `needs`, bundled or not."""
    file = function.dir / "package.json"
    manifest = read_manifest(file)
    dev = not function.build.skip_dev_deps
    tables = [manifest.get(name) for name in ("dependencies", "optionalDependencies")]
    tables += [manifest.get("devDependencies")] if dev else []
    if not any(tables):
        return None
    lock, manager = _manager(function, manifest)
    local: list[Path] = []
    _local(function, function.dir, manifest, dev, local)
    detail = Detail(function.dir, manager, lock, tuple(local), dev)
    return Needs("node", file, _digest(manifest, detail, platform), detail)


def install(
    needs: Needs,
    functions: Sequence[str],
    platform: Platform,
    directory: Path,
    tools: Tools,
) -> tuple[Package, ...]:
    """Installs into ``nodejs/node_modules`` of `directory`; no links are left in it."""
    from tc.build.deps.node_install import install_into

    return install_into(needs, functions, platform, directory, tools)


def read_manifest(file: Path) -> Mapping[str, Any]:
    """package.json; empty when there is none."""
    try:
        read = json.loads(file.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, UnicodeDecodeError) as error:
        raise TcError(f"this isn't JSON: {error}", code="bad-file", where=shown(file)) from None
    if not isinstance(read, dict):
        raise TcError("package.json is no object", code="bad-file", where=shown(file))
    return read


def _manager(function: Function, manifest: Mapping[str, Any]) -> tuple[str, str]:
    """The lock file, empty for none, and the manager."""
    locks = [name for name in LOCKS if (function.dir / name).is_file()]
    said: str = function.build.package_manager or ""
    said = said or str(manifest.get("packageManager") or "").partition("@")[0]
    if said and said not in _MANAGERS:
        raise TcError(
            f"`{function.name}` is in Node.js, and `{said}` installs no packages for it",
            code="bad-manager",
            where=shown(function.dir),
            hint=f"`build.package_manager` is one of {', '.join(_MANAGERS)}",
        )
    named = {LOCKS[name] for name in locks}
    if not said and len(named) > 1:
        raise TcError(
            f"`{function.name}` has lock files of several managers: {few(locks)}",
            code="bad-manager",
            where=shown(function.dir),
            hint="remove one, or say which one counts in `build.package_manager`",
        )
    manager = said or next(iter(named), "npm")
    return next((name for name in locks if LOCKS[name] == manager), ""), manager


def _local(
    function: Function, directory: Path, manifest: Mapping[str, Any], dev: bool, found: list[Path]
) -> None:
    """Adds the packages of this project that are named by a path, those of these too."""
    top = project_of(function.dir) if function.build.shared_context else function.dir
    where = shown(directory / "package.json")
    members = _members(directory, top)
    names = ("dependencies", "optionalDependencies", *(("devDependencies",) if dev else ()))
    for name, version in (item for table in names for item in (manifest.get(table) or {}).items()):
        text = str(version)
        if text.startswith("workspace:") or (name in members and not text.startswith(_LOCAL)):
            # a registry may have a stranger's package of that name
            raise TcError(
                f"`{name}` is a package of the workspace, and a layer has no workspace",
                code="local-dependency",
                where=where,
                hint=f'name its directory: "{name}": "file:{_where(name, directory, top)}", '
                "or write `build: {bundle: true}`",
            )
        if not text.startswith(_LOCAL):
            continue
        path = Path(os.path.normpath(directory / text.partition(":")[2]))
        _check_local(name, path, top, function)
        if path not in (*found, function.dir):
            found.append(path)
            _local(function, path, read_manifest(path / "package.json"), False, found)


def _where(name: str, directory: Path, top: Path) -> str:
    """The directory of the package `name` of the workspace, seen from `directory`."""
    found = _packages(top).get(name, directory.parent / name.rpartition("/")[2])
    return Path(os.path.relpath(found, directory)).as_posix()


def _members(directory: Path, top: Path) -> Mapping[str, Path]:
    """The packages of the workspace that `directory` is in, by their names."""
    for above in directory.parents:
        if not above.is_relative_to(top):
            break
        said = read_manifest(above / "package.json").get("workspaces")
        if said or (above / "pnpm-workspace.yaml").is_file():
            return _packages(above)
    return {}


def _packages(top: Path) -> dict[str, Path]:
    """The directories below `top` that are packages, by the names of these."""
    found = {}
    for pattern in ("*/package.json", "*/*/package.json", "*/*/*/package.json"):
        for file in top.glob(pattern):
            # what isn't JSON is no package, or tells so where it is used
            with contextlib.suppress(TcError):
                if "node_modules" not in file.parts:
                    found[str(read_manifest(file).get("name") or file.parent.name)] = file.parent
    return found


def _check_local(name: str, path: Path, top: Path, function: Function) -> None:
    where = shown(function.dir / "package.json")
    if not path.exists():
        raise TcError(
            f"`{name}` is to come from {shown(path)}, which isn't there",
            code="local-dependency",
            where=where,
        )
    if not path.resolve().is_relative_to(top.resolve()):
        raise TcError(
            f"`{name}` comes from {shown(path)}, outside of {shown(top)}",
            code="local-dependency",
            where=where,
            hint="move it into the project"
            if function.build.shared_context
            else "take `shared_context: false` out, or move it into the function's directory",
        )


def _digest(manifest: Mapping[str, Any], detail: Detail, platform: Platform) -> str:
    tables = (*_TABLES, "devDependencies") if detail.dev else _TABLES
    said = {name: manifest[name] for name in tables if manifest.get(name)}
    lock = detail.directory / detail.lock
    parts = [
        *("node", _FORMAT, detail.manager, platform.runtime, platform.arch, platform.host),
        json.dumps(said, sort_keys=True),
        hashlib.sha256(lock.read_bytes()).hexdigest() if detail.lock else "",
    ]
    for path in detail.local:
        if path.is_dir():
            parts.append(identity(sources(path, ("node_modules/",))))
        else:
            parts.append(hashlib.sha256(path.read_bytes()).hexdigest())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
