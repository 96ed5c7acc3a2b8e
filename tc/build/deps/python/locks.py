"""Locks as pinned requirements with hashes: whatever an index has by now, these are installed.

uv.lock goes through ``uv export --frozen``, which reads nothing else; poetry.lock and
Pipfile.lock are read here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tc.build.deps.python.files import Wanted
from tc.build.deps.python.local import canonical
from tc.build.deps.python.poetry import PoetryLock
from tc.build.deps.python.requirements import REQUIREMENT, git_line, local_line, logical
from tc.build.deps.python.shapes import read_lock, read_pipfile_lock, stale_lock

#: words for uv -> what it printed
Uv = Callable[[Sequence[str]], str]


def pinned(wanted: Wanted, environment: Mapping[str, str], uv: Uv) -> list[str]:
    """The requirements that the lock of `wanted` pins; `environment` has PEP 508's variables of
    the platform. Raises TcError for a lock that is older than the project's file."""
    if wanted.kind == "uv":
        return _uv(wanted, uv)
    if wanted.kind == "poetry":
        lock = PoetryLock(wanted.file, read_lock(wanted.file), environment)
        return lock.lines(wanted.lines)
    return _pipenv(wanted)


def _uv(wanted: Wanted, uv: Uv) -> list[str]:
    _check_fresh(wanted)
    words = ["export", "--frozen", "--offline", "--no-emit-project", "--no-header"]
    words += ["--no-annotate", "--no-editable", "--format", "requirements.txt"]
    words += [] if wanted.dev else ["--no-dev", "--no-default-groups"]
    words += ["--project", str(wanted.root)]
    words += ["--package", wanted.member] if wanted.member else []
    names = {local.path: local.name for local in wanted.locals}
    lines = []
    for _, line in logical(uv(words)):
        text, _, marker = line.partition(" ; ")
        path = (wanted.root / text.removeprefix("-e ").removeprefix("file://")).resolve()
        if path in names:
            line = local_line(names[path], path, "", marker)
        lines.append(line)
    return lines


def _check_fresh(wanted: Wanted) -> None:
    """Raises TcError when uv.lock was made for other dependencies than the project now has."""
    from packaging.specifiers import SpecifierSet

    package = _own_package(wanted)
    if package is None:
        return
    locked: dict[str, list[SpecifierSet]] = {}
    metadata = package.get("metadata", {})
    groups = metadata.get("requires-dev", {}).get("dev", []) if wanted.dev else []
    for one in [*metadata.get("requires-dist", []), *groups]:
        said = SpecifierSet(one.get("specifier", ""))
        locked.setdefault(canonical(one["name"]), []).append(said)
    asked = {
        canonical(match["name"]) for line in wanted.lines if (match := REQUIREMENT.match(line))
    }
    # what only an extra asks for is no dependency
    stale = [
        canonical(one["name"])
        for one in metadata.get("requires-dist", [])
        if canonical(one["name"]) not in asked and "extra ==" not in one.get("marker", "")
    ]
    for line in wanted.lines:
        match = REQUIREMENT.match(line)
        name = canonical(match["name"]) if match else line
        rest = "" if match is None or match["rest"].startswith("@") else match["rest"].strip("() ")
        if name not in locked or (rest and SpecifierSet(rest) not in locked[name]):
            stale.append(name)
    if stale:
        raise stale_lock(wanted.file, "pyproject.toml", stale, "uv lock")


def _own_package(wanted: Wanted) -> Mapping[str, Any] | None:
    """What the lock says of the project itself."""
    packages = read_lock(wanted.file).get("package") or []
    for package in packages:
        source = package.get("source", {})
        place = source.get("virtual") or source.get("editable") or source.get("directory")
        own = (
            canonical(package["name"]) == canonical(wanted.member)
            if wanted.member
            else (place == ".")
        )
        if own and place:
            found: Mapping[str, Any] = package
            return found
    return None


def _pipenv(wanted: Wanted) -> list[str]:
    data = read_pipfile_lock(wanted.file)
    made_of = ((data.get("_meta") or {}).get("hash") or {}).get("sha256")
    if made_of and wanted.made_of and made_of != wanted.made_of:
        raise stale_lock(wanted.file, "Pipfile", [], "pipenv lock")
    sections = ["default", *(["develop"] if wanted.dev else [])]
    entries = {n: e for s in sections for n, e in (data.get(s) or {}).items()}
    return [_pipenv_line(name, entry, wanted) for name, entry in sorted(entries.items())]


def _pipenv_line(name: str, entry: Mapping[str, Any], wanted: Wanted) -> str:
    extras = f"[{','.join(entry['extras'])}]" if entry.get("extras") else ""
    end = f" ; {entry['markers']}" if entry.get("markers") else ""
    place = entry.get("path") or entry.get("file")
    if place and "://" not in place:
        path = (wanted.root / place).resolve()
        return local_line(canonical(name), path, extras, entry.get("markers", ""))
    if "git" in entry:
        return git_line(name, entry, extras, end)
    if place:
        return f"{name}{extras} @ {place}{end}"
    hashes = "".join(f" --hash={one}" for one in entry.get("hashes") or [])
    version = entry.get("version", "*")
    return f"{name}{extras}{'' if version == '*' else version}{end}{hashes}"
