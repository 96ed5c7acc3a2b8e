"""Poetry's own tables and its lock, in the words of PEP 508.

Sources: "Dependency specification" and "The pyproject.toml file", Poetry documentation;
PEP 440 (versions), PEP 508 (requirements). The lock's format is as Poetry 1.x and 2.x write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tc.build.deps.python.local import Places, canonical
from tc.build.deps.python.requirements import Lines, git_line
from tc.build.deps.python.shapes import bad_file, stale_lock
from tc.build.deps.python.sources import named_indexes
from tc.build.words import shown
from tc.errors import TcError

_PART = re.compile(r"(\^|~=|~|===?|!=|>=|<=|>|<)?\s*([^\s,<>=!~^|]+)")


def poetry_sources(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """[[tool.poetry.source]] as uv's indexes, without the usual index."""
    sources = said.get("tool", {}).get("poetry", {}).get("source") or []
    return named_indexes(sources)


def poetry_groups(poetry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The tables of dependencies for development, those of optional groups left out."""
    yield poetry.get("dev-dependencies") or {}
    for group in (poetry.get("group") or {}).values():
        if not group.get("optional"):
            yield group.get("dependencies") or {}


def poetry_lines(table: Mapping[str, Any], lines: Lines, places: Places, directory: Path) -> None:
    """Adds to `lines` what [tool.poetry.dependencies] asks for."""
    for name, entry in table.items():
        if name == "python":
            continue
        for item in entry if isinstance(entry, list) else [entry]:
            _add(canonical(name), {"version": item} if isinstance(item, str) else item,
                 lines, places, directory)  # fmt: skip


def _add(name: str, item: Mapping[str, Any], lines: Lines, places: Places, directory: Path) -> None:
    if item.get("optional"):
        return
    file = directory / "pyproject.toml"
    extras = f"[{','.join(item['extras'])}]" if item.get("extras") else ""
    marker = item.get("markers", "")
    if "python" in item:
        parts = python_markers(item["python"], file)
        marker = f"({marker}) and ({parts})" if marker and parts else marker or parts
    end = f" ; {marker}" if marker else ""
    if path := item.get("path") or item.get("file"):
        lines.add_local(places.local(path, directory, file, name), extras, marker)
    elif "git" in item:
        lines.lines.append(git_line(name, item, extras, end))
    elif "url" in item:
        lines.lines.append(f"{name}{extras} @ {item['url']}{end}")
    else:
        version = pep440(str(item.get("version", "*")), name, file)
        lines.lines.append(f"{name}{extras}{version}{end}")


def python_markers(text: str, file: Path) -> str:
    """``python = ">=3.9,<3.12"`` of a dependency as a marker."""
    specifiers = [one for one in pep440(text, "python", file).split(",") if one]
    found = []
    for one in specifiers:
        match = re.match(r"(===?|!=|>=|<=|>|<|~=)(.+)", one)
        if match:
            name = "python_version" if match[2].count(".") < 2 else "python_full_version"
            found.append(f'{name} {match[1]} "{match[2]}"')
    return " and ".join(found)


def pep440(text: str, name: str, file: Path) -> str:
    """Poetry's constraint (``^1.2``, ``~1``, ``1.*``) as PEP 440 says it, empty for any."""
    if "||" in text or "|" in text:
        raise TcError(
            f"`{name}` may be of several ranges ({text}), which needs a lock to choose from",
            code="bad-file",
            where=shown(file),
            hint="poetry lock",
        )
    parts = [match.groups() for match in _PART.finditer(text)]
    if any(not re.match(r"v?\d|\*\Z", version) for _, version in parts):
        raise bad_file(file, f"`{text}`, which `{name}` may be, is no version")
    return ",".join(part for sign, version in parts for part in _range(sign, version))


def _range(sign: str | None, version: str) -> list[str]:
    if version == "*":
        return []
    if sign in ("^", "~"):
        numbers = [int(part) for part in re.findall(r"\d+", version.split("-")[0])]
        return [f">={version}", f"<{_next(numbers, sign)}"]
    return [f"{sign or '=='}{version}"]


def _next(numbers: list[int], sign: str) -> str:
    """The first version that no longer fits."""
    if sign == "~":
        at = 1 if len(numbers) > 1 else 0
    else:
        at = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1)
    return ".".join(map(str, [*numbers[:at], numbers[at] + 1]))


