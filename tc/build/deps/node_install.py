"""npm, pnpm and yarn: how each installs for another CPU, and what is kept of what it leaves."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tc.build.cache import private, staging
from tc.build.deps import Needs, npmrc
from tc.build.deps.brought import brought
from tc.build.deps.node import Detail, read_manifest
from tc.build.files import sources
from tc.build.package import copy_entries
from tc.build.run import Work, on_path, run
from tc.build.tools import WORK, Job, Tools
from tc.build.words import few, shown
from tc.errors import TcError
from tc.events import Event
from tc.processes import Program
from tc.records import dataclass
from tc.spec.layer import Package, Platform

_CPUS = {"x86_64": "x64", "arm64": "arm64"}
#: Node.js's own headers, below where it is installed: node-gyp would fetch them
_HEADERS = "include/node/node_api.h"
_FINDS_HEADERS = (
    'd=$(dirname "$(dirname "$(command -v node)")") && '
    f'if [ -f "$d/{_HEADERS}" ]; then export npm_config_nodedir="$d"; fi'
)
_SCRIPTS = ("preinstall", "install", "postinstall")


@dataclass(frozen=True, slots=True)
class _Plan:
    """One installation: `detail` of the needs, for `who` (``the dependencies of a, b``)."""

    detail: Detail
    platform: Platform
    who: str
    tools: Tools


def install_into(
    needs: Needs,
    functions: Sequence[str],
    platform: Platform,
    directory: Path,
    tools: Tools,
) -> tuple[Package, ...]:
    """Installs into ``nodejs/node_modules`` of the empty `directory`."""
    detail: Detail = needs.detail
    plan = _Plan(detail, platform, f"the dependencies of {few(functions)}", tools)
    with staging(tools.cache) as place:
        # beside it a container puts libraries
        work = _lay_out(plan, private(place / "work/files"))
        inside = tools.always or not on_path(detail.manager) or _needs_container(plan)
        for there, command in _commands(plan, work):
            if inside and not platform.host:
                _in_container(plan, place / "work", there, command)
            else:
                _on_host(plan, there, command, place / "log")
        modules = work / "node_modules"
        if not modules.is_dir():
            private(modules)
        _tidy(modules)
        native = sorted(_to_compile(modules))
        if native:
            _compile(plan, native, place / "work", work, place / "log")
            _tidy(modules)
            _sweep(modules)
        libraries = tuple(brought(place / "work/lib", directory))
        _tell_scripts(plan, modules, native)
        target = directory / "nodejs" / "node_modules"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(modules, target)
    return (*_packages(target, directory), *libraries)


def _needs_container(plan: _Plan) -> bool:
    """yarn 1 installs for the machine that it runs on, and for no other."""
    if plan.detail.manager != "yarn" or plan.platform.host or _is_berry(plan.detail):
        return False
    machine = {"aarch64": "arm64", "amd64": "x86_64"}.get(os.uname().machine, os.uname().machine)
    return os.uname().sysname != "Linux" or machine != plan.platform.arch


def _is_berry(detail: Detail) -> bool:
    lock = detail.directory / detail.lock
    return bool(detail.lock) and "__metadata:" in lock.read_text(encoding="utf-8")


def _lay_out(plan: _Plan, place: Path) -> Path:
    """Copies what the manager reads below `place`, each thing where it stands to the others;
    where package.json is then."""
    detail = plan.detail
    base = Path(os.path.commonpath([str(detail.directory), *map(str, detail.local)]))
    for path in detail.local:
        to = place / path.relative_to(base)
        if path.is_file():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
        else:
            to.mkdir(parents=True, exist_ok=True)
            copy_entries(sources(path, ("node_modules/",)), to)
    work = place / detail.directory.relative_to(base)
    work.mkdir(parents=True, exist_ok=True)
    manifest = dict(read_manifest(detail.directory / "package.json"))
    # the package's own scripts build it, not what it depends on
    manifest.pop("scripts", None)
    if detail.manager == "pnpm":
        own = dict(manifest.get("pnpm") or {})
        own.setdefault("supportedArchitectures", _supported(plan.platform))
        manifest["pnpm"] = own
    (work / "package.json").write_text(json.dumps(manifest, indent=2))
    for name in (detail.lock, ".yarnrc.yml", "pnpm-workspace.yaml"):
        file = detail.directory / name
        if name and file.is_file():
            shutil.copy(file, work / name)
    npmrc.linked(detail.directory, work)
    if detail.manager == "pnpm":
        _support(work / "pnpm-workspace.yaml", plan.platform)
    elif detail.manager == "yarn" and _is_berry(detail):
        _support(work / ".yarnrc.yml", plan.platform)
    return work


def _support(file: Path, platform: Platform) -> None:
    """Writes the CPU into the settings of yarn 2, or of pnpm, which before version 10 had them
    in package.json."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if "supportedArchitectures:" not in text:
        line = f"supportedArchitectures: {json.dumps(_supported(platform))}"
        file.write_text(f"{text.rstrip()}\n{line}\n".lstrip(), encoding="utf-8")


