"""requirements.txt: its lines without what doesn't count, other files that it includes, and
the directories of the project that it names."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tc.build.deps.python.local import Local, Places, canonical
from tc.build.deps.python.shapes import line_with
from tc.build.words import shown
from tc.errors import TcError

_COMMENT = re.compile(r"(^|\s)#.*$")
_INCLUDE = re.compile(r"(?:-r|--requirement|-c|--constraint)(?:\s*=\s*|\s+|(?=[^-=\s]))(\S.*)")
_EDITABLE = re.compile(r"(?:-e|--editable)(?:\s*=\s*|\s+)(\S.*)")
#: a name, extras, a version or an address, a marker (PEP 508)
REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?P<extras>\[[^\]]*\])?\s*"
    r"(?P<rest>@\s*\S+|[^;@]*?)\s*(?P<marker>;.*)?\Z"
)
_VERSION = r"(?:===?|~=|!=|<=?|>=?)\s*[\w.*+!-]+"
_PLAIN = re.compile(
    rf"[A-Za-z0-9][\w.-]*(?:\[[\w, .-]*\])?\s*(?:{_VERSION}(?:\s*,\s*{_VERSION})*)?\Z"
)
#: what pip and uv fill in from the environment
_VARIABLE = re.compile(r"\$\{\w+\}")
_PATH = re.compile(r"(?P<path>[^\[;]+?)(?P<extras>\[[^\]]*\])?\s*(?P<marker>;.*)?\Z")
#: of pip alone, or tc's own business
_DROPPED = (
    "--prefer-binary",
    "--only-binary",
    "--use-feature",
    "--require-hashes",
    "--progress-bar",
)
ARCHIVES = (".whl", ".tar.gz", ".zip")
#: begins a line that names a directory, or a page, with wheels
OFFERS = "--find-links "


@dataclass(slots=True)
class Lines:
    """The lines of a requirements file, and what they name: `pinned_to` has the named index
    that a package comes from, `from_source` what must not come as a wheel."""

    lines: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    locals: list[Local] = field(default_factory=list)
    from_source: list[str] = field(default_factory=list)
    pinned_to: dict[str, Any] = field(default_factory=dict)

    @property
    def asks(self) -> bool:
        """Whether anything is asked for: options alone ask for nothing."""
        return any(not line.startswith("-") for line in self.lines)

    def add(self, other: Lines) -> None:
        self.lines += other.lines
        self.constraints += other.constraints
        self.locals += other.locals
        self.from_source += other.from_source
        self.pinned_to |= other.pinned_to

    def add_local(self, local: Local, extras: str = "", marker: str = "") -> None:
        """A dependency that is in the project."""
        self.locals.append(local)
        self.lines.append(local_line(local.name, local.path, extras, marker))


def git_line(name: str, said: Mapping[str, Any], extras: str, end: str) -> str:
    """A requirement that is in the repository ``git``, at ``rev``, ``tag``,
    ``branch`` or ``ref``."""
    revision = next((said[key] for key in ("rev", "tag", "branch", "ref") if said.get(key)), "")
    address = f"git+{said['git'].removeprefix('git+')}" + (f"@{revision}" if revision else "")
    below = said.get("subdirectory")
    return f"{name}{extras} @ {address}" + (f"#subdirectory={below}" if below else "") + end


def local_line(name: str, path: Path, extras: str = "", marker: str = "") -> str:
    text = f"{name}{extras or ''} @ {path.as_uri()}"
    return f"{text} ; {marker.lstrip('; ')}" if marker else text


def check_requirement(text: str, file: Path, line: int = 0) -> None:
    """Raises TcError when `text`, which stands in `file`, is no requirement (PEP 508)."""
    if _PLAIN.match(text):
        return
    # what is plain needn't be looked at by a parser, which takes time to load
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(_VARIABLE.sub("variable", text))
    except InvalidRequirement as error:
        said = masked_address(str(error).partition("\n")[0])
        raise TcError(
            f"this is no requirement: `{masked_address(text)}`: {said[:1].lower()}{said[1:]}",
            code="bad-file",
            where=f"{shown(file)}:{line}" if line else shown(file) + line_with(file, text),
            hint="write a name and a version: requests>=2.32",
        ) from None


def moved_line(line: str, places: Mapping[str, str]) -> str:
    """`line` with another address where `places` has one for its own."""
    head, at, rest = line.partition(" @ ")
    address, semicolon, marker = rest.partition(" ; ")
    return head + at + places.get(address, address) + semicolon + marker


def requirements_file(file: Path, places: Places, project: Callable[[], Lines | None]) -> Lines:
    """What `file` asks for, with the files that it includes; `project` tells what the
    function's own pyproject.toml asks for, in place of a line that names its directory."""
    return _Reading(places, project).read(file, (), constraint=False)


