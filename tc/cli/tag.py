"""``tc tag``"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tc.cli import options
from tc.events import Event

if TYPE_CHECKING:
    from tc.cli.project import Project
    from tc.cli.run import Run
    from tc.release.standing import Proposal


#: commits of a version that are told
_SHOWN = 15


class Next(StrEnum):
    """Which part of the version is raised."""

    patch = "patch"
    minor = "minor"
    major = "major"


def tag(
    following: Annotated[
        Next, typer.Option("--next", help="Which part of the version is raised.")
    ] = Next.patch,
    suffix: Annotated[
        str | None,
        typer.Option("--suffix", help="Make it a pre-release: rc1 makes 0.2.0-rc1."),
    ] = None,
    push: Annotated[
        bool,
        typer.Option(
            "--push", help="Push the tag to the branch's remote, else to origin; fetch tags before."
        ),
    ] = False,
    empty: Annotated[
        bool, typer.Option("--allow-empty", help="Also when nothing changed since the last one.")
    ] = False,
    service: options.Service = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the version and make no tag.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Give HEAD the topology's next version: an annotated tag, NAME-MAJOR.MINOR.PATCH.

    Prints the version. It is counted from the highest version in the history of HEAD; the first one
    is the version of topology.yml, else 0.0.1, 0.1.0 or 1.0.0. Refused while files that belong to
    the topology aren't committed. When nothing changed since the last version there is no new tag,
    and that one is printed. The changelog is the tag's message.
    """
    from tc.cli.run import running

    with running(as_json=as_json, document=True) as run:
        from tc.cli.project import open_project
        from tc.release.standing import propose

        project = open_project(run, service, strict=True)
        if push and not dry_run:
            fetch(project)
        proposal = propose(
            project.repo,
            project.closure,
            project.namespace,
            following.value,
            suffix=suffix or "",
            said=project.spec.version,
            empty=empty,
        )
        if proposal is None:
            _tell_unchanged(run, project, push=push and not dry_run)
            return
        tell(run, proposal)
        if not dry_run:
            make_tag(project, proposal, push=push)
        run.result(
            str(proposal.version),
            service=project.namespace,
            version=str(proposal.version),
            tag=proposal.tag,
            sha=proposal.sha,
            made=not dry_run,
            pushed=push and not dry_run,
        )


def fetch(project: Project) -> None:
    """Brings the remote's tags here, so that what was released elsewhere counts.

    Raises TcError ``tag-moved`` when a version's tag here is not the remote's.
    """
    from tc.errors import TcError
    from tc.release.versions import version_of

    repo = project.repo
    for name in repo.fetch_tags():
        if version_of(name, project.namespace):
            remote = repo.remote()
            raise TcError(
                f"the tag `{name}` here is another one than that of the remote `{remote}`",
                code="tag-moved",
                where=str(repo.root),
                hint=f"take that one: git fetch --force {remote} tag {name}",
            )


def make_tag(project: Project, proposal: Proposal, *, push: bool) -> None:
    """Makes the tag, and pushes it; here it is gone again when the remote has another one."""
    from tc.errors import TcError

    project.repo.tag(proposal.tag, proposal.message, proposal.sha)
    if not push:
        return
    try:
        project.repo.push(proposal.tag)
    except TcError as error:
        if error.code == "tag-taken":
            project.repo.delete_tag(proposal.tag)
        raise


def tell(run: Run, proposal: Proposal) -> None:
    """The version that would be tagged, and its commits."""
    from tc.cli.project import commit_data

    count = len(proposal.commits)
    since = f" since {proposal.last.version}" if proposal.last else ""
    commits = "1 commit" if count == 1 else f"{count} commits"
    run.log(f"{proposal.tag} on {proposal.sha[:7]}: {commits}{since}")
    for commit in proposal.commits[:_SHOWN]:
        text = f"  {commit.sha[:7]} {commit.subject}"
        run.emit(Event("log", text, {"text": text, **commit_data(commit)}))
    if count > _SHOWN:
        run.log(f"  and {count - _SHOWN} more: tc changelog --service {proposal.namespace}")


def _tell_unchanged(run: Run, project: Project, *, push: bool) -> None:
    from tc.release.versions import latest

    last = latest(project.repo, project.namespace)
    assert last
    if push:
        # an earlier run may have been stopped before it did
        project.repo.push(last.tag)
    run.log(f"Nothing of {project.namespace} changed since {last.version}: no new tag")
    run.result(
        str(last.version),
        service=project.namespace,
        version=str(last.version),
        tag=last.tag,
        sha=last.sha,
        made=False,
        pushed=push,
    )
