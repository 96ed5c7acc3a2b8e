"""What is told when uv fails: one sentence, who needs it, the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tc.build.deps.python.conflicts import Account, account, name_in, roots, tree
from tc.build.deps.python.environment import version_of
from tc.build.deps.python.uv import Ended
from tc.build.runtimes import AL2, System, system_of
from tc.build.words import few, shown
from tc.errors import TcError
from tc.records import dataclass
from tc.spec.layer import Platform

_HASH = re.compile(r"Hash mismatch for `([^`]+)`")
_FETCH = re.compile(
    r"(?:Failed to fetch|Failed to download|Could not connect)[^`\n]*?`?(\S+?)`?$", re.M
)
#: a wheel that ended too early, where only a part of it is asked for at first
_CUT = re.compile(r"[Bb]ecause (\S+) has an invalid package format")
_CERTIFICATE = re.compile(r"invalid peer certificate|certificate verify|UnknownIssuer")
_REFUSED = re.compile(r"401 Unauthorized|403 Forbidden|407 Proxy|Missing credentials")
#: what could not be written
_WRITTEN = re.compile(r"(?:at|in|to|file|directory) `(/[^`]+)`|(?: to|at) (/\S+?):? ")
_GIT = re.compile(r"Git operation failed")
_FETCHED = re.compile(r"Failed to [a-z ]+ `([^`]+)`")
_FATAL = re.compile(r"(?:fatal|ERROR): (.+)")
_ASKED_OF = re.compile(r"An index URL \(([^)]+)\)|[Ff]ailed to fetch: `([^`]+)`")
_BROKEN = re.compile(
    r"Failed to (?:fetch|download|unzip|extract)|error sending request|Request failed after"
    r"|dns error|timed out|Could not connect|Connection re(?:set|fused)|error decoding response"
    r"|5\d\d (?:Internal|Bad|Service|Gateway)|unexpected EOF|IncompleteMessage"
    r"|invalid package format|Failed to read from zip",
    re.I,
)
#: the machine's own troubles: (what uv says, code, our sentence, the way out)
_MACHINE = (
    (
        re.compile(r"os error 28|No space left|Disk quota|os error 122"),
        "disk-full",
        "the disk is full",
        "free some, or set TC_CACHE_DIR and UV_CACHE_DIR to another disk",
    ),
    (
        re.compile(r"os error 30|Read-only file system|os error 13|Permission denied"),
        "install-failed",
        "the cache can't be written",
        "set TC_CACHE_DIR and UV_CACHE_DIR to directories that you can write",
    ),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom something is installed, and what says so."""

    functions: Sequence[str]
    file: Path
    platform: Platform
    locked: bool

    @property
    def who(self) -> str:
        return few([f"`{name}`" for name in self.functions], 4)

    @property
    def target(self) -> str:
        """``Python 3.10 on arm64``, or this machine's."""
        if self.platform.host:
            return "this machine's Python"
        return f"Python {version_of(self.platform)} on {self.platform.arch}"

    @property
    def system(self) -> System:
        return system_of(self.platform.runtime)


def fault(ended: Ended, asked: Asked) -> TcError:
    """The error for what uv said at the end."""
    if match := _HASH.search(ended.output):
        return _hash(match[1], asked)
    for pattern, code, sentence, hint in _MACHINE:
        if pattern.search(ended.output):
            place = _WRITTEN.search(ended.output)
            rest = f": {place[1] or place[2]}" if place else ended.tail
            return _error(sentence + rest, asked, hint, code=code)
    if _GIT.search(ended.output):
        return _repository(ended, asked)
    if _BROKEN.search(ended.output) or _REFUSED.search(ended.output):
        return _index(ended, asked)
    said = account(ended.output)
    known = _unknown(said, asked) or _python(said, asked) or _disputed(said, asked)
    known = known or _no_version(said, asked)
    return known or _error(
        f"uv failed{ended.tail}",
        asked,
        "mend what uv says, then run this again",
        code="install-failed",
    )


def _error(sentence: str, asked: Asked, hint: str, *, code: str) -> TcError:
    return TcError(
        f"the dependencies of {asked.who} can't be installed: {sentence}",
        code=code,
        where=shown(asked.file),
        hint=hint,
    )


def _hash(package: str, asked: Asked) -> TcError:
    name = name_in(package)
    return _error(
        f"what the package index has as `{package}` isn't what {asked.file.name} has a hash of",
        asked,
        f"if it is to be trusted, lock it anew; until then ask whoever publishes `{name}`",
        code="hash-mismatch",
    )