class _Reading:
    def __init__(self, places: Places, project: Callable[[], Lines | None]):
        self._places = places
        self._project = project

    def read(self, file: Path, above: tuple[Path, ...], *, constraint: bool) -> Lines:
        lines = Lines()
        for number, line in logical(_text(file)):
            where = f"{shown(file)}:{number}"
            if match := _INCLUDE.match(line):
                self._include(match, line, file, where, above, lines)
            elif constraint:
                lines.constraints.append(line)
            else:
                self._line(line, file, number, lines)
        return lines

    def _include(
        self,
        match: re.Match[str],
        line: str,
        file: Path,
        where: str,
        above: tuple[Path, ...],
        lines: Lines,
    ) -> None:
        target = (file.parent / match[1].strip().strip("\"'")).resolve()
        if target in above:
            return
        if not target.is_file():
            raise TcError(
                f"it includes {match[1]}, which isn't there",
                code="bad-file",
                where=where,
                hint="mend the path",
            )
        constraint = line.startswith(("-c", "--constraint"))
        lines.add(self.read(target, (*above, file.resolve()), constraint=constraint))

    def _line(self, line: str, file: Path, number: int, lines: Lines) -> None:
        editable = _EDITABLE.match(line)
        if editable:
            line = editable[1].strip()
        if line.startswith(_DROPPED):
            return
        if line.startswith("--no-binary"):
            lines.from_source += [canonical(n) for n in re.split(r"[\s,=]+", line)[1:] if n]
        elif line.startswith("-"):
            lines.lines.append(_option(line, file.parent))
        elif found := self._local(line, file):
            lines.add(found)
        else:
            if not re.match(r"\S+://", line):
                check_requirement(_without_hashes(line), file, number)
            lines.lines.append(line)

    def _local(self, line: str, file: Path) -> Lines | None:
        """`line` when it names something of the project."""
        named = REQUIREMENT.match(line)
        rest = (named["rest"] or "") if named else ""
        if named and rest.startswith("@"):
            address = rest[1:].strip()
            if not address.startswith("file:"):
                return None
            found = Lines()
            local = self._places.local(
                address.removeprefix("file:").removeprefix("//"), file.parent, file, named["name"]
            )
            found.add_local(local, named["extras"] or "", named["marker"] or "")
            return found
        match = _PATH.match(line.removeprefix("file://").removeprefix("file:"))
        if not match or not _is_path(line, match["path"].strip(), file.parent):
            return None
        local = self._places.local(match["path"].strip(), file.parent, file)
        found = Lines()
        if local.path == self._places.dir:
            return self._project() or found
        found.add_local(local, match["extras"] or "", match["marker"] or "")
        return found


def _text(file: Path) -> str:
    """What `file` says; PowerShell's ``>`` writes UTF-16, which pip reads too."""
    data = file.read_bytes()
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        raise TcError(
            "this file isn't UTF-8",
            code="bad-file",
            where=shown(file),
            hint="save it as UTF-8",
        ) from None


def _is_path(line: str, path: str, base: Path) -> bool:
    if "://" in line and not line.startswith("file:"):
        return False
    starts = path.startswith((".", "/")) or line.startswith("file:")
    return starts or path.endswith(ARCHIVES) or ("/" in path and (base / path).exists())


def _without_hashes(line: str) -> str:
    return re.split(r"\s--(?:hash|config-settings?|global-option)\b", line)[0].strip()


def _option(line: str, base: Path) -> str:
    """An option that means the same in any directory."""
    match = re.match(r"(-f|--find-links)(?:\s*=\s*|\s+)(\S+)", line)
    if match and "://" not in match[2]:
        return f"{OFFERS}{(base / match[2]).resolve()}"
    return line


def logical(text: str) -> list[tuple[int, str]]:
    """(number, line) without comments, lines that end with a backslash joined."""
    found: list[tuple[int, str]] = []
    held, begun = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub("", raw).rstrip()
        begun = begun if held else number
        if line.endswith("\\"):
            held += f"{line[:-1].strip()} "
            continue
        whole = (held + line.strip()).strip()
        held = ""
        if whole:
            found.append((begun, whole))
    return [*found, (begun, held.strip())] if held.strip() else found


def masked_address(text: str) -> str:
    """`text` without the user of an address."""
    return re.sub(r"(://)[^/@\s]+@", r"\1***@", text)