def _supported(platform: Platform) -> Mapping[str, Any]:
    if platform.host:
        return {"os": ["current"], "cpu": ["current"], "libc": ["current"]}
    return {"os": ["linux"], "cpu": [_CPUS[platform.arch]], "libc": ["glibc"]}


def _commands(plan: _Plan, work: Path) -> Iterator[tuple[Path, list[str]]]:
    """What runs where. npm leaves out what packages need that are named by a path: these are
    installed in their own directories, after their own lock files."""
    for path in plan.detail.local if plan.detail.manager == "npm" else ():
        there = Path(os.path.normpath(work / os.path.relpath(path, plan.detail.directory)))
        if path.is_dir() and read_manifest(path / "package.json").get("dependencies"):
            yield there, words(plan, locked=(path / "package-lock.json").is_file())
    yield work, words(plan, locked=bool(plan.detail.lock))


def words(plan: _Plan, *, locked: bool) -> list[str]:
    """The manager's command line."""
    detail = plan.detail
    if detail.manager == "npm":
        made = ["npm", "ci"] if locked else ["npm", "install", "--no-package-lock"]
        made += ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
        made += [] if detail.dev else ["--omit=dev"]
        if not plan.platform.host:
            cpu = _CPUS[plan.platform.arch]
            made += ["--os=linux", f"--cpu={cpu}", "--libc=glibc"]
        return made
    if detail.manager == "pnpm":
        made = ["pnpm", "install", "--ignore-scripts", "--config.node-linker=hoisted"]
        made += ["--frozen-lockfile"] if locked else ["--no-lockfile"]
        return made + ([] if detail.dev else ["--prod"])
    if _is_berry(detail):
        return ["yarn", "workspaces", "focus", *([] if detail.dev else ["--production"])]
    made = ["yarn", "install", "--ignore-scripts", "--non-interactive", "--no-progress"]
    made += ["--frozen-lockfile"] if locked else ["--no-lockfile"]
    return made + ([] if detail.dev else ["--production"])


def _environment(plan: _Plan) -> dict[str, str]:
    made = {"CI": "true", "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0"}
    if plan.detail.manager == "yarn" and _is_berry(plan.detail):
        made |= {"YARN_NODE_LINKER": "node-modules", "YARN_ENABLE_SCRIPTS": "false"}
    return made


def _on_host(plan: _Plan, work: Path, command: Sequence[str], log: Path) -> None:
    manager = plan.detail.manager
    if not on_path(manager):
        raise _no_manager(plan)
    program = Program(command, work, {**os.environ, **_environment(plan)})
    hint = "after a change of package.json the lock file is brought up to date by "
    hint += f"`{manager} install`"
    run(Work(plan.who, plan.detail.directory, program, hint), log, plan.tools.running)


def _no_manager(plan: _Plan, why: str = "") -> TcError:
    manager = plan.detail.manager
    ways = {"npm": "install Node.js", "pnpm": "npm install -g pnpm", "yarn": "npm install -g yarn"}
    return TcError(
        f"{plan.who} can't be installed: this machine has no `{manager}`{why}",
        code="no-tool",
        where=shown(plan.detail.directory),
        hint=ways[manager],
    )


def _in_container(
    plan: _Plan, place: Path, work: Path, command: Sequence[str], native: Sequence[str] = ()
) -> None:
    """Installs, or compiles `native`, in the container of the platform; `WORK` is `place`."""
    inside = f"{WORK}/{work.relative_to(place).as_posix()}"
    steps = f'cd "$1" && shift && {npmrc.WRITTEN} && {_FINDS_HEADERS} && exec "$@"'
    job = Job(
        what=plan.who,
        platform=plan.platform,
        directory=place,
        commands=(["sh", "-c", steps, "sh", inside, *command],),
        environment={**_environment(plan), "NPM_CONFIG_USERCONFIG": npmrc.PLACE},
        secrets=npmrc.variables(plan.detail.directory, os.environ),
        result=".",
        source=plan.detail.directory,
    )
    try:
        plan.tools.containers.run(job)
    except TcError as error:
        if native:
            raise TcError(
                f"{plan.who}: {few(native)} must be compiled, and in a container: {error.message}",
                code=error.code,
                where=shown(plan.detail.directory),
                hint=error.hint,
            ) from error
        if plan.tools.always or on_path(plan.detail.manager):
            raise
        raise _no_manager(plan, f", and in a container: {error.message}") from error


