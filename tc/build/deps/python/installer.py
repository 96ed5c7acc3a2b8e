"""How what is wanted comes into a directory: wheels by uv, the rest in a container.

Wheels are taken for the runtime whatever this machine is; a version without a fitting one
gives way to the newest that has. What has none at all is built in a container.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from tc.build.cache import remove
from tc.build.deps.python.conflicts import account
from tc.build.deps.python.container import copy, install_in_container
from tc.build.deps.python.environment import variables, version_of
from tc.build.deps.python.faults import Asked, fault, no_wheel, unbuilt
from tc.build.deps.python.files import Wanted
from tc.build.deps.python.installed import unfit
from tc.build.deps.python.local import canonical
from tc.build.deps.python.locks import pinned
from tc.build.deps.python.requirements import REQUIREMENT, Lines, local_line, moved_line
from tc.build.deps.python.uv import (
    Ended,
    host_python,
    manylinux,
    read_uv,
    run_uv,
    settings_file,
)
from tc.build.runtimes import system_of
from tc.build.tools import Tools
from tc.build.words import few, shown
from tc.errors import TcError
from tc.events import Event
from tc.records import dataclass
from tc.spec.layer import Platform

#: codes of errors that say that no container can be had, whatever is to be built in it
_NO_CONTAINER = ("no-container-engine", "no-builder", "foreign-cpu")
#: compilers that fail at once: what needs one isn't pure, and to compile it here is in vain
_NO_COMPILER = {"CC": "false", "CXX": "false", "RUSTC": "false"}
#: times that other versions are looked for, where the newest are for a newer glibc
_ROUNDS = 6
_WHEEL = re.compile(r"\.whl(?:$|[#\s])")


@dataclass(frozen=True, slots=True)
class Installer:
    """One install; `place` is staging that is gone afterwards, `environment` is added to uv's."""

    wanted: Wanted
    asked: Asked
    place: Path
    site: Path
    tools: Tools
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def platform(self) -> Platform:
        return self.asked.platform

    @property
    def what(self) -> str:
        return f"dependencies of {few(list(self.asked.functions), 3)}"

    def run(self) -> None:
        _check_python(self.wanted, version_of(self.platform), self.asked)
        lines = self._lines()
        if self.tools.always:
            self._in_container(lines)
            return
        staged = self._staged(lines)
        missing = self._with_uv(staged)
        if missing:
            self._build(missing, lines, staged)

    def _build(self, missing: Sequence[str], lines: Lines, staged: Lines) -> None:
        """Installs `lines`, of which `missing` have no wheel, in a container; where there can be
        none, here, if they turn out to be pure Python."""
        text = (
            f"{few(missing)} (for {few(list(self.asked.functions))}) {_has(missing)} no wheel for "
            f"{self.asked.target}: built in a container"
        )
        self.tools.emit(Event("log", text, {"packages": list(missing)}))
        remove(self.site)
        try:
            self._in_container(lines)
        except TcError as error:
            if error.code == "interrupted":
                raise
            if error.code not in _NO_CONTAINER or not self._is_pure(missing, staged):
                raise no_wheel(missing, self.asked, error) from None
            text = f"{few(missing)} built here: pure Python, and there is no container"
            self.tools.emit(Event("log", text, {"packages": list(missing)}))

    def _is_pure(self, names: Sequence[str], staged: Lines) -> bool:
        """Whether all could be installed, with `names` built on this machine."""
        source = [*staged.from_source, *map(canonical, names)]
        # nobody else is to get from uv's cache what was built without a compiler
        environment = {**_NO_COMPILER, "UV_CACHE_DIR": str(self.place / "uv")}
        here = replace(self, environment=environment)
        text = f"No container can be had: trying whether {few(names)} can do without"
        self.tools.emit(Event("progress", text, {"what": self.what}))
        try:
            return not here._with_uv(replace(staged, from_source=source))
        except TcError as error:
            if error.code == "interrupted":
                raise
            return False

    def _lines(self) -> Lines:
        """What is to be installed, pinned where there is a lock."""
        found = self.wanted
        lines = list(found.lines)
        if self.asked.locked:
            lines = pinned(found, variables(self.platform), self._read_uv)
        else:
            lines += _also(found)
        return Lines(
            lines=lines,
            constraints=list(found.constraints),
            locals=list(found.locals),
            from_source=list(found.from_source),
            pinned_to=dict(found.pinned_to),
        )

    def _read_uv(self, words: Sequence[str]) -> str:
        return read_uv(words, self.wanted.file, self.tools, self.place)

    def _in_container(self, lines: Lines) -> None:
        install_in_container(
            *(self.what, lines, self.asked.locked, self.wanted.settings, self.platform),
            *(self.place, self.site, self.tools),
        )

    def _staged(self, lines: Lines) -> Lines:
        """`lines` with copies of what is in the project: builds leave files where they run."""
        common = os.path.commonpath([one.path for one in lines.locals]) if lines.locals else ""
        moved = {}
        for local in lines.locals:
            # side by side as they are, since they may name each other by path
            below = local.path.relative_to(common)
            above = (self.place / "own" / "project" / below).parent
            if local.built:
                moved[local.path.as_uri()] = _put(local.path.name, copy(local, above))
            else:
                _workspace(local.path, self.place / "own" / "project" / below)
        return replace(lines, lines=[moved_line(line, moved) for line in lines.lines])

    def _with_uv(self, lines: Lines) -> list[str]:
        """Installs wheels, and what of the project is pure; packages that need a container."""
        built = sorted({*lines.from_source, *_built_from_source(lines.lines)})
        source = [f"--no-binary={name}" for name in built]
        if self.platform.host:
            self._for_host([*self._words(lines), *source])
            return []
        missing: list[str] = []
        for name in manylinux(self.platform):
            ended, wrong = self._for_lambda(lines, source, name)
            # what had no wheel at first is named, where this one doesn't fit either
            missing = missing or list(wrong)
            # wheels for a newer glibc were taken: older versions may fit
            for _ in range(0 if self.asked.locked else _ROUNDS):
                if ended.code or not wrong or any(canonical(one) in built for one in wrong):
                    break
                avoided = [f"{one}!={version}" for one, version in wrong.items()]
                lines = replace(lines, constraints=[*lines.constraints, *avoided])
                ended, wrong = self._for_lambda(lines, source, name)
                if ended.code:
                    return missing
            if ended.code == 0:
                return missing if wrong else []
            lacking = account(ended.output).no_wheel
            if not lacking:
                raise fault(ended, self.asked)
            missing = missing or lacking
        return missing

    def _for_lambda(
        self, lines: Lines, source: Sequence[str], name: str
    ) -> tuple[Ended, dict[str, str]]:
        """Installs for uv's platform `name`; how it ended, and what doesn't fit nevertheless."""
        version = ["--python-version", version_of(self.platform), "--python-platform", name]
        words = [*self._words(lines), *source, "--python", host_python(), *version]
        ended = self._uv([*words, "--only-binary=:all:"])
        if ended.code:
            return ended, {}
        built = [one.removeprefix("--no-binary=") for one in source]
        return ended, unfit(self.site, built, system_of(self.platform.runtime).glibc[1])

    def _for_host(self, words: Sequence[str]) -> None:
        """This machine can build for itself: wheels first, then whatever there is."""
        words = [*words, "--python", self.platform.host]
        ended = self._uv([*words, "--only-binary=:all:"])
        if ended.code and account(ended.output).no_wheel:
            ended = self._uv(words)
        if ended.code:
            missing = account(ended.output).no_wheel
            raise unbuilt(missing, self.asked, ended) if missing else fault(ended, self.asked)

    def _words(self, lines: Lines) -> list[str]:
        """What uv is started with, whatever the platform; its files are written."""
        text = settings_file(self.wanted.settings, lines.pinned_to, lines.lines)
        (self.place / "pyproject.toml").write_text(text, "utf-8")
        (self.place / "requirements.txt").write_text("\n".join(lines.lines) + "\n", "utf-8")
        file = "pyproject.toml" if lines.pinned_to else "requirements.txt"
        words = ["pip", "install", "--target", str(self.site), "-r", file]
        if lines.constraints:
            (self.place / "constraints.txt").write_text("\n".join(lines.constraints) + "\n")
            words += ["-c", "constraints.txt"]
        # a lock has all that is needed
        return [*words, *(["--no-deps"] if self.asked.locked else [])]

    def _uv(self, words: Sequence[str]) -> Ended:
        remove(self.site)
        what = f"Installing {self.what}"
        return run_uv(words, self.place, self.tools, what, self.environment)


