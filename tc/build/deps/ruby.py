"""Ruby: Gemfile and Gemfile.lock to ``ruby/gems/3.4.0``, where Lambda's Ruby looks for gems.

Bundler resolves and installs. A lock file is followed to the letter; without one the newest
that the Gemfile allows are taken. Gems of the groups development and test are left out, unless
`build.skip_dev_deps` is false.

Gems in plain Ruby are the same for every CPU and every Ruby, and so are those that bring
compiled files for each (``nokogiri-x86_64-linux``): bundler of this machine installs them. A gem
that must be compiled is, in the container of its runtime; on ``-e local`` on this machine.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tc.build.deps import Needs
from tc.build.entry import identity
from tc.build.files import project_of, sources
from tc.build.tools import Tools
from tc.build.words import shown
from tc.errors import TcError
from tc.records import dataclass
from tc.spec.function import Function
from tc.spec.layer import Package, Platform

#: of what is installed; another number forgets all of it
_FORMAT = "2"
#: groups that are left out, as bundler's users call them
GROUPS = ("development", "test")
_GEM = re.compile(r"(gem[\s(]|gemspec\b|eval_gemfile\b)")
_OPENS = re.compile(r"\bdo\b(\s*\|[^|]*\|)?\s*$|^(if|unless|case|begin)\b")
_GROUP = re.compile(r"group[\s(](.*)\bdo\s*$")
_GROUPED = re.compile(r"\bgroups?:\s*(\[[^\]]*\]|:\w+)")
_WORD = re.compile(r":?[\"']?(\w+)")
_PATH = re.compile(
    r"""\bpath(?::|\s*=>)\s*["']([^"']+)["']|^path[\s(]+["']([^"']+)["']""", re.MULTILINE
)
_FILE = re.compile(r"""^eval_gemfile[\s(]*["']([^"']+)["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Detail:
    """How the Gemfile in `directory` is installed: whether after a lock file, with the
    directories `local` beside it, without the groups `without`."""

    directory: Path
    locked: bool
    local: tuple[Path, ...]
    without: tuple[str, ...]


def needs(function: Function, platform: Platform) -> Needs | None:
    """What the Gemfile asks for; None when it asks for no gem."""
    file = function.dir / "Gemfile"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise TcError(f"this isn't UTF-8: {error}", code="bad-file", where=shown(file)) from None
    _check_manager(function)
    without = GROUPS if function.build.skip_dev_deps else ()
    if not any(_gems(text, without)):
        return None
    lock = function.dir / "Gemfile.lock"
    local = tuple(_local(function, text))
    detail = Detail(function.dir, lock.is_file(), local, without)
    parts = [
        *("ruby", _FORMAT, platform.runtime, platform.arch, platform.host, *without),
        hashlib.sha256(_bare(text).encode()).hexdigest(),
        hashlib.sha256(lock.read_bytes()).hexdigest() if detail.locked else "",
        *(identity(sources(path, ())) for path in local),
    ]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return Needs("ruby", file, digest, detail)


def install(
    needs: Needs,
    functions: Sequence[str],
    platform: Platform,
    directory: Path,
    tools: Tools,
) -> tuple[Package, ...]:
    """Installs into ``ruby/gems/X.Y.0`` of `directory`."""
    from tc.build.deps.ruby_install import install_into

    return install_into(needs, functions, platform, directory, tools)


def _check_manager(function: Function) -> None:
    said = function.build.package_manager
    if said not in (None, "bundler"):
        raise TcError(
            f"`{function.name}` is in Ruby, and `{said}` installs no gems for it",
            code="bad-manager",
            where=shown(function.dir),
            hint="take `build.package_manager` out: it is bundler",
        )


def _bare(text: str) -> str:
    """The Gemfile without comments and empty lines: they decide nothing."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def _gems(text: str, without: Sequence[str]) -> Iterator[str]:
    """The lines that ask for a gem, but in groups that are left out."""
    left_out: list[bool] = []
    for line in _bare(text).splitlines():
        if line == "end" and left_out:
            left_out.pop()
        elif opened := _GROUP.match(line):
            named = set(_WORD.findall(opened[1].replace("optional:", "")))
            left_out.append(bool(named) and named <= set(without))
        elif _GEM.match(line) and not any(left_out):
            grouped = _GROUPED.search(line)
            if not grouped or not set(_WORD.findall(grouped[1])) <= set(without):
                yield line
        elif _OPENS.search(line):
            left_out.append(False)


def _local(function: Function, text: str) -> Iterator[Path]:
    """The gems of this project that are named by a path. Raises TcError for one that isn't
    there, or lies outside."""
    top = project_of(function.dir) if function.build.shared_context else function.dir
    found = [one or other for one, other in _PATH.findall(_bare(text))]
    found += [str(Path(name).parent) for name in _FILE.findall(_bare(text))]
    if re.search(r"^gemspec\s*$", _bare(text), re.MULTILINE):
        found.append(".")
    for written in dict.fromkeys(found):
        path = Path(os.path.normpath(function.dir / written))
        where = shown(function.dir / "Gemfile")
        if not path.is_dir():
            message = f"a gem is to come from {written}, which is no directory"
            raise TcError(message, code="local-dependency", where=where)
        if not path.resolve().is_relative_to(top.resolve()):
            raise TcError(
                f"a gem comes from {written}, outside of {shown(top)}",
                code="local-dependency",
                where=where,
                hint="move it into the project"
                if function.build.shared_context
                else "take `shared_context: false` out, or move it into the function's directory",
            )
        yield path