def _index(ended: Ended, asked: Asked) -> TcError:
    if _REFUSED.search(ended.output):
        match = _ASKED_OF.search(ended.output)
        address = f" {match[1] or match[2]}" if match else ""
        sentence = f"the package index{address} refuses access"
        hint = "check its address and credentials (UV_INDEX, UV_DEFAULT_INDEX, pip's `index-url`)"
    elif _CERTIFICATE.search(ended.output):
        sentence = "the package index shows a certificate that this machine doesn't trust"
        hint = "set SSL_CERT_FILE to the file with your CA certificates"
    else:
        match = _FETCH.search(ended.output) or _CUT.search(ended.output)
        what = f" while it gave {match[1]}" if match else ""
        sentence = f"the package index can't be reached, or broke off{what}"
        hint = "check the connection and the proxy, then run this again: what was fetched is kept"
    return _error(sentence, asked, hint, code="index-unreachable")


def _repository(ended: Ended, asked: Asked) -> TcError:
    match, why = _FETCHED.search(ended.output), _FATAL.search(ended.output)
    what = f" of `{match[1]}`" if match else ""
    return _error(
        f"the repository{what} can't be fetched{f': {why[1]}' if why else ended.tail}",
        asked,
        "look at the address and the branch, and at the access: what `git ls-remote` says there",
        code="no-remote",
    )


def _unknown(said: Account, asked: Asked) -> TcError | None:
    if not said.unknown:
        return None
    name = name_in(said.unknown[0])
    return _error(
        f"no package index has `{name}`:\n{_tree(name, said, asked)}",
        asked,
        "look at how it is written; a private index is set with UV_INDEX, or in the file",
        code="no-such-package",
    )


def _python(said: Account, asked: Asked) -> TcError | None:
    if not said.python:
        return None
    who, versions = said.python[-1]
    name = name_in(who)
    return _error(
        f"`{who}` is for Python {versions}, and this is {asked.target}:\n"
        f"{_tree(name, said, asked)}",
        asked,
        f"ask for an older version of `{name}`, or set `runtime.lang` to a Python that it takes",
        code="dependency-conflict",
    )


def _disputed(said: Account, asked: Asked) -> TcError | None:
    if not said.disputed:
        return None
    trees = "\n".join(_tree(name, said, asked) for name in said.disputed)
    names = few([f"`{name}`" for name in said.disputed])
    return _error(
        f"no version of {names} suits all who ask for it:\n{trees}",
        asked,
        relax(said, asked.file.name),
        code="dependency-conflict",
    )


def relax(said: Account, file: str) -> str:
    """What to change in the user's `file` so that a version may be found."""
    own = [r for name in said.disputed for who, r in said.askers(name) if not who]
    if own:
        return f"relax {' or '.join(f'`{one}`' for one in own)} in {file}"
    leading = list(dict.fromkeys(r for name in said.disputed for r in roots(name, said)))
    asked = " or ".join(f"`{one}`" for one in leading)
    return f"ask for another version of {asked or 'one of them'} in {file}"


def _no_version(said: Account, asked: Asked) -> TcError | None:
    there = {name_in(one): one for one in said.only}
    wanted = [
        *said.no_version,
        *(r for _, r in said.asks if name_in(r) in there and r not in there),
    ]
    if not wanted:
        return None
    requirement = wanted[0]
    name = name_in(requirement)
    has = f", only {there[name]}" if name in there else ""
    return _error(
        f"no package index has a version that is {requirement}{has}:\n{_tree(name, said, asked)}",
        asked,
        f"ask for a version of `{name}` that is there",
        code="no-such-package",
    )


def _tree(name: str, said: Account, asked: Asked) -> str:
    text = tree(name, said, asked.file.name)
    return "\n".join(f"  {line}" for line in text.splitlines())


def unbuilt(names: Sequence[str], asked: Asked, ended: Ended) -> TcError:
    """`names` have no wheel for this machine, and can't be built on it."""
    listed = few([f"`{name}`" for name in names])
    has = "has" if len(names) == 1 else "have"
    return TcError(
        f"{listed}, which {asked.who} needs, {has} no wheel for {asked.target}, and can't be built "
        f"here:{ended.tail}",
        code="no-wheel",
        where=shown(asked.file),
        hint="ask for a version that has one, or install what the build misses",
    )


def no_wheel(names: Sequence[str], asked: Asked, why: TcError) -> TcError:
    """`names` have no fitting wheel, and the container that should build them failed."""
    listed = few([f"`{name}`" for name in names])
    has = "has" if len(names) == 1 else "have"
    glibc, ways = "", ["ask for a version that has one"]
    if not asked.platform.host:
        glibc = f" with glibc {'.'.join(map(str, asked.system.glibc))}"
        if asked.system == AL2:
            ways.append("set `runtime.lang` to python3.12 or newer, whose glibc is 2.34")
    return TcError(
        f"{listed}, which {asked.who} needs, {has} no wheel for {asked.target}{glibc}, and can't "
        f"be built in a container: {why.message}",
        code="no-wheel",
        where=shown(asked.file),
        hint=", or ".join([*ways, *([why.hint] if why.hint else [])]),
    )
