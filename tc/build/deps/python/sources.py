"""uv's [tool.uv.sources] and workspaces: from where a project takes what it depends on.

Source: "Managing dependencies" and "Using workspaces", uv documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tc.build.deps.python.local import Local, Places, canonical, name_of, project_file
from tc.build.deps.python.requirements import REQUIREMENT, Lines, check_requirement, git_line
from tc.build.words import shown
from tc.errors import TcError


def named_indexes(sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Indexes besides the usual one, which is the one that this machine is set up for."""
    return [
        {"name": str(source["name"]), "url": source["url"]}
        for source in sources
        if source.get("url") and str(source.get("name", "pypi")).lower() != "pypi"
    ]


def workspace_root(directory: Path, top: Path, said: Mapping[str, Any]) -> Path:
    """The directory of the workspace that `directory` is a member of, else itself; `said` is
    its own pyproject.toml, `top` the project, above which nobody looks."""
    if "workspace" in said.get("tool", {}).get("uv", {}):
        return directory
    for above in directory.resolve().parents:
        if not above.is_relative_to(top):
            break
        table = project_file(above).get("tool", {}).get("uv", {}).get("workspace")
        if table is not None:
            inside = directory.resolve().relative_to(above).as_posix()
            return above if _is_member(inside, table) else directory
    return directory


def _is_member(inside: str, workspace: Mapping[str, Any]) -> bool:
    def fits(patterns: Iterable[str]) -> bool:
        return any(fnmatchcase(inside, pattern.rstrip("/")) for pattern in patterns)

    return fits(workspace.get("members") or ()) and not fits(workspace.get("exclude") or ())


def members(root: Path) -> dict[str, Path]:
    """name -> directory of each member of the workspace in `root`; none when it is none."""
    table = project_file(root).get("tool", {}).get("uv", {}).get("workspace")
    if table is None:
        return {}
    found = {canonical(name_of(root)): root} if "project" in project_file(root) else {}
    for pattern in table.get("members") or ():
        for path in sorted(root.glob(pattern)):
            if (path / "pyproject.toml").is_file() and _is_member(
                path.relative_to(root).as_posix(), table
            ):
                found[canonical(name_of(path))] = path
    return found


def apply_sources(
    asked: Iterable[str],
    said: Mapping[str, Any],
    directory: Path,
    root: Path,
    lines: Lines,
    places: Places,
) -> None:
    """Adds to `lines` what is `asked` for (PEP 508), from where `said`, the project's
    pyproject.toml, takes it. Raises TcError for a requirement that is none."""
    own = said.get("tool", {}).get("uv", {}).get("sources", {})
    shared = project_file(root).get("tool", {}).get("uv", {}).get("sources", {})
    known = {canonical(name): source for name, source in {**shared, **own}.items()}
    bases = {canonical(name): directory for name in own}
    file = directory / "pyproject.toml"
    for text in asked:
        check_requirement(text.strip(), file)
        match = REQUIREMENT.match(text.strip())
        assert match is not None
        name = canonical(match["name"])
        source = known.get(name)
        rest = (match["rest"] or "").strip()
        if rest.startswith(("@ file:", "@file:")):
            path = rest[1:].strip().removeprefix("file:").removeprefix("//")
            local = places.local(path, directory, file, name)
            lines.add_local(local, match["extras"] or "", match["marker"] or "")
        elif source is None:
            lines.lines.append(text.strip())
        else:
            for item in source if isinstance(source, list) else [source]:
                base = bases.get(name, root)
                _from(item, match.groupdict(""), base, root, file, lines, places)


def _from(
    item: Mapping[str, Any],
    parts: Mapping[str, str],
    base: Path,
    root: Path,
    file: Path,
    lines: Lines,
    places: Places,
) -> None:
    """Adds one requirement that comes from `item`."""
    name, extras = canonical(parts["name"]), parts["extras"]
    marker = _both(parts["marker"].lstrip("; "), item.get("marker", ""))
    end = f" ; {marker}" if marker else ""
    if "path" in item:
        lines.add_local(places.local(item["path"], base, file, name), extras, marker)
    elif item.get("workspace"):
        lines.add_local(_member(name, root, file, places), extras, marker)
    elif "git" in item:
        lines.lines.append(git_line(name, item, extras, end))
    elif "url" in item:
        lines.lines.append(f"{name}{extras} @ {item['url']}{end}")
    else:
        if "index" in item:
            lines.pinned_to.setdefault(name, []).append(
                {key: item[key] for key in ("index", "marker") if key in item}
            )
        text = f"{name}{extras}{parts['rest']}{end}"
        if text not in lines.lines:
            lines.lines.append(text)


def _member(name: str, root: Path, file: Path, places: Places) -> Local:
    found = members(root)
    if name not in found:
        raise TcError(
            f"`{name}` is no member of the workspace in {shown(root)}",
            code="bad-file",
            where=shown(file),
            hint="look at `tool.uv.workspace.members` there",
        )
    return places.local(str(found[name]), root, file, name)


def _both(one: str, other: str) -> str:
    return f"({one}) and ({other})" if one and other else one or other
