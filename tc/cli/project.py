"""The topology as its repository has it: what the commands about versions share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tc.events import Event
from tc.records import dataclass

if TYPE_CHECKING:
    from tc.cli.run import Run
    from tc.release.closure import Closure
    from tc.release.commits import Commit
    from tc.release.git import Repo
    from tc.spec.spec import Spec


@dataclass(frozen=True)
class Project:
    """A topology, its repository, and what of that belongs to it."""

    repo: Repo
    spec: Spec
    closure: Closure

    @property
    def namespace(self) -> str:
        return self.spec.name


def open_project(run: Run, service: str | None, *, strict: bool = False) -> Project:
    """The topology here or called `service`. What is wrong with its files is told in a warning,
    unless `strict`: then it raises InvalidInput with every problem of them.

    Raises TcError ``no-git`` outside of a repository, ``no-commits`` in an empty one.
    """
    from tc.components import sections
    from tc.errors import InvalidInput
    from tc.load.load import find_service, find_topology, load
    from tc.load.locate import locate
    from tc.release.closure import closure_of
    from tc.release.commits import moved
    from tc.release.git import Repo

    here = Path.cwd()
    file = find_service(service, here) if service else find_topology(here)
    directory = file.parent
    repo = Repo.find(directory)
    run.closing.append(repo.running.stop)
    loaded = load(directory, sections())
    errors = [finding for finding in loaded.findings if finding.severity == "error"]
    unnamed = any(finding.address.path == ("name",) for finding in errors)
    if loaded.spec is None or unnamed or (errors and strict):
        raise InvalidInput(locate(loaded.findings))
    if errors:
        text = f"the files here have {len(errors)} problem{'s' if len(errors) != 1 else ''}"
        data = {"code": "invalid", "hint": "`tc validate` tells them", "message": text}
        run.emit(Event("warning", text, data))
    place = (directory.resolve() / file.name).relative_to(repo.root).as_posix()
    closure = moved(repo, closure_of(loaded.spec, repo.root), place)
    return Project(repo, loaded.spec, closure)


def commit_data(commit: Commit) -> dict[str, Any]:
    """A commit as a fact of the stream."""
    return {
        "sha": commit.sha,
        "subject": commit.subject,
        "author": commit.author,
        "kind": commit.kind or None,
        "breaking": commit.breaking or None,
    }
