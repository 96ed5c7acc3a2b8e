"""Bundler: how it is called, and what is kept of what it leaves."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tc.build.cache import private, staging
from tc.build.deps import Needs
from tc.build.deps.brought import brought
from tc.build.deps.ruby import Detail
from tc.build.files import sources
from tc.build.package import copy_entries
from tc.build.run import Work, on_path, run, without
from tc.build.tools import WORK, Job, Tools
from tc.build.words import few, shown
from tc.errors import TcError
from tc.processes import Program
from tc.records import dataclass
from tc.spec.layer import Package, Platform

_HERE = Path(__file__).parent
_CPUS = {"x86_64": "x86_64-linux", "arm64": "aarch64-linux"}
_STUB = re.compile(r"^# stub: (\S+) (\S+) (\S+) ", re.MULTILINE)
#: what bundler says when a gem must be compiled, or isn't for the Ruby of this machine
_NOT_HERE = ("native extension", "Ruby version", "required_ruby_version", "with the current")
#: where bundler puts gems below its path
_INSTALLED = ("gems", "specifications", "extensions")
#: what a compilation leaves behind, and differs each time
_NOTES = (
    "extensions/**/gem_make.out",
    "**/mkmf.log",
    "gems/*/ext/**/*.o",
    "gems/*/ext/**/*.so",
    "gems/*/ext/**/.*.time",
    "gems/*/ext/**/Makefile",
)
#: sections of a lock file that are about who wrote it: bundler would fetch that one, and refuse
#: another Ruby
_WRITER = re.compile(r"^(RUBY VERSION|BUNDLED WITH)\n(?:[ \t]+.*\n?)+\n?", re.MULTILINE)
#: settings of bundler that name a host: dots are written as two underscores
_HOSTS = re.compile(r"^(BUNDLE_(?:MIRROR__\w+|\w+__\w+)):[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_NO_BUNDLER = "this machine has no bundler"
_GET_BUNDLER = "gem install bundler, or apt-get install ruby-bundler"
_RUBY = re.compile(r"^\s*ruby[\s(].*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Plan:
    """One installation: `detail` of the needs, for `who` (``the dependencies of a, b``)."""

    detail: Detail
    platform: Platform
    who: str
    tools: Tools

    @property
    def gems(self) -> str:
        """Where Lambda's Ruby looks, in a layer: ``ruby/gems/3.4.0``."""
        return f"ruby/gems/{self.platform.runtime.removeprefix('ruby')}.0"


def install_into(
    needs: Needs,
    functions: Sequence[str],
    platform: Platform,
    directory: Path,
    tools: Tools,
) -> tuple[Package, ...]:
    """Installs into the empty `directory`."""
    plan = _Plan(needs.detail, platform, f"the dependencies of {few(functions)}", tools)
    with staging(tools.cache) as place:
        if tools.always and not platform.host:
            made = _in_container(plan, place)
        else:
            made = _on_host(plan, place)
        libraries = tuple(brought(place / "container/out/lib", directory))
        target = directory / plan.gems
        target.mkdir(parents=True)
        for name in _INSTALLED:
            if (made / name).is_dir():
                shutil.move(made / name, target / name)
    for name in _NOTES:
        for file in target.glob(name):
            file.unlink()
    return (*_packages(target, directory), *libraries)


def _on_host(plan: _Plan, place: Path) -> Path:
    """Installs with this machine's bundler, or says why that can't be."""
    if not on_path("bundle"):
        if plan.platform.host:
            raise _no_bundler(plan)
        return _in_container(plan, place, _NO_BUNDLER)
    work = _lay_out(plan, private(place / "work"))
    environment = _environment(plan, os.environ, str(work), str(place / "bundle"))
    if not plan.platform.host:
        # On Linux the platform is that of Lambda, whatever CPU this machine has.
        environment["TC_GEM_PLATFORM"] = _CPUS[plan.platform.arch]
        environment["RUBYOPT"] = f"-r{_HERE / 'ruby_platform.rb'}"
    hint = "`bundle lock --add-platform x86_64-linux aarch64-linux` adds Lambda's platforms to "
    hint += "Gemfile.lock; `bundle lock` brings it up to date"
    try:
        for words in _commands(str(_HERE / "ruby_collect.rb"), str(place / "bundle")):
            program = Program(words, work, environment)
            work_of = Work(plan.who, plan.detail.directory, program, hint)
            run(work_of, place / "log", plan.tools.running)
    except TcError as error:
        if plan.platform.host or not any(said in error.message for said in _NOT_HERE):
            raise
        return _in_container(plan, place, error.message)
    made = _made(place / "bundle")
    compiled = _compiled(made)
    if compiled and not plan.platform.host:
        return _in_container(plan, place, f"{few(compiled)} must be compiled")
    return made


def _no_bundler(plan: _Plan) -> TcError:
    return TcError(
        f"{plan.who} can't be installed: {_NO_BUNDLER}",
        code="no-tool",
        where=shown(plan.detail.directory / "Gemfile"),
        hint=_GET_BUNDLER,
    )


def _commands(collect: str, bundle: str) -> Iterator[list[str]]:
    yield ["bundle", "install"]
    yield ["ruby", collect, bundle]