def _compile(plan: _Plan, native: Sequence[str], place: Path, work: Path, log: Path) -> None:
    command = ["npm", "rebuild", *native]
    if not plan.platform.host:
        _in_container(plan, place, work, command, native)
        return
    environment = {**os.environ, "CI": "true"}
    if (headers := Path(on_path("node")).parent.parent / _HEADERS).is_file():
        environment["npm_config_nodedir"] = str(headers.parents[2])
    program = Program(command, work, environment)
    hint = "install a C++ compiler and make, which `node-gyp` needs"
    run(Work(plan.who, plan.detail.directory, program, hint), log, plan.tools.running)


def _tidy(modules: Path) -> None:
    """Removes the managers' notes, and puts what links lead to in their place."""
    for folder, names, files in os.walk(modules):
        here = Path(folder)
        if here.name == "node_modules":
            # no package is called so: they are the managers' notes, and links to programs
            for name in [name for name in names if name.startswith(".")]:
                names.remove(name)
                shutil.rmtree(here / name)
            for name in [name for name in files if name.startswith(".")]:
                files.remove(name)
                (here / name).unlink()
        for name in (*names, *files):
            path = here / name
            if path.is_symlink():
                _replace_link(path)


def _sweep(modules: Path) -> None:
    """Removes what compilers leave besides what they made: it names paths of this run."""
    for build in [path for path in modules.rglob("build") if (path / "config.gypi").is_file()]:
        for left in [*build.rglob("obj.target"), *build.rglob(".deps"), *build.rglob("obj")]:
            shutil.rmtree(left, ignore_errors=True)
        for file in build.iterdir():
            if file.is_file():
                file.unlink()


def _replace_link(link: Path) -> None:
    target = link.resolve()
    link.unlink()
    if target.is_dir():
        shutil.copytree(target, link, symlinks=False)
    elif target.is_file():
        shutil.copy(target, link)


def each(modules: Path) -> Iterator[Path]:
    """The directories of all packages below node_modules, scoped and nested ones too."""
    for entry in sorted(modules.iterdir()) if modules.is_dir() else ():
        if not entry.is_dir() or entry.name.startswith("."):
            continue
        for package in sorted(entry.iterdir()) if entry.name.startswith("@") else (entry,):
            yield package
            yield from each(package / "node_modules")


def _to_compile(modules: Path) -> Iterator[str]:
    """The names of packages that must be compiled, and bring no compiled file along."""
    for package in each(modules):
        if (package / "binding.gyp").is_file() and not any(package.rglob("*.node")):
            yield str(read_manifest(package / "package.json").get("name") or package.name)


def _tell_scripts(plan: _Plan, modules: Path, native: Sequence[str]) -> None:
    """Names the packages whose scripts weren't run: one that fetches something lacks it."""
    found = set()
    for package in each(modules):
        manifest = read_manifest(package / "package.json")
        name = str(manifest.get("name") or package.name)
        if name not in native and any(s in (manifest.get("scripts") or {}) for s in _SCRIPTS):
            found.add(name)
    if found:
        text = f"{plan.who}: install scripts weren't run: {few(sorted(found))}"
        plan.tools.emit(Event("log", text, {"packages": sorted(found)}))


def _packages(modules: Path, directory: Path) -> tuple[Package, ...]:
    """The top-level packages; what is nested in one is its own."""
    found = []
    for entry in sorted(modules.iterdir()):
        scoped = sorted(entry.iterdir()) if entry.name.startswith("@") else [entry]
        for package in scoped:
            manifest = read_manifest(package / "package.json") if package.is_dir() else {}
            name = package.relative_to(modules).as_posix()
            paths = sorted(path for path in package.rglob("*") if path.is_file())
            files = tuple(path.relative_to(directory).as_posix() for path in paths)
            size = sum(path.stat().st_size for path in paths)
            found.append(Package(name, str(manifest.get("version") or ""), size, files))
    return tuple(found)
