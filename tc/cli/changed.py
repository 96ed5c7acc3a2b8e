"""``tc changed``"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options

if TYPE_CHECKING:
    from tc.release.git import Repo
    from tc.spec.spec import Spec


def changed(
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="REF",
            help="Since HEAD and this branch, tag or commit parted. [default: each topology's "
            "last version]",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every topology of the repository.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """List the topologies of the repository here that have changed, one a line.

    A topology has changed when a commit touched something it is made of: its directory, shared
    functions and libraries, overlays, templates. Nested topologies are part of the one that they
    are nested in. Works offline; what isn't committed doesn't count.
    """
    from tc.cli.run import running
    from tc.errors import UsageError

    with running(as_json=as_json, document=True) as run:
        if since and everything:
            raise UsageError("--since and --all name different topologies", hint="keep one of them")
        names = sorted(_specs()) if everything else _changed(since)
        run.result("\n".join(names), topologies=names)


def _specs() -> dict[str, Spec | None]:
    """Every topology that isn't nested in another; None where its files are wrong."""
    from tc.components import sections
    from tc.load.find import topology_names
    from tc.load.load import load

    found = {
        name: load(file.parent, sections()).spec
        for name, file in topology_names(Path.cwd()).items()
    }
    nested = {
        part.dir.resolve() for spec in found.values() if spec for part in list(spec.family())[1:]
    }
    return {
        name: spec
        for name, spec in found.items()
        if spec is None or spec.dir.resolve() not in nested
    }


def _changed(since: str | None) -> list[str]:
    """Runs git once for each commit that is compared with, not for each topology."""
    from tc.release.closure import closure_of
    from tc.release.git import Repo

    repo = Repo.find(Path.cwd())
    base = _parting(repo, since) if since else None
    specs = _specs()
    bases = dict.fromkeys(specs, base) if base else _last(repo, specs)
    head = repo.head()
    closures = {
        name: closure_of(spec, repo.root)
        for name, spec in specs.items()
        if spec and bases.get(name, head) != head
    }
    # of files that can't be read, and of what has no version yet, all is new
    found = {name for name, spec in specs.items() if spec is None or name not in bases}
    for start in {bases[name] for name in closures}:
        its = {name: one for name, one in closures.items() if bases[name] == start}
        files = repo.changed(
            start, head, sorted({path for one in its.values() for path in one.watched})
        )
        found |= {name for name, one in its.items() if one.only(files)}
    return sorted(found)


def _last(repo: Repo, names: Iterable[str]) -> dict[str, str]:
    """The commit of the last version of each topology that has one."""
    from tc.release.versions import latest_of_each

    return {name: last.sha for name, last in latest_of_each(repo, names).items()}


def _parting(repo: Repo, ref: str) -> str:
    """The commit where HEAD and `ref` parted."""
    from tc.errors import TcError

    known = repo.sha_of(ref)
    try:
        return repo.git("merge-base", known, repo.head()).decode().split()[0]
    except (TcError, IndexError):
        hint = "git fetch --unshallow" if repo.shallow else "name a commit of the same history"
        raise TcError(
            f"HEAD and `{ref}` have no commit in common here", code="no-base", hint=hint
        ) from None