class PoetryLock:
    """poetry.lock, and what of it a platform needs.

    `environment` has PEP 508's variables of that platform.
    """

    def __init__(self, file: Path, said: Mapping[str, Any], environment: Mapping[str, str]):
        self._file = file
        self._environment = dict(environment)
        self._hashes = said.get("metadata", {}).get("files") or {}
        self._packages: dict[str, list[Mapping[str, Any]]] = {}
        for package in said.get("package") or []:
            self._packages.setdefault(canonical(package["name"]), []).append(package)

    def lines(self, asked: Iterable[str]) -> list[str]:
        """Pinned requirements, with hashes, for `asked` (PEP 508) and all that these need."""
        from packaging.requirements import Requirement

        todo: list[tuple[str, frozenset[str], str]] = []
        for text in asked:
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate(self._with()):
                todo.append((canonical(one.name), frozenset(one.extras), str(one.specifier)))
                self._check_fresh(canonical(one.name), str(one.specifier))
        found: dict[str, str] = {}
        seen: set[tuple[str, str]] = set()
        while todo:
            name, extras, specifier = todo.pop()
            package = self._choose(name, specifier)
            found[name] = self._line(name, package)
            for extra in ["", *sorted(extras)]:
                if (name, extra) not in seen:
                    seen.add((name, extra))
                    todo += self._needed(package, extra)
        return [found[name] for name in sorted(found)]

    def _with(self, extra: str = "") -> dict[str, str]:
        return {**self._environment, "extra": extra}

    def _choose(self, name: str, specifier: str) -> Mapping[str, Any]:
        """The locked version; of several, the one that this platform and asker take."""
        candidates = self._packages.get(name, [])
        if not candidates:
            raise self._stale(name)
        if len(candidates) == 1:
            return candidates[0]
        fitting = [one for one in candidates if self._fits(one, specifier)]
        return (fitting or candidates)[0]

    def _check_fresh(self, name: str, specifier: str) -> None:
        from packaging.specifiers import SpecifierSet

        version = self._choose(name, specifier)["version"]
        if not SpecifierSet(specifier).contains(version, prereleases=True):
            raise self._stale(name)

    def _stale(self, name: str) -> TcError:
        return stale_lock(self._file, "pyproject.toml", [name], "poetry lock")

    def _fits(self, package: Mapping[str, Any], specifier: str) -> bool:
        from packaging.markers import Marker
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        markers = package.get("markers")
        if isinstance(markers, dict):
            markers = markers.get("main")
        if markers and not Marker(markers).evaluate(self._with()):
            return False
        try:
            return SpecifierSet(specifier).contains(package["version"], prereleases=True)
        except InvalidSpecifier:
            return True

    def _needed(
        self, package: Mapping[str, Any], extra: str
    ) -> Iterator[tuple[str, frozenset[str], str]]:
        """What `package` needs, with its extra `extra` when it isn't empty."""
        from packaging.markers import Marker

        listed = {
            canonical(re.split(r"[\s\[(<>=!~;]", text, maxsplit=1)[0])
            for text in (package.get("extras") or {}).get(extra, [])
        }
        for key, entry in (package.get("dependencies") or {}).items():
            name = canonical(key)
            for item in entry if isinstance(entry, list) else [entry]:
                said = {"version": item} if isinstance(item, str) else item
                marker = said.get("markers", "")
                if said.get("optional") and name not in listed:
                    continue
                if extra and name not in listed:
                    continue
                if marker and not Marker(marker).evaluate(self._with(extra)):
                    continue
                version = pep440(str(said.get("version", "*")).replace("||", ","), name, self._file)
                yield name, frozenset(said.get("extras") or ()), version

    def _line(self, name: str, package: Mapping[str, Any]) -> str:
        source = package.get("source") or {}
        kind = source.get("type", "")
        if kind in ("directory", "file"):
            path = (self._file.parent / source["url"]).resolve()
            return f"{name} @ {path.as_uri()}"
        if kind == "git":
            said = {**source, "git": source["url"], "rev": source["resolved_reference"]}
            return git_line(name, said, "", "")
        files = package.get("files") or self._hashes.get(package["name"]) or []
        hashes = "".join(f" --hash={file['hash']}" for file in files)
        if kind == "url":
            return f"{name} @ {source['url']}{hashes}"
        return f"{name}=={package['version']}{hashes}"
