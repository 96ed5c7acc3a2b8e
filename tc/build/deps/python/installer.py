"""How what is wanted comes into a directory: wheels by uv, the rest in a container.

Wheels are taken for the runtime whatever this machine is; a version without a fitting one
gives way to the newest that has. What has none at all is built in a container.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tc.build.cache import remove
from tc.build.deps.python.conflicts import account
from tc.build.deps.python.container import copy, install_in_container
from tc.build.deps.python.faults import Asked, fault, no_wheel
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
    version_of,
)
from tc.build.runtimes import system_of
from tc.build.tools import Tools
from tc.build.words import few, shown
from tc.errors import TcError
from tc.events import Event
from tc.spec.layer import Platform

_WHEEL = re.compile(r"\.whl(?:$|[#\s])")


@dataclass(frozen=True, slots=True)
class Installer:
    """One install; `place` is staging that is gone afterwards."""

    wanted: Wanted
    asked: Asked
    place: Path
    site: Path
    tools: Tools

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
        missing = self._with_uv(self._staged(lines))
        if missing:
            listed = few(missing)
            has = "has" if len(missing) == 1 else "have"
            text = (
                f"{listed} (for {few(list(self.asked.functions))}) {has} no wheel for "
                f"{self.asked.target}: built in a container"
            )
            self.tools.emit(Event("log", text, {"packages": missing}))
            remove(self.site)
            try:
                self._in_container(lines)
            except TcError as error:
                if error.code == "interrupted":
                    raise
                raise no_wheel(missing, self.asked, error) from None

    def _lines(self) -> Lines:
        """What is to be installed, pinned where there is a lock."""
        found = self.wanted
        lines = list(found.lines)
        if self.asked.locked:
            lines = pinned(found, _variables(self.platform), self._read_uv)
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
        return read_uv(words, self.wanted.root, self.tools, self.place)

    def _in_container(self, lines: Lines) -> None:
        install_in_container(
            self.what, lines, self.asked.locked, self.platform, self.place, self.site, self.tools
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
        built = [*lines.from_source, *_built_from_source(lines.lines)]
        words = [*self._words(lines), *(f"--no-binary={name}" for name in sorted(set(built)))]
        if self.platform.host:
            return self._for_host(words)
        ended = Ended(0, "")
        missing: list[str] = []
        for name in manylinux(self.platform):
            version = ["--python-version", version_of(self.platform), "--python-platform", name]
            ended = self._uv([*words, "--python", host_python(), *version, "--only-binary=:all:"])
            if ended.code == 0:
                # what had no wheel at first is named, where this one doesn't fit either
                glibc = system_of(self.platform.runtime).glibc[1]
                wrong = unfit(self.site, built, glibc)
                return (missing or wrong) if wrong else []
            lacking = account(ended.output).no_wheel
            if not lacking:
                raise fault(ended, self.asked)
            missing = missing or lacking
        return missing

    def _for_host(self, words: Sequence[str]) -> list[str]:
        """This machine can build for itself: wheels first, then whatever there is."""
        words = [*words, "--python", self.platform.host]
        ended = self._uv([*words, "--only-binary=:all:"])
        if ended.code and account(ended.output).no_wheel:
            ended = self._uv(words)
        if ended.code == 0:
            return []
        missing = account(ended.output).no_wheel
        if not missing:
            raise fault(ended, self.asked)
        return missing

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
        return run_uv(words, self.place, self.tools, f"Installing {self.what}")


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


def _variables(platform: Platform) -> dict[str, str]:
    """PEP 508's variables where the function runs."""
    from packaging.markers import default_environment

    short = version_of(platform)
    full = f"{short}.0"
    variables: dict[str, Any] = {**default_environment()}
    variables |= {
        "python_version": short,
        "python_full_version": full,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "implementation_version": full,
    }
    if not platform.host:
        machine = "aarch64" if platform.arch == "arm64" else "x86_64"
        variables |= {
            "sys_platform": "linux",
            "platform_system": "Linux",
            "os_name": "posix",
            "platform_machine": machine,
            "platform_release": "",
            "platform_version": "",
        }
    return variables
