"""Python's dependencies: pyproject.toml, requirements.txt and the locks of uv, poetry and
pipenv, installed by uv for the function's Python and CPU.

::

    files         which file counts, and what of it: requirements, sources, local, poetry, shapes
    locks         a lock as pinned requirements: poetry
    installer     wheels by uv, the rest in a container: uv, container, environment
    installed     what came of it, made equal for equal inputs
    faults        what is told when it fails: conflicts

boto3 and botocore are installed as any other package when they are listed: Lambda's own change
when AWS likes, so nothing is left out by itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tc.build.deps import Needs
from tc.build.deps.python.environment import any_applies
from tc.build.deps.python.files import Wanted, wanted
from tc.build.deps.python.local import Local
from tc.build.deps.python.requirements import ARCHIVES, OFFERS, moved_line
from tc.build.tools import Tools
from tc.spec.function import Function
from tc.spec.layer import Package, Platform

#: of what a digest says; another number installs everything anew
_FORMAT = 2


def needs(function: Function, platform: Platform) -> Needs | None:
    """What `function` depends on, None when nothing; reads files, starts nothing."""
    found = wanted(function)
    if found is None or not any_applies(found.lines, platform):
        return None
    return Needs("python", found.file, _digest(found, platform), found)


def _digest(found: Wanted, platform: Platform) -> str:
    """Of all that decides what is installed, and of nothing else: not of where it lies."""
    places = {local.path.as_uri(): f"local:{local.name}" for local in found.locals}
    offers = {f"{OFFERS}{path}" for path in found.offered}
    lines = [moved_line(line, places) for line in found.lines if line not in offers]
    settings = {key: said for key, said in found.settings.items() if key != "find-links"}
    decides: list[Any] = [
        *(_FORMAT, found.kind, found.dev, found.python, found.member),
        [platform.runtime, platform.arch, platform.host],
        # a lock decides alone; what it was made for is compared with it later
        lines if found.kind in ("open", "uv", "poetry") else [],
        list(found.constraints),
        [[local.name, local.built, local.digest()] for local in found.locals],
        list(found.from_source),
        settings,
        found.pinned_to,
        found.made_of,
    ]
    if found.kind == "open":
        decides += [_contents(path) for path in found.offered]
    else:
        decides.append(hashlib.sha256(found.file.read_bytes()).hexdigest())
    if platform.host:
        decides.append(list(os.uname())[-1:])
    text = json.dumps(decides, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _contents(directory: Path) -> list[str]:
    """Names and hashes of the wheels and archives in `directory`."""
    files = sorted(directory.glob("*")) if directory.is_dir() else []
    return [
        f"{file.name} {Local('', file).digest()}" for file in files if file.name.endswith(ARCHIVES)
    ]


def install(
    needs: Needs,
    functions: Sequence[str],
    platform: Platform,
    directory: Path,
    tools: Tools,
) -> tuple[Package, ...]:
    """Installs into the empty `directory`, below ``python/``; see `tc.build.deps.Language`.

    Equal inputs, and an index that has the same, give the same bytes.
    """
    from tc.build.cache import staging
    from tc.build.deps.python.faults import Asked
    from tc.build.deps.python.installed import ROOT, packages, tidy
    from tc.build.deps.python.installer import Installer

    found: Wanted = needs.detail
    asked = Asked(functions, found.file, platform, found.kind != "open")
    site = directory / ROOT
    with staging(tools.cache) as place:
        Installer(found, asked, place, site, tools).run()
    site.mkdir(exist_ok=True)
    tidy(site)
    return packages(site)
