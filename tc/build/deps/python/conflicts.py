"""uv's account of why nothing fits, as a tree of who asks for what, and what to relax."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

#: what uv is told that the user's project is called, where it needs a name
PROJECT = "tc-own-requirements"
_BOX = re.compile(r"[│╰╯├─▶×┬╭]+")
_CLAUSES = re.compile(r"[Bb]ecause (.+?)(?:,? we can conclude|\Z)")
_DEPENDS = re.compile(r"(?:all versions of |any of: |all of: )?(.+?),? depends? on (.+)")
_YOU = re.compile(r"(?:you require|your project (?:depends on|requires)) (.+)")
_PYTHON = re.compile(r"(?:all versions of )?(\S+) (?:requires|depends on) Python ?(\S+)")
_NO_VERSION = re.compile(r"there (?:is|are) no versions? of (.+)")
_ONLY = re.compile(r"only (?:the following versions of \S+ are available: )?(\S+=\S+)")
_UNKNOWN = re.compile(r"(\S+) was not found in")
_NO_WHEEL = re.compile(r"(?:all versions of )?(\S+) ha(?:s|ve) no (?:usable )?wheels")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?(?:[<>=!~*].*)?\Z")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
#: others in which uv speaks of what only a build could give
_BUILDS = (
    re.compile(r"[Ww]heels are required for `([^`@ ]+)"),
    re.compile(r"attempted to build `([^`@ ]+)"),
    re.compile(r"Building source distributions for `([^`@ ]+)"),
    re.compile(r"Failed to build(?: and install)? `([A-Za-z0-9][\w.-]*?)(?:==[^`]*| @ [^`]*)?`"),
)
#: levels of a tree that are drawn; a circle of packages ends there too
_DEPTH = 8


@dataclass(slots=True)
class Account:
    """What uv says. `asks`: (who, requirement), who is empty for the user's own files;
    `python`: (who, versions of Python); `only`: all that there is of a package;
    `no_version`: requirements that no version meets; `unknown`: packages that no index has;
    `no_wheel`: packages without one that fits."""

    asks: list[tuple[str, str]] = field(default_factory=list)
    python: list[tuple[str, str]] = field(default_factory=list)
    only: list[str] = field(default_factory=list)
    no_version: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    no_wheel: list[str] = field(default_factory=list)

    def askers(self, name: str) -> list[tuple[str, str]]:
        """(who, requirement) of all who ask for the package `name`, the user first."""
        found = [ask for ask in self.asks if name_in(ask[1]) == name]
        return sorted(dict.fromkeys(found), key=lambda ask: (bool(ask[0]), ask))

    @property
    def disputed(self) -> list[str]:
        """Packages of which several ask for different versions."""
        names = dict.fromkeys(name_in(requirement) for _, requirement in self.asks)
        return [
            name for name in names if len({r for _, r in self.askers(name) if r != name_in(r)}) > 1
        ]


def name_in(text: str) -> str:
    """The package that ``alpha[x]>=2`` names."""
    match = _NAME.match(text)
    return match[0] if match else text


def account(output: str) -> Account:
    """What uv's `output` says of why nothing fits; empty when it is of something else."""
    found = Account()
    text = " ".join(_BOX.sub(" ", output.partition("\nhint:")[0]).split())
    for chunk in _CLAUSES.findall(text):
        _read(chunk, found)
    for pattern in _BUILDS:
        found.no_wheel += pattern.findall(output)
    found.no_wheel = list(dict.fromkeys(name_in(name) for name in found.no_wheel))
    return found


def _read(chunk: str, found: Account) -> None:
    """Reads clauses that are joined by ``and``; lists in them are too."""
    who: str | None = None
    for piece in re.split(r",? and |, ", chunk):
        if match := _PYTHON.match(piece):
            found.python.append((match[1], match[2]))
            who = None
        elif match := _NO_WHEEL.match(piece):
            found.no_wheel.append(match[1])
            who = None
        elif match := _ONLY.match(piece):
            found.only.append(match[1])
            who = None
        elif match := _NO_VERSION.match(piece):
            found.no_version.append(match[1])
            who = None
        elif match := _UNKNOWN.match(piece):
            found.unknown.append(match[1])
            who = None
        elif match := _YOU.match(piece):
            who = ""
            found.asks += [("", one) for one in _several(match[1])]
        elif match := _DEPENDS.match(piece):
            every = piece.startswith("all versions of ")
            who = f"{match[1]} (every version)" if every else match[1]
            who = "" if name_in(who) == PROJECT else who
            found.asks += [(who, one) for one in _several(match[2])]
        elif who is not None and _REQUIREMENT.match(piece):
            found.asks.append((who, piece))
        else:
            who = None


def _several(text: str) -> list[str]:
    """``base<1`` of itself, and the alternatives of ``one of: base<1 base>3``."""
    if text.startswith("one of: "):
        return [" or ".join(text.removeprefix("one of: ").split())]
    return [text] if _REQUIREMENT.match(text) else []


def tree(name: str, found: Account, file: str) -> str:
    """Who asks for the package `name`, down to the user's `file`, one line each."""
    return "\n".join([name, *_branches(name, found, file, "", ())])


def _branches(
    name: str, found: Account, file: str, indent: str, above: tuple[str, ...]
) -> Iterator[str]:
    askers = found.askers(name) if len(above) < _DEPTH and name not in above else []
    for index, (who, requirement) in enumerate(askers):
        last = index == len(askers) - 1
        verb = "requires" if who else "asks for"
        yield f"{indent}{'└─' if last else '├─'} {who or file} {verb} {requirement}"
        if who:
            deeper = indent + ("   " if last else "│  ")
            yield from _branches(name_in(who), found, file, deeper, (*above, name))


def roots(name: str, found: Account, above: tuple[str, ...] = ()) -> list[str]:
    """What the user asks for that leads to the package `name`."""
    if name in above:
        return []
    names: list[str] = []
    for who, requirement in found.askers(name):
        names += roots(name_in(who), found, (*above, name)) if who else [requirement]
    return list(dict.fromkeys(names))