def _has(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _also(found: Wanted) -> list[str]:
    """What dependencies of the project need of the project themselves, asked for as well, so
    that uv is told which names to build."""
    known = {line.partition(" ; ")[0].rpartition(" @ ")[2] for line in found.lines}
    return [
        local_line(local.name, local.path)
        for local in found.locals
        if local.built and local.path.as_uri() not in known
    ]


def _put(name: str, path: Path) -> str:
    return path.as_uri() if path.name == name else (path / name).as_uri()


def _workspace(root: Path, place: Path) -> None:
    """What says of the directory `root` that it is a workspace."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "pyproject.toml").write_bytes((root / "pyproject.toml").read_bytes())


def _built_from_source(lines: Sequence[str]) -> list[str]:
    """Names that come from a directory, an archive or a repository."""
    found = []
    for line in lines:
        match = REQUIREMENT.match(line)
        if match and match["rest"].startswith("@") and not _WHEEL.search(match["rest"]):
            found.append(canonical(match["name"]))
    return found


def _check_python(found: Wanted, version: str, asked: Asked) -> None:
    """Raises TcError when the project isn't for the function's Python."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    from tc.build.deps.python.poetry import pep440

    if not found.python:
        return
    try:
        ranges = [
            SpecifierSet(pep440(one, "python", found.file)) for one in found.python.split("||")
        ]
    except InvalidSpecifier:
        return
    # Lambda's patch version is the newest, or nearly
    if any(one.contains(version) or one.contains(f"{version}.99") for one in ranges):
        return
    raise TcError(
        f"the project is for Python {found.python}, and {asked.who} runs on {version}",
        code="dependency-conflict",
        where=shown(found.file.with_name("pyproject.toml")),
        hint="set `runtime.lang` to a Python that it takes, or relax `requires-python`",
    )