def _lay_out(plan: _Plan, place: Path) -> Path:
    """Copies what bundler reads below `place`, each thing where it stands to the others; where
    the Gemfile is then."""
    detail = plan.detail
    base = Path(os.path.commonpath([str(detail.directory), *map(str, detail.local)]))
    for path in detail.local:
        to = place / path.relative_to(base)
        to.mkdir(parents=True, exist_ok=True)
        copy_entries(sources(path, ("/vendor/bundle/", "/.bundle/")), to)
    work = place / detail.directory.relative_to(base)
    work.mkdir(parents=True, exist_ok=True)
    gemfile = (detail.directory / "Gemfile").read_text(encoding="utf-8")
    (work / "Gemfile").write_text(_RUBY.sub("", gemfile), encoding="utf-8")
    if detail.locked:
        lock = (detail.directory / "Gemfile.lock").read_text(encoding="utf-8")
        (work / "Gemfile.lock").write_text(_WRITER.sub("", lock), encoding="utf-8")
    for kept in ("vendor/cache", ".ruby-version"):
        source = detail.directory / kept
        if source.is_dir():
            shutil.copytree(source, work / kept, dirs_exist_ok=True)
    return work


def _environment(plan: _Plan, given: Mapping[str, str], work: str, bundle: str) -> dict[str, str]:
    """The user's own settings of bundler, but for those that say where and what."""
    ours = ("PATH", "GEMFILE", "WITHOUT", "WITH", "ONLY", "FROZEN", "DEPLOYMENT", "APP_CONFIG")
    made = without(given, "RUBYOPT", "RUBYLIB", *(f"BUNDLE_{name}" for name in ours))
    made |= {
        "BUNDLE_GEMFILE": f"{work}/Gemfile",
        "BUNDLE_PATH": bundle,
        "BUNDLE_APP_CONFIG": f"{work}/.bundle",
        "BUNDLE_SILENCE_ROOT_WARNING": "true",
        "BUNDLE_IGNORE_FUNDING_REQUESTS": "true",
        "BUNDLE_DISABLE_VERSION_CHECK": "true",
    }
    if plan.detail.locked:
        made["BUNDLE_FROZEN"] = "true"
    if plan.detail.without:
        made["BUNDLE_WITHOUT"] = ":".join(plan.detail.without)
    return made


def _made(bundle: Path) -> Path:
    """Where bundler put the gems: ``ruby/3.1.0``, named for the Ruby that installed them."""
    return next(iter(sorted((bundle / "ruby").glob("*"))), bundle)


def _compiled(made: Path) -> list[str]:
    """The gems that were compiled."""
    return sorted({path.parent.name for path in made.glob("extensions/*/*/*/gem.build_complete")})


def _in_container(plan: _Plan, place: Path, why: str = "") -> Path:
    """Installs in the container of the platform; `why` is what was in the way on this machine."""
    shutil.rmtree(place / "work", ignore_errors=True)
    root = private(place / "container")
    work = _lay_out(plan, private(root / "work"))
    shutil.copy(_HERE / "ruby_collect.rb", root / "ruby_collect.rb")
    inside = f"{WORK}/{work.relative_to(root).as_posix()}"
    start = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", inside]
    commands = [[*start, *words] for words in _commands(f"{WORK}/ruby_collect.rb", f"{WORK}/out")]
    environment = _environment(plan, {}, inside, f"{WORK}/out")
    job = Job(
        what=plan.who,
        platform=plan.platform,
        directory=root,
        commands=tuple(commands),
        environment=environment,
        secrets=_credentials(os.environ),
        source=plan.detail.directory,
    )
    try:
        plan.tools.containers.run(job)
    except TcError as error:
        if not why:
            raise
        raise TcError(
            f"{plan.who} can't be installed: {why}; and in a container: {error.message}",
            code=error.code,
            where=shown(plan.detail.directory / "Gemfile"),
            hint=_GET_BUNDLER if why == _NO_BUNDLER else error.hint,
        ) from error
    return _made(root / "out")


def _credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """What the user told bundler once and for all about where gems come from: mirrors, and
    passwords of hosts (``bundle config set gems.example.com user:password``)."""
    home = Path(environ.get("HOME") or "/")
    written = environ.get("BUNDLE_USER_CONFIG")
    file = Path(written or Path(environ.get("BUNDLE_USER_HOME") or home / ".bundle") / "config")
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {name: value.strip("\"'") for name, value in _HOSTS.findall(text)}


def _packages(gems: Path, directory: Path) -> Iterator[Package]:
    for specification in sorted((gems / "specifications").glob("*.gemspec")):
        stub = _STUB.search(specification.read_text(encoding="utf-8", errors="replace"))
        full = specification.stem
        name, version = (stub[1], stub[2]) if stub else (full.rpartition("-")[0] or full, "")
        found = [specification]
        for place in (gems / "gems" / full, *gems.glob(f"extensions/*/*/{full}")):
            found += [path for path in place.rglob("*") if path.is_file()]
        files = tuple(sorted(path.relative_to(directory).as_posix() for path in found))
        yield Package(name, version, sum(path.stat().st_size for path in found), files)
